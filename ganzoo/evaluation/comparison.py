"""Better, worse or undecided: two evaluations of one protocol, score by score. Needs no torch.

Welch's test on each score's value and standard error; Holm's correction over the scores, so that the chance of any
wrong verdict is at most 5%. A score without an interval cannot be decided, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.errors import RequestError, first_few, short
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.protocol import LIKE_THE_REAL, differences
from ganzoo.evaluation.result import Evaluation
from ganzoo.student import t_cdf, t_quantile

Verdict = Literal["better", "worse", "undecided"]

ERROR = 0.05
_OF_INCEPTION = frozenset({"fid", "fid_infinity", "fid_classes", "fid_worst_class", "kid", "is"})
_MANY = 1e9  # degrees of freedom of an error that is known


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreVerdict:
    """Of one score. difference: second less first, with its 95% interval where there is one. p: of so much if there
    were none. why: of one that is undecided."""

    name: str
    verdict: Verdict
    first: Estimate
    second: Estimate
    difference: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "first": self.first.to_json(),
            "second": self.second.to_json(),
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "why": self.why,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreComparison:
    """Of two evaluations: the second against the first. noted: what differs and was let pass: seeds, versions."""

    scores: Sequence[ScoreVerdict]
    noted: Mapping[str, tuple[Any, Any]]

    def __getitem__(self, name: str) -> ScoreVerdict:
        found = [one for one in self.scores if name in (one.name, one.name.partition("@")[0])]
        if len(found) != 1:
            raise RequestError(
                f"There is no score {short(name)} in both. Scores: {', '.join(one.name for one in self.scores)}."
            )
        return found[0]

    @property
    def worse(self) -> list[str]:
        """Names of the scores that are worse in the second."""
        return [one.name for one in self.scores if one.verdict == "worse"]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows for a terminal."""
        rows = [
            [
                one.name, one.verdict, f"{one.first.value:.5g}", f"{one.second.value:.5g}",
                "" if one.low is None else f"{one.low:+.4g} to {one.high:+.4g}", one.why,
            ]
            for one in self.scores
        ]  # fmt: skip
        return ["score", "second is", "first", "second", "difference, 95%", ""], rows

    def __str__(self) -> str:
        return "\n".join("  ".join(filter(None, row)) for row in self.table()[1])

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo evaluate --compare --json` prints."""
        return {
            "scores": [one.to_json() for one in self.scores],
            "noted": {key: list(values) for key, values in self.noted.items()},
        }


def compare(first: Evaluation, second: Evaluation) -> ScoreComparison:
    """The second against the first. Raises RequestError for different protocols, which it names, and for none in
    common."""
    common = [name for name in first.scores if name in second.scores]
    if not common:
        raise RequestError(
            f"They have no score in common: {', '.join(first.scores) or 'none'}; {', '.join(second.scores) or 'none'}."
        )
    apart = differences(*(_for_scores(one, common) for one in (first, second)))
    if apart:
        told = [f"{key}: {short(one)} and {short(other)}" for key, (one, other) in apart.items()]
        raise RequestError(
            f"They were not scored alike, and are not compared. {first_few(told, 8, separator='; ')}",
            hint="ganzoo evaluate SUBJECT --like OTHER.json repeats another's protocol.",
        )
    tested = [_tested(name, first.scores[name].estimate, second.scores[name].estimate) for name in common]
    limits = _holm([one.p for one in tested])
    verdicts = [
        _decided(one, second.scores[one.name].better, decided) for one, decided in zip(tested, limits, strict=True)
    ]
    beside = [
        {
            "seeds": list(one.seeds),
            "versions": one.versions,
            "repeats": one.protocol.get("repeats"),
            "scores of one alone": [name for name in one.scores if name not in common],
        }
        for one in (first, second)
    ]
    noted = differences(beside[0], beside[1])
    return ScoreComparison(scores=verdicts, noted=noted)


def _for_scores(evaluation: Evaluation, names: Sequence[str]) -> dict[str, Any]:
    """The protocol, of metrics those alone that gave these scores."""
    metrics = {evaluation.scores[name].metric for name in names}
    protocol = {key: value for key, value in evaluation.protocol.items() if key != "repeats"}
    painted = protocol.get("painted")
    if isinstance(painted, Mapping) and painted.get("labels") == LIKE_THE_REAL:
        protocol["painted"] = {**painted, "labels": ""}  # as a generator without labels: it aims at the same pictures
    if not any("@" in name or name in _OF_INCEPTION for name in names):
        protocol.pop("features", None)
    kept = protocol.get("metrics")
    if isinstance(kept, Mapping):
        protocol["metrics"] = {name: options for name, options in kept.items() if name in metrics}
    return protocol


def _tested(name: str, first: Estimate, second: Estimate) -> ScoreVerdict:
    difference = second.value - first.value
    errors = [one.error for one in (first, second)]
    if errors[0] is None or errors[1] is None:
        why = "its uncertainty is not known: other seeds show it, --repeats 3"
        return ScoreVerdict(name=name, verdict="undecided", first=first, second=second, difference=difference, why=why)
    error = math.hypot(errors[0], errors[1])
    if error == 0.0:  # whatever was repeated gave the same each time
        p = 1.0 if difference == 0 else 0.0
        return ScoreVerdict(
            name=name, verdict="undecided", first=first, second=second, difference=difference, low=difference,
            high=difference, p=p,
        )  # fmt: skip
    parts = [
        (one**2) ** 2 / (estimate.freedom or _MANY)
        for one, estimate in zip((errors[0], errors[1]), (first, second), strict=True)
    ]
    freedom = min(_MANY, error**4 / sum(parts)) if sum(parts) else _MANY
    half = t_quantile(1 - ERROR / 2, freedom) * error
    p = 2 * (1 - t_cdf(abs(difference) / error, freedom))
    return ScoreVerdict(
        name=name, verdict="undecided", first=first, second=second, difference=difference,
        low=difference - half, high=difference + half, p=p,
    )  # fmt: skip


def _holm(values: Sequence[float | None]) -> list[bool]:
    """Which are decided, with at most 5% chance that any is wrong."""
    known = sorted((value, index) for index, value in enumerate(values) if value is not None)
    decided = [False] * len(values)
    for rank, (value, index) in enumerate(known):
        if value > ERROR / (len(known) - rank):
            break
        decided[index] = True
    return decided


def _decided(one: ScoreVerdict, better: str, decided: bool) -> ScoreVerdict:
    if not decided or one.difference == 0:
        if one.why:
            return one
        return _with(one, "undecided", why="as far apart as chance puts two of the same")
    improved = (one.difference < 0) == (better == "lower")
    return _with(one, "better" if improved else "worse")


def _with(one: ScoreVerdict, verdict: Verdict, why: str = "") -> ScoreVerdict:
    import dataclasses

    return dataclasses.replace(one, verdict=verdict, why=why)
