"""A case over many results, in order of their dates: where its figure made a step, and by how much.

The unit is the result, not the process: days differ more than the processes of one day. A step is looked for at every
place, and its probability multiplied by their number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganzoo.runtime.comparison.pairing import Side, sides
from ganzoo.runtime.comparison.verdicts import ERROR, Evidence
from ganzoo.runtime.latency.result import BAD_STATES
from ganzoo.runtime.latency.stats import Figure

_LEAST_RESULTS = 4
_LEAST_BESIDE = 2  # on each side of a step: one result alone has no spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One result's figure of a case. build: of ONNX Runtime."""

    result: str
    date: str
    value: float
    processes: int
    build: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """From `before` to its neighbour `after`. ratio: of what follows to what was. changed: what else did there."""

    before: str
    after: str
    ratio: Figure
    p: float
    changed: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One case. more_is_better: of its figure."""

    title: str
    unit: str
    points: list[Point]
    steps: list[Step]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "case": self.title,
            "unit": self.unit,
            "points": [
                {"result": one.result, "date": one.date, "value": one.value, "processes": one.processes}
                for one in self.points
            ],
            "steps": [
                {
                    "before": one.before,
                    "after": one.after,
                    "ratio": one.ratio._asdict(),
                    "p": one.p,
                    "changed": one.changed,
                }
                for one in self.steps
            ],
        }


def stories(documents: Sequence[Mapping[str, Any]], names: Sequence[str], margin: float) -> list[Story]:
    """Every case that is in more than one result. margin: steps within it are not spoken of."""
    order = sorted(range(len(documents)), key=lambda index: (documents[index]["date"], _natural(names[index])))
    series: dict[str, list[Side]] = {}
    for side in sides([documents[index] for index in order]):
        if side.case["state"] not in BAD_STATES and side.values():
            facts = {name: value for name, value in side.facts.items() if name != "model"}
            key = json.dumps([side.case["model"]["file"], facts], sort_keys=True)
            series.setdefault(key, []).append(side)
    found = []
    for several in series.values():
        points = [_point(side, documents[order[side.source]], names[order[side.source]]) for side in several]
        logs = [math.log(point.value) for point in points]
        unit = "a second" if several[0].more_is_better else "ms"
        found.append(Story(title=several[-1].title, unit=unit, points=points, steps=_steps(points, logs, 0, margin)))
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """Of a name, so that `run9` is before `run10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _point(side: Side, document: Mapping[str, Any], name: str) -> Point:
    return Point(
        result=name,
        date=document["date"],
        value=float(side.case["figure"]["value"]),
        processes=len(side.case["processes"]),
        build=str(document["machine"].get("onnxruntime_build") or document["machine"]["onnxruntime"]),
        sha256=side.case["model"]["sha256"],
    )


def _steps(points: Sequence[Point], logs: Sequence[float], start: int, margin: float) -> list[Step]:
    """The clearest step, and then those on both sides of it."""
    if len(logs) < _LEAST_RESULTS:
        return []
    places = range(_LEAST_BESIDE, len(logs) - _LEAST_BESIDE + 1)
    best = min(places, key=lambda place: _rest(logs, place))
    one = _evidence(logs, best)
    p = one.p_different() * len(places)
    if p > ERROR or abs(one.log) < math.log1p(margin):
        return []
    before, after = points[start + best - 1], points[start + best]
    changed = [f"ONNX Runtime: {before.build}, then {after.build}"] if before.build != after.build else []
    changed += ["the file"] if before.sha256 != after.sha256 else []
    step = Step(before=before.result, after=after.result, ratio=one.interval(1 - ERROR), p=p, changed=changed)
    return [
        *_steps(points, logs[:best], start, margin),
        step,
        *_steps(points, logs[best:], start + best, margin),
    ]


def _rest(logs: Sequence[float], place: int) -> float:
    """Squares that are left when each side has its own mean."""
    return sum(float(((side - side.mean()) ** 2).sum()) for side in (np.array(logs[:place]), np.array(logs[place:])))


def _evidence(logs: Sequence[float], place: int) -> Evidence:
    left, right = np.array(logs[:place]), np.array(logs[place:])
    freedom = len(logs) - 2
    spread = math.sqrt(_rest(logs, place) / freedom)
    error = spread * math.sqrt(1 / len(left) + 1 / len(right))
    return Evidence(float(right.mean() - left.mean()), error, freedom, spread, paired=False)
