"""How far outputs may differ and still be the same pictures. Torch-free, and the only place that says so.

A float output's bound is multiplied by the largest reference value where that is above 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROOF = {"fp32": 1e-5, "fp16": 2e-2}
"""Of a file on the CPU provider against torch, by the precision of its weights: the least that a bound is."""

PROOF_MOST = {"fp32": 1e-3, "fp16": 2e-2}
"""The most: a network that rounds worse in float32 cannot be proved in it."""

PROOF_TIMES = 8.0
"""In between, so many times torch's own rounding (`ganzoo.exporting.rounding`)."""

PROOF_UINT8 = {"fp32": 1.0, "fp16": 4.0}
"""The same for pixels of 0..255: levels, where a value lies on the border of two."""

PROVIDER = {"fp32": 1e-4, "fp16": 2e-2, "tf32": 2e-2, "bf16": 1e-1}
"""Of a provider, optimised, against the CPU provider without optimisation, by the precision at work."""

PROVIDER_UINT8 = 1.0


def largest_error(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """The largest absolute difference; NaN where there is one; 0 of nothing."""
    import numpy as np

    return float(np.abs(expected.astype(np.float64) - found.astype(np.float64)).max(initial=0.0))


def peak(values: NDArray[Any]) -> float:
    """What a bound is multiplied by: the largest absolute value, at least 1."""
    import numpy as np

    return max(1.0, float(np.abs(values.astype(np.float64)).max(initial=0.0)))
