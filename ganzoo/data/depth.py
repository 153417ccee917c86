"""More than 8 bits a channel: 16 bits, signed numbers, floats. What becomes black and white follows one stated rule.

full         0 and the largest number that fits its bits; of floats 0 and 1. What has no such range is refused.
minmax       the smallest and the largest number of each picture
LOW,HIGH     these two; what lies beyond is clipped, and counted
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Scale = tuple[float, float] | Literal["full", "minmax"]

_BAND = 2_000_000  # numbers that are scaled at once
_DARK = 8  # so many times smaller than its range: 12 bits in 16 are 16 times


@dataclass(frozen=True, slots=True)
class Depth:
    """What the numbers of a picture are. bits: of an unsigned one, those that carry the full range."""

    kind: Literal["unsigned", "signed", "float"]
    bits: int

    def __str__(self) -> str:
        return f"{self.kind} {self.bits} bit"


def read_scale(text: str) -> Scale:
    """`full`, `minmax`, or two numbers. Raises ValueError for another text."""
    if text in ("full", "minmax"):
        return text  # type: ignore[return-value]
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low = high = float("nan")
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"scale = {text!r}: expected full, minmax, or two numbers LOW,HIGH, as in 0,4095")
    return low, high


def to_eight_bits(values: NDArray[Any], depth: Depth, scale: Scale) -> tuple[NDArray[np.uint8], str]:
    """The numbers of one picture as 0..255, and what is to be said of it: `clipped`, `dark` and its largest, or "".

    Raises ValueError for numbers that are not finite, or that have no full range when that is the rule.
    """
    if depth.kind == "float" and not np.isfinite(values).all():
        raise ValueError("it has values that are not finite")
    smallest, largest = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    note = ""
    if scale == "minmax":
        low, high = (smallest, largest) if largest > smallest else (smallest - 1, smallest + 1)
    elif scale == "full":
        low, high = 0.0, _full_range(depth, smallest, largest)
        if 0 < largest * _DARK < high:
            note = f"dark {largest:g}"
    else:
        low, high = scale
        if smallest < low or largest > high:
            note = "clipped"
    eight = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, _BAND // max(1, values[:1].size))
    for top in range(0, len(values), rows):
        scaled = (values[top : top + rows].astype(np.float64) - low) * 255 / (high - low)
        eight[top : top + rows] = np.floor(scaled + 0.5).clip(0, 255)
    return eight, note


def _full_range(depth: Depth, smallest: float, largest: float) -> float:
    if depth.kind == "unsigned" and depth.bits <= 16:
        return float(2**depth.bits - 1)
    if depth.kind == "float" and smallest >= -1e-6 and largest <= 1 + 1e-6:
        return 1.0
    raise ValueError(
        f"its numbers ({depth}) go from {smallest:g} to {largest:g}, and nobody says what is black and white: "
        "--set data.scale=minmax, or data.scale=LOW,HIGH"
    )
