"""The figures of a case, from what its processes measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.samples import decode
from ganzoo.runtime.latency.stats import Figure, across, summarize

KINDS = ("host_to_host", "device_resident", "copies")


def main_kind(processes: Sequence[Mapping[str, Any]]) -> str | None:
    """The latency that a case is judged by: on a device that of resident data."""
    if not processes:
        return None
    kinds = processes[0]["series"]
    kind = "device_resident" if "device_resident" in kinds else "host_to_host"
    return kind if all(process["series"][kind]["median_ms"] is not None for process in processes) else None


def figure_of(processes: Sequence[Mapping[str, Any]], scenario: str, *, objective: bool) -> Figure | None:
    """What a case is measured for: median latency in ms, of offline calls a second, of an objective the rate."""
    values = values_of(processes, scenario, objective=objective)
    return across(values) if values else None


def values_of(processes: Sequence[Mapping[str, Any]], scenario: str, *, objective: bool) -> list[float]:
    """The same of each process; none where one of them has none."""
    kind = main_kind(processes)
    if kind is None:
        return []
    series = [process["series"][kind] for process in processes]
    if objective:
        rates = [one["rate"] for one in series]
        return rates if all(rates) else []
    if scenario == "offline":
        return [one["calls"] / one["elapsed_ns"] * 1e9 for one in series]
    return [one["median_ms"] for one in series]


def is_enough(figure: Figure | None, request: Request) -> bool:
    """Whether its interval is as narrow as asked for."""
    return figure is not None and figure.within is not None and figure.within <= request.within


def _across_processes(pooled: Figure, name: str, samples: Sequence[NDArray[Any]]) -> Figure:
    """A quantile of all samples with an interval that holds that of its order statistics and what the processes differ
    by: samples of one depend on each other. One process has none."""
    if len(samples) < 2 or pooled.low is None or pooled.high is None:
        return Figure(pooled.value)
    each = across([float(np.quantile(one, float(name[1:]) / 100)) for one in samples])
    if each.low is None or each.high is None:
        return Figure(pooled.value)
    low, high = each.low / each.value * pooled.value, each.high / each.value * pooled.value
    return Figure(pooled.value, min(pooled.low, low), max(pooled.high, high))


def latency_json(processes: Sequence[Mapping[str, Any]], kind: str, batch: int) -> dict[str, Any] | None:
    """The figures of all samples together; None for a kind that was not measured."""
    series = [process["series"].get(kind) for process in processes]
    if not all(series):
        return None
    found = [one for one in series if one is not None]
    rates = [batch * one["calls"] / one["elapsed_ns"] * 1e9 for one in found]
    samples = [decode(one["samples"]) / 1e6 for one in found]
    summary = summarize(np.concatenate(samples))
    quantiles = {
        name: value and _across_processes(value, name, samples)._asdict()
        for name, value in summary.quantiles.items()
        if name != "p50"
    }
    return {
        "count": summary.samples,
        "median": across([one["median_ms"] for one in found])._asdict(),
        **quantiles,
        "mean": summary.mean,
        "least": summary.least,
        "largest": summary.largest,
        "stalls": summary.stalls,
        "stalled": summary.stalled,
        "pictures_per_second": None if kind == "copies" else across(rates)._asdict(),
    }
