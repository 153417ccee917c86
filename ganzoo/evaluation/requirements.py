"""What an evaluation wants before anything is painted, and what is to be known before it is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.errors import RequestError
from ganzoo.evaluation.feature_set import FeatureSet
from ganzoo.evaluation.metric import Metric
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.evaluation.reals import SourcePictures
from ganzoo.evaluation.recording import OF_FEATURES, EvaluationRequest
from ganzoo.evaluation.result import ScoreRecord
from ganzoo.evaluation.subject import Subject

_LARGEST_SEED = 2**32 - 1


def count_of(settings: Mapping[str, Any]) -> int:
    """Painted pictures."""
    return int(settings["count"])


def check_needs(subject: Subject, reals: SourcePictures | None, request: EvaluationRequest) -> None:
    """Raises RequestError where a metric lacks what it needs."""
    for metric, _ in request.metrics:
        lacking = ""
        needs = set(metric.needs)
        if needs & OF_FEATURES and request.network is None:
            lacking = "a feature network: --features efficientnet-lite0, or what `ganzoo evaluate --help` names"
        elif "logits" in needs and request.network is not None and not request.network.classes:
            lacking = f"a network with classes, and {request.network.name} has none"
        elif "real" in needs and reals is None:
            lacking = "real pictures: --data SOURCE"
        elif "labels" in needs and (reals is None or reals.labels() is None or not subject.settings.get("labels")):
            lacking = (
                "classes, of the real pictures and of the painted: --set data.labels=folders, and a conditional "
                "generator or labelled pictures"
            )
        elif "partners" in needs and subject.partners is None:
            lacking = "true pictures beside what is translated: a translator, and --data with pairs"
        elif "way_back" in needs and subject.way_back is None:
            lacking = "a translator with a way back, as cyclegan's: a run, or both files"
        elif "latents" in needs and subject.latents() is None:
            lacking = "a generator that paints from normal noise"
        if lacking:
            raise RequestError(f"The metric {metric.name!r} wants {lacking}.")
    last = request.seed + request.repeats * count_of(subject.settings) - 1
    if subject.repeats and last > _LARGEST_SEED:
        raise RequestError(f"Seeds from {request.seed} for all repetitions go to {last}, beyond {_LARGEST_SEED}.")
    if request.repeats > 1 and not subject.repeats:
        raise RequestError(
            f"{subject.facts.get('name', 'It')} paints the same pictures whatever the seed; it cannot be repeated.",
            hint="Leave --repeats out.",
        )


def refuse_clashes(metrics: Sequence[Metric]) -> None:
    """Raises RequestError where two metrics give one score."""
    seen: dict[str, str] = {}
    for metric in metrics:
        for name in metric.scores:
            if name in seen:
                raise RequestError(f"{seen[name]!r} and {metric.name!r} both give the score {name!r}; ask for one.")
            seen[name] = metric.name


def remarks(
    subject: Subject,
    reals: SourcePictures | None,
    request: EvaluationRequest,
    records: Mapping[str, ScoreRecord],
    painted: FeatureSet | None,
) -> list[str]:
    """What is to be known before the scores are believed."""
    found = []
    count = min(count_of(subject.settings), count_of(subject.settings) if reals is None else reals.count)
    if painted is not None and count <= painted.dimensions and any(one.metric == "fid" for one in records.values()):
        name = network_of(request).name
        found.append(
            f"{count:,} pictures are fewer than the {painted.dimensions:,} features of {name}: much of a Frechet "
            "distance is then the count itself. Compare it at this count alone; kid does not depend on it."
        )
    return found


def network_of(request: EvaluationRequest) -> FeatureNetwork:
    """Of an evaluation that needs one, which was checked."""
    assert request.network is not None
    return request.network
