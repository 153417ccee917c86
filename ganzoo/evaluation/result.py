"""What an evaluation found, and the file of it. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, one_line, printable, short
from ganzoo.evaluation.estimates import Estimate
from ganzoo.files import as_object, parse_json, read_text

FORMAT = 1
_KIND = "ganzoo evaluation"
MARK = '<meta name="generator" content="ganzoo evaluate">'
"""What a page of ours begins with."""

_MOST_BYTES = 64 * 2**20
_MOST_SCORES = 10_000
_LARGEST = 1e100


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRecord:
    """One score. name: its key, e.g. `fid` or `frechet@efficientnet-lite0`. metric: what gave it. better: which way.

    repeats: the value of each repetition.
    """

    name: str
    title: str
    metric: str
    better: str
    estimate: Estimate
    repeats: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "metric": self.metric,
            "better": self.better,
            **self.estimate.to_json(),
            "repeats": list(self.repeats),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Scores of one subject under one protocol.

    subject: what was judged, without a path: kind, architecture, step, hash. scores: by name. protocol: what makes them
    comparable. seeds: where each repetition began; empty for a folder. versions: of what computed. classes: of each
    class that was judged by itself, its distance. computed: device, threads, seconds. said: what was told. preset: the
    field's protocol that was asked for.
    """

    subject: Mapping[str, Any]
    scores: Mapping[str, ScoreRecord]
    protocol: Mapping[str, Any]
    seeds: Sequence[int] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, float] = field(default_factory=dict)
    computed: Mapping[str, Any] = field(default_factory=dict)
    said: Sequence[str] = ()
    preset: str = ""

    def __getitem__(self, name: str) -> Estimate:
        """The score of that name, or of that name in the features of whatever network. Raises RequestError."""
        if name in self.scores:
            return self.scores[name].estimate
        found = [key for key in self.scores if key.partition("@")[0] == name]
        if len(found) == 1:
            return self.scores[found[0]].estimate
        raise RequestError(f"There is no score {short(name)}. Scores: {', '.join(self.scores)}.")

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {record.estimate}" for name, record in self.scores.items())
        return f"<Evaluation of {self.subject.get('name', '?')}: {scores}>"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows for a terminal."""
        rows = [
            [
                one.title,
                f"{one.estimate.value:.5g}",
                one.estimate.interval() or "not known",
                one.better,
                one.estimate.method,
            ]
            for one in self.scores.values()
        ]
        return ["score", "value", "95%", "better", "interval of"], rows

    def line(self) -> str:
        """The protocol in one line, by what matters most."""
        painted, real, features = (self.protocol.get(key, {}) for key in ("painted", "real", "features"))
        parts = [f"{painted.get('count', 0):,} painted"]
        if real:
            parts.append(f"{real['count']:,} of {real['of']:,} real, {real['pictures']}")
        if features:
            parts.append(f"{features['network']}, resize {features['resize']}")
        if self.seeds:
            parts.append(f"seeds from {', '.join(map(str, self.seeds))}")
        if painted.get("labels"):
            parts.append(f"labels {painted['labels']}")
        if self.classes:
            worst = max(self.classes, key=lambda name: self.classes[name])
            parts.append(f"worst class {worst}")
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo evaluate --json` prints."""
        return {
            "kind": _KIND,
            "format": FORMAT,
            "subject": dict(self.subject),
            "scores": {name: record.to_json() for name, record in self.scores.items()},
            "classes": dict(self.classes),
            "protocol": dict(self.protocol),
            "seeds": list(self.seeds),
            "versions": dict(self.versions),
            "computed": dict(self.computed),
            "said": list(self.said),
            "preset": self.preset,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Evaluation:
        """Raises ValueError for what is none."""
        if document.get("kind") != _KIND:
            raise ValueError("it is no evaluation of ganzoo's")
        if document.get("format") != FORMAT:
            raise ValueError(f"it has format {short(document.get('format'))}, and this ganzoo reads {FORMAT}")
        scores = as_object(document.get("scores"))
        if len(scores) > _MOST_SCORES:
            raise ValueError(f"it has {len(scores)} scores")
        return cls(
            subject={str(key): value for key, value in as_object(document.get("subject")).items()},
            scores={name: _score(name, as_object(record)) for name, record in scores.items()},
            protocol=as_object(document.get("protocol")),
            seeds=[_number(seed, int) for seed in _listed(document.get("seeds"))],
            versions={key: str(value) for key, value in as_object(document.get("versions")).items()},
            classes={key: _number(value, float) for key, value in as_object(document.get("classes")).items()},
            computed=as_object(document.get("computed")),
            said=[printable(str(line)) for line in _listed(document.get("said"))],
            preset=printable(str(document.get("preset", ""))),
        )


def read_evaluation(path: Path) -> Evaluation:
    """Raises RequestError for a file that is none."""
    try:
        return Evaluation.from_json(as_object(parse_json(read_text(path, most=_MOST_BYTES))))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(
            f"{path} is no evaluation: {one_line(error)}", hint="ganzoo evaluate RUN --data SOURCE -o scores.json"
        ) from None


def _score(name: str, record: Mapping[str, Any]) -> ScoreRecord:
    better = record.get("better")
    if better not in ("lower", "higher"):
        raise ValueError(f"its score {name!r} is better {short(better)}")
    return ScoreRecord(
        name=printable(name),
        title=printable(str(record.get("title", name))),
        metric=printable(str(record.get("metric", ""))),
        better=better,
        estimate=Estimate(
            value=_number(record["value"], float),
            low=_optional(record.get("low")),
            high=_optional(record.get("high")),
            error=_least(record.get("error"), 0.0),
            freedom=_least(record.get("freedom"), 0.5),
            count=_number(record.get("count", 1), int),
            method=printable(str(record.get("method", ""))),
        ),
        repeats=tuple(_number(value, float) for value in _listed(record.get("repeats"))),
    )


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {short(value)}")
    return value


def _optional(value: Any) -> float | None:
    return None if value is None else float(_number(value, float))


def _least(value: Any, least: float) -> float | None:
    found = _optional(value)
    if found is not None and found < least:
        raise ValueError(f"expected a number from {least}, got {short(value)}")
    return found


def _number(value: Any, kind: type) -> Any:
    # Beyond the largest, differences and squares are no numbers any more.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ValueError(f"expected a number, got {short(value)}")
    return kind(value)
