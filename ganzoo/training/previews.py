"""Sample grids written while training, and pictures from graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.architecture import Batch, Graph, Pair
from ganzoo.data.pictures import grid, to_uint8

_BATCH = 16


def write_reals(path: Path, batch: Batch | Pair) -> None:
    """A grid of real pictures, to hold the fakes against; of pairs, source and target side by side."""
    images = batch.real if isinstance(batch, Batch) else torch.cat([batch.source, batch.target], 3)
    grid(images.cpu().numpy()).save(path)


def write_previews(
    path: Path,
    graphs: Sequence[Graph],
    *,
    reals: Callable[[], Batch | Pair],
    paired: bool,
    count: int,
    device: torch.device,
) -> Path:
    """What the main graph paints, or each translation, as PNG grids.

    path: of the main graph's grid; other graphs' names are appended. reals: prepared pictures, asked
    for when a graph takes some. count: of pictures from noise. paired: its targets are what its sources should become.
    """
    translations = [graph for graph in graphs if reads_pictures(graph)]
    batch = reals() if translations else None
    for index, graph in enumerate(translations or graphs[:1]):
        if batch is None:
            images = torch.cat([*paint_batches(graph, count=count, device=device)])
        else:
            given: Tensor = getattr(batch, graph.inputs[0].name)
            truth: Tensor | None = getattr(batch, graph.outputs[0].name) if paired else None
            images = strips(graph, way_back(graph, graphs), given, truth)
        name = path if index == 0 else path.with_stem(f"{path.stem}-{graph.name}")
        grid(to_uint8(images.float().cpu().numpy())).save(name)
    return path


def reads_pictures(graph: Graph) -> bool:
    """Whether it translates pictures; otherwise it paints from noise."""
    return any(spec.kind == "image" for spec in graph.inputs)


def way_back(graph: Graph, graphs: Sequence[Graph]) -> Graph | None:
    """The translation that reads what this one paints and paints what it reads, if there is one."""
    domains = [spec.name for spec in (*graph.inputs, *graph.outputs)]
    backs = (other for other in graphs if [spec.name for spec in (*other.outputs, *other.inputs)] == domains)
    return next((other for other in backs if reads_pictures(other)), None)


def strips(graph: Graph, back: Graph | None, given: Tensor, truth: Tensor | None = None) -> Tensor:
    """What is given, its translation, and the way back or the truth, side by side: (N, C, H, 2 W or 3 W).

    given, truth: (N, C, H, W) in [-1, 1].
    """
    rows = []
    for start in range(0, len(given), _BATCH):
        part = given[start : start + _BATCH]
        translated = graph.run(part)[0]
        beside = [part, translated.to(part.dtype)]
        if back is not None:
            beside.append(back.run(translated)[0].to(part.dtype))
        elif truth is not None:
            beside.append(truth[start : start + _BATCH])
        rows.append(torch.cat(beside, 3))
    return torch.cat(rows)


def paint_batches(graph: Graph, *, count: int, device: torch.device) -> Iterator[Tensor]:
    """Pictures from the seeds 0 to count - 1, in batches (B, C, H, W)."""
    for start in range(0, count, _BATCH):
        seeds = range(start, min(start + _BATCH, count))
        inputs = [torch.from_numpy(spec.default_or_sample(seeds)).to(device) for spec in graph.inputs]
        yield graph.run(*inputs)[0]
