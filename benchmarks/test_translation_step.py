"""A training step of CycleGAN at 256x256 beside the usual hand-written one, switch by switch.

The usual one, as most repositories have it: fp32, contiguous, six generator passes, discriminators frozen while the
generators learn, foreach Adam, a pool in a list. The networks are the plugin's in both.
"""

import itertools
import time

import pytest
import torch
from ganzoo_cyclegan.config import CycleGANConfig
from ganzoo_cyclegan.cyclegan import CycleGAN
from pairs import compare
from plain_loops import PlainCycleGAN

from ganzoo import DataInfo
from ganzoo.architecture import Pair
from ganzoo.training.engine import Engine

SIZE = 256
PAIRS = 4
AT_LEAST = {"cpu": 1.2, "cuda": 2.0}

CASES = {
    "as it comes on a CPU (fp32)": {},
    "compile": {"compile": "on"},
    "bf16": {"bf16": True},
    "bf16 and compile": {"bf16": True, "compile": "on"},
}


@pytest.mark.parametrize("case", CASES)
def test_step(case, report):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def build():
        torch.manual_seed(0)
        return CycleGAN(CycleGANConfig(), DataInfo(channels=3, size=SIZE))

    generator = torch.Generator().manual_seed(0)
    shown = [torch.randint(256, (2, 1, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8) for _ in range(4)]
    engine = Engine(build(), seed=0, batch_size=1, device=device, **CASES[case])
    shown_in_turn = itertools.cycle(shown)
    pictures = ([side.to(device).float() / 127.5 - 1 for side in pair] for pair in shown_in_turn)
    usual = PlainCycleGAN(build(), pictures, device)
    done = 0

    def ours():
        nonlocal done
        source, target = shown[done % 4]
        began = time.perf_counter()
        engine.step(done, engine.prepare(Pair(source=source, target=target)))
        engine.means()  # asks the device, as the other does
        done += 1
        return time.perf_counter() - began

    def theirs():
        began = time.perf_counter()
        usual.step()
        return time.perf_counter() - began

    for _ in range(4):  # a compiled step is compiled again when something of it changes for the first time
        ours()
    theirs()
    comparison = compare(ours, theirs, pairs=PAIRS)
    report(f"cyclegan 256, {case}", **comparison.facts("seconds_per_step"), bound=round(1 / AT_LEAST[device.type], 3))
    if case == "bf16":
        assert comparison.ratio <= 1 / AT_LEAST[device.type]
