"""`ganzoo bench` against the tightest hand-written loop: ten interleaved pairs of fresh processes.

The bootstrap interval of the ratio of p50s must lie inside 0.95 to 1.05: the harness adds nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ganzoo
from pairs import compare

TIGHT = Path(__file__).parent / "tight_loop.py"
SECONDS = 10
PAIRS = 10


@pytest.mark.parametrize(("preset", "batch"), [("paper", 1), ("paper", 8), ("tiny", 1)])
def test_harness(preset, batch, tmp_path, report):
    model = tmp_path / "m.onnx"
    assert ganzoo("export", "dcgan", "--untrained", "--preset", preset, "-o", model).returncode == 0

    def ours():
        done = ganzoo("bench", model, "--batch", batch, "--repeats", 1, "--max-time", SECONDS, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["cases"][0]["latency_ms"]["host_to_host"]["p50"]

    def theirs():
        command = [sys.executable, str(TIGHT), str(model), str(batch), str(SECONDS)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    comparison = compare(ours, theirs, pairs=PAIRS)
    report(f"dcgan {preset} batch {batch}", **comparison.facts("p50_ms"), bounds=[0.95, 1.05])
    assert comparison.low >= 0.95 and comparison.high <= 1.05
