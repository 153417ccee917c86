"""What each switch of the engine is worth on this machine, in interleaved pairs within one process."""

import time
from types import SimpleNamespace

import pytest
import torch
from pairs import compare
from test_training_step import settings_of

from ganzoo.data.batches import Order, Prefetcher
from ganzoo.training.engine import Engine

STEPS = {"digits": 25, "paper": 1}
PAIRS = 8


def stepper(preset, change):
    """A function that takes some steps with an engine changed by `change`, and gives the seconds."""
    config, source, build = settings_of(preset)
    options = SimpleNamespace(channels_last=True, engine={})
    change(options)
    architecture = build()
    type(architecture).channels_last = options.channels_last
    engine = Engine(
        architecture, seed=0, batch_size=config.train.batch_size, device=torch.device("cpu"), **options.engine
    )
    type(architecture).channels_last = True
    if "fused" in vars(options):
        for optimizer in engine.optimizers.values():
            for group in optimizer.inner.param_groups:
                group["fused"], group["foreach"] = False, True
    prefetcher = Prefetcher(source, Order(seed=0, batch_size=config.train.batch_size, lengths=source.lengths))
    done = 0

    def run():
        nonlocal done
        began = time.perf_counter()
        for _ in range(STEPS[preset]):
            engine.step(done, engine.prepare(prefetcher.batch(done)))
            done += 1
        return time.perf_counter() - began

    run(), run()
    return run


def nothing(options): ...


def contiguous(options):
    options.channels_last = False


def foreach(options):
    options.fused = False


def compiled(options):
    options.engine = {"compile": "on"}


def bf16(options):
    options.engine = {"bf16": True}


# What is on by default is compared with it switched off, what is off with it switched on.
CASES = {
    "channels_last": (nothing, contiguous, "on where the architecture allows it"),
    "fused Adam": (nothing, foreach, "on; beside foreach"),
    "compile": (compiled, nothing, "off; a minute before the first step"),
    "bf16": (bf16, nothing, "off on a CPU, on on a GPU of compute 8.0"),
}


@pytest.mark.parametrize("preset", STEPS)
@pytest.mark.parametrize("switch", CASES)
def test_switch(switch, preset, report):
    with_it, without, remark = CASES[switch]
    comparison = compare(stepper(preset, with_it), stepper(preset, without), pairs=PAIRS)
    report(f"{switch}, {preset}", **comparison.facts(f"seconds_per_{STEPS[preset]}_steps"), remark=remark)
    if not remark.startswith("off"):
        assert comparison.low <= 1.02, "a default that loses"
