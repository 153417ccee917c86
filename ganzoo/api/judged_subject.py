"""What is to be judged, and against which pictures: a run, ONNX files, or pictures that anything has painted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_paths
from ganzoo.api.judged_data import Opened, SubjectRequest, colours, opened_source, settings_of, some
from ganzoo.api.judged_pictures import of_pictures
from ganzoo.api.load import load
from ganzoo.config import DataConfig
from ganzoo.datainfo import height_and_width
from ganzoo.errors import RequestError, short
from ganzoo.evaluation.protocol import LIKE_THE_REAL
from ganzoo.runs.lock import is_run
from ganzoo.sampling.model import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.architecture import DataKind
    from ganzoo.architecture.wanted import WantedData
    from ganzoo.data.source import Notify
    from ganzoo.data.whole import GivesParts
    from ganzoo.datainfo import Domain
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.plugin.registry import Registry

MOST_BY_DEFAULT = 50_000


def open_subject(given: Any, request: SubjectRequest, registry: Registry, notify: Notify) -> Opened:
    """Raises what `load` and opening pictures raise."""
    if isinstance(given, Model):
        return _of_model(given, request, registry, notify)
    if isinstance(given, str) and not Path(given).exists() and not given.endswith(".onnx"):
        return of_pictures(given, request, registry, notify)
    paths = to_paths(given, "subject")
    one = paths[0] if len(paths) == 1 else None
    model = (
        one is None
        or one.suffix in (".onnx", ".safetensors")
        or is_run(one)
        or (one.is_dir() and any(not path.name.startswith(".") for path in one.glob("*.onnx")))
    )
    if not model and one is not None and not one.exists():
        raise RequestError(f"There is no run, ONNX file or folder {one}.", hint="ganzoo evaluate RUN --data SOURCE")
    if one is None and any(path.suffix != ".onnx" for path in paths):
        raise RequestError(
            "One run, or ONNX files that belong together, are scored at once.",
            hint="Score each by itself, then: ganzoo evaluate --compare A.json B.json",
        )
    if not model:
        return of_pictures(str(one), request, registry, notify)
    loaded = load(
        given, checkpoint=request.checkpoint, device=request.device, provider=request.provider,
        progress=_Told(notify),
    )  # fmt: skip
    return _of_model(loaded, request, registry, notify)


class _Told:
    """A listener that passes on what is said."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.say = notify

    def update(self, progress: object) -> None: ...


def _of_model(model: Model, request: SubjectRequest, registry: Registry, notify: Notify) -> Opened:
    facts = _facts(model)
    if model.translates and (request.direction or not model.paints):
        return _translator(model, request, registry, notify, facts)
    if request.direction:
        raise RequestError(f"{model.path} paints from noise; --direction is for translation.")
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.sampling.judged import Painter
    from ganzoo.sampling.noise import InputChoices, labels_of
    from ganzoo.sampling.values import checked_values

    chain = model.source.painters()
    spec = chain[-1].outputs[0]
    inputs = [one for place, graph in enumerate(chain) for one in graph.inputs[1 if place else 0 :]]
    checked_values(dict(request.values), inputs, model.path)  # before anything is read
    if request.labels not in ("data", "seeds"):
        labels_of(request.labels, inputs, 1, model.path)
    options = _data_of(model, request, spec.shape[1:], "real")
    reals = None
    if options.source:
        source = opened_source(options, registry, notify, model)
        reals = some(SourcePictures(source), request.real_count)
    count = request.count or _usual_count(reals)
    label, draw, labelling = _labels(model, request, reals)
    painter = Painter(
        model.source, count=count, facts=facts, labels=draw,
        choices=InputChoices(label=label, values=dict(request.values)),
        labelling=labelling, history=[] if model.run is None else model.run.metrics(),
    )  # fmt: skip
    return Opened(subject=painter, reals=reals, settings=settings_of(options, reals))


def _usual_count(reals: SourcePictures | None) -> int:
    """As many as there are real ones: a score is of a count, and this one can be repeated."""
    return 1000 if reals is None else min(reals.count, MOST_BY_DEFAULT)


def _labels(
    model: Model, request: SubjectRequest, reals: SourcePictures | None
) -> tuple[Any, Callable[[int, int], NDArray[np.int64]] | None, str]:
    """The label for all, or how each is drawn, and in words."""
    specs = [spec for graph in model.source.painters() for spec in graph.inputs]
    spec = next((spec for spec in specs if spec.kind == "class"), None)
    if spec is None:
        conditional = any(spec.kind == "vector" for spec in specs)
        if request.labels not in ("data", "seeds"):
            raise RequestError(f"{model.path} takes no labels: its generator is not class-conditional.")
        return None, None, "drawn by seed" if conditional else ""
    if request.labels == "seeds":
        return None, None, "drawn by seed"
    if request.labels != "data":
        return request.labels, None, f"class {request.labels}"
    known = None if reals is None else reals.labels()
    if known is None or reals is None:
        return None, None, "drawn by seed"
    names = reals.source.info.condition.names if reals.source.info.condition is not None else ()
    if spec.names and names and set(spec.names) != set(names):
        raise RequestError(
            f"{model.path} paints the classes {short(spec.names)}, and the real pictures are of {short(names)}.",
            hint="--labels seeds leaves them to the seeds; --set data.labels=none judges without labels.",
        )
    place = {name: index for index, name in enumerate(spec.names)}
    mapped = known if not (spec.names and names) else _mapped(known, [place[name] for name in names])
    if mapped.max() >= spec.classes:
        raise RequestError(f"{model.path} paints {spec.classes} classes, and the real pictures have {known.max() + 1}.")

    def draw(count: int, seed: int) -> NDArray[np.int64]:
        import numpy as np

        drawn = np.random.RandomState([seed % 2**32, 1]).randint(len(mapped), size=count)
        return mapped[drawn]

    return None, draw, LIKE_THE_REAL


def _mapped(labels: NDArray[np.int64], to: Sequence[int]) -> NDArray[np.int64]:
    import numpy as np

    return np.array(to, dtype=np.int64)[labels]


def _translator(
    model: Model, request: SubjectRequest, registry: Registry, notify: Notify, facts: Mapping[str, Any]
) -> Opened:
    from ganzoo.data.whole import gives_parts
    from ganzoo.evaluation.reals import SourcePictures, evenly
    from ganzoo.sampling.enlarging import scale_of
    from ganzoo.sampling.judged import Translator
    from ganzoo.sampling.translation import choose_direction

    if request.labels != "data":
        raise RequestError(f"{model.path} translates pictures; --labels is for painting from noise.")
    graph = choose_direction(model.source, request.direction)
    domains: tuple[Domain, Domain] = (graph.reads or "source", graph.paints or "target")
    if domains == ("source", "target") and graph.reads is None and graph.name == "b2a":
        domains = ("target", "source")  # files do not say: their names do, as the two of a cycle have them
    options = _data_of(model, request, graph.outputs[0].shape[1:], domains[1])
    if not options.source:
        raise RequestError("Which pictures shall be translated?", hint="--data SOURCE, or --data A --target B")
    scale = scale_of(graph)
    if model.run is None and scale > 1 and not (options.target or options.source_size or options.degrade):
        raise RequestError(
            f"{model.path} paints {scale} times as large, and {options.source!r} gives one of each pair alone.",
            hint="--set data.degrade=down makes the small ones; or --data SMALL --target LARGE.",
        )
    source = opened_source(options, registry, notify, model, _wanted_for(model, options, scale, registry))
    sides = [SourcePictures(source, domain=domain) for domain in domains]
    given = SourcePictures(source, domain=domains[0], indices=evenly(sides[0].available, request.count))
    paired = len(source.lengths) == 1
    true = SourcePictures(source, domain=domains[1], indices=given.indices) if paired else None
    reals = some(sides[1], request.real_count)
    subject = Translator(
        model.source, graph, given=given, true=true, facts=facts, values=dict(request.values),
        identity=given.identity(),
        whole=partial(_whole, source, given.indices) if paired and gives_parts(source) else None,
    )  # fmt: skip
    return Opened(subject=subject, reals=reals, settings=settings_of(options, reals))


def _whole(source: GivesParts, indices: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Whole pairs, source and target, (1, C, H, W) each of its own size."""
    for index in indices.tolist():
        pair = source.whole(index)
        yield pair.source.numpy(), pair.target.numpy()  # type: ignore[union-attr]


def _wanted_for(model: Model, options: DataConfig, scale: int, registry: Registry) -> WantedData:
    """scale: of the translation. Where that is more than 1 and nobody says how sources are made, they are shrunk."""
    from ganzoo.architecture.wanted import WantedData

    shrunk = "down" if scale > 1 else ""
    if model.run is not None:
        from ganzoo.architecture.build import implementation_class
        from ganzoo.architecture.wanted import wanted_by

        wanted = wanted_by(implementation_class(model.run.offer), model.run.config.architecture)
        return dataclasses.replace(wanted, scale=scale, degradation=wanted.degradation or shrunk)
    return WantedData(kind=_kind_of_file(options, registry), scale=scale, degradation=shrunk)


def _kind_of_file(options: DataConfig, registry: Registry) -> DataKind:
    from ganzoo.errors import GanzooError

    if options.makes_partners or options.source_size is not None:
        return "pairs"
    try:  # a file does not say whether its pictures correspond; the pictures do
        from ganzoo.data.domains import open_kind, with_whole_paths

        open_kind(with_whole_paths(options, "pairs", registry), "pairs", registry, notify=lambda line: None)
    except GanzooError:
        return "domains"
    return "pairs"


def _data_of(model: Model, request: SubjectRequest, shape: Sequence[Any], domain: Domain) -> DataConfig:
    """The settings of the reals: the run's own, or of the file's pictures, with what was stated over them."""
    stated = {name: getattr(request.data, name) for name in request.stated}
    if model.run is not None:
        if odd := sorted(request.stated & {"size", "channels", "source_size", "source_channels", "load_size"}):
            raise RequestError(
                f"data.{odd[0]} is stated, and the pictures of a run come as its networks see them, {model.run.data}.",
                hint="Leave it out.",
            )
        if "source" in stated and "target" not in stated:
            stated["target"] = ""
        if stated.get("target") and "degrade" not in stated:
            stated["degrade"] = "none"  # both are given, however the run made its own
        return dataclasses.replace(model.run.config.data, **{**stated, "flip": False, "turn": False, "balance": False})
    options = request.data
    channels, height, width = (
        side if isinstance(side, int) else side.default and side.painted(side.default) for side in shape
    )
    fixed = all(isinstance(side, int) for side in shape)
    if fixed and "size" in request.stated and height_and_width(request.data.size or 1) != (height, width):
        raise RequestError(
            f"data.size is stated, and {model.path} paints pictures of {shape[1]}x{shape[2]}.",
            hint="Leave it out: real pictures are brought to that size.",
        )
    if "channels" in request.stated and channels in (1, 3) and request.data.channels not in (None, channels):
        raise RequestError(f"data.channels is stated, and {model.path} paints pictures of {channels}.")
    if "size" not in request.stated and height is not None and width is not None:
        options = dataclasses.replace(options, size=(height, width))
    if "channels" not in request.stated and channels in (1, 3):
        options = dataclasses.replace(options, channels=colours(channels))
    return options


def _facts(model: Model) -> dict[str, Any]:
    run = model.run
    if run is not None:
        return {
            "kind": "run",
            "name": model.path.name,
            "architecture": run.architecture,
            "distribution": run.trained_by,
            "step": model.step,
            "kimg": (model.step or 0) * run.config.train.batch_size / 1000,
        }
    from ganzoo.files import sha256
    from ganzoo.runtime.file import PREFIX, OnnxFile

    path = model.path if model.path.is_file() else next(iter(sorted(model.path.glob("*.onnx"))), model.path)
    file = OnnxFile(path)
    return {
        "kind": "onnx",
        "name": path.name,
        "architecture": file.metadata.get(f"{PREFIX}architecture", ""),
        "sha256": sha256(path),
    }
