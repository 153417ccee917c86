"""The same case on several devices at once: by how much each is slower than alone.

Devices of one machine share its power supply, its cooling, its bus and its processor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.runtime.latency.figures import latency_json, main_kind, values_of
from ganzoo.runtime.latency.stats import Figure, across, ratio


def overlap_of(windows: Sequence[tuple[int, int]], own: tuple[int, int]) -> float:
    """The share of one window, in ns, that lies in all of them."""
    began, ended = max(first for first, _ in windows), min(last for _, last in windows)
    return max(0, ended - began) / max(1, own[1] - own[0])


def together_json(
    alone: Sequence[Mapping[str, Any]], processes: Sequence[Mapping[str, Any]], *, scenario: str, objective: bool,
    batch: int, devices: int,
) -> dict[str, Any] | None:  # fmt: skip
    """What a result says of a case that ran beside the same on other devices; None where it did not.

    slower: time together over time alone, with its interval; of calls a second and of rates the inverse.
    """
    kind = main_kind(processes)
    if kind is None:
        return None
    values, before = (values_of(found, scenario, objective=objective) for found in (processes, alone))
    more_is_better = scenario == "offline" or objective
    pair = (values, before) if more_is_better else (before, values)
    return {
        "devices": devices,
        "figure": across(values)._asdict() if values else None,
        "latency_ms": latency_json(processes, kind, batch),
        "slower": _slower(*pair),
        "overlap": min(process["overlap"] for process in processes),
        "processes": list(processes),
    }


def _slower(less: Sequence[float], more: Sequence[float]) -> dict[str, Any] | None:
    """Of the second to the first; without an interval where a side has one process."""
    if not less or not more:
        return None
    found = ratio(less, more) if min(len(less), len(more)) > 1 else Figure(across(more).value / across(less).value)
    return found._asdict()
