"""A trial's key, and the answers of judges, as files. Needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import RequestError, one_line, printable, short
from ganzoo.evaluation.people.trial import ASKS, FORMAT, Question
from ganzoo.files import as_object, parse_json, read_text

_MOST_BYTES = 32 * 2**20
_LONGEST_NAME = 60
_DAY = 86_400_000.0  # milliseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialKey:
    """What is true of a trial."""

    name: str
    ask: str
    makers: tuple[str, ...]
    questions: Mapping[str, Question]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeAnswers:
    """Of one judge: what was chosen, by question. complete: whether all were answered. milliseconds: of each answer,
    where the page said so. sides: how many were given at the left, at the right."""

    judge: str
    chosen: Mapping[str, str]
    complete: bool
    milliseconds: tuple[float, ...] = ()
    sides: tuple[int, int] = (0, 0)


def read_key(path: Path) -> TrialKey:
    """Raises RequestError for a file that is no key of a trial."""
    try:
        document = as_object(parse_json(read_text(path, most=_MOST_BYTES)))
        if document.get("kind") != "ganzoo trial" or document.get("format") != FORMAT:
            raise ValueError("it is no key of a trial")
        if document["ask"] not in ASKS:
            raise ValueError(f"it asks {short(document['ask'])}")
        if not isinstance(document["makers"], list) or not document["makers"]:
            raise ValueError("it names nobody who painted")
        questions = [
            Question(
                name=str(one["name"]), shown=tuple(map(str, one["shown"])), makers=tuple(map(str, one["makers"])),
                source=str(one.get("source", "")), catch=str(one.get("catch", "")),
            )
            for one in document["questions"]
        ]  # fmt: skip
        known = {"", *map(str, document["makers"])}
        size = 1 if document["ask"] == "real" else 2
        for one in questions:
            if len(one.shown) != size or len(one.makers) != size or not set(one.makers) <= known:
                raise ValueError(
                    f"its question {short(one.name)} shows as many as it cannot, or is of somebody unknown"
                )
        return TrialKey(
            name=str(document["trial"]), ask=document["ask"], makers=tuple(map(str, document["makers"])),
            questions={one.name: one for one in questions},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(
            f"{path} is no key of a trial: {one_line(error)}", hint="It lies in the trial's folder, as key.json."
        ) from None


def read_answers(path: Path, key: TrialKey) -> JudgeAnswers:
    """Raises RequestError for a file that holds none, or those of another trial."""
    try:
        return parse_answers(read_text(path, most=_MOST_BYTES), key)
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be counted: {one_line(error)}") from None


def parse_answers(text: str, key: TrialKey) -> JudgeAnswers:
    """Raises ValueError for a text that holds none, or those of another trial."""
    try:
        document = as_object(parse_json(text))
        if document.get("kind") != "ganzoo answers":
            raise ValueError("it holds no answers of a trial")
        if document["trial"] != key.name:
            raise ValueError(f"its answers are of the trial {short(document['trial'])}, not of {key.name}")
        chosen: dict[str, str] = {}
        took: list[float] = []
        sides = Counter[str]()
        for answer in document["answers"]:
            question, choice = str(answer["question"]), str(answer["chosen"])
            if question not in key.questions or question in chosen:
                raise ValueError(f"it answers {short(question)}, which is not asked, or twice")
            if choice not in _choices(key, key.questions[question]):
                raise ValueError(f"it chooses {short(choice)} at {question}, which is not shown")
            chosen[question] = choice
            sides[str(answer.get("side", ""))] += 1
            if isinstance(time := answer.get("milliseconds"), int | float) and 0 <= time < _DAY:
                took.append(float(time))
        judge = document["judge"]
        if not isinstance(judge, str) or not 0 < len(judge.strip()) <= _LONGEST_NAME:
            raise ValueError(f"its judge is {short(judge)}; expected a name")
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(one_line(error)) from None
    return JudgeAnswers(
        judge=printable(judge.strip()), chosen=chosen, complete=len(chosen) == len(key.questions),
        milliseconds=tuple(took),
        sides=(sides["left"], sides["right"]),
    )  # fmt: skip


def _choices(key: TrialKey, question: Question) -> tuple[str, ...]:
    return ("real", "painted") if key.ask == "real" else (*question.shown, "none")
