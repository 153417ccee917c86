"""The conformance suites over our own metrics and feature networks, and over those that are planted wrong."""

import numpy as np
import pytest

import ganzoo as gz
from ganzoo.evaluation.own import feature_networks, metrics
from ganzoo.plugin.call import remember
from ganzoo.plugin.installed import SCRIPT, InstalledSpec
from ganzoo.plugin.kinds import METRICS
from ganzoo.plugin.registry import Registry
from ganzoo.testing import FeatureNetworkConformance, MetricConformance


def suite(base, name, **attributes):
    made = type(f"Test_{name.replace('-', '_')}", (base,), attributes)
    return pytest.mark.slow(made)


OPTIONS = {"ppl": {"pairs": 40, "distance": "features"}}
for spec in metrics():
    globals()[f"Test_{spec.name}"] = suite(
        MetricConformance, spec.name, metric=spec.name, options=OPTIONS.get(spec.name, {})
    )
for spec in feature_networks():
    globals()[f"Test_{spec.name}"] = suite(FeatureNetworkConformance, spec.name, network=spec.name)
del spec


class Planted(gz.Metric):
    name = "planted"
    scores = {"planted": gz.ScoreInfo(title="planted", better="lower", least=0, most=1)}  # noqa: RUF012
    wrong = ""

    def measure(self, evidence):
        value = abs(float(evidence.painted.moments().mean.mean()) - float(evidence.real.moments().mean.mean()))
        value = min(1.0, value / 100)
        if self.wrong == "random":
            value = float(np.random.rand())
        elif self.wrong == "beyond":
            value = 2.0
        elif self.wrong == "blind":
            value = 0.5
        elif self.wrong == "writes":
            np.save(evidence.painted.folder / "features.npy", np.zeros((240, 6), np.float32))
        return {"planted": gz.Estimate(value=value)}


CAUGHT = {
    "random": "test_it_repeats_bit_for_bit",
    "beyond": "test_it_gives_what_it_declares",
    "blind": "test_something_that_is_worse_is_scored_worse",
    "writes": "test_it_leaves_the_evidence_alone",
}


@pytest.mark.parametrize("wrong", ["", *CAUGHT])
def test_a_planted_mistake_is_caught_by_its_check(wrong, tmp_path, monkeypatch):
    made = type("Made", (Planted,), {"wrong": wrong})
    remember("planted:Made", made)
    registry = Registry.load()
    offer = gz.MetricSpec(name="planted", summary="planted", implementation="planted:Made")
    registry.add(METRICS, InstalledSpec(spec=offer, distribution=SCRIPT, version=""))
    monkeypatch.setattr(Registry, "load", classmethod(lambda cls, **named: registry))
    checks = type("Checks", (MetricConformance,), {"metric": "planted"})()
    failed = []
    for name in ("test_it_declares_what_it_gives_and_needs", *dict.fromkeys(CAUGHT.values())):
        place = tmp_path / name
        place.mkdir()
        try:
            getattr(checks, name)(*([] if name.endswith("needs") else [place]))
        except pytest.fail.Exception:
            failed.append(name)
    assert (CAUGHT[wrong] in failed) if wrong else not failed
