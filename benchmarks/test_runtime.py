"""ONNX Runtime against torch in its faster memory format, each measurement in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ganzoo
from pairs import compare

from ganzoo.progress import Silent
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.runner import run

EAGER = Path(__file__).parent / "eager.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "dcgan.onnx"
    assert ganzoo("export", "dcgan", "--untrained", "--preset", "paper", "-o", path).returncode == 0
    return path


@pytest.mark.parametrize("batch", [1, 8, 32])
def test_runtime(model, batch, report):
    def ours():
        request = Request(models=[model], inputs=InputRequest(batches=(batch,)), repeats=1, max_seconds=60.0)
        result = run(request, progress=Silent())
        return result.median_ms()

    def theirs():
        command = [sys.executable, str(EAGER), "paper", str(batch), "6"]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    report(f"dcgan-64 batch {batch}", **compare(ours, theirs, pairs=4).facts("ms"))
