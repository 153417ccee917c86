"""Going on with a sweep that was ended: what it has measured counts, if it is the same sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.errors import RequestError, short
from ganzoo.runtime.latency import machine
from ganzoo.runtime.latency.plan import Case
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult, protocol_of

_FREE = ("seconds", "max_seconds", "repeats", "within")
"""Of the protocol: what may be another when a sweep goes on."""

_OF_MACHINE = ("cpu", "usable_cpus", "onnxruntime", "onnxruntime_build")


def taken(
    request: Request, cases: Sequence[tuple[Case, Mapping[str, Any]]], before: BenchResult
) -> list[dict[str, Any] | None]:
    """Of each case what an earlier result has. cases: with what a result says of the model.

    Raises RequestError for one of another protocol, or of other files.
    """
    wanted = protocol_of(request, (case.device.key for case, _ in cases if case.device is not None), seconds=0.0)
    had = before.document["protocol"]
    differing = [key for key in wanted if key not in _FREE and had.get(key) != wanted[key]]
    if differing:
        key = differing[0]
        raise RequestError(
            f"The result to go on with was measured with {key} {had.get(key)!r}, and {wanted[key]!r} is asked for.",
            hint="State the same options, or measure anew with another -o.",
        )
    if request.label is not None and request.label != before.document["label"]:
        raise RequestError(
            f"The result to go on with is labelled {short(before.document['label'])}, not {short(request.label)}.",
            hint="Leave --label out, or measure anew with another -o.",
        )
    here, there = machine.record(), before.document["machine"]
    for key in _OF_MACHINE:
        if here.get(key) != there.get(key):
            raise RequestError(
                f"The result to go on with was measured with {key} {short(there.get(key))}, and here it is "
                f"{short(here.get(key))}.",
                hint="Measure anew with another -o; `ganzoo compare --across machine` compares the two.",
            )
    earlier = {_key(case["model"]["file"], case): case for case in before.cases}
    asked = {_key(case.name, case.key()) for case, _ in cases}
    if lost := [case for key, case in earlier.items() if key not in asked]:
        shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in lost[0]["shapes"].items())
        raise RequestError(
            f"The result to go on with has {len(lost)} cases that are not asked for, such as "
            f"{lost[0]['model']['file']} {shapes} on {lost[0]['provider']}.",
            hint="State the same models and options, or measure anew with another -o.",
        )
    found: list[dict[str, Any] | None] = []
    for case, model in cases:
        one = earlier.get(_key(case.name, case.key()))
        if one is not None and case.error is None and one["model"]["sha256"] != model["sha256"]:
            raise RequestError(
                f"{case.name} is another file than the one that was measured.",
                hint="Measure anew with another -o.",
            )
        found.append(one)
    return found


def _key(file: str, case: dict[str, Any]) -> str:
    return str([file, *(case[key] for key in ("shapes", "inputs", "provider", "device", "settings", "rate"))])
