"""What is to be judged, and against which pictures: a run, ONNX files, or pictures that anything has painted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.api.arguments import to_paths
from ganzoo.api.load import load
from ganzoo.config import DataConfig
from ganzoo.errors import DataError, RequestError, shell_word, short
from ganzoo.runs.lock import is_run
from ganzoo.sampling.model import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.architecture import DataKind
    from ganzoo.data.source import DataSource, Notify
    from ganzoo.datainfo import Domain
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.evaluation.subject import Subject
    from ganzoo.plugin.registry import Registry

MOST_BY_DEFAULT = 50_000
_HEADERS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectRequest:
    """What was asked for. data: settings of the reals. stated: which of them; the rest is the run's own. count,
    real_count: 0 leaves them to the pictures. labels: data, seeds, or a class. values: of inputs that are numbers.
    """

    data: DataConfig
    stated: frozenset[str]
    count: int = 0
    real_count: int = 0
    labels: str = "data"
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    direction: str | None = None
    checkpoint: str | int | None = None
    device: str = "cpu"
    provider: str = "cpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The subject, the reals that it is held against, and the settings of their pixels."""

    subject: Subject
    reals: SourcePictures | None
    settings: Mapping[str, Any]


def open_subject(given: Any, request: SubjectRequest, registry: Registry, notify: Notify) -> Opened:
    """Raises what `load` and opening pictures raise."""
    if isinstance(given, Model):
        return _of_model(given, request, registry, notify)
    if isinstance(given, str) and not Path(given).exists() and not given.endswith(".onnx"):
        return _of_pictures(given, request, registry, notify)
    paths = to_paths(given, "subject")
    one = paths[0] if len(paths) == 1 else None
    model = (
        one is None
        or one.suffix == ".onnx"
        or is_run(one)
        or (one.is_dir() and any(not path.name.startswith(".") for path in one.glob("*.onnx")))
    )
    if not model:
        return _of_pictures(str(one), request, registry, notify)
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
    from ganzoo.sampling.judged import Painter, choices_of

    spec = model.source.painters()[-1].outputs[0]
    options = _data_of(model, request, spec.shape[1:], "real")
    reals = None
    if options.source:
        source = _opened(options, "pictures", registry, notify, model)
        reals = _some(SourcePictures(source), request.real_count)
    count = request.count or _usual_count(reals)
    label, draw, labelling = _labels(model, request, reals)
    painter = Painter(
        model.source, count=count, facts=facts, choices=choices_of(label, dict(request.values)), labels=draw,
        labelling=labelling, history=[] if model.run is None else model.run.metrics(),
    )  # fmt: skip
    return Opened(subject=painter, reals=reals, settings=_settings(options, reals))


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

    return None, draw, "drawn from the real pictures'"


def _mapped(labels: NDArray[np.int64], to: Sequence[int]) -> NDArray[np.int64]:
    import numpy as np

    return np.array(to, dtype=np.int64)[labels]


def _translator(
    model: Model, request: SubjectRequest, registry: Registry, notify: Notify, facts: Mapping[str, Any]
) -> Opened:
    from ganzoo.evaluation.reals import SourcePictures, evenly
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
    source = _opened(options, _kind_for(model, options, registry, notify), registry, notify, model)
    sides = [SourcePictures(source, domain=domain) for domain in domains]
    given = SourcePictures(source, domain=domains[0], indices=evenly(sides[0].available, request.count))
    paired = len(source.lengths) == 1
    true = SourcePictures(source, domain=domains[1], indices=given.indices) if paired else None
    reals = _some(sides[1], request.real_count)
    subject = Translator(model.source, graph, given=given, true=true, facts=facts, values=dict(request.values))
    return Opened(subject=subject, reals=reals, settings=_settings(options, reals))


def _kind_for(model: Model, options: DataConfig, registry: Registry, notify: Notify) -> DataKind:
    if model.run is not None:
        from ganzoo.architecture.build import implementation_class

        return implementation_class(model.run.offer).wants
    from ganzoo.errors import GanzooError

    try:  # a file does not say whether its pictures correspond; the pictures do
        from ganzoo.data.domains import open_kind, with_whole_paths

        open_kind(with_whole_paths(options, "pairs", registry), "pairs", registry, notify=lambda line: None)
    except GanzooError:
        return "domains"
    return "pairs"


def _of_pictures(text: str, request: SubjectRequest, registry: Registry, notify: Notify) -> Opened:
    from ganzoo.evaluation.reals import SourcePictures

    if request.checkpoint is not None or request.direction or request.values or request.labels != "data":
        raise RequestError(f"{text} is a set of pictures: nothing of how they were painted can be stated.")
    options = dataclasses.replace(request.data, source=text, also=(), target="")
    if options.size is None:
        size, channels = _own_size(text, options)
        options = dataclasses.replace(options, size=size, channels=options.channels or channels)
    painted = SourcePictures(_opened(options, "pictures", registry, notify, None), title="reading painted pictures")
    shape = painted.source.info.picture
    reals = None
    if request.data.source:
        alike = dataclasses.replace(
            options, source=request.data.source, also=request.data.also, target=request.data.target,
            size=(shape.height, shape.width), channels=_colours(shape.channels),
        )  # fmt: skip
        reals = _some(SourcePictures(_opened(alike, "pictures", registry, notify, None)), request.real_count)
    if request.count:
        painted = _some(painted, request.count, title="reading painted pictures")
    facts = {"kind": "pictures", "name": Path(text).name, "contents": painted.contents(), "formats": painted.formats()}
    subject = _Painted(painted, facts)
    return Opened(subject=subject, reals=reals, settings=_settings(options, reals))


class _Painted:
    """Pictures that are there."""

    repeats = False
    partners = None
    way_back = None
    history: Sequence[Mapping[str, Any]] = ()

    def __init__(self, pictures: SourcePictures, facts: Mapping[str, Any]) -> None:
        labelled = pictures.labels() is not None
        self.facts = facts
        self.settings: Mapping[str, Any] = {
            "count": pictures.count,
            "labels": "of the pictures" if labelled else "",
            "values": {},
            "format": f"files, {pictures.formats()}" if pictures.formats() != "in memory" else pictures.formats(),
        }
        self._pictures = pictures

    def painted(self, first_seed: int) -> SourcePictures:
        return self._pictures

    def latents(self) -> None:
        return None

    def walk(self) -> None:
        return None


def _own_size(text: str, options: DataConfig) -> tuple[Any, Any]:
    """Of picture files, what they have in common; (None, None) for another source. Raises RequestError for several."""
    from PIL import Image

    from ganzoo.data.finding import collect
    from ganzoo.data.kinds import formats_here
    from ganzoo.evaluation.reals import evenly

    place = Path(text.removeprefix("folder:"))
    if place.suffix.lower() == ".npz" or not place.exists():
        return None, None
    try:
        files = collect([place], options.split).files
    except DataError:
        return None, None  # another kind of source, which says so when it is opened
    sizes: set[tuple[int, int]] = set()
    modes: set[str] = set()
    for index in evenly(len(files), _HEADERS).tolist():
        try:
            with files[index].open() as file, Image.open(file, formats=formats_here()) as image:
                sizes.add((image.height, image.width))
                modes.add(image.mode)
        except Exception:  # what cannot be read is reported when all are
            continue
    if len(sizes) > 1:
        some = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)[:4])
        raise RequestError(
            f"The pictures of {text} are of several sizes: {some}.",
            hint=f"State one for all: ganzoo evaluate {shell_word(text)} --set data.size=256 ...",
        )
    if not sizes:
        return None, None
    return next(iter(sizes)), 1 if modes <= {"L", "1"} else 3


def _data_of(model: Model, request: SubjectRequest, shape: Sequence[Any], domain: Domain) -> DataConfig:
    """The settings of the reals: the run's own, or of the file's pictures, with what was stated over them."""
    stated = {name: getattr(request.data, name) for name in request.stated}
    if model.run is not None:
        return dataclasses.replace(model.run.config.data, **stated, flip=False, balance=False)
    options = request.data
    channels, height, width = (side if isinstance(side, int) else getattr(side, "default", None) for side in shape)
    if "size" not in request.stated and height is not None and width is not None:
        options = dataclasses.replace(options, size=(height, width))
    if "channels" not in request.stated and channels in (1, 3):
        options = dataclasses.replace(options, channels=_colours(channels))
    return options


def _opened(options: DataConfig, kind: DataKind, registry: Registry, notify: Notify, model: Model | None) -> DataSource:
    from ganzoo.config.resolve import resolve
    from ganzoo.config.tables import NoiseToImageConfig
    from ganzoo.data.domains import with_whole_paths
    from ganzoo.data.opening import info_shown, open_data, seen_by_networks

    config = resolve("ARCHITECTURE", NoiseToImageConfig, [])
    options = dataclasses.replace(options, flip=False, balance=False)
    config = dataclasses.replace(config, data=with_whole_paths(options, kind, registry, notify))
    source = open_data(config, kind, registry, notify)
    if model is not None and model.run is not None and kind == "pictures":
        return seen_by_networks(source, model.run.data)
    return seen_by_networks(source, info_shown(source, config))


def _colours(channels: int) -> Literal[1, 3]:
    return 1 if channels == 1 else 3


def _some(pictures: SourcePictures, count: int, *, title: str = "") -> SourcePictures:
    from ganzoo.evaluation.reals import SourcePictures as Some
    from ganzoo.evaluation.reals import evenly

    if count > pictures.available:
        raise RequestError(f"{count:,} pictures are asked for, and there are {pictures.available:,}.")
    indices = evenly(pictures.available, count)
    return Some(pictures.source, domain=pictures.domain, indices=indices, title=title)


def _settings(options: DataConfig, reals: SourcePictures | None) -> Mapping[str, Any]:
    from ganzoo.evaluation.reals import pixel_settings

    return {} if reals is None else pixel_settings(options)


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
