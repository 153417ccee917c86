"""What the provider of a job reaches on this machine at most: with a large matrix product, and a large copy."""

from __future__ import annotations

import time
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.runtime.latency.job import Job
from ganzoo.runtime.session import open_checked, run_session
from ganzoo.scratch import scratch

_SIDE = 1024
_COPIED = 16 * 2**20  # numbers: 64 MB in and out, beyond the caches
_RUNS = 7


def matmul_gflops(job: Job, dtype: str) -> float | None:
    """Of the product of two square matrices of 1024, in 10^9 operations a second; None where it cannot run it."""
    seconds = _fastest(job, "MatMul", [_SIDE, _SIDE], dtype)
    return None if seconds is None else 2.0 * _SIDE**3 / seconds / 1e9


def copy_gbytes(job: Job) -> float | None:
    """Of the negatives of 64 MB, in 10^9 bytes a second, read and written."""
    seconds = _fastest(job, "Neg", [_COPIED], "float32")
    return None if seconds is None else 2.0 * 4 * _COPIED / seconds / 1e9


def _fastest(job: Job, operator: str, shape: list[int], dtype: str) -> float | None:
    """Seconds of the fastest of some runs of a model of one node, its data on the host.

    On a device the copies there and back are part of it, so that it is below what the device itself reaches.
    """
    import numpy as np
    import onnx
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    weights = []
    if operator == "MatMul":
        weights = [onnx.numpy_helper.from_array(np.ones(shape, dtype), "w")]
    node = helper.make_node(operator, ["x", *(weight.name for weight in weights)], ["y"])
    graph = helper.make_graph([node], "limit", inputs, [helper.make_tensor_value_info("y", kind, shape)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    feed: dict[str, Any] = {"x": np.ones(shape, dtype)}
    with scratch("ganzoo-limit-") as folder:
        path = folder / "limit.onnx"
        onnx.save(model, path)
        try:
            session = open_checked(
                path, job.provider, settings=job.settings, device=job.device, precision=job.precision
            ).session
            took = []
            for _ in range(_RUNS):
                began = time.perf_counter()
                run_session(session, feed, path)
                took.append(time.perf_counter() - began)
        except GanzooError:
            return None
    return min(took[1:])
