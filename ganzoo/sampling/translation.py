"""Translating pictures: any size in, that size or so many times as large out. Needs no torch for a file.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.datainfo import size_text
from ganzoo.errors import DataError, RequestError, did_you_mean, one_line
from ganzoo.roles import way_back
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet, checked_pixels
from ganzoo.sampling.values import Values
from ganzoo.tensors import Dim, TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def choose_direction(source: GraphSet, name: str | None) -> GraphFunction:
    """The translation of that name; the first if None. Raises RequestError for one that is not there."""
    named = {graph.name: graph for graph in source.translations}
    if name is None:
        chosen = next(iter(named.values()))
    elif name in named:
        chosen = named[name]
    else:
        raise RequestError(
            f"{source.path} has no direction {name!r}.{did_you_mean(name, named)} Directions: {', '.join(named)}."
        )
    if chosen.inputs[0].kind != "picture":
        kinds = ", ".join(f"{spec.name} ({spec.kind})" for spec in chosen.inputs)
        raise RequestError(f"{chosen.name} of {source.path} takes {kinds}, not a picture first.")
    return chosen


def translate_pixels(
    pixels: NDArray[np.uint8],
    *graphs: GraphFunction,
    values: Values | None = None,
    further: Mapping[str, NDArray[np.uint8]] | None = None,
) -> list[NDArray[np.uint8]]:
    """(N, C, H, W) uint8 of any size -> what each graph makes of what the one before it made, whole.

    A size that the network does not take is filled up by reflection, and what was filled up is cut off afterwards.
    Nothing is rounded between two graphs. values: of inputs besides the picture, see `checked_values`. further: by the
    names of inputs, pictures (1, C, H, W) that each is painted with.
    """
    import numpy as np

    from ganzoo.data.pictures import to_uint8

    height, width = pixels.shape[2:]
    painted, results = as_input(graphs[0], graphs[0].inputs[0], pixels), []
    for graph in graphs:
        open_sides = zip(graph.inputs[0].shape[1:], painted.shape[1:], strict=True)
        dims = {side.name: size for side, size in open_sides if isinstance(side, Dim)}
        others = [
            np.repeat(as_input(graph, spec, further[spec.name]), len(painted), 0)
            if further and spec.name in further
            else same_rows(spec, len(painted), dims, values or {})
            for spec in graph.inputs[1:]
        ]
        read, painted = painted, checked_pixels(graph.run([painted, *others])[0], ())
        spec = graph.outputs[0]
        # What the network made of what was there, of what it made of everything.
        height, width = (
            side * stated.times if isinstance(stated, Dim) else round(side * large / small)
            for side, stated, large, small in zip(
                (height, width), spec.shape[2:], painted.shape[2:], read.shape[2:], strict=True
            )
        )
        results.append(to_uint8(painted[:, :, :height, :width], low=spec.low, high=spec.high))
    return results


def same_rows(spec: TensorSpec, count: int, dims: Mapping[str, int], values: Values) -> NDArray[Any]:
    """The same row for each of `count` pictures: as stated, its default, or what seed 0 draws."""
    import numpy as np

    row = spec.full(values[spec.name], 1) if spec.name in values else spec.default_or_sample([0], dims)
    return np.repeat(row, count, 0)


def translate_strips(
    source: GraphSet,
    graph: GraphFunction,
    given: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    values: Values | None = None,
    further: Mapping[str, NDArray[np.uint8]] | None = None,
) -> tuple[NDArray[np.uint8], str]:
    """Source and translation, and behind them the way back if there is one, or else the truth if it is known.

    given, truth: (N, C, H, W). Returns them side by side, as `side_by_side` does, and what is third, in words.
    """
    import numpy as np

    from ganzoo.data.pictures import side_by_side

    back, rows = way_back(graph, source.graphs), []
    ways = (graph,) if back is None else (graph, back)
    for start in range(0, len(given), BATCH):
        part = slice(start, start + BATCH)
        beside = [given[part], *translate_pixels(given[part], *ways, values=values, further=further)]
        if back is None and truth is not None:
            beside.append(truth[part])
        rows.append(side_by_side(*beside))
    third = ", way back" if back is not None else ", truth" if truth is not None else ""
    return np.concatenate(rows), third


def usual_size(graph: GraphFunction) -> tuple[int, int]:
    """Height and width of pictures that are shown together, where nobody states one."""
    height, width = (side if isinstance(side, int) else side.default or 256 for side in graph.inputs[0].shape[2:])
    return height, width


def read_pixels(
    path: Path, graph: GraphFunction, size: tuple[int, int] | None, *, spec: TensorSpec | None = None
) -> NDArray[np.uint8]:
    """A file as (1, C, H, W), of the size that is stated. spec: of the input; the first if None. Raises DataError."""
    from ganzoo.data.decoding import opened_pictures

    try:
        with opened_pictures([path], [channels_read(graph, spec)], about=size) as (image,):
            return _pixels(image, size)
    except Exception as error:  # damaged files make decoders raise anything
        raise DataError(f"{path} cannot be read as a picture: {one_line(error)}") from None


def image_pixels(
    image: Image.Image, graph: GraphFunction, size: tuple[int, int] | None, *, spec: TensorSpec | None = None
) -> NDArray[np.uint8]:
    """A picture in memory as (1, C, H, W), of the size that is stated. spec: of the input; the first if None."""
    from ganzoo.data.decoding import as_mode

    return _pixels(as_mode(image, channels=channels_read(graph, spec)), size)


def _pixels(image: Image.Image, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    from ganzoo.data.pictures import fitted, pixels_of

    return (pixels_of(image) if size is None else fitted(image, height=size[0], width=size[1]))[None]


def channels_read(graph: GraphFunction, spec: TensorSpec | None = None) -> int:
    """Of the picture that a translation reads, or of another input of it."""
    channels = (spec or graph.inputs[0]).shape[1]
    assert isinstance(channels, int)
    return channels


def as_input(graph: GraphFunction, spec: TensorSpec, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """(N, C, H, W) as an input of a graph takes it, filled up to a size that it takes. Raises RequestError."""
    import numpy as np

    given = pixels.shape[1:]
    wanted = [
        size.smallest(have) if isinstance(size, Dim) else size for size, have in zip(spec.shape[1:], given, strict=True)
    ]
    if any(want < have for want, have in zip(wanted, given, strict=True)):
        expected, found = (_by(shape) for shape in (wanted, given))
        raise RequestError(
            f"{graph.name} takes pictures of {expected}, not {found}.",
            hint=f"--size {size_text(*wanted[1:])} makes them fit.",
        )
    padding = [(0, 0), (0, 0), *((0, want - have) for want, have in zip(wanted[1:], given[1:], strict=True))]
    filled = np.pad(pixels, padding, mode="reflect")
    return (filled.astype(np.float32) * ((spec.high - spec.low) / 255) + np.float32(spec.low)).astype(spec.dtype)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
