"""Whether a case's numbers can be relied on: valid, noisy or invalid, with reasons. The thresholds are all here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

Verdict = Literal["valid", "noisy", "invalid"]

WAITED = 0.02
"""Of a process's time that its threads, all together, waited for a processor."""

STOLEN = 0.02
THROTTLED = 0.001
OTHERS = 0.1
"""Of one processor's time, by the host, the control group's limit, and other processes."""

CALIBRATION = 0.05
"""By which constant work before and after a measurement, or in two processes of a case, may differ."""

SPREAD = 0.1
"""By which the figures of a case's processes may differ from the middle one."""

LATE = 0.05
LATE_MS = 0.1
"""A generator is late when the 99th percentile of its delay is more than this share of the median latency, and that."""

UNSERVED = 0.0
SERVED = 0.95
"""The share of its rate at least that a server serves, less what chance does to the number of arrivals."""

DEVICE_SLOWED = 0.05
"""Of the readings in which a device's clock was held down by heat, the board, or its power brake."""

DEVICE_CLOCK = 0.1
"""By which a device's clock may differ between readings, or between processes."""

OVERLAP = 0.9
"""The least share of a process's time in which all the others were at work, too, of those that run together."""

_SLOWED = ("hardware slow-down", "software thermal", "hardware thermal", "power brake")

_KEYS = (
    ("waited", WAITED, "threads, taken together, waited for a processor {:.1%} of the time"),
    ("stolen", STOLEN, "the host took {:.1%} of a processor"),
    ("throttled", THROTTLED, "the control group's limit held it back in {:.1%} of the time"),
    ("others", OTHERS, "other processes used {:.0%} of a processor"),
)


def judge(processes: Sequence[Mapping[str, Any]], kind: str) -> tuple[Verdict, list[str]]:
    """Of a case's processes as a result has them. kind: of latency, whose figures are compared."""
    reasons = invalid_reasons(processes, kind)
    if reasons:
        return "invalid", reasons
    reasons = list(_noise(processes, kind))
    return ("noisy" if reasons else "valid"), reasons


def invalid_reasons(processes: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """Why the load was not the one that was asked for."""
    reasons = []
    series = [process["series"][kind] for process in processes]
    unserved = sum(one["unserved"] for one in series)
    if unserved > UNSERVED:
        whole = unserved + sum(one["calls"] for one in series)
        reasons.append(f"overloaded: {unserved:,} of {whole:,} calls were not begun in time; a lower --rate")
    for one in series:
        if one["rate"] and one["elapsed_ns"] and one["calls"]:
            served = one["calls"] / one["elapsed_ns"] * 1e9
            if served < one["rate"] * (SERVED - 3 / math.sqrt(one["calls"])):
                reasons.append(f"overloaded: {one['rate']:,.0f} calls came a second, and {served:,.0f} were served")
                break
    late = max((one["late_p99_ms"] or 0.0 for one in series), default=0.0)
    median = float(np.median([one["median_ms"] for one in series]))
    if late > max(LATE_MS, LATE * median):
        reasons.append(
            f"the generator was late, by {late:.2f} ms at p99: a quieter machine, a lower --rate, or fewer --instances"
        )
    return reasons


def _noise(processes: Sequence[Mapping[str, Any]], kind: str) -> Any:
    for key, most, text in _KEYS:
        found = [process["series"][kind]["disturbance"][key] for process in processes]
        known = [value for value in found if value is not None]
        if known and float(np.median(known)) > most:
            yield text.format(float(np.median(known)))
    works = np.array([process["series"][kind]["calibration_ns"] for process in processes], dtype=np.float64)
    ratio = float((works.max(1) / works.min(1)).max())
    between = float(np.median(works, axis=1).max() / np.median(works, axis=1).min())
    if max(ratio, between) > 1 + CALIBRATION:
        yield f"constant work took up to {max(ratio, between) - 1:.0%} longer at some times than at others"
    figures = np.array([process["series"][kind]["median_ms"] for process in processes])
    apart = float(np.abs(figures / np.median(figures) - 1).max())
    if apart > SPREAD:
        yield f"one of {len(figures)} processes is {apart:.0%} from the middle one"
    if not all(process["series"][kind]["settled"] for process in processes):
        yield "the warm-up did not settle"
    yield from _device_noise([one for process in processes if (one := process["series"][kind]["device"])])


def _device_noise(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the device's own readings say."""
    for reason in _SLOWED:
        shares = [one["reasons"].get(reason, 0.0) for one in found if one["reasons"] is not None]
        if shares and max(shares) > DEVICE_SLOWED:
            yield f"the device was slowed ({reason}) in {max(shares):.0%} of the readings: --cool-to, --lock-clocks"
    clocks = [value for one in found if one["mhz"] for value in (one["mhz"][0], one["mhz"][2])]
    if clocks and max(clocks) > 0 and 1 - min(clocks) / max(clocks) > DEVICE_CLOCK:
        yield f"the device's clock went from {min(clocks):,.0f} to {max(clocks):,.0f} MHz: --lock-clocks"
    if others := max((one["others"] or 0 for one in found), default=0):
        yield f"{others} other process{'es' if others > 1 else ''} had the device open"
