"""Two results and more: each pair with its ratio, its verdict, and whether it passes the gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ganzoo.runtime.comparison.limits import Kept, Limit
from ganzoo.runtime.comparison.pairing import Across, Pair, Side
from ganzoo.runtime.comparison.verdicts import ERROR, Verdict
from ganzoo.runtime.latency.stats import Figure
from ganzoo.runtime.latency.table import with_interval

HEADINGS = ["case", "before", "after", "ratio", "verdict"]

Undecided = Literal["pass", "fail"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """across: what may differ, because it is asked about. margin: within which a ratio counts as 1. fail_over: 0.05
    fails what is slower by more than 5%. require: limits on the second of each pair. undecided: whether a gate that is
    neither kept nor broken for sure lets pass."""

    across: tuple[Across, ...] = ()
    margin: float = 0.02
    fail_over: float | None = None
    require: tuple[Limit, ...] = ()
    undecided: Undecided = "pass"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """One gate of one case. said: what was found, in words."""

    gate: str
    kept: Kept
    said: str


@dataclass(kw_only=True, slots=True, repr=False)
class Compared:
    """One pair.

    ratio: how many times as long the second takes (of rates and calls a second: as many), None where it cannot be told,
    and why. p: of the verdict, times the pairs. repeats: that would settle it; None for more than 1,000.
    """

    pair: Pair
    verdict: Verdict
    ratio: Figure | None = None
    p: float | None = None
    repeats: int | None = None
    paired: bool = False
    why: str = ""
    gates: list[Gate] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Of the second; of both where they are called differently."""
        first, second = self.pair.first.title, self.pair.second.title
        return second if first == second else f"{first} → {second}"

    def __repr__(self) -> str:
        return f"{self.title}: {self.shown_verdict()}, {self.shown_ratio()}"

    def figures(self) -> list[str]:
        """Of both, with intervals and units."""
        unit = " /s" if self.pair.second.more_is_better else " ms"
        return [
            with_interval(side.case["figure"]) + unit if side.case["figure"] else str(side.case["state"])
            for side in self.pair
        ]

    def shown_ratio(self) -> str:
        """With its interval."""
        if self.ratio is None or self.ratio.low is None or self.ratio.high is None:
            return "-"
        return f"{self.ratio.value:.3f} ({self.ratio.low:.3f} to {self.ratio.high:.3f})"

    def shown_verdict(self) -> str:
        """And whether one of the two is noisy."""
        noisy = any(side.case["verdict"] == "noisy" for side in self.pair)
        return self.verdict + (", noisy" if noisy else "")


@dataclass(kw_only=True, slots=True, repr=False)
class Comparison:
    """All pairs. names: of the results, as they were given. notes: on what has no partner, and on other builds."""

    question: Question
    names: Sequence[str]
    pairs: list[Compared]
    notes: list[str]

    @property
    def failed(self) -> list[tuple[Compared, Gate]]:
        """Gates that are broken, or undecided where that is to fail."""
        bad = ("broken", "undecided") if self.question.undecided == "fail" else ("broken",)
        return [(one, gate) for one in self.pairs for gate in one.gates if gate.kept in bad]

    def said_of_gates(self) -> str:
        """In one line how the gates stand; "" where there are none."""
        kept = [gate.kept for one in self.pairs for gate in one.gates]
        counts = [f"{kept.count(state)} {state}" for state in ("kept", "undecided", "broken") if state in kept]
        which = f", undecided ones {self.question.undecided}" if "undecided" in kept else ""
        return f"gates: {', '.join(counts)}{which}" if counts else ""

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self.pairs), *self.lines()])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells, a row for each pair."""
        return HEADINGS, [[one.title, *one.figures(), one.shown_ratio(), one.shown_verdict()] for one in self.pairs]

    def lines(self) -> Iterator[str]:
        """What the table has no room for."""
        for one in self.pairs:
            if one.why:
                yield f"{one.title}: not compared: {one.why}"
            elif one.verdict == "undecided":
                count = "more than 1,000" if one.repeats is None else f"about {one.repeats}"
                yield f"{one.title}: undecided; {count} repeats on each side would settle it (--repeats)"
            for gate in one.gates:
                if gate.kept != "kept":
                    yield f"{one.title}: {gate.gate}: {gate.kept}: {gate.said}"
        if kept := sum(gate.kept == "kept" for one in self.pairs for gate in one.gates):
            yield f"{kept} of {sum(len(one.gates) for one in self.pairs)} gates are kept"
        yield from dict.fromkeys(self.notes)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        question = self.question
        return {
            "across": list(question.across),
            "margin": question.margin,
            "fail_over": question.fail_over,
            "require": [limit.text for limit in question.require],
            "undecided": question.undecided,
            "results": list(self.names),
            "error": ERROR,
            "pairs": [
                {
                    "case": one.title,
                    "first": _said(one.pair.first, self.names),
                    "second": _said(one.pair.second, self.names),
                    "verdict": one.verdict,
                    "ratio": None if one.ratio is None else one.ratio._asdict(),
                    "p": one.p,
                    "repeats_to_settle": one.repeats,
                    "round_by_round": one.paired,
                    "why": one.why,
                    "gates": [{"gate": gate.gate, "kept": gate.kept, "said": gate.said} for gate in one.gates],
                }
                for one in self.pairs
            ],
            "notes": self.notes,
            "passed": not self.failed,
        }


def _said(side: Side, names: Sequence[str]) -> dict[str, Any]:
    figure = side.case["figure"]
    return {
        "result": names[side.source],
        "model": side.case["model"]["file"],
        "figure": figure,
        "processes": len(side.case["processes"]),
        "state": side.case["state"],
        "verdict": side.case["verdict"],
    }
