"""Sample grids written while training, and pictures from graphs.

Shapes: B batch, N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Graph, Pair
from ganzoo.data.pictures import grid, save_image, side_by_side, to_uint8
from ganzoo.data.sheets import by_class, named_rows
from ganzoo.files import child
from ganzoo.roles import painting_chain, translations, way_back
from ganzoo.tensors import Dim, TensorSpec

_BATCH = 16
_PREPARED = (-1.0, 1.0)
_ROWS = 16


def write_reals(path: Path, batch: Batch | Pair, *, within: Path, names: Sequence[str] = ()) -> None:
    """A grid of real pictures, to hold the fakes against; of pairs, source and target side by side.

    names: of classes; then its rows are classes.
    """
    sides = [batch.real] if isinstance(batch, Batch) else [batch.source, batch.target]
    pixels = side_by_side(*[side.cpu().numpy() for side in sides])
    label = batch.label if isinstance(batch, Batch) else None
    if names and label is not None and label.ndim == 1:
        save_image(named_rows(by_class(pixels, label.cpu().numpy(), names)), path, within=within)
        return
    save_image(grid(pixels), path, within=within)


def write_previews(
    path: Path,
    graphs: Sequence[Graph],
    *,
    within: Path,
    reals: Callable[[], Batch | Pair],
    paired: bool,
    count: int,
    device: torch.device,
) -> Path:
    """What is painted from noise, and each translation, as PNG grids; nothing where there is neither.

    path: of the first grid; other graphs' names are appended. within: the run.
    reals: prepared pictures, asked for when a graph takes some, or their labels. count: of pictures from noise.
    paired: targets are what sources should become.
    """
    painters, translating = painting_chain(graphs), [graph for graph in translations(graphs) if not graph.on_request]
    images: dict[str, NDArray[np.uint8]] = {}
    if painters:
        spec = painters[-1].outputs[0]
        labels = None
        if takes_vectors(painters) and (vectors := vectors_of(reals())) is not None:
            labels = chain.from_iterable(repeat(list(vectors)))  # from the first again, if there are fewer
        classes = next(
            (each for graph in painters for each in graph.inputs if each.kind == "class" and each.names), None
        )
        if classes is not None:
            shown = _in_rows(classes.classes, count)
            labels, count = iter(torch.from_numpy(shown)), len(shown)
        painted = torch.cat([*paint_batches(painters, count=count, device=device, labels=labels)])
        images[painters[-1].name] = _as_uint8(painted, spec)
        if classes is not None:
            rows = by_class(images.pop(painters[-1].name), shown, classes.names)
            save_image(named_rows(rows), path, within=within)
    batch = reals() if translating else None
    for graph in translating:
        taken: Tensor = getattr(batch, graph.reads or "source")
        truth: Tensor | None = getattr(batch, graph.paints or "target") if paired else None
        others: dict[str, Tensor] = {name: getattr(batch, domain) for name, domain in graph.beside.items()}
        images[graph.name] = strips(graph, way_back(graph, graphs), taken, truth, others)
    for index, (name, pixels) in enumerate(images.items()):
        place = path if index == 0 else child(path.parent, f"{path.stem}-{name}{path.suffix}")
        save_image(grid(pixels), place, within=within)
    return path


def strips(
    graph: Graph,
    back: Graph | None,
    given: Tensor,
    truth: Tensor | None = None,
    others: Mapping[str, Tensor] | None = None,
) -> NDArray[np.uint8]:
    """What is given, its translation, and the way back or the truth, side by side: (N, C, H, 2 W or 3 W) uint8.

    given, truth: (N, C, H, W) in [-1, 1]. others: further pictures that the translation takes, of each row; they are
    shown behind what is given.
    """
    rows = []
    for start in range(0, len(given), _BATCH):
        part = given[start : start + _BATCH]
        further = {name: images[start : start + _BATCH] for name, images in (others or {}).items()}
        translated = translate(graph, part, further)
        beside = [to_uint8(side.float().cpu().numpy()) for side in (part, *further.values())]
        beside.append(_as_uint8(translated, graph.outputs[0]))
        if back is not None:
            returned = translate(back, as_prepared(translated, graph.outputs[0]))
            beside.append(_as_uint8(returned, back.outputs[0]))
        elif truth is not None:
            beside.append(to_uint8(truth[start : start + _BATCH].float().cpu().numpy()))
        rows.append(side_by_side(*beside))
    return np.concatenate(rows)


def translate(graph: Graph, images: Tensor, others: Mapping[str, Tensor] | None = None) -> Tensor:
    """What a translation makes of pictures in [-1, 1]: its first output, between the values that its spec has.

    others: further pictures that it takes, in [-1, 1], of each row. Other inputs have their default, or what seed 0
    draws.
    """
    known = {graph.inputs[0].name: images, **(others or {})}
    dims = {
        side.name: size
        for spec in graph.inputs
        if spec.name in known
        for side, size in zip(spec.shape[1:], known[spec.name].shape[1:], strict=True)
        if isinstance(side, Dim)
    }
    inputs = [
        _as_given(known[spec.name], spec)
        if spec.name in known
        else torch.from_numpy(spec.default_or_sample([0], dims))
        .to(images.device)
        .expand(len(images), *[-1] * (len(spec.shape) - 1))
        for spec in graph.inputs
    ]
    return graph.run(*inputs)[0]


def _as_given(images: Tensor, spec: TensorSpec) -> Tensor:
    """Prepared pictures between the values that a graph takes them in."""
    if (spec.low, spec.high) == _PREPARED:
        return images
    return (images + 1) * ((spec.high - spec.low) / 2) + spec.low


def paint_batches(
    graphs: Sequence[Graph], *, count: int, device: torch.device, labels: Iterator[Tensor] | None = None
) -> Iterator[Tensor]:
    """Pictures from the seeds 0 to count - 1, in batches (B, C, H, W), of graphs that come after each other.

    labels: vectors (K,) of real pictures, or classes (), for an input that is one; the seeds draw them where there are
    none.
    """
    for start in range(0, count, _BATCH):
        seeds = range(start, min(start + _BATCH, count))
        made: list[Tensor] = []
        for graph in graphs:
            inputs = made + [_input(spec, seeds, device, labels) for spec in graph.inputs[len(made) :]]
            made = [graph.run(*inputs)[0]]
        yield made[0]


def _input(spec: TensorSpec, seeds: Sequence[int], device: torch.device, labels: Iterator[Tensor] | None) -> Tensor:
    if spec.kind in ("vector", "class") and labels is not None:
        rows = [row for _, row in zip(seeds, labels, strict=False)]
        if rows and rows[0].shape == spec.shape[1:]:  # else it is another vector than the data's
            return torch.stack(rows).to(device)
    return torch.from_numpy(spec.default_or_sample(seeds)).to(device)


def _in_rows(classes: int, count: int) -> NDArray[np.int64]:
    """Labels for a sheet of a row for each class: up to 16 of them, 8 pictures each and `count` in all at most."""
    rows = min(classes, _ROWS, count)
    chosen = np.unique(np.linspace(0, classes - 1, rows).astype(np.int64))
    each = max(1, min(8, count // len(chosen)))
    return np.repeat(chosen, each)


def classes_of(graphs: Sequence[Graph], count: int) -> NDArray[np.int64] | None:
    """The classes that the seeds 0 to count - 1 draw, (count,); None where pictures are of no class."""
    spec = next((one for graph in graphs for one in graph.inputs if one.kind == "class"), None)
    return None if spec is None else spec.default_or_sample(range(count)).astype(np.int64)


def takes_vectors(graphs: Sequence[Graph]) -> bool:
    """Whether they paint from a vector, which is taken from real pictures where there are some."""
    return any(spec.kind == "vector" for graph in graphs for spec in graph.inputs)


def vectors_of(batch: Batch | Pair) -> Tensor | None:
    """What comes with real pictures as a vector (B, K); None where nothing does, or labels."""
    label = batch.label if isinstance(batch, Batch) else None
    return label if label is not None and label.ndim == 2 else None


def as_prepared(images: Tensor, spec: TensorSpec) -> Tensor:
    """What a graph paints, in [-1, 1] as prepared pictures are."""
    if (spec.low, spec.high) == _PREPARED:
        return images
    return (images - spec.low) * (2 / (spec.high - spec.low)) - 1


def _as_uint8(images: Tensor, spec: TensorSpec) -> NDArray[np.uint8]:
    return to_uint8(images.float().cpu().numpy(), low=spec.low, high=spec.high)
