"""Which cases belong together: equal in everything that makes numbers comparable but what is asked about.

A case has facts (what was run, how, on what); two are a pair when all facts are equal but those of the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from ganzoo.errors import RequestError, first_few, printable

Across = Literal["device", "provider", "precision", "machine", "model", "settings"]
ACROSS: tuple[Across, ...] = get_args(Across)

_FREE = ("seconds", "max_seconds", "repeats", "within", "least_seconds", "check", "rates", "precision", "devices")
"""Of a protocol: what does not change what a number means, or is a fact of the case."""


class Side(NamedTuple):
    """One case of one result. source: which result. facts: by the name of what they are of."""

    source: int
    case: Mapping[str, Any]
    facts: Mapping[str, Mapping[str, Any]]

    def __repr__(self) -> str:
        return f"Side({self.title})"

    @property
    def title(self) -> str:
        """Model, shapes, and what is not usual, in words."""
        from ganzoo.runtime.latency.table import case_words

        return printable(", ".join((self.case["model"]["file"], *case_words(self.case))))

    def values(self) -> list[float]:
        """The figure of each process."""
        from ganzoo.runtime.latency.figures import values_of

        protocol = self.facts["protocol"]
        return values_of(self.case["processes"], protocol["scenario"], objective=protocol["objective"] is not None)

    def rounds(self) -> list[int] | None:
        """In which round each process was; None where it is not known."""
        found = [process.get("round") for process in self.case["processes"]]
        return None if None in found else [int(number) for number in found if number is not None]

    def constant_work(self) -> list[float]:
        """What constant work took beside each process, in ns; none where it was not looked at."""
        found = []
        for process in self.case["processes"]:
            works = next(iter(process["series"].values()))["calibration_ns"]
            if not works or not all(works):
                return []
            found.append(float(sum(works)) / len(works))
        return found

    @property
    def more_is_better(self) -> bool:
        """Of calls a second and of rates; of a latency less is."""
        protocol = self.facts["protocol"]
        return protocol["scenario"] == "offline" or protocol["objective"] is not None


class Pair(NamedTuple):
    """Two cases to compare: `first` is what `second` is held against."""

    first: Side
    second: Side


def sides(documents: Sequence[Mapping[str, Any]]) -> Iterator[Side]:
    """Every case of every result with its facts."""
    for source, document in enumerate(documents):
        machine = document["machine"]
        protocol = {key: value for key, value in document["protocol"].items() if key not in _FREE}
        if protocol["scenario"] != "server":
            protocol.pop("seed", None)  # of the order alone
        for case in document["cases"]:
            yield Side(
                source,
                case,
                {
                    "protocol": protocol,
                    "model": {"sha256": case["model"]["sha256"] or case["model"]["file"]},
                    "case": {key: case[key] for key in ("shapes", "inputs", "rate")},
                    "provider": {"provider": case["provider"], "options": case["settings"]["options"]},
                    "precision": {
                        "precision": document["protocol"]["precision"],
                        "of file": case["model"]["precision"],
                    },
                    "settings": {key: value for key, value in case["settings"].items() if key != "options"},
                    "device": {key: (case["device"] or {}).get(key) for key in ("name", "uuid_sha256", "label")},
                    "machine": {key: machine.get(key) for key in ("cpu", "usable_cpus", "memory_bytes", "system")},
                },
            )


def pairs_of(
    documents: Sequence[Mapping[str, Any]], names: Sequence[str], across: Sequence[Across]
) -> tuple[list[Pair], list[str]]:
    """Pairs, the first result (or the first of what is asked about, within one) as what the others are held against.

    Returns notes on cases that have no partner, too. Raises RequestError where results differ in something that is not
    asked about, or nothing can be paired.
    """
    found = list(sides(documents))
    ignored: set[str] = set(across)
    if "machine" in ignored:
        ignored.add("device")
    if "provider" in ignored:
        ignored.add("device")
    if len(documents) == 1:
        if not across:
            raise RequestError(
                "One result alone is compared across something that it swept.",
                hint=f"--across {'|'.join(ACROSS)}, or a second result",
            )
        return _within(found, ignored), []
    base = [side for side in found if side.source == 0]
    pairs, notes = list[Pair](), list[str]()
    for side in found:
        if side.source == 0:
            continue
        partners = [one for one in base if _key(one, ignored) == _key(side, ignored)]
        if len(partners) > 1:  # several that differ in what is asked about: the one of the same name, if there is one
            named = [one for one in partners if one.case["model"]["file"] == side.case["model"]["file"]]
            equal = [
                one for one in named or partners if _key(one, ignored - {"model"}) == _key(side, ignored - {"model"})
            ]
            partners = equal or named or partners
        if partners:
            pairs.append(Pair(partners[0], side))
        else:
            notes.append(f"{side.title}: only in {names[side.source]}")
    if not pairs:
        raise _nothing_pairs(base, [side for side in found if side.source], names, ignored)
    used = {id(pair.first) for pair in pairs}
    notes += [f"{side.title}: only in {names[0]}" for side in base if id(side) not in used]
    return pairs, notes


def _within(found: Sequence[Side], ignored: set[str]) -> list[Pair]:
    """Of one result: each against the first that differs from it in what is asked about alone."""
    first: dict[str, Side] = {}
    pairs = []
    for side in found:
        if (before := first.setdefault(_key(side, ignored), side)) is not side:
            pairs.append(Pair(before, side))
    if not pairs:
        raise RequestError(f"No two cases of this result differ in {' or '.join(sorted(ignored))} alone.")
    return pairs


def _key(side: Side, ignored: set[str]) -> str:
    return json.dumps({name: facts for name, facts in side.facts.items() if name not in ignored}, sort_keys=True)


def _nothing_pairs(
    base: Sequence[Side], others: Sequence[Side], names: Sequence[str], ignored: set[str]
) -> RequestError:
    """What keeps the two that are nearest to each other apart, by name."""

    def apart(pair: tuple[Side, Side]) -> list[str]:
        one, other = pair
        return [
            f"{key} of the {name} is {one.facts[name].get(key)!r} in {names[0]} and {value!r} in {names[other.source]}"
            for name in one.facts
            if name not in ignored
            for key, value in other.facts[name].items()
            if one.facts[name].get(key) != value
        ]

    nearest = min(((one, other) for one in base for other in others), key=lambda pair: len(apart(pair)), default=None)
    if nearest is None:
        return RequestError("There are no cases to compare.")
    differing = apart(nearest)
    one, other = nearest
    axes = [name for name in ACROSS if name not in ignored and one.facts[name] != other.facts[name]]
    implied = {"device"} if {"provider", "machine"} & set(axes) else set()
    axes = [name for name in axes if name not in implied]
    barred = [name for name in ("protocol", "case") if one.facts[name] != other.facts[name]]
    hint = "" if barred or not axes else f"If that is the question: {' '.join(f'--across {name}' for name in axes)}"
    return RequestError(f"No two cases can be compared: {first_few(differing, 6, separator='; ')}.", hint=hint)
