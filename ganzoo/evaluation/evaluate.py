"""From a subject and real pictures to scores: paint, read, take features, measure, and write down how.

real features     once, kept by content            painted features     for each repetition
each metric       for each repetition              intervals            over repetitions, or a metric's own
"""

from __future__ import annotations

import contextlib
import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ganzoo.errors import GanzooError, PluginError, one_line, short
from ganzoo.evaluation import feature_cache
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.extraction import Alone, Share, extract
from ganzoo.evaluation.feature_set import FeatureSet
from ganzoo.evaluation.metric import Evidence, Metric, settings_of
from ganzoo.evaluation.network import score_name
from ganzoo.evaluation.reals import SourcePictures
from ganzoo.evaluation.recording import (
    OF_FEATURES,
    EvaluationRequest,
    looks_at_features,
    protocol_of,
    thread_count,
    versions,
)
from ganzoo.evaluation.requirements import check_needs, count_of, network_of, refuse_clashes, remarks
from ganzoo.evaluation.resizing import library_of
from ganzoo.evaluation.result import Evaluation, ScoreRecord
from ganzoo.evaluation.subject import Subject
from ganzoo.files import remove_tree
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
    check_needs(subject, reals, request)
    refuse_clashes([metric for metric, _ in request.metrics])
    settings = {
        metric.name: settings_of(
            metric, stated, real=0 if reals is None else reals.count, painted=count_of(subject.settings)
        )
        for metric, stated in request.metrics
    }
    for metric, _ in request.metrics:
        metric.check(settings[metric.name], 0 if reals is None else reals.count, count_of(subject.settings))
        given = Evidence(options=settings[metric.name], network=request.network, weights=request.weights)
        _call(metric, metric.prepare, given)
    wants = {need for metric, _ in request.metrics for need in metric.needs} & OF_FEATURES
    with scratch("ganzoo-evaluate-") as folder:
        real, contents = None, ""
        if reals is not None and "real" in wants:
            real, contents = real_features(reals, request, folder, together, tell, say)
        values: dict[str, list[Estimate]] = {}
        infos: dict[str, tuple[Metric, Any]] = {}
        seeds = [request.seed + repeat * count_of(subject.settings) for repeat in range(request.repeats)]
        painted: FeatureSet | None = None
        for repeat, seed in enumerate(seeds):
            if wants:
                place = folder / "painted"
                remove_tree(place)  # of the repetition before
                place.mkdir()
                painted = extract(
                    subject.painted(seed), network_of(request), resize=request.resize, folder=place, share=together,
                    tell=tell,
                ).features  # fmt: skip
            if not together.leads:
                continue
            for place_of, (metric, _) in enumerate(request.metrics):
                done, total = repeat * len(request.metrics) + place_of, request.repeats * len(request.metrics)
                tell(Progress(done=done, total=total, unit="metrics", values={"status": metric.name}))
                evidence = Evidence(
                    options=MappingProxyType(settings[metric.name]), seed=seed, network=request.network,
                    real=real, painted=painted,
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
                estimate=Estimate.of_repeats(found).within(infos[name][1].least, infos[name][1].most),
                repeats=tuple(one.value for one in found) if len(found) > 1 else (),
            )
            for name, found in values.items()
        }
        evaluation = Evaluation(
            subject=subject.facts,
            scores=records,
            said=remarks(subject, reals, request, records, painted),
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
    network = network_of(request)
    files = reals.order_hash()
    key = feature_cache.key_of(
        {
            "network": [network.name, dict(network.identity())],
            "resize": [request.resize, library_of(request.resize)],
            "pictures": [files, reals.count, reals.domain, reals.shape(), dict(request.real_settings)],
            "labels": reals.labels_hash(),
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
    return {key: _plain(metric, key, estimate) for key, estimate in found.items()}


def _plain(metric: Metric, key: str, one: Estimate) -> Estimate:
    """With Python's own numbers. Raises PluginError for others, GanzooError for a value that says nothing."""
    try:
        value = float(one.value)
        ends = [None if end is None or not math.isfinite(end) else float(end) for end in (one.low, one.high, one.error)]
        freedom = None if one.freedom is None else float(one.freedom)
        plain = Estimate(
            value=value, low=ends[0], high=ends[1], error=ends[2], freedom=freedom, count=int(one.count),
            method=str(one.method),
        )  # fmt: skip
    except (TypeError, ValueError, OverflowError) as error:
        raise PluginError(f"The metric {metric.name} gave {key} as {short(one)}: {one_line(error)}") from None
    if not math.isfinite(value):
        raise GanzooError(f"The metric {metric.name!r} gave {key} = {value}: it says nothing.")
    return plain


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
