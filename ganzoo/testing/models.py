"""Small ONNX models for whoever runs them: the layers that generators are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

Weights = dict[str, Any]


def small_models(folder: Path) -> Iterator[Path]:
    """Files of models with one input `x` whose first dimension is `batch`, written into a folder."""
    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return (random.normal(size=shape) * 0.2).astype(np.float32)

    yield _save(
        folder / "convolutions.onnx",
        [
            helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="conv", pads=[1, 1, 1, 1], strides=[2, 2]),
            helper.make_node("LeakyRelu", ["a"], ["b"], name="leaky", alpha=0.2),
            helper.make_node("ConvTranspose", ["b", "w2"], ["c"], name="transposed", pads=[1, 1, 1, 1], strides=[2, 2]),
            helper.make_node("Tanh", ["c"], ["y"], name="tanh"),
        ],
        {"w1": weight(8, 3, 3, 3), "b1": weight(8), "w2": weight(8, 3, 4, 4)},
        [3, 16, 16],
        [3, 16, 16],
    )
    yield _save(
        folder / "dense.onnx",
        [
            helper.make_node("MatMul", ["x", "w"], ["a"], name="matmul"),
            helper.make_node("Add", ["a", "bias"], ["b"], name="add"),
            helper.make_node("Relu", ["b"], ["c"], name="relu"),
            helper.make_node("Gemm", ["c", "v", "bias"], ["y"], name="gemm"),
        ],
        {"w": weight(24, 24), "v": weight(24, 24), "bias": weight(24)},
        [24],
        [24],
    )
    yield _save(
        folder / "normalised.onnx",
        [
            helper.make_node("InstanceNormalization", ["x", "s", "t"], ["a"], name="norm"),
            helper.make_node("Pad", ["a", "pads"], ["b"], name="pad", mode="reflect"),
            helper.make_node("Conv", ["b", "w"], ["c"], name="conv"),
            helper.make_node("Resize", ["c", "", "scales"], ["d"], name="resize", mode="nearest",
                             coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            helper.make_node("Sigmoid", ["d"], ["y"], name="sigmoid"),
        ],
        {
            "s": np.ones(4, np.float32), "t": np.zeros(4, np.float32), "w": weight(4, 4, 3, 3),
            "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "scales": np.array([1, 1, 2, 2], np.float32),
        },
        [4, 8, 8],
        [4, 16, 16],
    )  # fmt: skip


def partly_possible(folder: Path) -> tuple[Path, str]:
    """A model with a node that hardly a device has a kernel for, and the name of that node."""
    return _save(
        folder / "partly.onnx",
        [
            helper.make_node("MatMul", ["x", "w"], ["a"], name="matmul"),
            helper.make_node("Det", ["a"], ["y"], name="determinant"),
        ],
        {"w": np.eye(4, dtype=np.float32)},
        [4, 4],
        [],
    ), "determinant"


def _save(
    path: Path, nodes: Sequence[onnx.NodeProto], weights: Weights, input_shape: list[int], output_shape: list[int]
) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *input_shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", *output_shape])],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
