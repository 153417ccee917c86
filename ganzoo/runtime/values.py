"""Numbers that numpy has no type for (bfloat16, 8-bit floats) into and out of ONNX Runtime.

ONNX Runtime's Python gives such outputs as raw bytes or not at all; here they are arrays of the types of `ml_dtypes`,
which the onnx package uses.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ExportError

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

_ODD = {
    "tensor(bfloat16)": "BFLOAT16",
    "tensor(float8e4m3fn)": "FLOAT8E4M3FN",
    "tensor(float8e4m3fnuz)": "FLOAT8E4M3FNUZ",
    "tensor(float8e5m2)": "FLOAT8E5M2",
    "tensor(float8e5m2fnuz)": "FLOAT8E5M2FNUZ",
}
_HALVED = ("tensor(int4)", "tensor(uint4)", "tensor(float4e2m1)", "tensor(int2)", "tensor(uint2)")
"""Several to a byte: Python cannot hand them over."""


def has_odd_types(session: onnxruntime.InferenceSession) -> bool:
    """Whether an input or output is of a type that numpy does not have.

    Raises ExportError for one of several numbers to a byte.
    """
    kinds = [(value.name, value.type.lower()) for value in (*session.get_inputs(), *session.get_outputs())]
    for name, kind in kinds:
        if kind in _HALVED:
            raise ExportError(
                f"{name!r} is a {kind}, of which several lie in a byte: ONNX Runtime's Python cannot hand it over.",
                hint="Put a Cast to int8 or float32 at that end of the model.",
            )
    return any(kind in _ODD for _, kind in kinds)


def to_value(array: NDArray[Any]) -> Any:
    """An OrtValue on the CPU, of any type that numpy or ml_dtypes has."""
    import numpy as np
    import onnx

    from ganzoo.runtime.ort import onnxruntime

    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    if onnx.TensorProto.DataType.Name(kind) not in _ODD.values():
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    raw = np.ascontiguousarray(array).view(np.uint16 if array.dtype.itemsize == 2 else np.uint8)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(raw, kind)


def to_array(value: Any) -> Any:
    """The numbers of an OrtValue that lies on the CPU; what is no tensor as ONNX Runtime gives it."""
    import numpy as np
    import onnx

    kind = _ODD.get(value.data_type().lower()) if value.is_tensor() else None
    if kind is None:
        return value.numpy() if value.is_tensor() else value
    dtype = onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, kind))
    shape = tuple(value.shape())
    size = int(np.prod(shape)) * dtype.itemsize
    content = ctypes.string_at(value.data_ptr(), size) if size else b""
    return np.frombuffer(content, dtype=dtype).reshape(shape)


def run_values(
    session: onnxruntime.InferenceSession, names: Sequence[str], feed: Mapping[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """All outputs of one run. Raises what ONNX Runtime raises."""
    if not has_odd_types(session):
        results: list[NDArray[Any]] = session.run(list(names), dict(feed))
        return results
    values = {name: to_value(array) for name, array in feed.items()}
    return [to_array(value) for value in session.run_with_ort_values(list(names), values)]
