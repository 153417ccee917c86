"""`ganzoo bench` against the tightest hand-written loop: ten interleaved pairs, four fresh processes a side.

The t interval of the ratio of medians must lie inside 0.95 to 1.05: the harness adds nothing.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ganzoo
from pairs import summarize

TIGHT = Path(__file__).parent / "tight_loop.py"
SECONDS = 4  # short: on a shared machine a pair close together in time meets the same neighbours
PAIRS = 10
PROCESSES = 4  # per side of a pair, alternating; a side's figure is the median of its processes


@pytest.mark.parametrize(("preset", "batch"), [("paper", 1), ("paper", 8), ("tiny", 1)])
def test_harness(preset, batch, tmp_path, report):
    model = tmp_path / "m.onnx"
    assert ganzoo("export", "dcgan", "--untrained", "--preset", preset, "-o", model).returncode == 0

    def ours():
        done = ganzoo("bench", model, "--batch", batch, "--repeats", 1, "--seconds", SECONDS - 2.5, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["cases"][0]["latency_ms"]["host_to_host"]["median"]["value"]

    def theirs():
        command = [sys.executable, str(TIGHT), str(model), str(batch), str(SECONDS)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def pair():
        sides = [(ours(), theirs()) if number % 2 else (theirs(), ours())[::-1] for number in range(PROCESSES)]
        return tuple(statistics.median(side) for side in zip(*sides, strict=True))

    comparison = summarize([pair() for _ in range(PAIRS)])
    report(f"dcgan {preset} batch {batch}", **comparison.facts("p50_ms"), bounds=[0.95, 1.05])
    assert comparison.low >= 0.95 and comparison.high <= 1.05
