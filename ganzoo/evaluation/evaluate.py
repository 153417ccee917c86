"""From a subject and real pictures to scores: paint, read, take features, measure, and write down how.

real features     once, kept by content            painted features     for each repetition
each metric       for each repetition              intervals            over repetitions, or a metric's own
"""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, PluginError, RequestError, short
from ganzoo.evaluation import feature_cache
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.extraction import Alone, Share, extract
from ganzoo.evaluation.feature_set import FeatureSet
from ganzoo.evaluation.metric import Evidence, Metric, settings_of
from ganzoo.evaluation.network import FeatureNetwork, score_name
from ganzoo.evaluation.reals import SourcePictures
from ganzoo.evaluation.recording import (
    OF_FEATURES,
    EvaluationRequest,
    looks_at_features,
    protocol_of,
    thread_count,
    versions,
)
from ganzoo.evaluation.resizing import library_of
from ganzoo.evaluation.result import Evaluation, ScoreRecord
from ganzoo.evaluation.subject import Subject
from ganzoo.plugin.call import call_plugin
from ganzoo.progress import Progress
from ganzoo.scratch import scratch


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """An evaluation, and what a page shows of it. real, painted: features that still lie in the scratch folder."""

    evaluation: Evaluation
    real: FeatureSet | None
    painted: FeatureSet | None


@contextlib.contextmanager
def evaluating(
    subject: Subject,
    reals: SourcePictures | None,
    request: EvaluationRequest,
    *,
    share: Share | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Judged]:
    """Judge; inside, the features are still there. On ranks but the first the evaluation has no scores.

    Raises RequestError for a metric that lacks what it needs, before anything is painted; GanzooError, PluginError.
    """
    together, began = share or Alone(), time.monotonic()
    _check_needs(subject, reals, request)
    settings = {
        metric.name: settings_of(
            metric, stated, real=0 if reals is None else reals.count, painted=_count_of(subject.settings)
        )
        for metric, stated in request.metrics
    }
    for metric, _ in request.metrics:
        metric.check(settings[metric.name], 0 if reals is None else reals.count, _count_of(subject.settings))
        given = Evidence(options=settings[metric.name], network=request.network, weights=request.weights)
        _call(metric, metric.prepare, given)
    wants = {need for metric, _ in request.metrics for need in metric.needs} & OF_FEATURES
    with scratch("ganzoo-evaluate-") as folder:
        real, contents = None, ""
        if reals is not None and "real" in wants:
            real, contents = real_features(reals, request, folder, together, tell, say)
        values: dict[str, list[Estimate]] = {}
        infos: dict[str, tuple[Metric, Any]] = {}
        seeds = [request.seed + repeat * _count_of(subject.settings) for repeat in range(request.repeats)]
        painted: FeatureSet | None = None
        for repeat, seed in enumerate(seeds):
            if wants:
                place = folder / f"painted-{repeat}"
                place.mkdir()
                painted = extract(
                    subject.painted(seed), _network(request), resize=request.resize, folder=place, share=together,
                    tell=tell,
                ).features  # fmt: skip
            if not together.leads:
                continue
            for place_of, (metric, _) in enumerate(request.metrics):
                done, total = repeat * len(request.metrics) + place_of, request.repeats * len(request.metrics)
                tell(Progress(done=done, total=total, unit="metrics", values={"status": metric.name}))
                evidence = Evidence(
                    options=settings[metric.name], seed=seed, network=request.network, real=real, painted=painted,
                    partners=subject.partners, way_back=subject.way_back,
                    latents=subject.latents() if "latents" in metric.needs else None, weights=request.weights,
                )  # fmt: skip
                for key, estimate in _measured(metric, evidence).items():
                    name = score_name(key, request.network if looks_at_features(metric, evidence.options) else None)
                    values.setdefault(name, []).append(estimate)
                    infos[name] = metric, metric.scores[key]
        together.gather_objects(None)  # nobody leaves while the first still measures
        records = {
            name: ScoreRecord(
                name=name,
                title=_title(name, infos[name][1].title),
                metric=infos[name][0].name,
                better=infos[name][1].better,
                estimate=Estimate.of_repeats(found),
                repeats=tuple(one.value for one in found) if len(found) > 1 else (),
            )
            for name, found in values.items()
        }
        evaluation = Evaluation(
            subject=subject.facts,
            scores=records,
            said=_remarks(subject, reals, request, records, painted),
            protocol=protocol_of(subject, reals, request, settings, contents),
            seeds=seeds if subject.repeats else [],
            versions=versions(),
            classes=_class_scores(request, settings, real, painted, reals),
            computed={
                "device": str(request.weights.get("device", "cpu")),
                "processes": together.count,
                "threads": thread_count(),
                "seconds": round(time.monotonic() - began, 1),
                "processor": platform.machine(),
            },
        )
        yield Judged(evaluation=evaluation, real=real, painted=painted)


def _network(request: EvaluationRequest) -> FeatureNetwork:
    assert request.network is not None
    return request.network


def _count_of(settings: Mapping[str, Any]) -> int:
    return int(settings["count"])


def _check_needs(subject: Subject, reals: SourcePictures | None, request: EvaluationRequest) -> None:
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
    if request.repeats > 1 and not subject.repeats:
        raise RequestError(
            f"{subject.facts.get('name', 'It')} paints the same pictures whatever the seed; it cannot be repeated.",
            hint="Leave --repeats out.",
        )


def real_features(
    reals: SourcePictures,
    request: EvaluationRequest,
    folder: Path,
    share: Share | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[FeatureSet | None, str]:
    """From the cache, or made in `folder` and kept there; None on ranks but the first. The second is the hash of their
    pixels."""
    share = share or Alone()
    network = _network(request)
    files = reals.contents() or reals.pixels_hash()
    key = feature_cache.key_of(
        {
            "network": [network.name, dict(network.identity())],
            "resize": [request.resize, library_of(request.resize)],
            "pictures": [files, reals.count, reals.domain, reals.shape(), dict(request.real_settings)],
            "decoders": [metadata.version("pillow")],
            # Without files nothing says what the pictures are but they themselves.
            "source": "" if files else reals.source.description,
        }
    )
    cache = request.cache if files else None
    known = None
    if share.leads and cache is not None:
        known = feature_cache.find(cache, key, reals.count)
    if share.gather_objects(known is not None)[0]:
        found = known if known is not None else (None, "")
        say(f"the features of {reals.count:,} real pictures are known") if share.leads else None
        return found
    place = folder / "reals"
    place.mkdir()
    made = extract(reals, network, resize=request.resize, folder=place, share=share, tell=tell)
    wanted = cache is not None and made.features is not None
    trouble = feature_cache.keep(place, cache, key, made.contents) if wanted and cache is not None else ""
    if trouble:
        say(f"warning: features are not kept in {cache}: {trouble}")
    return made.features, made.contents


def _measured(metric: Metric, evidence: Evidence) -> Mapping[str, Estimate]:
    found = _call(metric, metric.measure, evidence)
    if not isinstance(found, Mapping) or set(found) != set(metric.scores):
        raise PluginError(f"The metric {metric.name} gave {short(found)}; it declares {', '.join(metric.scores)}.")
    for key, estimate in found.items():
        if not isinstance(estimate, Estimate):
            raise PluginError(f"The metric {metric.name} gave {key} as {short(estimate)}, no ganzoo.Estimate.")
        if estimate.value != estimate.value or abs(estimate.value) == float("inf"):
            raise GanzooError(f"The metric {metric.name} gave {key} = {estimate.value}: it says nothing.")
    return found


def _call(metric: Metric, function: Callable[[Evidence], Any], evidence: Evidence) -> Any:
    try:
        return call_plugin(function, evidence, failed=f"The metric {metric.name} failed")
    except PluginError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise error.__cause__ from None
        raise


def _title(name: str, title: str) -> str:
    base, _, network = name.partition("@")
    if not network:
        return {"fid": "FID", "fid_infinity": "FID, infinitely many painted", "kid": "KID"}.get(base, title)
    return f"{_OF_OTHERS.get(base, title)}, {network}"


_OF_OTHERS = {"class_score": "class score"}


def _remarks(
    subject: Subject,
    reals: SourcePictures | None,
    request: EvaluationRequest,
    records: Mapping[str, ScoreRecord],
    painted: FeatureSet | None,
) -> list[str]:
    """What is to be known before the scores are believed."""
    found = []
    count = min(_count_of(subject.settings), _count_of(subject.settings) if reals is None else reals.count)
    if painted is not None and count <= painted.dimensions and any(one.metric == "fid" for one in records.values()):
        found.append(
            f"{count:,} pictures are fewer than the {painted.dimensions:,} features of {_network(request).name}: much "
            "of a Frechet distance is then the count itself. Compare it at this count alone; kid does not depend on it."
        )
    return found


def _class_scores(
    request: EvaluationRequest,
    settings: Mapping[str, Mapping[str, Any]],
    real: FeatureSet | None,
    painted: FeatureSet | None,
    reals: SourcePictures | None,
) -> dict[str, float]:
    """Of each class by itself, where that was asked for; of the last repetition."""
    if "fid-classes" not in settings or real is None or painted is None or reals is None:
        return {}
    from ganzoo.evaluation.metrics.frechet import class_distances

    condition = reals.source.info.condition
    names = condition.names if condition is not None else ()
    evidence = Evidence(options=settings["fid-classes"], real=real, painted=painted)
    distances = class_distances(evidence, least=settings["fid-classes"]["least"])
    return {names[label] if label < len(names) else str(label): value for label, value in distances.items()}
