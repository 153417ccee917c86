"""What every metric and every feature network must do, checked by doing it."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from ganzoo.errors import GanzooError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.finding import find_metrics, find_network
from ganzoo.evaluation.metric import NEEDS, Evidence, Latents, Metric, settings_of
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.plugin.registry import Registry
from ganzoo.testing.features import evidence_of

_COUNT, _DIMENSIONS, _CLASSES, _SIDE = 240, 6, 4, 48


class MetricConformance:
    """Subclass it as `Test...`, set `metric`, and pytest runs every check.

    metric: as users type it after --metrics. options: of it, where its defaults need what a test has not.
    """

    metric: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    def found(self) -> Metric:
        """The metric, of ganzoo or of an installed plugin."""
        return find_metrics([self.metric], Registry.load())[0]

    def usable(self, folder: Path, kind: str = "fresh") -> tuple[Metric, Evidence]:
        """The metric and evidence for it; skips where something that it needs is not installed or has no weights."""
        metric = self.found()
        evidence = _evidence(metric, folder, self.options, kind)
        try:
            metric.prepare(evidence)
            metric.measure(evidence)
        except ModuleNotFoundError as error:
            pytest.skip(f"{error}")
        except GanzooError as error:
            if "weights that are not here" not in error.message:
                raise
            pytest.skip(error.message)
        return metric, evidence

    def test_it_declares_what_it_gives_and_needs(self) -> None:
        """Known needs, scores with a direction, and options that a protocol can hold."""
        metric = self.found()
        _require(bool(metric.needs) and set(metric.needs) <= set(NEEDS), f"needs is {metric.needs!r}")
        for name, info in metric.scores.items():
            _require(info.better in ("lower", "higher"), f"{name} is better {info.better!r}")
            _require(info.least <= info.most, f"{name} is from {info.least} to {info.most}")
            _require("@" not in name and name.isidentifier(), f"the score {name!r} is no plain name")
        _require(json.loads(json.dumps(dict(metric.options))) == dict(metric.options), "options are no JSON values")

    def test_it_gives_what_it_declares(self, tmp_path: Path) -> None:
        """Its scores, finite, where they can be, each inside its own interval."""
        metric, evidence = self.usable(tmp_path)
        found = metric.measure(evidence)
        _require(set(found) == set(metric.scores), f"it gives {sorted(found)}, and declares {sorted(metric.scores)}")
        for name, one in found.items():
            info = metric.scores[name]
            _require(isinstance(one, Estimate), f"{name} is {one!r}; expected a ganzoo.Estimate")
            _require(math.isfinite(one.value), f"{name} is {one.value}")
            _require(info.least <= one.value <= info.most, f"{name} is {one.value}, not {info.least} to {info.most}")
            if one.low is not None and one.high is not None:
                _require(one.low <= one.value <= one.high, f"{name} is {one.value}, in {one.low} to {one.high}")

    def test_it_repeats_bit_for_bit(self, tmp_path: Path) -> None:
        """Whatever it draws is drawn by the evidence's seed; other random numbers in between do not matter."""
        metric, evidence = self.usable(tmp_path)
        first = {name: one.to_json() for name, one in metric.measure(evidence).items()}
        np.random.rand(17)
        second = {name: one.to_json() for name, one in self.found().measure(evidence).items()}
        _require(first == second, f"{first} the first time, {second} the second")

    def test_it_leaves_the_evidence_alone(self, tmp_path: Path) -> None:
        """The features are other metrics' too."""
        metric, _ = self.usable(tmp_path)
        evidence = _evidence(metric, tmp_path, self.options, "fresh")
        before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.npy"))}
        metric.measure(evidence)
        _require({path: path.read_bytes() for path in sorted(tmp_path.rglob("*.npy"))} == before, "it changed them")

    def test_it_opens_no_connection(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Weights come from files that were named."""
        metric, evidence = self.usable(tmp_path)

        def refuse(*given: object) -> None:
            raise AssertionError(f"it opens a connection to {given[-1]!r}")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        metric.prepare(evidence)
        metric.measure(evidence)

    def test_something_that_is_worse_is_scored_worse(self, tmp_path: Path) -> None:
        """Each of its scores sees at least one: pictures of another kind, copies, always the same picture."""
        metric, evidence = self.usable(tmp_path)
        good = metric.measure(evidence)
        bad = [metric.measure(_evidence(metric, tmp_path, self.options, kind)) for kind in ("shifted", "copied", "one")]
        for name, info in metric.scores.items():
            values = [one[name].value for one in bad]
            sees = min(values) < good[name].value if info.better == "higher" else max(values) > good[name].value
            _require(sees, f"{name} is {good[name].value} of good pictures, and {values} of bad ones")


def _require(condition: bool, told: str) -> None:
    if not condition:
        pytest.fail(told, pytrace=False)


def _evidence(metric: Metric, folder: Path, stated: Mapping[str, Any], kind: str) -> Evidence:
    """kind: fresh, shifted, copied or one: what is painted."""
    random = np.random.RandomState(0)
    labels = np.arange(_COUNT) % _CLASSES
    real, painted = (random.randn(_COUNT, _DIMENSIONS) + labels[:, None] for _ in range(2))
    logits = np.full((_COUNT, _CLASSES), -5.0)
    logits[np.arange(_COUNT), labels] = 5.0
    if kind == "shifted":
        painted = painted * 1.5 + 6
    elif kind == "copied":
        painted = real.copy()
    elif kind == "one":
        painted, logits = np.repeat(painted[:1], _COUNT, 0) + 1e-3 * painted, np.repeat(logits[:1], _COUNT, 0)
    made = evidence_of(metric, folder, real, painted, logits=logits, labels=(labels, labels), stated=stated)
    pictures = random.randint(0, 256, (8, 3, _SIDE, _SIDE)).astype(np.uint8)
    others = (pictures // 8 * 8) if kind in ("fresh", "copied") else random.randint(0, 256, pictures.shape)

    def batches() -> Any:
        return iter([(others[:5].astype(np.uint8), pictures[:5]), (others[5:].astype(np.uint8), pictures[5:])])

    steepness = 1.0 if kind in ("fresh", "copied") else 8.0
    matrix = random.randn(5, 3 * _SIDE * _SIDE) * steepness

    def paint(latents: NDArray[np.float32], given: NDArray[np.int64] | None) -> NDArray[np.float32]:
        images: NDArray[np.float32] = (128 + latents @ matrix).reshape(-1, 3, _SIDE, _SIDE).astype(np.float32)
        return images

    return Evidence(
        options=settings_of(metric, stated, real=_COUNT, painted=_COUNT), seed=3, network=_Flat(), real=made.real,
        painted=made.painted, partners=batches, way_back=batches, latents=Latents(5, 0, paint),
    )  # fmt: skip


class _Flat(FeatureNetwork):
    """Pictures as they are."""

    name = "flat"

    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        return {"features": pictures.reshape(len(pictures), -1)}

    def identity(self) -> Mapping[str, Any]:
        return {}


class FeatureNetworkConformance:
    """Subclass it as `Test...`, set `network`, and pytest runs every check.

    network: as users type it after --features; one whose weights are not here is skipped with its reason.
    options: of a file.
    """

    network: ClassVar[str]
    options: ClassVar[Mapping[str, str]] = {}

    def found(self) -> FeatureNetwork:
        """The network on the CPU; skips the check where it lacks its weights or its package."""
        try:
            return find_network(self.network, self.options, "cpu", Registry.load())
        except ModuleNotFoundError as error:
            pytest.skip(f"{error}")
        except GanzooError as error:
            if "weights that are not here" not in error.message and "of one's own is an ONNX file" not in error.message:
                raise
            pytest.skip(error.message)

    def given(self, network: FeatureNetwork, count: int = 3) -> NDArray[np.float32]:
        """Pictures as it takes them."""
        height, width = network.size or (_SIDE, _SIDE)
        random = np.random.RandomState(0)
        return random.randint(0, 256, (count, 3, height, width)).astype(np.float32)

    def test_it_gives_a_row_for_each_picture(self) -> None:
        """Finite float32; logits where it says that it has classes, and of so many."""
        network = self.found()
        given = self.given(network)
        kept = given.copy()
        found = network.compute(given)
        features = found["features"]
        _require(features.dtype == np.float32 and features.ndim == 2 and len(features) == 3, f"{features.shape}")
        _require(bool(np.isfinite(features).all()), "features are not finite")
        _require(bool((given == kept).all()), "it changes the pictures that it is given")
        _require(
            ("logits" in found) == bool(network.classes), f"classes is {network.classes}, and it gives {set(found)}"
        )
        if network.classes:
            _require(found["logits"].shape == (3, network.classes), f"logits are {found['logits'].shape}")

    def test_a_row_does_not_depend_on_the_others(self) -> None:
        """So that several processes, and batches of any size, give one number."""
        network = self.found()
        given = self.given(network)
        together = network.compute(given)["features"]
        alone = np.concatenate([network.compute(given[index : index + 1])["features"] for index in range(3)])
        scale = float(np.abs(together).max()) or 1.0
        _require(float(np.abs(together - alone).max()) <= 1e-5 * scale, "one picture changes another's features")

    def test_it_repeats_bit_for_bit(self) -> None:
        """On one CPU."""
        network = self.found()
        given = self.given(network)
        first, second = network.compute(given)["features"], self.found().compute(given)["features"]
        _require(bool((first == second).all()), "the same pictures have other features the second time")

    def test_it_sees_the_pictures(self) -> None:
        """Different pictures have different features."""
        network = self.found()
        found = network.compute(self.given(network))["features"]
        _require(bool((found[0] != found[1]).any()), "different pictures have the same features")

    def test_it_says_which_it_is(self) -> None:
        """A name, a size, and what tells it from another, as JSON that does not change."""
        network = self.found()
        _require(bool(network.name) and network.name.isprintable(), f"its name is {network.name!r}")
        first, second = (json.dumps(dict(self.found().identity()), sort_keys=True) for _ in range(2))
        _require(first == second, f"it is {first}, and then {second}")
