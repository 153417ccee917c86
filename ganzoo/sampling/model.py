"""The object that a user holds: what was trained, ready to paint, from a run or from files alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.datainfo import Size
from ganzoo.errors import DataError, RequestError
from ganzoo.sampling.enlarging import Enlarging, Tiling
from ganzoo.sampling.further import check_further
from ganzoo.sampling.generator import Generator
from ganzoo.sampling.given import listed, pixels_given
from ganzoo.sampling.graphs import GraphFunction, GraphSet
from ganzoo.sampling.pictures import Pictures
from ganzoo.sampling.stated import Numbers, stated_size, to_choices
from ganzoo.sampling.translate_files import LearntPictures, TranslateRequest, translate_files
from ganzoo.sampling.translation import choose_direction
from ganzoo.sampling.values import beyond, checked_values

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

ManyPictures = Callable[["Run", int], tuple[Any, bool]]


class Model(Generator):
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
        super().__init__(source, say=say)
        self.run = run
        self.step = step
        self._learnt = learnt

    @property
    def graphs(self) -> Sequence[GraphFunction]:
        """What it is made of, each a function of arrays, the main one first."""
        return self.source.graphs

    @property
    def origin(self) -> str:
        """Of a run, in words: ` of step 400`; empty for files."""
        return self.source.origin

    @property
    def directions(self) -> list[str]:
        """Names of the translations; empty where it paints from noise."""
        return [graph.name for graph in self.source.translations]

    def __repr__(self) -> str:
        return f"<Model {self.path}{self.source.origin}: {', '.join(graph.name for graph in self.graphs)}>"

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
        stated = checked_values(to_choices(None, values).values, graph.inputs[1:], self.path)
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
