"""One case of a result: what its processes measured, as plain values, and the figures from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganzoo.runtime.file import PREFIX
from ganzoo.runtime.latency.figures import KINDS, figure_of, is_enough, latency_json, main_kind
from ganzoo.runtime.latency.plan import Case, settings_json
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.stats import Figure, across
from ganzoo.runtime.latency.together import together_json
from ganzoo.runtime.latency.verdict import judge
from ganzoo.runtime.providers.table import find_provider

State = str


def model_json(case: Case) -> dict[str, Any]:
    """Of the file; hashes are null where it cannot be read."""
    file = case.file
    return {
        "file": case.name,
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
    together: Sequence[Mapping[str, Any]] = (),
    beside: int = 0,
) -> dict[str, Any]:
    """facts: of placement, from the first process. check: of outputs; None where it has not been done yet.

    capacity: calls a second that the sessions can do, where it was measured. profile: where the time goes. picture:
    what it paints. together: processes that ran at once with those of other devices, `beside` in all.
    """
    load = request.load
    batch = next((shape[0] for shape in case.shapes.values() if shape), 1)
    main = main_kind(processes)
    verdict, reasons = judge(processes, main) if main else (None, [])
    state, why = _state(case, main, verdict, check, facts)
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
        "device": case.device.to_json() if case.device is not None else None,
        "settings": settings_json(case.settings),
        "rate": None if case.rate is None else str(case.rate),
        "capacity_per_second": capacity,
        "figure": None if figure is None else figure._asdict(),
        "latency_ms": latency,
        "placement": {key: facts.get(key) for key in ("nodes", "cpu_shape_nodes", "copies", "bound", "replayed")},
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
        "joules_per_picture": _joules(processes, main, batch),
        "together": together_json(
            processes, together, scenario=load.scenario, objective=load.objective is not None, batch=batch,
            devices=beside,
        ),
        "processes": list(processes),
    }  # fmt: skip


def _joules(processes: Sequence[Mapping[str, Any]], main: str | None, batch: int) -> dict[str, Any] | None:
    """Energy of the device for each picture, over the processes; None where a device does not tell it."""
    series = [process["series"][main] for process in processes] if main else []
    known = [one for one in series if one["device"] and one["device"]["joules"] and one["calls"]]
    if not known or len(known) < len(series):
        return None
    return across([one["device"]["joules"] / (one["calls"] * max(1, batch)) for one in known])._asdict()


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


def _state(
    case: Case, main: str | None, verdict: str | None, check: Mapping[str, Any] | None, facts: Mapping[str, Any]
) -> tuple[State, str]:
    if case.error is not None:
        return "failed", _without_folders(case.error.message, case)
    if main is None:
        return "failed", "no process could be measured in time: more --max-time, or fewer cases"
    if check is not None and check["state"] == "differs":
        return "invalid", f"{check['why']}: its latency means nothing until that is understood"
    if verdict == "invalid" or facts.get("replayed") is False:
        unlike = "the load was not what was asked for"
        return "invalid", unlike if verdict == "invalid" else "a graph was to be captured, and no run was a replay"
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
