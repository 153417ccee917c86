"""Percentiles that the count can carry, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PERCENTILES = (50, 90, 95, 99)
_BEYOND = 10  # samples that must lie beyond a percentile for it to be printed


def percentiles(samples: Sequence[float]) -> dict[str, float | None]:
    """p50, p90, p95, p99; None where fewer than ten samples lie beyond it (p99 needs 1,000)."""
    values = np.asarray(samples, dtype=np.float64)
    result: dict[str, float | None] = {}
    for q in PERCENTILES:
        enough = len(values) > 0 and (q == 50 or len(values) * (100 - q) >= _BEYOND * 100)
        result[f"p{q}"] = float(np.percentile(values, q)) if enough else None
    return result


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """A percentile-bootstrap confidence interval of the geometric mean of positive values."""
    logs = np.log(np.asarray(values, dtype=np.float64))
    random = np.random.RandomState(seed)
    means = logs[random.randint(len(logs), size=(rounds, len(logs)))].mean(1)
    low, high = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return float(np.exp(low)), float(np.exp(high))
