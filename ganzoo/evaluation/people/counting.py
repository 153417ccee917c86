"""What the answers of several judges say together. Needs no torch."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.people.answers import JudgeAnswers, TrialKey
from ganzoo.evaluation.people.statistics import bradley_terry, krippendorff_alpha, sign_test
from ganzoo.evaluation.people.trial import Question

_MOST_WRONG = 1 / 3  # of the catch trials: who fails more did not look
_QUICK = 300.0  # milliseconds: nobody has looked
_ONE_SIDED = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """Of two makers, question by question: what most of the judges chose, as judges of one question see the same two
    pictures and are no independent answers. wins: of the first. p: of a count so uneven by chance. share: of the first
    among those that were no tie. answers: of all judges, for the first, for the second, for neither. by_judge: the
    share of the first over judges."""

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    p: float
    share: Estimate | None
    answers: tuple[int, int, int] = (0, 0, 0)
    by_judge: Estimate | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """What the judges said.

    ask: what was asked. judges: who counts, with how many answers. left_out: who does not, and why. fooled: of each
    maker the share of painted pictures that were taken for real; fooled_by_judge, fooled_by_picture: the same, with
    intervals over judges and over pictures, which are wider where those differ. real_doubted: of real ones that were
    taken for painted. preferences, strengths: of makers against each other. alpha: agreement of the judges; None where
    nothing can be said. remarks: what makes answers doubtful.
    """

    ask: str
    judges: Mapping[str, int]
    left_out: Mapping[str, str]
    fooled: Mapping[str, Estimate] = field(default_factory=dict)
    fooled_by_judge: Mapping[str, Estimate] = field(default_factory=dict)
    fooled_by_picture: Mapping[str, Estimate] = field(default_factory=dict)
    real_doubted: Estimate | None = None
    preferences: Sequence[Preference] = ()
    strengths: Mapping[str, Estimate] = field(default_factory=dict)
    alpha: float | None = None
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        return "\n".join(["  ".join(filter(None, row)) for row in self.table()[1]] + self.lines())

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows for a terminal."""
        rows = [
            [f"{name} taken for real", f"{one.value:.1%}", one.interval(".1%"), one.method]
            for table in (self.fooled, self.fooled_by_judge, self.fooled_by_picture)
            for name, one in table.items()
        ]
        if (one := self.real_doubted) is not None:
            rows.append(["real ones taken for painted", f"{one.value:.1%}", one.interval(".1%"), one.method])
        for each in self.preferences:
            share = ("", "") if each.share is None else (f"{each.share.value:.1%}", each.share.interval(".1%"))
            counts = f"{each.wins} to {each.losses} questions, {each.ties} ties; sign test p = {each.p:.2g}"
            rows.append([f"{each.first} over {each.second}", *share, counts])
            if (one := each.by_judge) is not None:
                rows.append([f"{each.first} over {each.second}", f"{one.value:.1%}", one.interval(".1%"), one.method])
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
        return [judges, *(f"left out: {name}: {reason}" for name, reason in self.left_out.items()), *self.remarks]

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo evaluate --judged --json` prints."""
        return {
            "kind": "ganzoo trial result",
            "ask": self.ask,
            "judges": dict(self.judges),
            "left_out": dict(self.left_out),
            "fooled": {name: one.to_json() for name, one in self.fooled.items()},
            "fooled_by_judge": {name: one.to_json() for name, one in self.fooled_by_judge.items()},
            "fooled_by_picture": {name: one.to_json() for name, one in self.fooled_by_picture.items()},
            "real_doubted": None if self.real_doubted is None else self.real_doubted.to_json(),
            "preferences": [
                {
                    "first": one.first, "second": one.second, "wins": one.wins, "losses": one.losses,
                    "ties": one.ties, "p": one.p, "share": None if one.share is None else one.share.to_json(),
                    "answers": list(one.answers),
                    "by_judge": None if one.by_judge is None else one.by_judge.to_json(),
                }
                for one in self.preferences
            ],
            "strengths": {name: one.to_json() for name, one in self.strengths.items()},
            "alpha": self.alpha,
            "remarks": list(self.remarks),
        }  # fmt: skip


def count_answers(key: TrialKey, given: Sequence[JudgeAnswers]) -> TrialResult:
    """What they say together. Raises RequestError for two files of one judge, and where nobody is left."""
    names = Counter(_same(one.judge) for one in given)
    if twice := [name for name, number in names.items() if number > 1]:
        raise RequestError(
            f"{names[twice[0]]} files are of the judge {twice[0]!r}.",
            hint="Name the files that count: ganzoo evaluate --judged TRIAL FILE...; two people need two names.",
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
        remarks=[remark for one in kept for remark in _remarks(key, one)],
        **(_of_real(key, kept) if real else _of_pairs(key, kept)),
    )


def _same(judge: str) -> str:
    """What two spellings of one name have in common."""
    return "".join(unicodedata.normalize("NFKC", judge).casefold().split())


def _not_counted(key: TrialKey, one: JudgeAnswers) -> str:
    caught = [name for name, question in key.questions.items() if question.catch]  # one that was left out is failed
    wrong = sum(one.chosen.get(name) != key.questions[name].catch for name in caught)
    if caught and wrong > _MOST_WRONG * len(caught):
        return f"failed {wrong} of {len(caught)} catch trials"
    return "" if _asked(key, one) else "answered nothing"


def _remarks(key: TrialKey, one: JudgeAnswers) -> list[str]:
    """What makes the answers of a judge doubtful, though they count."""
    found, count = [], len(one.chosen)
    if not one.complete:
        found.append(f"{one.judge} answered {count} of {len(key.questions)} questions")
    if len(one.milliseconds) > 1 and sorted(one.milliseconds)[len(one.milliseconds) // 2] < _QUICK:
        found.append(f"{one.judge} took less than {_QUICK:g} milliseconds for most questions")
    asked = [choice for _, choice in _asked(key, one)]
    if key.ask == "real" and len(asked) > 9 and max(map(asked.count, ("real", "painted"))) > _ONE_SIDED * len(asked):
        most = max(("real", "painted"), key=asked.count)
        found.append(f"{one.judge} said {most!r} of {asked.count(most)} of {len(asked)} pictures")
    if key.ask != "real" and sum(one.sides) > 9 and max(one.sides) > _ONE_SIDED * sum(one.sides):
        found.append(f"{one.judge} answered {max(one.sides)} of {sum(one.sides)} times at the same side")
    return found


def _asked(key: TrialKey, one: JudgeAnswers) -> list[tuple[Question, str]]:
    """Without catch trials."""
    return [(key.questions[name], choice) for name, choice in one.chosen.items() if not key.questions[name].catch]


def _of_real(key: TrialKey, kept: Sequence[JudgeAnswers]) -> dict[str, Any]:
    taken: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    apart: dict[str, dict[str, dict[str, list[int]]]] = {
        "judges": defaultdict(lambda: defaultdict(lambda: [0, 0])),
        "pictures": defaultdict(lambda: defaultdict(lambda: [0, 0])),
    }
    for one in kept:
        for question, choice in _asked(key, one):
            maker = question.makers[0]
            tables = (taken[maker], apart["judges"][maker][one.judge], apart["pictures"][maker][question.name])
            for table in tables:
                table[0] += choice == "real"
                table[1] += 1
    doubted, of = taken.get("", [0, 0])
    fooled = {maker: Estimate.of_share(*taken[maker]) for maker in key.makers if taken[maker][1]}

    def over(what: str) -> dict[str, Estimate]:
        return {
            maker: _bounded([hits / count for hits, count in apart[what][maker].values() if count], what)
            for maker in fooled
            if len(kept) > 1 and len(apart[what][maker]) > 1
        }

    return {
        "fooled": fooled,
        "fooled_by_judge": over("judges"),
        "fooled_by_picture": over("pictures"),
        "real_doubted": Estimate.of_share(of - doubted, of) if of else None,
    }


def _bounded(shares: Sequence[float], what: str) -> Estimate:
    """The mean of shares, with a t interval that stays a share."""
    found = Estimate.of_values(shares, method=f"t over {len(shares)} {what}")
    if found.low is None or found.high is None:
        return found
    return dataclasses.replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def _of_pairs(key: TrialKey, kept: Sequence[JudgeAnswers]) -> dict[str, Any]:
    votes: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    by_judge: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    order = {maker: place for place, maker in enumerate(key.makers)}
    for one in kept:
        for question, choice in _asked(key, one):
            first, second = sorted(question.makers, key=order.__getitem__)
            couple = (first, second)
            winner = "none" if choice == "none" else question.makers[question.shown.index(choice)]
            word = "wins" if winner == couple[0] else "losses" if winner == couple[1] else "ties"
            votes[couple][question.name][word] += 1
            by_judge[couple][one.judge][word] += 1
    preferences, wins = [], dict[tuple[str, str], float]()
    for couple, questions in votes.items():
        won = sum(count["wins"] > count["losses"] for count in questions.values())
        lost = sum(count["wins"] < count["losses"] for count in questions.values())
        ties = len(questions) - won - lost
        each = [
            count["wins"] / (count["wins"] + count["losses"])
            for count in by_judge[couple].values()
            if count["wins"] + count["losses"]
        ]
        answers = [sum(count[word] for count in questions.values()) for word in ("wins", "losses", "ties")]
        preferences.append(
            Preference(
                first=couple[0], second=couple[1], wins=won, losses=lost, ties=ties, p=sign_test(won, lost),
                share=Estimate.of_share(won, won + lost) if won + lost else None,
                answers=(answers[0], answers[1], answers[2]),
                by_judge=_bounded(each, "judges") if len(each) > 1 else None,
            )
        )  # fmt: skip
        wins[couple], wins[couple[::-1]] = won + ties / 2, lost + ties / 2
    return {"preferences": preferences, "strengths": bradley_terry(wins) if len(key.makers) > 2 else {}}


def _agreement(key: TrialKey, kept: Sequence[JudgeAnswers]) -> float | None:
    units: dict[str, list[str]] = defaultdict(list)
    for one in kept:
        for question, choice in _asked(key, one):
            units[question.name].append(choice)
    return krippendorff_alpha(list(units.values()))
