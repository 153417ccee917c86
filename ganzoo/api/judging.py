"""How an evaluation is put together: what is wanted, the metrics and the network, the subject, what is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.judged_data import ScoringTeller
from ganzoo.api.registry import installed
from ganzoo.config.resolve import Layer, resolve
from ganzoo.config.tables import NoiseToImageConfig
from ganzoo.errors import GanzooError, RequestError, did_you_mean, first_few, one_line, short
from ganzoo.evaluation.finding import OFFICIAL, find_metrics, find_network
from ganzoo.evaluation.metric import Metric
from ganzoo.evaluation.protocol import PRESETS, Preset, differences
from ganzoo.evaluation.result import MARK, Evaluation, read_evaluation
from ganzoo.progress import ProgressListener, Silent
from ganzoo.scratch import ended_like_interrupted

if TYPE_CHECKING:
    from ganzoo.evaluation.evaluate import Judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A protocol before it is known. options: of metrics, by metric. features: a name, NAME=FILE, a file or an object.
    count: 0 for as many as there are real ones. real_count: 0 for all. source: the evaluation that is repeated."""

    metrics: tuple[str | Metric, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    features: Any = None
    count: int = 0
    real_count: int = 0
    seed: int = 0
    repeats: int = 1
    resize: str = ""
    labels: str = "data"
    values: Mapping[str, Any] = field(default_factory=dict)
    source: Evaluation | None = None
    preset_name: str = ""

    @classmethod
    def preset(cls, name: str, given: Preset) -> Wanted:
        """One of the field's."""
        return cls(
            preset_name=name,
            metrics=given.metrics, options=given.options, features=given.features, count=given.count,
            real_count=given.real, resize=given.resize,
        )  # fmt: skip

    @classmethod
    def like(cls, other: Evaluation) -> Wanted:
        """What another evaluation did. Raises RequestError for a protocol that is damaged."""
        try:
            painted, real = other.protocol["painted"], other.protocol.get("real", {})
            features, labels = other.protocol.get("features", {}), str(painted.get("labels", ""))
            whole = real.get("chosen", "all") == "all"
            options = other.protocol["metrics"]
            if not all(isinstance(one, Mapping) for one in options.values()):
                raise ValueError("its options are none")
            return cls(
                metrics=tuple(options),
                options=dict(options),
                features=features.get("network"),
                count=_between(painted["count"], 1, 10**8),
                real_count=0 if whole else _between(real["count"], 1, 10**8),
                seed=_between(other.seeds[0], 0, 2**32 - 1) if other.seeds else 0,
                repeats=_between(other.protocol.get("repeats", 1), 1, 100),
                resize=str(features.get("resize", "")),
                labels=_labels_of(labels),
                values=dict(painted.get("values", {})),
                source=other,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RequestError(f"The protocol to repeat is damaged: {one_line(error)}") from None


def _between(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{short(value)} is not from {least} to {most}")
    return value


def _labels_of(text: str) -> str:
    if text.startswith("class "):
        return text.removeprefix("class ")
    return "seeds" if text == "drawn by seed" else "data"


def judge(
    subject: Any,
    layers: Sequence[Layer],
    wanted: Wanted,
    *,
    feature_options: Mapping[str, str],
    perceptual: Path | None,
    direction: str | None,
    checkpoint: str | int | None,
    device: str,
    provider: str,
    cache: Path | None,
    places: Sequence[Path],
    told: ProgressListener,
) -> Evaluation:
    """Judge, and write what was found. See `ganzoo.evaluate`."""
    from ganzoo.api.judged_data import SubjectRequest
    from ganzoo.api.judged_subject import open_subject
    from ganzoo.evaluation.evaluate import evaluating
    from ganzoo.evaluation.recording import EvaluationRequest
    from ganzoo.evaluation.resizing import check_filter
    from ganzoo.training.device import select_device
    from ganzoo.training.ranks import joined_ranks

    data = resolve("ARCHITECTURE", NoiseToImageConfig, layers).data
    with joined_ranks(device) as ranks, ended_like_interrupted():
        heard = told if ranks.leads else Silent()
        registry, teller = installed(heard), ScoringTeller(heard)
        chosen = str(select_device(device, local_rank=ranks.local_rank if ranks.count > 1 else None))
        metrics = find_metrics(wanted.metrics, registry)
        known = [metric.name for metric in metrics]
        if stray := sorted(set(wanted.options) - set(known)):
            raise RequestError(
                f"Options are stated of {stray[0]!r}, which is not asked for.{did_you_mean(stray[0], known)}"
            )
        network = None
        if any(set(metric.needs) & {"real", "painted", "logits"} for metric in metrics) or wanted.features:
            try:
                network = find_network(wanted.features or OFFICIAL, feature_options, chosen, registry)
            except RequestError as error:
                if (
                    wanted.source is None
                    or wanted.features is None
                    or "There is no feature network" not in error.message
                ):
                    raise
                raise RequestError(
                    f"The other was scored with {short(wanted.features)}, a network of a file.",
                    hint="State it: --features FILE.onnx, and its --feature options",
                ) from None
        stated = frozenset(key for layer in layers for key in layer.tables.get("data", {}))
        opened = open_subject(
            subject,
            SubjectRequest(
                data=data, stated=stated, count=wanted.count, real_count=wanted.real_count, labels=wanted.labels,
                values=wanted.values, direction=direction, checkpoint=checkpoint, device=chosen, provider=provider,
            ),
            registry,
            teller,
        )  # fmt: skip
        request = EvaluationRequest(
            metrics=[(metric, wanted.options.get(metric.name, {})) for metric in metrics],
            network=network,
            resize="own" if network is None else check_filter(wanted.resize, network),
            repeats=wanted.repeats,
            seed=wanted.seed,
            cache=cache,
            real_settings=opened.settings,
            weights={"lpips-vgg16": perceptual, "device": chosen},
        )
        with evaluating(
            opened.subject, opened.reals, request, share=ranks, tell=heard.update, say=teller.status
        ) as judged:
            found = judged.evaluation
            said = [*found.said, *_departures(wanted, found)]
            if wanted.source is not None and ranks.leads:
                said += _unlike(wanted.source, found)
            found = dataclasses.replace(found, said=said, preset=wanted.preset_name)
            for line in said:
                heard.say(f"note: {line}")
            if ranks.leads:
                _write(found, judged, opened, places)
        return found


def _departures(wanted: Wanted, found: Evaluation) -> list[str]:
    """Where a preset was asked for and something else stated besides."""
    if not wanted.preset_name:
        return []
    given, painted = PRESETS[wanted.preset_name], found.protocol.get("painted", {})
    real, features = (found.protocol.get(key, {}) for key in ("real", "features"))
    apart = []
    if given.count and painted.get("count") != given.count:
        apart.append(f"{painted.get('count', 0):,} painted, not {given.count:,}")
    if not given.real and real.get("chosen", "all") != "all":
        apart.append(f"{real.get('count', 0):,} of {real.get('of', 0):,} real")
    if features and features.get("network") != given.features:
        apart.append(f"the network {features.get('network')}")
    if features and features.get("resize") != given.resize:
        apart.append(f"resized by {features.get('resize')}")
    if painted.get("values"):
        apart.append("inputs are stated, as truncation")
    return [f"this is not {wanted.preset_name}: {'; '.join(apart)}"] if apart else []


def _unlike(source: Evaluation, found: Evaluation) -> list[str]:
    """What is not as in the evaluation that was to be repeated."""
    apart = differences(source.protocol, found.protocol)
    told = [f"{key}: {short(one)} there, {short(other)} here" for key, (one, other) in apart.items()]
    return [f"not all is as in the other's protocol: {first_few(told, 8, separator='; ')}"] if told else []


def _write(found: Evaluation, judged: Judged, opened: Any, places: Sequence[Path]) -> None:
    from ganzoo.files import write_text

    for place in places:
        if place.suffix.lower() == ".json":
            text = json.dumps(found.to_json(), indent=1)
        else:
            from ganzoo.evaluation.page import page

            text = page(found, judged, opened.subject, opened.reals)
        try:
            write_text(place, text)
        except OSError as error:
            raise GanzooError(f"{place} cannot be written: {one_line(error)}") from None


def is_ours(place: Path) -> bool:
    """Whether a file that is there is an evaluation or a page of ours, or is empty."""
    if place.suffix.lower() == ".html":
        try:
            with place.open("rb") as file:
                beginning = file.read(400)
        except OSError:
            return False
        return not beginning or MARK.encode() in beginning
    try:
        return place.stat().st_size == 0 or bool(read_evaluation(place))
    except (OSError, RequestError):
        return False
