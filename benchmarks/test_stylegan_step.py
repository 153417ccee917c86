"""Training StyleGAN2: the plugin's operations beside the published reference operations, with the same weights.

Whole steps of the engine, lazy R1 and lazy path length in their turns, sixteen at a time; the first block of both is
also compared, so that it is known that they compute the same.
"""

import time

import pytest
import torch
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.stylegan2 import StyleGAN2
from pairs import compare
from stylegan_reference import use

from ganzoo import DataInfo
from ganzoo.architecture import Batch
from ganzoo.training.engine import Engine

ROUND = 16  # steps until every phase has had its turn
PAIRS = 4
CASES = {"64x64, batch 8": (64, 8, 4096)}  # height, batch, maps_base


def engine(size, batch, base, *, channels_last):
    torch.manual_seed(0)
    config = StyleGAN2Config(maps_base=base, mapping_layers=2, penalty_weight=1.0)
    networks = StyleGAN2(config, DataInfo(channels=3, size=size))
    networks.channels_last = channels_last
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Engine(networks, seed=0, batch_size=batch, device=device)


class Trained:
    """One form: blocks of steps, timed."""

    def __init__(self, case, *, reference="", channels_last=False):
        size, batch, base = CASES[case]
        self.patches = pytest.MonkeyPatch()
        self.reference = reference
        self.engine = engine(size, batch, base, channels_last=channels_last)
        self.real = torch.randint(
            256, (batch, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
        )
        self.done = 0

    def __call__(self, steps=ROUND):
        with self.patches.context() as patches:
            if self.reference:
                use(patches.setattr, grouped=self.reference == "grouped")
            began = time.perf_counter()
            for _ in range(steps):
                self.engine.step(self.done, self.engine.prepare(Batch(real=self.real)))
                self.done += 1
            self.means = self.engine.means()  # waits for the device
            return (time.perf_counter() - began) / steps


@pytest.mark.parametrize("case", CASES)
def test_step(case, report):
    forms = {
        " ".join(filter(None, [reference, "channels_last" if last else "contiguous"])): Trained(
            case, reference=reference, channels_last=last
        )
        for reference in ("grouped", "ungrouped")
        for last in (False, True)
    }
    ours = Trained(case, channels_last=StyleGAN2.channels_last)
    ours(1)
    means = dict(ours.means)
    for other in forms.values():
        other(1)
        assert other.means == pytest.approx(means, rel=1e-3, abs=1e-5)
    seconds = {name: form() for name, form in forms.items()}
    fastest = min(seconds, key=seconds.get)
    comparison = compare(ours, forms[fastest], pairs=PAIRS)
    report(
        f"stylegan2 {case}",
        **comparison.facts("seconds_per_step"),
        against=fastest,
        forms_seconds={name: round(value, 3) for name, value in seconds.items()},
    )
    assert comparison.ratio <= 1.0
