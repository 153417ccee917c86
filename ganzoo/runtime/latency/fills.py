"""Making up an input that nobody described: by a rule that is stated, or else one that is safe, and said."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.runtime.file import OnnxFile, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMED = ("zeros", "ones", "normal", "uniform")
_RANGE = re.compile(r"(-?[\d.]+(?:e-?\d+)?)\.\.(-?[\d.]+(?:e-?\d+)?)")
_PASS = frozenset({"Cast", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Transpose"})


def check_fill(tensor: Tensor, text: str) -> None:
    """Raises RequestError for a rule that is none. An input of texts takes any text."""
    name = tensor.name
    if text in NAMED or tensor.dtype == "object":
        return
    match = _RANGE.fullmatch(text)
    try:
        if match is not None:
            if not float(match[1]) <= float(match[2]) < math.inf:
                raise ValueError
        elif not math.isfinite(float(text)):
            raise ValueError
    except ValueError:
        raise RequestError(
            f"The fill {text!r} of {name!r} is none of {', '.join(NAMED)}, LOW..HIGH with LOW first, or a number.",
            hint="For example ids=0..30521, mask=1",
        ) from None


def usual_fill(file: OnnxFile, tensor: Tensor) -> str:
    """What is taken where nothing is stated.

    N(0, 1) for floats; whole numbers are often indices, and zero is one; those that are looked up in a table of the
    file are any row of it.
    """
    if tensor.dtype.startswith(("float", "bfloat")):
        return "normal"
    rows = _rows_of(file, tensor.name) if tensor.dtype in ("int32", "int64") else 0
    return f"0..{rows - 1}" if rows > 1 else "zeros"


def made_up(text: str, shape: tuple[int, ...], dtype: Any, seed: int) -> NDArray[Any]:
    """An array by a rule; of whole numbers, both ends of a range are drawn. dtype: numpy's."""
    import numpy as np

    random = np.random.RandomState(seed)
    whole = dtype.kind in "iu"
    if dtype.kind == "O" or dtype.kind in "US":
        return np.full(shape, "" if text in NAMED else text, dtype=object)
    values: Any
    if text == "normal":
        values = random.standard_normal(shape)
    elif text == "uniform":
        values = random.randint(2, size=shape) if dtype.kind in "iub" else random.uniform(size=shape)
    elif (match := _RANGE.fullmatch(text)) is not None:
        low, high = float(match[1]), float(match[2])
        values = (
            random.randint(int(low), int(high) + 1, size=shape, dtype=np.int64)
            if whole
            else random.uniform(low, high, shape)
        )
    else:
        values = np.full(shape, {"zeros": 0.0, "ones": 1.0}.get(text) if text in NAMED else float(text))
    return np.asarray(values).astype(dtype)


def _rows_of(file: OnnxFile, name: str) -> int:
    """Of the smallest table in which an input is looked up by a Gather, as it is or in another shape; 0 for none."""
    tables = {tensor.name: tensor.dims[0] for tensor in file.model.graph.initializer if tensor.dims}
    reached, rows = {name}, list[int]()
    for node in file.model.graph.node:
        if node.op_type in _PASS and node.input and node.input[0] in reached:
            reached.update(node.output)
        elif node.op_type == "Gather" and len(node.input) == 2 and node.input[1] in reached:
            axis = next((item.i for item in node.attribute if item.name == "axis"), 0)
            if axis == 0 and node.input[0] in tables:
                rows.append(int(tables[node.input[0]]))
    return min(rows, default=0)
