"""How much an operator computes and moves, from the shapes of its tensors: a product and a sum are two operations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Shape = Sequence[int]

_CONVOLUTIONS = {"Conv": 1, "FusedConv": 1, "NhwcFusedConv": 1, "ConvInteger": 1, "QLinearConv": 3, "QConv": 3}
"""Where the kernel (out, in / groups, ...) is among the inputs."""

_PRODUCTS = {"MatMul": 1, "FusedMatMul": 1, "MatMulInteger": 1, "DynamicQuantizeMatMul": 1, "QLinearMatMul": 3,
             "MatMulIntegerToFloat": 1}  # fmt: skip
_GENERAL = ("Gemm", "FusedGemm")
_BYTES = {"double": 8, "int64": 8, "uint64": 8, "float": 4, "int32": 4, "uint32": 4, "float16": 2, "bfloat16": 2,
          "int16": 2, "uint16": 2, "bool": 1, "int8": 1, "uint8": 1}  # fmt: skip


def operations(
    operator: str, inputs: Sequence[Shape | None], outputs: Sequence[Shape], attributes: Mapping[str, Any]
) -> float | None:
    """Of one run of a node; None for operators whose time is not of arithmetic, or whose shapes are not known.

    inputs: by place, weights too; None for one that is not known.
    """
    if not outputs or not inputs or inputs[0] is None:
        return None
    first, out = inputs[0], math.prod(outputs[0])
    if operator in _CONVOLUTIONS:
        kernel = _at(inputs, _CONVOLUTIONS[operator])
        return None if not kernel or not kernel[0] else 2.0 * out * math.prod(kernel) / kernel[0]
    if operator in ("ConvTranspose", "FusedConvTranspose"):
        kernel = _at(inputs, 1)
        return None if not kernel or not kernel[0] else 2.0 * math.prod(first) * math.prod(kernel) / kernel[0]
    if operator in _PRODUCTS and first:
        turned = bool(attributes.get("transA")) and len(first) > 1
        return 2.0 * out * first[-2 if turned else -1]
    if operator in _GENERAL and len(first) == 2:
        return 2.0 * out * first[0 if attributes.get("transA") else 1]
    return None


def moved(tensors: Sequence[tuple[str, Shape]]) -> int:
    """Bytes of tensors by ONNX Runtime's names of their types; a type that has no fixed size counts nothing."""
    return sum(_BYTES.get(kind, 0) * math.prod(shape) for kind, shape in tensors)


def _at(inputs: Sequence[Shape | None], place: int) -> Shape | None:
    return inputs[place] if place < len(inputs) else None
