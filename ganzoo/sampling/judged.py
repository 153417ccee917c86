"""A model as something to be judged: its pictures by seed, its translations, its latents. Needs no torch for a file.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.datainfo import size_text
from ganzoo.errors import RequestError
from ganzoo.evaluation.metric import Latents
from ganzoo.evaluation.picture_set import CHUNK, PictureChunk, PictureSet
from ganzoo.evaluation.protocol import LOSSLESS
from ganzoo.roles import way_back
from ganzoo.sampling.enlarging import Enlarging, Tiling
from ganzoo.sampling.graphs import GraphFunction, GraphSet
from ganzoo.sampling.noise import InputChoices, labels_of, paint
from ganzoo.sampling.translation import translate_pixels
from ganzoo.sampling.values import Values
from ganzoo.sampling.walks import walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.subject import Partners

_LARGEST_SEED = 2**32 - 1


class SeededPictures:
    """One picture for each seed from `first`. labels: (N,) int64, one for each; None leaves them to `choices`."""

    def __init__(
        self, graphs: GraphSet, count: int, first: int, choices: InputChoices, labels: NDArray[np.int64] | None
    ) -> None:
        if first + count - 1 > _LARGEST_SEED:
            raise RequestError(f"Seeds from {first} for {count:,} pictures go beyond {_LARGEST_SEED}.")
        self.count, self.title = count, f"painting from seed {first}"
        self._graphs, self._first, self._choices, self._labels = graphs, first, choices, labels

    def read(self, start: int, stop: int) -> PictureChunk:
        seeds, choices, labels = range(self._first + start, self._first + stop), self._choices, None
        if self._labels is not None:
            labels = self._labels[start:stop]
            choices = InputChoices(label=labels.tolist(), values=choices.values)
        return PictureChunk(_eight_bits(paint(self._graphs, seeds, choices)), labels)


class Painter:
    """A generator from noise. labels: of the first pictures, by a function of their number and the first seed; None
    leaves them to `choices` and the seeds."""

    repeats = True
    history: Sequence[Mapping[str, Any]] = ()
    partners: Partners | None = None
    way_back: Partners | None = None

    def __init__(
        self,
        graphs: GraphSet,
        *,
        count: int,
        facts: Mapping[str, Any],
        choices: InputChoices,
        labels: Callable[[int, int], NDArray[np.int64]] | None,
        labelling: str,
        history: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.facts, self.history = facts, history
        self.settings = {
            "count": count,
            "labels": labelling,
            "pictures": _shape_of(graphs),
            "values": dict(sorted(choices.values.items())),
            "format": LOSSLESS,
        }
        self._graphs, self._count, self._choices, self._labels = graphs, count, choices, labels

    def painted(self, first_seed: int) -> PictureSet:
        labels = None if self._labels is None else self._labels(self._count, first_seed)
        return SeededPictures(self._graphs, self._count, first_seed, self._choices, labels)

    def walk(self) -> NDArray[np.uint8] | None:
        """Through four seeds and back; None where there is nothing to go through, or other inputs would jump."""
        import numpy as np

        label = 0 if self._labels is not None else self._choices.label
        try:
            steps = [*walk(self._graphs, range(4), 8, InputChoices(label=label, values=self._choices.values))]
        except RequestError:
            return None
        return np.concatenate([_eight_bits(part) for part in steps])

    def latents(self) -> Latents | None:
        """From the first input of the first graph, if that is normal noise."""
        import math

        import numpy as np

        chain = self._graphs.painters()
        first = chain[0].inputs[0]
        sides = first.shape[1:]
        if first.kind != "normal" or not all(isinstance(side, int) for side in sides):
            return None
        shape = [int(side) for side in sides if isinstance(side, int)]
        specs = [spec for graph in chain for spec in graph.inputs]
        classes = next((spec.classes for spec in specs if spec.kind == "class"), 0)
        stated = labels_of(self._choices.label, specs, 1, self._graphs.path)

        def pictures(latents: NDArray[np.float32], labels: NDArray[np.int64] | None) -> NDArray[np.float32]:
            labels = labels if stated is None else np.repeat(stated, len(latents))
            made: list[NDArray[Any]] = [latents.reshape(-1, *shape).astype(first.dtype)]
            for graph in chain:
                others = [_given(spec, len(latents), labels, self._choices.values) for spec in graph.inputs[1:]]
                made = [graph.run([made[0], *others])[0]]
            spec = chain[-1].outputs[0]
            images = (made[0].astype(np.float32) - spec.low) * np.float32(255 / (spec.high - spec.low))
            return np.repeat(images, 3, 1) if images.shape[1] == 1 else images

        return Latents(math.prod(shape), classes if stated is None else 0, pictures)


def _shape_of(graphs: GraphSet) -> str:
    """Of what is painted, as a protocol says it."""
    channels, *sides = graphs.painters()[-1].outputs[0].shape[1:]
    whole = [side for side in sides if isinstance(side, int)]
    return f"{channels}x{size_text(whole[0], whole[1])}" if len(whole) == 2 else f"{channels} channels"


def _given(spec: Any, count: int, labels: NDArray[np.int64] | None, values: Values) -> Any:
    """The same rows for each latent, so that only the latent moves the picture."""
    import numpy as np

    if spec.kind == "class" and labels is not None:
        return labels
    row = spec.full(values[spec.name], 1) if spec.name in values else spec.default_or_sample([0])
    return np.repeat(row, count, 0)


class Translator:
    """A translation of pictures that are given. given, true: what it reads, and its partners in the same order, if they
    are known. identity: of the given. whole: both at their own sizes, where those are parts of them; pairs are then
    compared as whole pictures."""

    repeats = False
    history: Sequence[Mapping[str, Any]] = ()

    def __init__(
        self,
        graphs: GraphSet,
        graph: GraphFunction,
        *,
        given: PictureSet,
        true: PictureSet | None,
        facts: Mapping[str, Any],
        values: Values,
        identity: str = "",
        whole: Partners | None = None,
    ) -> None:
        self.facts = facts
        self.settings: dict[str, Any] = {
            "count": given.count,
            "given": identity,
            "direction": graph.name,
            "values": dict(sorted(values.items())),
            "format": LOSSLESS,
        }
        self._graph, self.given, self._values = graph, given, values
        back = way_back(graph, graphs.graphs)
        self.partners: Partners | None = None if true is None else (lambda: self._beside(true))
        if whole is not None:
            self.settings["parts"] = "whole pictures"
            self.partners = lambda: self._whole(whole)
        self.way_back: Partners | None = None if back is None else (lambda: self._returned(back))

    def painted(self, first_seed: int) -> PictureSet:
        return _Translated(self._graph, self.given, self._values)

    def latents(self) -> Latents | None:
        return None

    def walk(self) -> NDArray[np.uint8] | None:
        return None

    def _beside(self, true: PictureSet) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        painted = self.painted(0)
        for start in range(0, painted.count, CHUNK):
            stop = min(start + CHUNK, painted.count)
            yield painted.read(start, stop).pixels, true.read(start, stop).pixels

    def _whole(self, pairs: Partners) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        from ganzoo.data.originals import Original

        way = Enlarging(graph=self._graph, tiling=Tiling(), values=self._values)
        for given, true in pairs():
            painted = way.to_array(Original(given[0].transpose(1, 2, 0), None))
            yield painted.transpose(2, 0, 1)[None], true

    def _returned(self, back: GraphFunction) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        for start in range(0, self.given.count, CHUNK):
            given = self.given.read(start, min(start + CHUNK, self.given.count)).pixels
            yield translate_pixels(given, self._graph, back, values=self._values)[-1], given


class _Translated:
    def __init__(self, graph: GraphFunction, given: PictureSet, values: Values) -> None:
        self.count, self.title = given.count, f"translating, {graph.name}"
        self._graph, self._given, self._values = graph, given, values

    def read(self, start: int, stop: int) -> PictureChunk:
        given = self._given.read(start, stop).pixels
        return PictureChunk(translate_pixels(given, self._graph, values=self._values)[0], None)


def _eight_bits(painted: Any) -> NDArray[np.uint8]:
    import numpy as np

    from ganzoo.data.pictures import to_uint8

    if not np.isfinite(painted.pixels).all():
        raise RequestError("The generator painted values that are not finite; there is nothing to judge.")
    return to_uint8(painted.pixels, low=painted.low, high=painted.high)
