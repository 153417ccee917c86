"""Judging a generator: scores with the protocol that makes them comparable."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_name, to_optional_path, to_path, to_paths, to_sources, to_text, to_whole
from ganzoo.api.judging import Wanted, is_ours, judge
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.errors import RequestError, missing_package, short
from ganzoo.evaluation.comparison import ScoreComparison
from ganzoo.evaluation.comparison import compare as compare_two
from ganzoo.evaluation.metric import Metric
from ganzoo.evaluation.protocol import preset
from ganzoo.evaluation.result import Evaluation, read_evaluation
from ganzoo.progress import ProgressListener, listener

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.evaluation.network import FeatureNetwork
    from ganzoo.sampling.model import Model

USUAL = ("fid", "kid", "pr")
_LARGEST_SEED = 2**32 - 1
_MOST_REPEATS = 100


def evaluate(
    subject: Model | Place | Sequence[Place],
    *,
    data: Path | str | Sequence[Path | str] | None = None,
    target: Path | str | None = None,
    metrics: Sequence[str | Metric] | str | None = None,
    features: FeatureNetwork | Path | str | None = None,
    feature_options: Mapping[str, str] | None = None,
    perceptual: Path | str | None = None,
    protocol: str | None = None,
    like: Evaluation | Path | str | None = None,
    count: int | None = None,
    real_count: int | None = None,
    seed: int | None = None,
    repeats: int | None = None,
    resize: str | None = None,
    labels: str | int | None = None,
    values: Mapping[str, Any] | None = None,
    direction: str | None = None,
    checkpoint: str | int | None = None,
    device: str = "auto",
    provider: str = "cpu",
    options: Mapping[str, Any] | None = None,
    settings: Settings = None,
    cache: Path | str | bool = True,
    out: Path | str | Sequence[Path | str] | None = None,
    progress: ProgressListener | None = None,
) -> Evaluation:
    """Scores of a run, of ONNX files, or of a folder of pictures, held against real pictures.

    data, target: the real pictures, as for `train`; a run's own if None. metrics: by name, or objects. features: a
        network by name, "inception-2015=FILE", an ONNX file, or an object; feature_options: of an ONNX file.
        perceptual: VGG16's weights, for LPIPS and path length.
    protocol: a preset of the field's. like: another evaluation, whose protocol is repeated.
    count, real_count: pictures; as many painted as there are real ones, and all of those. seed: of the first picture.
    repeats: with other seeds, for an interval. resize: the filter to the network's size; the network's usual one.
    labels: "data" draws as the real pictures have them, "seeds" leaves them to the seeds, or one class.
    values, direction, checkpoint: as for `Model.sample`, `translate` and `load`.
    device: of the networks; under torchrun each process has its own. provider: of ONNX Runtime, for files.
    options: of metrics, {"kid.subset_size": 100}. settings: of [data], {"data.size": 64}.
    cache: where features of real pictures are kept; False: nowhere. out: files to write, .json or .html.

    Raises RequestError for what cannot work, before anything is painted; MissingPackageError without ganzoo[scores];
    DataError, GanzooError, PluginError.
    """
    told = listener(progress)
    places = [] if out is None else to_paths(out, "out")
    _check_places(places, [] if not isinstance(like, str | Path) else [Path(like)])
    base = _base(like, protocol)
    chosen = _metric_names(metrics) or base.metrics or USUAL
    names = {one if isinstance(one, str) else one.name for one in chosen}
    wanted = dataclasses.replace(
        base,
        metrics=chosen,
        options=_by_metric(
            _mapping(options or {}, "options"), {name: some for name, some in base.options.items() if name in names}
        ),
        features=base.features if features is None else features,
        count=base.count if count is None else to_whole(count, "count", least=1),
        real_count=base.real_count if real_count is None else to_whole(real_count, "real_count", least=0),
        seed=base.seed if seed is None else to_whole(seed, "seed", least=0, most=_LARGEST_SEED),
        repeats=base.repeats if repeats is None else to_whole(repeats, "repeats", least=1, most=_MOST_REPEATS),
        resize=base.resize if resize is None else to_name(resize, "resize"),
        labels=base.labels if labels is None else str(labels),
        values=base.values if values is None else _mapping(values, "values"),
    )
    layers = [
        *as_layers(settings),
        *option_layers("data", {**to_sources(data, "data"), "target": to_text(target, "target")}),
    ]
    with _missing_packages():
        return judge(
            subject, layers, wanted,
            feature_options={
                key: str(value) for key, value in _mapping(feature_options or {}, "feature_options").items()
            },
            perceptual=to_optional_path(perceptual, "perceptual"),
            direction=to_text(direction, "direction"), checkpoint=checkpoint, device=to_name(device, "device"),
            provider=to_name(provider, "provider"), cache=_cache(cache), places=places, told=told,
        )  # fmt: skip


def compare_evaluations(first: Evaluation | Path | str, second: Evaluation | Path | str) -> ScoreComparison:
    """Whether the second is better than the first, score by score, and how sure that is. Needs no torch.

    Raises RequestError for scores that did not come about alike, which it names, and for what is no evaluation.
    """
    return compare_two(_as_evaluation(first), _as_evaluation(second))


def fetch_features(name: str, *, source: Path | str | None = None, progress: ProgressListener | None = None) -> Path:
    """Put the published weights of a feature network into the user's cache, hash verified; where they are.

    name: "inception-2015" or "lpips-vgg16". source: a file of them; from where they were published if None, which is
    the only download that ganzoo makes.
    Raises RequestError for a network without such a file, GanzooError for other bytes and without a network.
    """
    from ganzoo.evaluation.networks.weights import fetch

    return fetch(to_name(name, "name"), source=to_optional_path(source, "source"))


def _check_places(places: Sequence[Path], inputs: Sequence[Path]) -> None:
    from ganzoo.files import check_output

    for place in places:
        if place.suffix.lower() not in (".json", ".html"):
            raise RequestError(
                f"{place.name!r}: expected a name that ends in .json or .html.", hint="For example -o scores.json"
            )
        check_output(place, inputs)
        if not place.parent.is_dir():
            raise RequestError(f"There is no folder {place.parent} for {place.name}.")
        if not os.access(place.parent, os.W_OK):
            raise RequestError(f"{place.parent} may not be written to.", hint="Choose another -o.")
        if place.exists() and not is_ours(place):
            raise RequestError(f"{place} is there, and ganzoo did not write it.", hint="Choose another -o.")


def _base(like: Evaluation | Path | str | None, protocol: str | None) -> Wanted:
    if like is not None and protocol is not None:
        raise RequestError("like= and protocol= both state how to judge; give one.")
    if like is not None:
        return Wanted.like(_as_evaluation(like))
    if protocol is None:
        return Wanted()
    name = to_name(protocol, "protocol")
    return Wanted.preset(name, preset(name))


def _as_evaluation(value: Any) -> Evaluation:
    return value if isinstance(value, Evaluation) else read_evaluation(to_path(value, "evaluation"))


def _metric_names(metrics: Sequence[str | Metric] | str | None) -> tuple[str | Metric, ...]:
    if metrics is None:
        return ()
    given: list[Any] = metrics.split(",") if isinstance(metrics, str) else [*_several(metrics)]
    names = tuple(
        dict.fromkeys(one if isinstance(one, Metric) else to_name(one, "metrics").strip().lower() for one in given)
    )
    if not names or "" in names:
        raise RequestError(f"metrics = {short(metrics)}: expected names.", hint=f"For example {','.join(USUAL)}")
    return names


def _mapping(value: Any, argument: str) -> dict[str, Any]:
    """Raises RequestError for what is none."""
    if not isinstance(value, Mapping):
        raise RequestError(f"{argument} = {short(value)}: expected a mapping.", hint="For example {'kid.subsets': 10}")
    return {str(key): item for key, item in value.items()}


def _several(value: Any) -> Sequence[Any]:
    """A sequence, or what stands alone as one of one."""
    return value if isinstance(value, list | tuple) else [value]


def _by_metric(options: Mapping[str, Any], base: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{"kid.subsets": 10} as {"kid": {"subsets": 10}}, over what is there."""
    found = {name: dict(known) for name, known in base.items()}
    for key, value in options.items():
        name, dot, option = str(key).partition(".")
        if not dot:
            raise RequestError(f"options has {short(key)}: expected METRIC.OPTION.", hint="For example kid.subsets")
        found.setdefault(name, {})[option] = value
    return found


def _cache(value: object) -> Path | None:
    from ganzoo.evaluation.networks.weights import features_folder

    if isinstance(value, bool):
        return features_folder() if value else None
    return to_path(value, "cache")


@contextlib.contextmanager
def _missing_packages() -> Iterator[None]:
    """What is not installed, as an error that says the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise (missing_package(error) or error) from None
