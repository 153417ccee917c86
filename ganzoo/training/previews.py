"""Sample grids written while training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.architecture import Batch, Graph, Pair
from ganzoo.data.pictures import grid, to_uint8
from ganzoo.specs import TensorSpec

_BATCH = 16


def write_reals(path: Path, batch: Batch | Pair, count: int) -> None:
    """A grid of real pictures, to hold the fakes against."""
    images = batch.real if isinstance(batch, Batch) else batch.source
    grid(images[:count].cpu().numpy()).save(path)


def write_previews(
    path: Path,
    graphs: Sequence[Graph],
    *,
    reals: Callable[[], Batch | Pair],
    count: int,
    device: torch.device,
) -> Path:
    """The first picture output of the main graph, and of the others if inputs are pictures, as PNG grids.

    path: of the main graph's grid; other graphs' names are appended. reals: a prepared batch, asked for
    when a graph takes pictures.
    """
    translations = [graph for graph in graphs if any(spec.draw == "image" for spec in graph.inputs)]
    for index, graph in enumerate(translations or graphs[:1]):
        given = reals if translations else None
        images = torch.cat([*paint_batches(graph, count=count, device=device, reals=given)])
        name = path if index == 0 else path.with_stem(f"{path.stem}-{graph.name}")
        grid(to_uint8(images.float().cpu().numpy())).save(name)
    return path


def paint(
    graph: Graph,
    *,
    count: int,
    device: torch.device,
    first_seed: int = 0,
    labels: NDArray[np.int64] | None = None,
) -> torch.Tensor:
    """`count` pictures from seeds first_seed, first_seed + 1, ...: (count, C, H, W), in small batches.

    labels: class indices (count,) for a class-conditional graph; drawn by seed if not given.
    """
    return torch.cat([*paint_batches(graph, count=count, device=device, first_seed=first_seed, labels=labels)])


def paint_batches(
    graph: Graph,
    *,
    count: int,
    device: torch.device,
    first_seed: int = 0,
    reals: Callable[[], Batch | Pair] | None = None,
    labels: NDArray[np.int64] | None = None,
) -> Iterator[torch.Tensor]:
    """The same, batch by batch. reals: pictures for the inputs that are pictures; it ends where they do."""
    batch = reals() if reals is not None else None
    for start in range(0, count, _BATCH):
        seeds = range(first_seed + start, first_seed + min(start + _BATCH, count))
        inputs = [_input(spec, seeds, start, batch, device) for spec in graph.inputs]
        if labels is not None:
            chosen = torch.from_numpy(labels[start : start + len(seeds)]).to(device)
            inputs = [chosen if spec.draw == "class" else x for spec, x in zip(graph.inputs, inputs, strict=True)]
        rows = min(len(tensor) for tensor in inputs)
        if rows == 0:
            break  # fewer real pictures than asked for
        yield graph.run(*[tensor[:rows] for tensor in inputs])[0]


def _input(
    spec: TensorSpec, seeds: range, start: int, batch: Batch | Pair | None, device: torch.device
) -> torch.Tensor:
    if spec.draw == "image" and batch is not None:
        pictures: torch.Tensor = getattr(batch, spec.name)
        return pictures[start : start + len(seeds)]
    return torch.from_numpy(spec.sample(list(seeds))).to(device)
