"""Numbers that numpy has no type for (bfloat16, 8-bit floats, 4 and 2 bits) into and out of ONNX Runtime.

ONNX Runtime's Python gives such outputs as raw bytes or not at all; here they are arrays of the types of `ml_dtypes`,
which the onnx package uses: one number to a byte, where ONNX Runtime has several.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
_PACKED = {
    "tensor(int4)": ("INT4", 4),
    "tensor(uint4)": ("UINT4", 4),
    "tensor(float4e2m1)": ("FLOAT4E2M1", 4),
    "tensor(int2)": ("INT2", 2),
    "tensor(uint2)": ("UINT2", 2),
}
"""Several to a byte: ONNX's name, and how many bits one has."""


def has_odd_types(session: onnxruntime.InferenceSession) -> bool:
    """Whether an input or output is of a type that numpy does not have."""
    kinds = [value.type.lower() for value in (*session.get_inputs(), *session.get_outputs())]
    return any(kind in _ODD or kind in _PACKED for kind in kinds)


def to_value(array: NDArray[Any]) -> Any:
    """An OrtValue on the CPU, of any type that numpy or ml_dtypes has."""
    import numpy as np
    import onnx

    from ganzoo.runtime.ort import onnxruntime

    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    name = onnx.TensorProto.DataType.Name(kind)
    for packed, bits in _PACKED.values():
        if name == packed:
            return _packed(array, kind, bits)
    if name not in _ODD.values():
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    raw = np.ascontiguousarray(array).view(np.uint16 if array.dtype.itemsize == 2 else np.uint8)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(raw, kind)


def to_array(value: Any) -> Any:
    """The numbers of an OrtValue that lies on the CPU; what is no tensor as ONNX Runtime gives it."""
    import numpy as np
    import onnx

    if not value.is_tensor():
        return value
    named = value.data_type().lower()
    kind, bits = _PACKED.get(named, (_ODD.get(named), 0))
    if kind is None:
        return value.numpy()
    dtype = onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, kind))
    shape = tuple(value.shape())
    count = int(np.prod(shape))
    size = -(-count * bits // 8) if bits else count * dtype.itemsize
    content = ctypes.string_at(value.data_ptr(), size) if size else b""
    if bits:
        each = np.frombuffer(content, np.uint8)[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)
        content = _signed((each & (2**bits - 1)).reshape(-1)[:count], dtype, bits).tobytes()
    return np.frombuffer(content, dtype=dtype).reshape(shape)


def _signed(codes: NDArray[Any], dtype: Any, bits: int) -> NDArray[Any]:
    """Codes of a few bits as ml_dtypes keeps them, one to a byte: whole numbers that can be negative are extended."""
    import numpy as np

    if not str(dtype).startswith("int"):
        return codes
    return np.where(codes >= 2 ** (bits - 1), codes.astype(np.int16) - 2**bits, codes).astype(np.int8)


def _packed(array: NDArray[Any], kind: int, bits: int) -> Any:
    """An OrtValue of numbers of a few bits, the first in the lowest bits."""
    import numpy as np

    from ganzoo.runtime.ort import onnxruntime

    value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(list(array.shape), kind)
    codes = np.ascontiguousarray(array).view(np.uint8).reshape(-1) & (2**bits - 1)
    each = np.zeros((-(-codes.size * bits // 8), 8 // bits), np.uint8)
    each.reshape(-1)[: codes.size] = codes
    content = np.bitwise_or.reduce(each << np.arange(0, 8, bits, dtype=np.uint8), axis=1).astype(np.uint8).tobytes()
    if content:
        ctypes.memmove(value.data_ptr(), content, len(content))
    return value


def run_values(
    session: onnxruntime.InferenceSession, names: Sequence[str], feed: Mapping[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """All outputs of one run. Raises what ONNX Runtime raises."""
    if not has_odd_types(session):
        results: list[NDArray[Any]] = session.run(list(names), dict(feed))
        return results
    values = {name: to_value(array) for name, array in feed.items()}
    return [to_array(value) for value in session.run_with_ort_values(list(names), values)]
