"""Faster, slower, same or undecided: two tests for each pair, and one error for all pairs together.

Of a pair two things can be shown: that its ratio is not 1, and that it is within a margin of 1. Not both of the
hypotheses against them can be true, so that of n pairs at most n are; Holm's procedure with that bound (Shaffer 1986)
keeps the chance of any wrong verdict below 5%, however many pairs there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from ganzoo.runtime.latency.stats import Figure
from ganzoo.student import t_cdf, t_quantile

Verdict = Literal["faster", "slower", "same", "undecided"]

ERROR = 0.05
POWER = 0.9
PAIRED_FROM = 8
"""Rounds in common from which two interleaved runs are compared round by round: with fewer, the degrees of freedom that
this costs outweigh the drift that it takes out. Values of one round go up and down together, so that to compare them as
if they did not is only too careful."""

_MOST_REPEATS = 1000


class Evidence(NamedTuple):
    """Of one pair. log: of the ratio, second to first. error: its standard error. freedom: degrees of.

    spread: of the logarithms between processes. paired: round by round.
    """

    log: float
    error: float
    freedom: float
    spread: float
    paired: bool

    def widened(self, drift: float) -> Evidence:
        """The same with an error that holds a drift of the machine, which cannot be told from a difference."""
        return self._replace(error=math.hypot(self.error, drift)) if drift else self

    def interval(self, level: float) -> Figure:
        """The ratio, and its interval at a level."""
        half = t_quantile((1 + level) / 2, self.freedom) * self.error if self.error else 0.0
        return Figure(math.exp(self.log), math.exp(self.log - half), math.exp(self.log + half))

    def p_different(self) -> float:
        """Of as much difference if there were none."""
        return 2 * self._beyond(abs(self.log))

    def p_same(self, margin: float) -> float:
        """Of being so near to 1 if the ratio were beyond the margin (two one-sided tests). margin: 0.02 for 2%."""
        return self._beyond(math.log1p(margin) - abs(self.log))

    def _beyond(self, distance: float) -> float:
        """The probability that Student's t is beyond a distance in logarithms."""
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        return 1 - t_cdf(distance / self.error, self.freedom)


def evidence(
    first: Sequence[float], second: Sequence[float], rounds: Sequence[Sequence[int]] | None = None
) -> Evidence:
    """From positive values of processes on both sides. rounds: in which each was measured, where the two were
    interleaved. Raises ValueError for fewer than two values on a side."""
    sides = [np.log(np.asarray(values, dtype=np.float64)) for values in (first, second)]
    if min(map(len, sides)) < 2:
        raise ValueError("an interval wants two processes on each side")
    shares = [float(side.var(ddof=1)) / len(side) for side in sides]
    spread = math.sqrt(sum(share * len(side) for share, side in zip(shares, sides, strict=True)) / 2)
    if rounds is not None:
        common = sorted(set(rounds[0]) & set(rounds[1]))
        if len(common) >= PAIRED_FROM:
            one, other = (
                np.array([side[list(of).index(number)] for number in common])
                for side, of in zip(sides, rounds, strict=True)
            )
            apart = other - one
            error = float(apart.std(ddof=1)) / math.sqrt(len(apart))
            return Evidence(float(apart.mean()), error, len(apart) - 1, spread, paired=True)
    together = sum(shares)
    freedom = float(sum(map(len, sides)) - 2)
    if together > 0:
        freedom = together**2 / sum(share**2 / (len(side) - 1) for share, side in zip(shares, sides, strict=True))
    log = float(sides[1].mean() - sides[0].mean())
    return Evidence(log, math.sqrt(together), freedom, spread, paired=False)


class Judged(NamedTuple):
    """verdict: more where the second's figure is larger; the caller knows what is better. p: of the claim, times the
    pairs that could be wrong. repeats: that would probably settle an undecided pair; None for more than 1,000."""

    verdict: Literal["more", "less", "same", "undecided"]
    ratio: Figure
    p: float
    repeats: int | None


def judge(found: Sequence[Evidence], margin: float) -> list[Judged]:
    """Each of several pairs, with one error for all. margin: within which a ratio counts as 1."""
    claims = sorted(
        [(one.p_different(), index, "different") for index, one in enumerate(found)]
        + [(one.p_same(margin), index, "same") for index, one in enumerate(found)]
    )
    shown: dict[int, dict[str, float]] = {index: {} for index in range(len(found))}
    for p, index, claim in claims:
        open_pairs = sum(len(one) < 2 for one in shown.values())
        if p * open_pairs > ERROR:
            break
        shown[index][claim] = p * open_pairs
    level = 1 - ERROR / max(1, len(found))
    return [_judged(one, shown[index], margin, level, len(found)) for index, one in enumerate(found)]


def _judged(one: Evidence, shown: dict[str, float], margin: float, level: float, pairs: int) -> Judged:
    ratio = one.interval(level)
    if "same" in shown:  # a difference within the margin is none that matters
        return Judged("same", ratio, shown["same"], 0)
    if "different" in shown:
        return Judged("more" if one.log > 0 else "less", ratio, shown["different"], 0)
    p = min(1.0, min(one.p_different(), one.p_same(margin)) * pairs)
    return Judged("undecided", ratio, p, repeats_to_settle(one, margin, pairs))


def repeats_to_settle(one: Evidence, margin: float, pairs: int) -> int | None:
    """Processes on each side with which a pair like this one is settled nine times of ten; None for more than 1,000."""
    distances = [abs(one.log), math.log1p(margin) - abs(one.log)]
    needed = [
        _needed(distance, one.spread, ERROR / pairs / sides) for distance, sides in zip(distances, (2, 1), strict=True)
    ]
    known = [count for count in needed if count is not None]
    return min(known) if known else None


def _needed(distance: float, spread: float, error: float) -> int | None:
    def enough(count: int) -> bool:
        freedom = 2.0 * count - 2
        wanted = t_quantile(1 - error, freedom) + t_quantile(POWER, freedom)
        return wanted * spread * math.sqrt(2 / count) <= distance

    if distance <= 0 or not enough(_MOST_REPEATS):
        return None
    low, high = 2, _MOST_REPEATS
    while low < high:  # all that are above one that is enough are, too
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
