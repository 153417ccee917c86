"""`--max-time` is a bound whatever is asked for, and the result reads. Marked slow: each sweep takes its whole time."""

import time

import numpy as np
import onnx
import pytest
from onnx import helper
from test_bench import save, save_slow

import ganzoo as gz
from ganzoo.runtime.latency.result import BenchResult

pytestmark = pytest.mark.slow
SECONDS = 12.0
GRACE = 5.0  # of 60 seconds, the issue allows 65


@pytest.fixture
def heavy(tmp_path):
    """200 MB of weights."""
    weights = onnx.numpy_helper.from_array(np.ones((7168, 7168), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return save(tmp_path / "heavy.onnx", nodes, [("x", None, ["n", 7168])], [("y", ["n", 7168])], [weights]).path


@pytest.fixture
def quick(tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    return save(tmp_path / "quick.onnx", nodes, [("x", None, ["n", 8])], [("y", ["n", 8])]).path


def bounded(models, out, **options):
    began = time.monotonic()
    result = gz.bench(models, max_seconds=SECONDS, out=out, **options)
    took = time.monotonic() - began
    assert took <= SECONDS + GRACE, f"{took:.1f} s"
    assert BenchResult.load(out).document == result.document
    return result


def test_hundreds_of_cases(heavy, quick, tmp_path):
    """Most of them are not reached: each says so, and none is forgotten."""
    result = bounded(
        [heavy, quick], tmp_path / "r.json", dims={"batch": list(range(1, 11))}, threads="1,2", optimize="off,all",
        spin="on,off", repeats=5,
    )  # fmt: skip
    assert len(result.cases) == 2 * 10 * 2 * 2 * 2
    measured = [case for case in result.cases if case["state"] != "failed"]
    assert measured and all("in time" in case["why"] for case in result.failed)


def test_a_model_that_does_not_end(quick, tmp_path):
    save_slow(tmp_path / "slow.onnx")
    result = bounded(
        [quick, tmp_path / "slow.onnx"], tmp_path / "r.json", repeats=2,
        profile=True,
    )  # fmt: skip
    assert [case["state"] for case in result.cases] == ["ok", "failed"]


@pytest.mark.parametrize(
    "options",
    [
        {"scenario": "server", "slo": "p99=0.0001ms"}, {"scenario": "server", "rate": "99%"}, {"rotate_mb": 500.0},
        {"instances": 2, "scenario": "offline"}, {"idle_ms": 500.0}, {"cool_to": -300.0},
    ],
)  # fmt: skip
def test_every_load(quick, tmp_path, options):
    try:
        bounded(quick, tmp_path / "r.json", shapes={"x": [4, 8]}, repeats=2, **options)
    except gz.GanzooError as error:
        assert "--cool-to" in error.message  # where no temperature can be read
