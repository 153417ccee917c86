"""StyleGAN2 at 256x256, batch 1: ONNX Runtime against the fastest of torch's forms, each in a process of its own."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ganzoo
from pairs import compare
from stylegan_eager import BASE

from ganzoo.progress import Silent
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.runner import run

SIZE = 256
SECONDS = 8
AT_LEAST = 1.5
EAGER = Path(__file__).parent / "stylegan_eager.py"


def eager(form, memory):
    command = [sys.executable, str(EAGER), str(SIZE), form, memory, str(SECONDS)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "generator.onnx"
    done = ganzoo(
        "export", "stylegan2", "--untrained", "--graph", "generator", "-o", path, "--set", f"maps_base={BASE}",
        "--set", f"data.size={SIZE}", "--set", "data.channels=3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


def test_runtime(model, report):
    forms = {form: eager(*form) for form in itertools.product(("shared", "own"), ("contiguous", "channels_last"))}
    fastest = min(forms, key=forms.get)

    def ours():
        inputs = InputRequest(batches=(1,))
        request = Request(models=[model], inputs=inputs, repeats=1, least_seconds=SECONDS, max_seconds=10 * SECONDS)
        return run(request, progress=Silent()).median_ms()

    facts = compare(ours, lambda: eager(*fastest), pairs=10).facts("ms")
    report(f"stylegan2-{SIZE} batch 1", **facts, forms_ms={" ".join(form): round(ms, 1) for form, ms in forms.items()})
    assert facts["ratio"] <= 1 / AT_LEAST
