"""Estimators: a figure with its interval across processes, quantiles with theirs, stalls.

Samples of one process are not independent of each other, processes are: an interval of a figure is taken across
processes, on logarithms, with Student's t. A quantile has an interval of order statistics, and is not stated where
fewer than ten samples lie beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.student import binomial_quantile, t_quantile

LEVEL = 0.95
QUANTILES = (0.5, 0.9, 0.99, 0.999)
STALL = 10.0
"""A sample is a stall from so many medians on."""

_BEYOND = 10  # samples that must lie beyond a quantile for it to be stated


class Figure(NamedTuple):
    """A value and its 95% interval; low and high are None where it cannot be told."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def within(self) -> float | None:
        """Half of the interval's width, relative: 0.02 for 2%."""
        if self.low is None or self.high is None or self.low <= 0:
            return None
        return math.sqrt(self.high / self.low) - 1


def across(values: Sequence[float]) -> Figure:
    """The figure of several processes: the mean of the logarithms of their positive values, with a t interval."""
    if min(values) <= 0:  # of a batch of nothing
        return Figure(float(np.mean(values)))
    logs = np.log(np.asarray(values, dtype=np.float64))
    middle, count = float(logs.mean()), len(logs)
    if count < 2:
        return Figure(math.exp(middle))
    half = t_quantile((1 + LEVEL) / 2, count - 1) * float(logs.std(ddof=1)) / math.sqrt(count)
    return Figure(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def ratio(first: Sequence[float], second: Sequence[float], level: float = LEVEL) -> Figure:
    """What positive values of processes have to those of other ones: of the second to the first, with Welch's interval.

    Two sets differ where the interval does not hold 1. Raises ValueError for fewer than two values on a side.
    """
    sides = [np.log(np.asarray(values, dtype=np.float64)) for values in (first, second)]
    if min(map(len, sides)) < 2:
        raise ValueError("an interval wants two processes on each side")
    middle = float(sides[1].mean() - sides[0].mean())
    shares = [float(side.var(ddof=1)) / len(side) for side in sides]
    together = sum(shares)
    if together == 0:
        return Figure(math.exp(middle), math.exp(middle), math.exp(middle))
    freedom = together**2 / sum(share**2 / (len(side) - 1) for share, side in zip(shares, sides, strict=True))
    half = t_quantile((1 + level) / 2, freedom) * math.sqrt(together)
    return Figure(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def quantile(ordered: NDArray[Any], q: float) -> Figure | None:
    """Of sorted samples, with an interval of order statistics; None where the count cannot carry it."""
    count = len(ordered)
    if count == 0 or (q != 0.5 and count * (1 - q) < _BEYOND * (1 - 1e-9)):
        return None
    value = float(np.quantile(ordered, q))
    low = binomial_quantile((1 - LEVEL) / 2, count, q) - 1
    high = binomial_quantile((1 + LEVEL) / 2, count, q)
    if low < 0 or high >= count:
        return Figure(value)
    return Figure(value, float(ordered[low]), float(ordered[high]))


class Summary(NamedTuple):
    """Of the samples of a case, all processes together. stalls: samples of ten medians and more; stalled: their sum."""

    samples: int
    mean: float
    least: float
    largest: float
    quantiles: dict[str, Figure | None]
    stalls: int
    stalled: float


def summarize(samples: NDArray[Any]) -> Summary:
    """Raises ValueError for no samples."""
    if len(samples) == 0:
        raise ValueError("there are no samples")
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    stalls = ordered[np.searchsorted(ordered, STALL * float(np.quantile(ordered, 0.5))) :]
    return Summary(
        samples=len(ordered),
        mean=float(ordered.mean()),
        least=float(ordered[0]),
        largest=float(ordered[-1]),
        quantiles={quantile_name(q): quantile(ordered, q) for q in QUANTILES},
        stalls=len(stalls),
        stalled=float(stalls.sum()),
    )


def quantile_name(q: float) -> str:
    """`p99.9` of 0.999."""
    return f"p{100 * q:g}"
