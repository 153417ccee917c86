"""Comparing two things fairly: in interleaved pairs, by the ratio within each pair."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from ganzoo.runtime.latency.stats import across


@dataclass(frozen=True)
class Comparison:
    """ratio: geometric mean of ours / theirs over the pairs, with its 95% bootstrap interval."""

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    pairs: int

    def facts(self, unit: str) -> dict[str, object]:
        return {
            f"ours_{unit}": round(self.ours, 4),
            f"theirs_{unit}": round(self.theirs, 4),
            "ratio": round(self.ratio, 4),
            "interval": [round(self.low, 4), round(self.high, 4)],
            "pairs": self.pairs,
        }


def compare(ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> Comparison:
    """Each function makes one measurement. Which comes first changes from pair to pair."""
    measured = []
    for number in range(pairs):
        if number % 2:
            second, first = theirs(), ours()
        else:
            first, second = ours(), theirs()
        measured.append((first, second))
    return summarize(measured)


def summarize(measured: list[tuple[float, float]]) -> Comparison:
    """From pairs (ours, theirs)."""
    ratios = [first / second for first, second in measured]
    _, low, high = across(ratios)
    return Comparison(
        ours=statistics.median(first for first, _ in measured),
        theirs=statistics.median(second for _, second in measured),
        ratio=statistics.geometric_mean(ratios),
        low=low,
        high=high,
        pairs=len(measured),
    )
