"""Translating pictures: any size in, the same size out. Needs no torch for a file.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import DataError, RequestError, did_you_mean, one_line
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet
from ganzoo.tensors import Dim

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def choose_direction(source: GraphSet, name: str | None) -> GraphFunction:
    """The translation of that name; the first if None. Raises RequestError for one that is not there."""
    translations = {graph.name: graph for graph in source.graphs if graph.translates}
    if name is None:
        chosen = next(iter(translations.values()))
    elif name in translations:
        chosen = translations[name]
    else:
        raise RequestError(
            f"{source.path} has no direction {name!r}.{did_you_mean(name, translations)} "
            f"Directions: {', '.join(translations)}."
        )
    if len(chosen.inputs) > 1:
        raise RequestError(f"{chosen.name} of {source.path} takes {len(chosen.inputs)} inputs, not one picture.")
    return chosen


def way_back(source: GraphSet, there: GraphFunction) -> GraphFunction | None:
    """The translation that reads what this one paints and paints what it reads, if there is one."""
    domains = (there.outputs[0].name, there.inputs[0].name)
    return next((graph for graph in source.graphs if (graph.inputs[0].name, graph.outputs[0].name) == domains), None)


def translate_pixels(pixels: NDArray[np.uint8], *graphs: GraphFunction) -> list[NDArray[np.uint8]]:
    """(N, C, H, W) uint8 of any size -> what each graph makes of what the one before it made, of the same shape.

    A size that the network does not take is filled up by reflection, and cut back afterwards. Nothing is rounded
    between two graphs.
    """
    from ganzoo.data.pictures import to_uint8

    height, width = pixels.shape[2:]
    painted, results = _as_input(graphs[0], pixels), []
    for graph in graphs:
        painted = graph.run([painted])[0]
        spec = graph.outputs[0]
        results.append(to_uint8(painted[:, :, :height, :width], low=spec.low, high=spec.high))
    return results


def translate_strips(
    source: GraphSet, graph: GraphFunction, given: NDArray[np.uint8], truth: NDArray[np.uint8] | None
) -> tuple[NDArray[np.uint8], str]:
    """Source and translation, and behind them the way back if there is one, or else the truth if it is known.

    given, truth: (N, C, H, W). Returns (N, C, H, 2 W or 3 W), and what is third, in words.
    """
    import numpy as np

    back, rows = way_back(source, graph), []
    ways = (graph,) if back is None else (graph, back)
    for start in range(0, len(given), BATCH):
        part = slice(start, start + BATCH)
        beside = [given[part], *translate_pixels(given[part], *ways)]
        if back is None and truth is not None:
            beside.append(truth[part])
        rows.append(np.concatenate(beside, 3))
    third = ", way back" if back is not None else ", truth" if truth is not None else ""
    return np.concatenate(rows), third


def usual_size(graph: GraphFunction) -> int:
    """Height and width of pictures that are shown together, where nobody states one."""
    height = graph.inputs[0].shape[2]
    return height if isinstance(height, int) else height.default or 256


def read_pixels(path: Path, graph: GraphFunction, size: int | None) -> NDArray[np.uint8]:
    """A file as (1, C, H, W), square if a size is stated. Raises DataError."""
    from ganzoo.data.pictures import open_picture, pixels_of, square

    try:
        image = open_picture(path, channels=_channels(graph))
        return (pixels_of(image) if size is None else square(image, size=size))[None]
    except Exception as error:  # damaged files make decoders raise anything
        raise DataError(f"{path} cannot be read as a picture: {one_line(error)}") from None


def image_pixels(image: Image.Image, graph: GraphFunction, size: int | None) -> NDArray[np.uint8]:
    """A picture in memory as (1, C, H, W), square if a size is stated."""
    from ganzoo.data.pictures import as_mode, pixels_of, square

    ready = as_mode(image, channels=_channels(graph))
    return (pixels_of(ready) if size is None else square(ready, size=size))[None]


def _channels(graph: GraphFunction) -> int:
    channels = graph.inputs[0].shape[1]
    assert isinstance(channels, int)
    return channels


def _as_input(graph: GraphFunction, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    import numpy as np

    spec, given = graph.inputs[0], pixels.shape[1:]
    wanted = [
        size.smallest(have) if isinstance(size, Dim) else size for size, have in zip(spec.shape[1:], given, strict=True)
    ]
    if any(want < have for want, have in zip(wanted, given, strict=True)):
        expected, found = (_by(shape) for shape in (wanted, given))
        raise RequestError(f"{graph.name} takes pictures of {expected}, not {found}.", hint="--size makes them square.")
    padding = [(0, 0), (0, 0), *((0, want - have) for want, have in zip(wanted[1:], given[1:], strict=True))]
    filled = np.pad(pixels, padding, mode="symmetric")
    return (filled.astype(np.float32) * ((spec.high - spec.low) / 255) + np.float32(spec.low)).astype(spec.dtype)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
