"""Whether a provider's outputs are those of the CPU provider without optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.latency.request import Check
from ganzoo.runtime.tolerances import PROVIDER, PROVIDER_UINT8, largest_error, peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTISED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger",
     "MatMulInteger", "QLinearAdd", "QLinearMul", "QAttention", "MatMulNBits", "QGemm", "DynamicQuantizeMatMul"}
)  # fmt: skip


class Outcome(NamedTuple):
    """state: ok, unchecked, or differs. error: the largest; bound: on it. snr_db: signal to noise of what differs."""

    state: str
    why: str
    error: float | None = None
    bound: float | None = None
    snr_db: float | None = None

    def to_json(self) -> dict[str, Any]:
        return self._asdict()


def unchecked(file: OnnxFile, check: Check) -> Outcome | None:
    """Why outputs need not be compared at all; None: they are."""
    if check == "off":
        return Outcome("unchecked", "it was switched off")
    if random := file.random_operators():
        return Outcome("unchecked", f"random operators: {', '.join(random)}")
    return None


def compare(
    file: OnnxFile, expected: Sequence[NDArray[Any]], found: Sequence[NDArray[Any]], precision: str, check: Check
) -> Outcome:
    """Of outputs in order. NaN and infinities that both have at the same place are equal."""
    import numpy as np

    error, largest, noise, signal = 0.0, 1.0, 0.0, 0.0
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return Outcome("differs", f"{other.dtype} {list(other.shape)} and not {one.dtype} {list(one.shape)}")
        if one.dtype.kind in "OSU":
            if not np.array_equal(one, other):
                return Outcome("differs", f"outputs of {one.dtype} are not equal")
            continue
        first, second = one.astype(np.float64), other.astype(np.float64)
        same = (first == second) | (np.isnan(first) & np.isnan(second))
        first, second = np.where(same, 0.0, first), np.where(same, 0.0, second)
        error = max(error, largest_error(first, second)) if not np.isnan(first - second).any() else float("nan")
        finite = one.astype(np.float64)[np.isfinite(one.astype(np.float64))]
        largest = max(largest, peak(finite))
        noise += float(np.square(np.nan_to_num(first - second)).sum())
        signal += float(np.square(finite).sum())
    if precision == "int8":
        snr = 10 * float(np.log10(signal / noise)) if noise and signal else None
        return Outcome("unchecked", "int8 rounds by design", None if np.isnan(error) else error, None, snr)
    bound = _bound(file, precision, largest)
    snr = None if not noise or not signal else round(10 * float(np.log10(signal / noise)), 1)
    if error <= bound:
        return Outcome("ok", "against the CPU provider without optimisation", error, bound, snr)
    operators = QUANTISED & set(file.operators())
    if check == "auto" and operators and error == error:  # noqa: PLR0124 - no NaN
        why = f"quantised operators round differently by design: {', '.join(sorted(operators))}"
        return Outcome("unchecked", why, error, bound, snr)
    why = f"outputs differ from the reference by {error:.3g}; the bound is {bound:.3g}"
    return Outcome("differs", why, error if np.isfinite(error) else None, bound, snr)


def difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest absolute difference of two arrays of one shape, 1 for texts that are not equal. NaN of both is equal;
    where only one has it, or an infinity, it is infinite."""
    import numpy as np

    if one.dtype.kind in "OSU":
        return 0.0 if np.array_equal(one, other) else 1.0
    first, second = one.astype(np.float64), other.astype(np.float64)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    error = float(np.abs(np.where(same, 0.0, first) - np.where(same, 0.0, second)).max(initial=0.0))
    return error if np.isfinite(error) else float("inf")


def _bound(file: OnnxFile, precision: str, largest: float) -> float:
    """Largest absolute error by the precision at work. largest: of the outputs, at least 1."""
    if any(spec.dtype == "uint8" for spec in file.output_specs or ()):
        return PROVIDER_UINT8
    halves = file.metadata.get(f"{PREFIX}precision") == "fp16" or any(
        tensor.dtype in ("float16", "bfloat16") for tensor in (*file.inputs, *file.outputs)
    )
    return (
        largest * PROVIDER["fp16" if halves and precision == "file" else "fp32" if precision == "file" else precision]
    )
