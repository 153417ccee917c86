"""One case of a result: what its processes measured, as plain values, and the figures from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.runtime.file import PREFIX
from ganzoo.runtime.latency.plan import Case, settings_json
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.samples import decode, encode
from ganzoo.runtime.latency.stats import Figure, across, summarize
from ganzoo.runtime.latency.verdict import judge
from ganzoo.runtime.providers.table import find_provider

KINDS = ("host_to_host", "device_resident", "copies")
State = str


def process_json(answer: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What one process measured, as a result keeps it; all samples are inside."""
    series = {}
    for kind, values in answer["series"].items():
        samples, late = arrays[f"{kind}.samples"], arrays[f"{kind}.late"]
        series[kind] = {
            **values,
            "median_ms": float(np.median(samples)) / 1e6 if len(samples) else None,
            "late_p99_ms": float(np.quantile(late, 0.99)) / 1e6 if len(late) else None,
            "samples": encode(samples),
        }
    keys = (
        "session_seconds",
        "first_run_ms",
        "peak_bytes",
        "device_bytes",
        "feeds",
        "fed_bytes",
        "not_finite",
        "outputs_sha256",
        "runs_differ_by",
    )
    return {**{key: answer[key] for key in keys}, "series": series}


def model_json(case: Case) -> dict[str, Any]:
    """Of the file; hashes are null where it cannot be read."""
    file = case.file
    return {
        "file": case.path.name,
        "bytes": file.size() if file else None,
        "sha256": file.sha256() if file else None,
        "structure_sha256": file.structure_sha256() if file else None,
        "weights_sha256": file.weights_sha256() if file else None,
        "architecture": file.metadata.get(f"{PREFIX}architecture") if file else None,
        "precision": file.metadata.get(f"{PREFIX}precision") if file else None,
    }


def case_json(
    case: Case,
    request: Request,
    model: Mapping[str, Any],
    processes: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    check: Mapping[str, Any] | None,
    *,
    capacity: float | None = None,
    profile: Mapping[str, Any] | None = None,
    picture: str | None = None,
) -> dict[str, Any]:
    """facts: of placement, from the first process. check: of outputs; None where it has not been done yet.

    capacity: calls a second that the sessions can do, where it was measured. profile: where the time goes. picture:
    what it paints.
    """
    load = request.load
    batch = next((shape[0] for shape in case.shapes.values() if shape), 1)
    main = main_kind(processes)
    verdict, reasons = judge(processes, main) if main else (None, [])
    state, why = _state(case, main, verdict, check)
    latency = {kind: latency_json(processes, kind, batch) for kind in KINDS} if main else None
    figure = figure_of(processes, load.scenario, objective=load.objective is not None) if main else None
    return {
        "state": state,
        "why": why,
        "hint": _without_folders(case.error.hint, case) if case.error is not None else "",
        "verdict": verdict,
        "reasons": reasons,
        "ended": _ended(figure, request),
        "model": dict(model),
        "shapes": {name: list(shape) for name, shape in case.shapes.items()},
        "inputs": dict(case.inputs),
        "batch": batch,
        "provider": case.provider,
        "settings": settings_json(case.settings),
        "rate": None if case.rate is None else str(case.rate),
        "capacity_per_second": capacity,
        "figure": None if figure is None else figure._asdict(),
        "latency_ms": latency,
        "placement": {key: facts.get(key) for key in ("nodes", "cpu_shape_nodes", "copies", "bound")},
        "provider_options": dict(facts.get("options") or {}),
        "output_check": dict(check) if check else None,
        "repeatable": _repeatable(processes),
        "profile": dict(profile) if profile else None,
        "picture": picture,
        "build_seconds": processes[0]["session_seconds"] if processes and _builds(case) else None,
        "session_seconds": [process["session_seconds"] for process in processes],
        "first_run_ms": [process["first_run_ms"] for process in processes],
        "peak_bytes": _largest(processes, "peak_bytes"),
        "device_bytes": _largest(processes, "device_bytes"),
        "processes": list(processes),
    }


def _builds(case: Case) -> bool:
    """Whether the first session of the provider builds what the others find."""
    return bool(find_provider(case.provider).build_options)


def _largest(processes: Sequence[Mapping[str, Any]], key: str) -> int | None:
    return max((process.get(key) or 0 for process in processes), default=0) or None


def _repeatable(processes: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Whether one input gives one result: within a process, and in all of them. None for models that are random."""
    known = [one for one in processes if one.get("outputs_sha256")]
    if not known:
        return None
    return {
        "runs_differ_by": max(one["runs_differ_by"] for one in known),
        "results": len({one["outputs_sha256"] for one in known}),
    }


def _ended(figure: Figure | None, request: Request) -> str | None:
    """None where there is no interval, of one process that was asked for alone."""
    if figure is None or (request.repeats == 1 and figure.low is None):
        return None
    return "converged" if is_enough(figure, request) else "cut"


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


def _state(case: Case, main: str | None, verdict: str | None, check: Mapping[str, Any] | None) -> tuple[State, str]:
    if case.error is not None:
        return "failed", _without_folders(case.error.message, case)
    if main is None:
        return "failed", "no process could be measured in time: more --max-time, or fewer cases"
    if check is not None and check["state"] == "differs":
        return "invalid", f"{check['why']}: its latency means nothing until that is understood"
    if verdict == "invalid":
        return "invalid", "the load was not what was asked for"
    if check is None or check["state"] == "unchecked":
        return "unchecked", check["why"] if check else "there was no time to compare its outputs"
    return "ok", ""


def _without_folders(text: str, case: Case) -> str:
    """A message without the folders of the files that were given: they tell who measured, and where."""
    places = [case.path, *case.files.values(), *map(Path, case.settings.libraries)]
    folders = {folder for place in places for folder in (place.parent, place.resolve().parent) if folder.name}
    for folder in sorted(map(str, folders), key=len, reverse=True):
        text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return text


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
