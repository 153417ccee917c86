"""The object that a user holds: what was trained, ready to paint, from a run or from files alike."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from ganzoo.config.fields import PictureSize
from ganzoo.datainfo import Size, height_and_width
from ganzoo.errors import DataError, RequestError
from ganzoo.sampling.enlarging import Enlarging, Tiling
from ganzoo.sampling.further import check_further
from ganzoo.sampling.given import listed, pixels_given
from ganzoo.sampling.graphs import GraphFunction, GraphSet
from ganzoo.sampling.noise import InputChoices, Label, class_names, layer_count, mix, paint, walk
from ganzoo.sampling.pictures import Pictures
from ganzoo.sampling.translate_files import LearntPictures, TranslateRequest, translate_files
from ganzoo.sampling.translation import choose_direction
from ganzoo.sampling.values import beyond, checked_values

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

_LARGEST_SIDE = 16_384

Numbers = float | Sequence[float]
"""Of an input: one number, or as many as a vector has."""

ManyPictures = Callable[["Run", int], tuple[Any, bool]]


class Model:
    """A generator or a pair of translators that can paint.

    path: what it was loaded from. graphs: what it is made of, each a function of arrays.
    run: the run, where it is of one; None for ONNX files. step: of the run's checkpoint; None for files.
    """

    def __init__(
        self,
        source: GraphSet,
        *,
        run: Run | None = None,
        step: int | None = None,
        say: Callable[[str], None],
        learnt: ManyPictures | None = None,
    ) -> None:
        self.source = source
        self.run = run
        self.step = step
        self._say = say
        self._learnt = learnt

    @property
    def path(self) -> Path:
        """What it was loaded from: the run, or the first of the files."""
        return self.source.path

    @property
    def graphs(self) -> Sequence[GraphFunction]:
        """What it is made of, each a function of arrays, the main one first."""
        return self.source.graphs

    @property
    def origin(self) -> str:
        """Of a run, in words: ` of step 400`; empty for files."""
        return self.source.origin

    @property
    def translates(self) -> bool:
        """Whether it translates pictures (`translate`)."""
        return bool(self.source.translations)

    @property
    def paints(self) -> bool:
        """Whether it paints from noise (`sample`)."""
        return self.source.paints

    @property
    def directions(self) -> list[str]:
        """Names of the translations; empty where it paints from noise."""
        return [graph.name for graph in self.source.translations]

    @property
    def layers(self) -> int:
        """How many styles a picture is painted from; 0 for a generator without."""
        return layer_count(self.source)

    def __repr__(self) -> str:
        return f"<Model {self.path}{self.source.origin}: {', '.join(graph.name for graph in self.graphs)}>"

    def sample(
        self,
        seeds: Iterable[SupportsIndex] = range(16),
        *,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
    ) -> Pictures:
        """One picture for each seed: (N, H, W, C) uint8. A seed and a label give one picture, here and from the file.

        label: a class by index or name, several to take in turn, or "all". values: of inputs that are numbers, by name:
            one, or as many as a vector has.
        Raises RequestError for a model that paints nothing from noise, and for labels or inputs that are not there.
        """
        self._refuse_unless_it_paints("sample")
        chosen = _seeds(seeds)
        pictures = Pictures.of([paint(self.source, chosen, _choices(label, values))])
        pictures.names = class_names(self.source, label, len(pictures))
        return pictures

    def walk(
        self,
        seeds: Iterable[SupportsIndex],
        *,
        frames: int = 24,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
    ) -> Pictures:
        """A closed way through the seeds, `frames` pictures from each to the next: (N * frames, H, W, C) uint8.

        Save it with `save_animation`. Raises RequestError for a translator or a single seed.
        """
        self._refuse_unless_it_paints("walk")
        steps = _whole([frames], "frames")[0] if not isinstance(frames, str) else 0
        if steps < 1:
            raise RequestError(f"A walk of {frames} frames goes nowhere: state 1 or more.")
        return Pictures.of(walk(self.source, _seeds(seeds), steps, _choices(label, values)))

    def mix(
        self,
        rows: Iterable[SupportsIndex],
        columns: Iterable[SupportsIndex],
        *,
        layers: Iterable[SupportsIndex] | None = None,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
    ) -> Pictures:
        """A table: seeds `rows` down, `columns` along, and inside the rows with the columns' styles in `layers`.

        ((R + 1) * (C + 1), H, W, C) uint8, row by row. layers: the coarse half if None.
        Raises RequestError for a generator without styles, or layers that it has not.
        """
        self._refuse_unless_it_paints("mix")
        down, along = _seeds(rows), _seeds(columns)
        taken = None if layers is None else _whole(layers, "layers")
        return Pictures.of([mix(self.source, down, along, taken, _choices(label, values))], columns=len(along) + 1)

    def translate(
        self,
        picture: Any,
        *,
        direction: str | None = None,
        size: Size | str | None = None,
        values: Mapping[str, Numbers] | None = None,
        pictures: Mapping[str, Any] | None = None,
        tile: int | None = None,
        overlap: int | None = None,
    ) -> Pictures:
        """What a picture, or each of several of one size, becomes: (N, H, W, C) uint8 of their own size, or so many
        times as large.

        picture: a path, a PIL image, an array (H, W), (H, W, C) or (N, H, W, C) uint8, or a list of such.
        direction: by name, e.g. "b2a"; the first if None.
        size: pixels to make them first, a number or height and width. values: of inputs besides the picture, by name.
        pictures: of a translation that takes others, {"style": picture}. tile, overlap: as of `translate_files`.
        Raises RequestError for a model that paints from noise, or pictures that do not fit; DataError for a file that
        cannot be read.
        """
        import numpy as np

        from ganzoo.data.originals import Original

        if not self.translates:
            hint = "model.sample(seeds)" if self.paints else ""
            raise RequestError(f"{self.path} {self._does()} and translates no pictures.", hint=hint)
        graph = choose_direction(self.source, direction)
        given = [pixels_given(item, graph, stated_size(size)) for item in listed(picture)]
        if not given:
            raise RequestError("No picture is given.", hint="model.translate(path)")
        if len({item.shape[1:] for item in given}) > 1:
            shapes = sorted({"x".join(map(str, item.shape[2:])) for item in given})
            raise RequestError(
                f"The pictures are of several sizes: {', '.join(shapes)}.",
                hint="Translate them one by one, or state size=.",
            )
        stated = checked_values(_choices(None, values).values, graph.inputs[1:], self.path)
        for line in beyond(stated, graph.inputs):
            self._say(line)
        specs = {spec.name: spec for spec in graph.inputs}
        check_further(graph, list(pictures or {}), self.path)
        further = {name: pixels_given(item, graph, None, specs[name]) for name, item in (pictures or {}).items()}
        tiling = Tiling(tile=tile, overlap=overlap)
        way = Enlarging(graph=graph, tiling=tiling, values=stated, further=further, say=self._say)
        painted = [
            way.to_array(Original(np.ascontiguousarray(pixels.transpose(1, 2, 0)), None))
            for item in given
            for pixels in item
        ]
        return Pictures(np.stack(painted))

    def translate_files(self, request: TranslateRequest) -> str:
        """Translate files and folders to files; one line about what was written. Raises what `translate` raises."""
        return translate_files(self.source, request, say=self._say, learnt=self._learnt_pictures)

    def _learnt_pictures(self, graph: GraphFunction) -> LearntPictures:
        run, learnt = self.run, self._learnt
        if run is None or learnt is None:
            raise RequestError("Which pictures shall be translated?", hint="Add --input FILE or --input FOLDER.")
        if not run.config.data.source:
            raise RequestError(
                f"{self.path} was imported and knows no pictures.", hint="Add --input FILE or --input FOLDER."
            )

        def ask(count: int) -> Any:
            try:
                pair, paired = learnt(run, count)
            except DataError as error:
                raise DataError(
                    f"The pictures that {self.path} learnt from cannot be read: {error.message}",
                    hint="Add --input FILE or --input FOLDER.",
                ) from None
            truth = getattr(pair, graph.paints).numpy() if paired and graph.paints else None
            return getattr(pair, graph.reads or "source").numpy(), truth

        return ask

    def _refuse_unless_it_paints(self, verb: str) -> None:
        if not self.paints:
            raise RequestError(
                f"{self.path} {self._does()}, and {verb} paints from noise.",
                hint="model.translate(picture), or `ganzoo sample ... --input PICTURE`" if self.translates else "",
            )

    def _does(self) -> str:
        if self.paints or self.translates:
            return "paints from noise" if self.paints else "translates pictures"
        roles = {"embed": "turns pictures into numbers", "judge": "judges pictures"}
        return roles.get(self.graphs[0].role or "", "paints nothing")


def _choices(label: Label, values: Mapping[str, Numbers] | None) -> InputChoices:
    try:
        numbers = {str(name): _numbers(value) for name, value in dict(values or {}).items()}
    except (TypeError, ValueError, OverflowError):
        raise RequestError(
            f"values = {_shorten(values)}: expected numbers by name: one, or a row of them for all pictures.",
            hint='For example values={"truncation_psi": 0.7}',
        ) from None
    return InputChoices(label=label, values=numbers)


def _shorten(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(value: Any) -> float | list[float]:
    if isinstance(value, bool | bytes | str | set | Mapping):
        raise TypeError
    if not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return float(value)
    return [float(number) for number in value]


def stated_size(size: Size | str | None) -> tuple[int, int] | None:
    """Height and width to make pictures before they are translated. Raises RequestError for what is neither."""
    try:
        found = PictureSize(1, _LARGEST_SIDE).read(size)
    except ValueError:
        raise RequestError(
            f"size = {size!r}: expected 1 to {_LARGEST_SIDE} pixels, a number or height and width, such as 320x448."
        ) from None
    return None if found is None else height_and_width(found)


def _whole(numbers: Iterable[SupportsIndex], what: str) -> list[int]:
    """Raises RequestError for what are no whole numbers: texts, truth values, 1.5."""
    try:
        found = [] if isinstance(numbers, str) else list(numbers)
        if isinstance(numbers, str) or any(isinstance(number, bool) for number in found):
            raise TypeError
        return [operator.index(number) for number in found]
    except TypeError:
        raise RequestError(f"{what} = {numbers!r}: expected whole numbers, for example range(16) or [7].") from None


def _seeds(seeds: Iterable[SupportsIndex]) -> list[int]:
    found = _whole(seeds, "seeds")
    if not found or not all(0 <= seed < 2**32 for seed in found):
        raise RequestError(f"seeds = {seeds!r}: expected at least one, each from 0 to {2**32 - 1}.")
    return found
