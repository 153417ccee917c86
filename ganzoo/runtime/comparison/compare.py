"""Compare results: pair their cases, judge all pairs with one error, hold them to the gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.runtime.comparison.comparison import Compared, Comparison, Gate, Question
from ganzoo.runtime.comparison.limits import Kept
from ganzoo.runtime.comparison.pairing import Pair, pairs_of, sides
from ganzoo.runtime.comparison.verdicts import Evidence, Judged, Verdict, evidence, judge
from ganzoo.runtime.latency.result import BAD_STATES


def compare(documents: Sequence[Mapping[str, Any]], names: Sequence[str], question: Question) -> Comparison:
    """Raises RequestError for results that differ in what is not asked about, or that have nothing to compare."""
    pairs, notes = pairs_of(documents, names, question.across)
    found = [_evidence(pair, len(documents) == 1) for pair in pairs]
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
    return Comparison(question=question, names=names, pairs=compared, notes=[*notes, *_builds(documents, names)])


def _evidence(pair: Pair, interleaved: bool) -> Evidence | str:
    """Or why there is none."""
    for side in pair:
        if side.case["state"] in BAD_STATES:
            return f"{side.title} is {side.case['state']}: {side.case['why']}"
        if len(side.values()) < 2:
            return f"{side.title} has {len(side.values())} process, and an interval wants two: --repeats 5"
    rounds = [side.rounds() for side in pair]
    known = [one for one in rounds if one is not None]
    return evidence(pair.first.values(), pair.second.values(), known if interleaved and len(known) == 2 else None)


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
