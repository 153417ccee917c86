"""Answers of judges, and what they say. Needs no torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, one_line, printable, short
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.people.statistics import bradley_terry, krippendorff_alpha, sign_test
from ganzoo.evaluation.people.trial import ASKS, FORMAT, Question
from ganzoo.files import as_object, parse_json, read_text

_MOST_BYTES = 32 * 2**20
_MOST_WRONG = 1 / 3  # of the catch trials: who fails more did not look


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialKey:
    """What is true of a trial."""

    name: str
    ask: str
    makers: tuple[str, ...]
    questions: Mapping[str, Question]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeAnswers:
    """Of one judge: what was chosen, by question. complete: whether all were answered."""

    judge: str
    chosen: Mapping[str, str]
    complete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """Of two makers. wins: of the first. p: of a count so uneven by chance. share: of the first among those that were
    no tie."""

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    p: float
    share: Estimate | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """What the judges said.

    ask: what was asked. judges: who counts, with how many answers. left_out: who does not, and why. fooled: of each
    maker the share of painted pictures that were taken for real; `real_doubted`: of real ones that were taken for
    painted. preferences, strengths: of makers against each other. alpha: agreement of the judges; None where nothing
    can be said.
    """

    ask: str
    judges: Mapping[str, int]
    left_out: Mapping[str, str]
    fooled: Mapping[str, Estimate] = field(default_factory=dict)
    fooled_by_judge: Mapping[str, Estimate] = field(default_factory=dict)
    real_doubted: Estimate | None = None
    preferences: Sequence[Preference] = ()
    strengths: Mapping[str, Estimate] = field(default_factory=dict)
    alpha: float | None = None

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows for a terminal."""
        rows = [
            [f"{name} taken for real", f"{one.value:.1%}", one.interval(".1%"), one.method]
            for table in (self.fooled, self.fooled_by_judge)
            for name, one in table.items()
        ]
        if (one := self.real_doubted) is not None:
            rows.append(["real ones taken for painted", f"{one.value:.1%}", one.interval(".1%"), one.method])
        for each in self.preferences:
            share = ("", "") if each.share is None else (f"{each.share.value:.1%}", each.share.interval(".1%"))
            counts = f"{each.wins} to {each.losses}, {each.ties} ties; sign test p = {each.p:.2g}"
            rows.append([f"{each.first} over {each.second}", *share, counts])
        rows += [
            [f"strength of {name}", f"{one.value:+.2f}", one.interval("+.2f"), one.method]
            for name, one in self.strengths.items()
        ]
        return ["what", "share", "95%", "of"], rows

    def lines(self) -> list[str]:
        """Of the judges."""
        alpha = "nothing can be said" if self.alpha is None else f"{self.alpha:.2f}"
        count = len(self.judges)
        judges = f"{count} judge{'' if count == 1 else 's'}; agreement, Krippendorff's alpha: {alpha}"
        return [judges, *(f"left out: {name}: {reason}" for name, reason in self.left_out.items())]

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo evaluate --judged --json` prints."""
        return {
            "kind": "ganzoo trial result",
            "ask": self.ask,
            "judges": dict(self.judges),
            "left_out": dict(self.left_out),
            "fooled": {name: one.to_json() for name, one in self.fooled.items()},
            "fooled_by_judge": {name: one.to_json() for name, one in self.fooled_by_judge.items()},
            "real_doubted": None if self.real_doubted is None else self.real_doubted.to_json(),
            "preferences": [
                {
                    "first": one.first, "second": one.second, "wins": one.wins, "losses": one.losses,
                    "ties": one.ties, "p": one.p, "share": None if one.share is None else one.share.to_json(),
                }
                for one in self.preferences
            ],
            "strengths": {name: one.to_json() for name, one in self.strengths.items()},
            "alpha": self.alpha,
        }  # fmt: skip


def read_key(path: Path) -> TrialKey:
    """Raises RequestError for a file that is no key of a trial."""
    try:
        document = as_object(parse_json(read_text(path, most=_MOST_BYTES)))
        if document.get("kind") != "ganzoo trial" or document.get("format") != FORMAT:
            raise ValueError("it is no key of a trial")
        if document["ask"] not in ASKS:
            raise ValueError(f"it asks {short(document['ask'])}")
        questions = [
            Question(
                name=str(one["name"]), shown=tuple(map(str, one["shown"])), makers=tuple(map(str, one["makers"])),
                source=str(one.get("source", "")), catch=str(one.get("catch", "")),
            )
            for one in document["questions"]
        ]  # fmt: skip
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
        for answer in document["answers"]:
            question, choice = str(answer["question"]), str(answer["chosen"])
            if question not in key.questions or question in chosen:
                raise ValueError(f"it answers {short(question)}, which is not asked, or twice")
            if choice not in _choices(key, key.questions[question]):
                raise ValueError(f"it chooses {short(choice)} at {question}, which is not shown")
            chosen[question] = choice
        judge = str(document["judge"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(one_line(error)) from None
    return JudgeAnswers(judge=printable(judge), chosen=chosen, complete=len(chosen) == len(key.questions))


def _choices(key: TrialKey, question: Question) -> tuple[str, ...]:
    return ("real", "painted") if key.ask == "real" else (*question.shown, "none")


def count_answers(key: TrialKey, given: Sequence[JudgeAnswers]) -> TrialResult:
    """What they say together. Raises RequestError for two files of one judge, and where nobody is left."""
    names = Counter(one.judge for one in given)
    if twice := [name for name, number in names.items() if number > 1]:
        raise RequestError(
            f"Two files are of the judge {twice[0]!r}.", hint="Leave one out; two people need two names."
        )
    left_out, kept = {}, []
    for one in given:
        if reason := _not_counted(key, one):
            left_out[one.judge] = reason
        else:
            kept.append(one)
    if not kept:
        told = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "there are no files"
        raise RequestError(f"There are no answers to count: {told}.")
    real = key.ask == "real"
    return TrialResult(
        ask=key.ask,
        judges={one.judge: len(one.chosen) for one in kept},
        left_out=left_out,
        alpha=_agreement(key, kept),
        **(_of_real(key, kept) if real else _of_pairs(key, kept)),
    )


def _not_counted(key: TrialKey, one: JudgeAnswers) -> str:
    caught = [name for name in one.chosen if key.questions[name].catch]
    wrong = sum(one.chosen[name] != key.questions[name].catch for name in caught)
    if caught and wrong > _MOST_WRONG * len(caught):
        return f"failed {wrong} of {len(caught)} catch trials"
    return "" if one.chosen else "answered nothing"


def _asked(key: TrialKey, one: JudgeAnswers) -> list[tuple[Question, str]]:
    """Without catch trials."""
    return [(key.questions[name], choice) for name, choice in one.chosen.items() if not key.questions[name].catch]


def _of_real(key: TrialKey, kept: Sequence[JudgeAnswers]) -> dict[str, Any]:
    taken: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    by_judge: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for one in kept:
        for question, choice in _asked(key, one):
            maker = question.makers[0]
            for table in (taken[maker], by_judge[maker][one.judge]):
                table[0] += choice == "real"
                table[1] += 1
    doubted, of = taken.get("", [0, 0])
    fooled = {maker: Estimate.of_share(*taken[maker]) for maker in key.makers if taken[maker][1]}
    between = {
        maker: Estimate.of_values(
            [hits / count for hits, count in by_judge[maker].values() if count], method=f"t over {len(kept)} judges"
        )
        for maker in fooled
        if len(by_judge[maker]) > 1
    }
    return {
        "fooled": fooled,
        "fooled_by_judge": between,
        "real_doubted": Estimate.of_share(of - doubted, of) if of else None,
    }


def _of_pairs(key: TrialKey, kept: Sequence[JudgeAnswers]) -> dict[str, Any]:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in kept:
        for question, choice in _asked(key, one):
            first, second = question.makers
            winner = "none" if choice == "none" else question.makers[question.shown.index(choice)]
            counts[first, second]["wins" if winner == first else "losses" if winner == second else "ties"] += 1
    preferences, wins = [], dict[tuple[str, str], float]()
    for (first, second), count in counts.items():
        won, lost, ties = count["wins"], count["losses"], count["ties"]
        preferences.append(
            Preference(
                first=first, second=second, wins=won, losses=lost, ties=ties, p=sign_test(won, lost),
                share=Estimate.of_share(won, won + lost) if won + lost else None,
            )
        )  # fmt: skip
        wins[first, second], wins[second, first] = won + ties / 2, lost + ties / 2
    return {"preferences": preferences, "strengths": bradley_terry(wins) if len(key.makers) > 2 else {}}


def _agreement(key: TrialKey, kept: Sequence[JudgeAnswers]) -> float | None:
    units: dict[str, list[str]] = defaultdict(list)
    for one in kept:
        for question, choice in _asked(key, one):
            units[question.name].append(choice)
    return krippendorff_alpha(list(units.values()))
