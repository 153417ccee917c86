"""A score and how sure it is. Needs no torch.

t interval      mean +- t(0.975, n - 1) s / sqrt(n)         of independent values
Wilson          of a share k / n, which stays within 0 and 1 (Wilson 1927)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.student import t_quantile

LEVEL = 0.95
_NORMAL = 1e9  # degrees of freedom at which Student's t is the normal distribution
_Z = t_quantile((1 + LEVEL) / 2, _NORMAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number and its 95% interval.

    low, high: None where nothing is known of how sure it is. error: its standard error. freedom: degrees of freedom of
    that error; None: many. count: of what it is the mean. method: how the interval came about, in words.
    """

    value: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    freedom: float | None = None
    count: int = 1
    method: str = ""

    @classmethod
    def of_values(cls, values: Sequence[float], *, method: str, value: float | None = None) -> Estimate:
        """The mean of independent values, with its t interval; value: another centre, as some metrics define theirs."""
        count = len(values)
        mean = math.fsum(values) / count
        centre = mean if value is None else value
        if count < 2 or not math.isfinite(mean):
            return cls(value=centre, count=count)
        error = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (count - 1) / count)
        half = t_quantile((1 + LEVEL) / 2, count - 1) * error
        return cls(
            value=centre, low=centre - half, high=centre + half, error=error, freedom=count - 1, count=count,
            method=method,
        )  # fmt: skip

    @classmethod
    def of_share(cls, hits: float, of: int, *, given: str = "") -> Estimate:
        """A share, with Wilson's interval. given: what else it is of by chance, in words: its interval then holds but a
        part of the uncertainty, and it has no standard error. Raises ValueError for a share of nothing."""
        if of < 1 or not 0 <= hits <= of:
            raise ValueError(f"a share of {hits} of {of}")
        share, spread = hits / of, _Z**2 / of
        middle = (share + spread / 2) / (1 + spread)
        half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / of / 4)
        # Not zero for none and for all: the error of the share that is two hits and two misses nearer the middle.
        nearer = (hits + 2) / (of + 4)
        return cls(
            value=share, low=max(0.0, min(middle - half, share)), high=min(1.0, max(middle + half, share)),
            error=None if given else math.sqrt(nearer * (1 - nearer) / (of + 4)), count=of,
            method=f"Wilson over {of:,}{f', given {given}' if given else ''}",
        )  # fmt: skip

    @classmethod
    def of_repeats(cls, estimates: Sequence[Estimate], *, what: str = "seeds") -> Estimate:
        """The mean of one estimate repeated, as sure as the repetitions agree, and no surer than each says it is."""
        count = len(estimates)
        if count == 1:
            return estimates[0]
        between = cls.of_values([one.value for one in estimates], method=f"t over {count} repeated {what}")
        if estimates[0].error is None and estimates[0].low is not None:
            return between._as_wide_as(estimates)
        errors = [one.error for one in estimates if one.error is not None]
        within = math.sqrt(math.fsum(error**2 for error in errors)) / count if len(errors) == count else 0.0
        if between.error is None or within <= between.error:
            return between
        freedom = sum(one.freedom or _NORMAL for one in estimates)
        half = t_quantile((1 + LEVEL) / 2, freedom) * within
        value, low, high = between.value, between.value - half, between.value + half
        if all(one.low is not None and one.low >= 0 and one.high is not None and one.high <= 1 for one in estimates):
            low, high = max(0.0, low), min(1.0, high)
        return cls(
            value=value, low=low, high=high, error=within, freedom=min(freedom, _NORMAL), count=estimates[0].count,
            method=f"of each of {count} repetitions: {estimates[0].method}",
        )  # fmt: skip

    def _as_wide_as(self, estimates: Sequence[Estimate]) -> Estimate:
        """With an interval no narrower than theirs, whose part of the uncertainty is the same in all repetitions."""
        halves = [(one.high - one.low) / 2 for one in estimates if one.low is not None and one.high is not None]
        own = sum(halves) / len(halves)
        if self.low is None or self.high is None or own > (self.high - self.low) / 2:
            low, high = max(0.0, self.value - own), min(1.0, self.value + own)
            return dataclasses.replace(self, low=low, high=high, error=self.error or None, method=estimates[0].method)
        return self

    def within(self, least: float, most: float) -> Estimate:
        """The same with an interval that ends where the number can."""
        if self.low is None or self.high is None or not least <= self.value <= most:
            return self
        return dataclasses.replace(self, low=max(self.low, least), high=min(self.high, most))

    def interval(self, spec: str = ".4g") -> str:
        """`1.2 to 3.4`; empty where nothing is known."""
        return "" if self.low is None or self.high is None else f"{self.low:{spec}} to {self.high:{spec}}"

    def to_json(self) -> dict[str, Any]:
        """Its fields, for a result."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "error": self.error,
            "freedom": self.freedom,
            "count": self.count,
            "method": self.method,
        }

    def __str__(self) -> str:
        return f"{self.value:.5g} ({self.interval()})" if self.interval() else f"{self.value:.5g}"
