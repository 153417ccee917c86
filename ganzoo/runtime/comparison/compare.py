"""Compare results: pair their cases, judge all pairs with one error, hold them to the gates."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.runtime.comparison.comparison import Compared, Comparison, Gate, Question
from ganzoo.runtime.comparison.limits import Kept
from ganzoo.runtime.comparison.pairing import Pair, pairs_of, sides
from ganzoo.runtime.comparison.verdicts import ERROR, Evidence, Judged, Verdict, evidence, judge
from ganzoo.runtime.latency.result import BAD_STATES

_SPOKEN_OF = 0.005  # of drift


def compare(documents: Sequence[Mapping[str, Any]], names: Sequence[str], question: Question) -> Comparison:
    """Raises RequestError for results that differ in what is not asked about, or that have nothing to compare."""
    pairs, notes = pairs_of(documents, names, question.across)
    found = [_evidence(pair, len(documents) == 1, question.across) for pair in pairs]
    known = [one for one in found if isinstance(one, Evidence)]
    judged = iter(judge(known, question.margin))
    compared = []
    for pair, one in zip(pairs, found, strict=True):
        if isinstance(one, str):
            compared.append(Compared(pair=pair, verdict="undecided", why=one))
        else:
            compared.append(_compared(pair, one, next(judged)))
    for each in compared:
        each.gates = list(_gates(each, question))
    return Comparison(
        question=question,
        names=names,
        pairs=compared,
        notes=[*notes, *_builds(documents, names), *_drifts(pairs, question, names)],
    )


def _evidence(pair: Pair, interleaved: bool, across: Sequence[str]) -> Evidence | str:
    """Or why there is none."""
    for side in pair:
        if side.case["state"] in BAD_STATES:
            return f"{side.title} is {side.case['state']}: {side.case['why']}"
        if len(side.values()) < 2:
            return f"{side.title} has {len(side.values())} process, and an interval wants two: --repeats 5"
    rounds = [side.rounds() for side in pair]
    known = [one for one in rounds if one is not None]
    found = evidence(pair.first.values(), pair.second.values(), known if interleaved and len(known) == 2 else None)
    return found if interleaved or "machine" in across else found.widened(_drift(pair))


def _drift(pair: Pair) -> float:
    """By how much (a logarithm) constant work took longer beside the second, where that is no chance; 0 where it is.

    Two sweeps of one machine meet two states of it, which no repeat within a sweep shows.
    """
    works = [side.constant_work() for side in pair]
    if min(map(len, works)) < 2:
        return 0.0
    found = evidence(works[0], works[1])
    interval = found.interval(1 - ERROR)
    apart = interval.low is not None and interval.high is not None and not interval.low <= 1 <= interval.high
    return found.log if apart else 0.0


def _compared(pair: Pair, found: Evidence, judged: Judged) -> Compared:
    verdict: Verdict = "undecided"
    if judged.verdict == "same":
        verdict = "same"
    elif judged.verdict != "undecided":
        verdict = "faster" if (judged.verdict == "more") == pair.second.more_is_better else "slower"
    return Compared(
        pair=pair, verdict=verdict, ratio=judged.ratio, p=judged.p, repeats=judged.repeats, paired=found.paired
    )


def _gates(one: Compared, question: Question) -> Iterator[Gate]:
    second = one.pair.second
    if question.fail_over is not None:
        yield _not_slower(one, question.fail_over)
    for limit in question.require:
        if second.case["state"] in BAD_STATES:
            yield Gate(gate=limit.text, kept="broken", said=f"it is {second.case['state']}: {second.case['why']}")
            continue
        kept, said = limit.holds(second.case, second.facts["protocol"]["scenario"])
        if said:
            yield Gate(gate=limit.text, kept=kept, said=said)


def _not_slower(one: Compared, most: float) -> Gate:
    gate = f"not slower by more than {100 * most:g}%"
    if one.ratio is None or one.ratio.low is None or one.ratio.high is None:
        state = one.pair.second.case["state"]
        broken = state in BAD_STATES and one.pair.first.case["state"] not in BAD_STATES
        return Gate(gate=gate, kept="broken" if broken else "undecided", said=one.why)
    low, high = one.ratio.low, one.ratio.high
    if one.pair.second.more_is_better:
        low, high = 1 / high, 1 / low
    kept: Kept = "kept" if high <= 1 + most else "broken" if low > 1 + most else "undecided"
    return Gate(gate=gate, kept=kept, said=f"it takes {low:.3f} to {high:.3f} times as long")


def _drifts(pairs: Sequence[Pair], question: Question, names: Sequence[str]) -> list[str]:
    """That the machine itself was faster or slower, once for each two results."""
    found: dict[tuple[int, int], list[float]] = {}
    for pair in pairs:
        if pair.first.source != pair.second.source and "machine" not in question.across:
            found.setdefault((pair.first.source, pair.second.source), []).append(_drift(pair))
    notes = []
    for (first, second), drifts in found.items():
        drift = statistics.median(drifts)
        if abs(drift) > _SPOKEN_OF:
            how = "longer" if drift > 0 else "less"
            notes.append(
                f"constant work took {100 * abs(math.expm1(drift)):.1f}% {how} beside {names[second]} than beside "
                f"{names[first]}: the machine may have changed by as much, and the intervals hold that. Cases of one "
                "sweep do not need it"
            )
    return notes


def _builds(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """What is not refused, and should be known: other builds of ONNX Runtime, and sides that were noisy."""
    notes = []
    builds = [
        str(document["machine"].get("onnxruntime_build") or document["machine"]["onnxruntime"])
        for document in documents
    ]
    for name, build in zip(names[1:], builds[1:], strict=True):
        if build != builds[0]:
            notes.append(f"{names[0]} was measured with {builds[0]}, {name} with {build}")
    for side in sides(documents):
        if side.case["verdict"] == "noisy":
            notes.append(f"{side.title} in {names[side.source]} is noisy: {'; '.join(side.case['reasons'])}")
    return notes
