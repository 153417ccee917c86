"""What to ship: the best case that keeps all limits, those not told apart from it, and what else is worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import RequestError
from ganzoo.runtime.comparison.limits import QUANTITIES, UNITS, Limit
from ganzoo.runtime.comparison.pairing import Side, sides
from ganzoo.runtime.latency.command import command_of
from ganzoo.runtime.latency.result import BAD_STATES
from ganzoo.runtime.latency.stats import Figure
from ganzoo.runtime.latency.table import device_words


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One case. where: result, device and provider. value: of what is asked for. kept: kept or undecided, over all
    limits. said: what it has of each limit, in words. command: that measures it again."""

    title: str
    where: str
    value: Figure
    kept: str
    said: tuple[str, ...]
    command: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "case": self.title, "where": self.where, "value": self.value._asdict(), "limits": self.kept,
            "said": list(self.said), "command": self.command,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Choice:
    """best: None where nothing keeps the limits for sure. near: whose interval reaches into the best's. front: of
    those that keep the limits, the ones that no other beats in all that is asked for. undecided: may keep them.

    refused: how many do not keep them, by limit."""

    quantity: str
    more: bool
    best: Candidate | None
    near: list[Candidate]
    front: list[Candidate]
    undecided: list[Candidate]
    refused: dict[str, int]

    @property
    def unit(self) -> str:
        """Of the quantity, with a space before it; "" where it has none."""
        return UNITS[QUANTITIES[self.quantity].kind]

    def __repr__(self) -> str:
        best = "none" if self.best is None else f"{self.best.title} on {self.best.where}, {self.best.value.value:.4g}"
        return f"Choice({self.quantity}: {best}; {len(self.near)} not told from it, {len(self.undecided)} undecided)"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        several = {name: [one.to_json() for one in getattr(self, name)] for name in ("near", "front", "undecided")}
        best = None if self.best is None else self.best.to_json()
        return {"quantity": self.quantity, "more": self.more, "best": best, **several, "refused": self.refused}


def choose(
    documents: Sequence[Mapping[str, Any]], names: Sequence[str], quantity: str, *, more: bool, limits: Sequence[Limit]
) -> Choice:
    """more: the largest is looked for, or the least. Raises RequestError where no case has the quantity."""
    refused: dict[str, int] = {}
    kept, undecided = list[tuple[Side, Candidate]](), list[Candidate]()
    measured = bad = 0
    for side in sides(documents):
        value = QUANTITIES[quantity].read(side.case)
        if side.case["state"] in BAD_STATES:
            bad += 1
            continue
        if value is None:
            continue
        measured += 1
        held = [limit.holds(side.case, side.facts["protocol"]["scenario"]) for limit in limits]
        broken = [limit.text for limit, (state, _) in zip(limits, held, strict=True) if state == "broken"]
        for text in broken:
            refused[text] = refused.get(text, 0) + 1
        if broken:
            continue
        sure = all(state == "kept" for state, _ in held)
        one = _candidate(side, documents, names, value, "kept" if sure else "undecided", [said for _, said in held])
        if sure:
            kept.append((side, one))
        else:
            undecided.append(one)
    if not measured:
        others = [name for name in QUANTITIES if name != quantity]
        raise RequestError(
            f"No case that can be relied on has {quantity}; {bad} are failed or invalid.",
            hint=f"Other quantities: {', '.join(others)}",
        )
    kept.sort(key=lambda pair: -pair[1].value.value if more else pair[1].value.value)
    best = kept[0][1] if kept else None
    near = [one for _, one in kept[1:] if best is not None and _reaches(one.value, best.value, more)]
    axes = [(quantity, more), *((limit.name, not limit.upper) for limit in limits if limit.name != quantity)]
    front = _front(kept, axes)
    return Choice(
        quantity=quantity, more=more, best=best, near=near, front=front, undecided=undecided, refused=refused
    )  # fmt: skip


def _candidate(
    side: Side,
    documents: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    value: Figure,
    kept: str,
    said: Sequence[str],
) -> Candidate:
    machine = documents[side.source]["machine"]
    return Candidate(
        title=side.title,
        where=f"{names[side.source]}: {side.case['provider']} on {device_words(side.case, machine)}",
        value=value,
        kept=kept,
        said=tuple(filter(None, said)),
        command=command_of(side.case, documents[side.source]["protocol"]),
    )


def _reaches(value: Figure, best: Figure, more: bool) -> bool:
    """Whether an interval touches that of the best."""
    if None in value or None in best:
        return True  # one process has no interval, and tells nothing apart
    if more:
        return (value.high or value.value) >= (best.low or best.value)
    return (value.low or value.value) <= (best.high or best.value)


def _front(kept: Sequence[tuple[Side, Candidate]], axes: Sequence[tuple[str, bool]]) -> list[Candidate]:
    """Those that none is as good as in everything and better than in something. axes: and whether more is better."""

    def worth(side: Side) -> tuple[float, ...]:
        found = (QUANTITIES[name].read(side.case) for name, _ in axes)
        values = (float("-inf") if one is None else one.value for one in found)
        return tuple(
            value if more or value == float("-inf") else -value for value, (_, more) in zip(values, axes, strict=True)
        )

    points = [(worth(side), one) for side, one in kept]
    return [
        one
        for point, one in points
        if not any(other != point and all(a >= b for a, b in zip(other, point, strict=True)) for other, _ in points)
    ]
