"""Random parts of pictures that are opened larger than they are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.datainfo import DataInfo, Domain, Picture
from ganzoo.keys import derive_key

Places = list[tuple[int, int]]
"""Top and left of each row."""


class RandomCrops:
    """Cuts the part that is shown out of each picture of a batch, where seed, key, step and row alone say.

    pictures: what is shown, by domain. batch_size: of the global batch; places are drawn for all of it, so that ranks
    cut what one process would. together: source and target of a row are cut at the same place, as pairs must be; where
    one is so many times as large as the other, its place is too. key: of reals that a phase has to itself; "" for the
    shared ones.
    """

    def __init__(
        self, pictures: Mapping[Domain, Picture], *, seed: int, batch_size: int, together: bool, key: str = ""
    ) -> None:
        self._pictures = pictures
        self._key = (seed, "crop", key) if key else (seed, "crop")
        self._batch_size = batch_size
        self._together = together

    def __call__(self, batch: Batch | Pair, *, step: int, rows: NDArray[np.int64] | None = None) -> Batch | Pair:
        """batch: the rows of a global batch that `rows` names, all if None. Pictures of that size stay as they are."""
        tensors = pictures_of(batch)
        grids = {
            domain: grid_of(domain, {name: tensor.shape[-2:] for name, tensor in tensors.items()}, self._pictures)
            if self._together
            else grid_of(domain, {domain: tensor.shape[-2:]}, self._pictures)
            for domain, tensor in tensors.items()
        }
        cut = {domain: self._cut(tensor, domain, grids[domain], step, rows) for domain, tensor in tensors.items()}
        return replace(batch, **cut)  # type: ignore[arg-type]

    def _cut(
        self, images: Tensor, domain: Domain, grid: Sequence[tuple[int, int]], step: int, rows: NDArray[np.int64] | None
    ) -> Tensor:
        shown = self._pictures[domain]
        if images.shape[-2:] == shown.shape[1:]:
            return images
        (down, unit_down), (across, unit_across) = grid
        key = derive_key(*self._key, step, 1 if domain == "target" and not self._together else 0)
        random = np.random.RandomState([key & 0xFFFFFFFF, key >> 32])  # its streams are frozen for good
        most = down + 1 if down == across else [down + 1, across + 1]
        places = random.randint(most, size=(self._batch_size, 2))[slice(None) if rows is None else rows]
        places = places * np.array([unit_down, unit_across])
        return torch.stack(
            [
                image[:, top : top + shown.height, left : left + shown.width]
                for image, (top, left) in zip(images, places.tolist(), strict=True)
            ]
        )


class Centred:
    """A source whose pictures are the centres of another's: what is scored and shown in grids. shown: of the result."""

    def __init__(self, source: DataSource, shown: DataInfo) -> None:
        self._source = source
        self._together = len(source.lengths) == 1
        self.info = shown
        self.description = source.description
        self.lengths = source.lengths
        self.in_memory = source.in_memory
        self.facts = facts_of(source)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        batch = self._source.fetch(indices)
        tensors = pictures_of(batch)
        opened = {name: tensor.shape[-2:] for name, tensor in tensors.items()}
        cut: dict[str, Tensor] = {}
        for domain, tensor in tensors.items():
            shown = self.info.pictures[domain]
            around = opened if self._together else {domain: opened[domain]}
            (down, unit_down), (across, unit_across) = grid_of(domain, around, self.info.pictures)
            top, left = down // 2 * unit_down, across // 2 * unit_across
            cut[domain] = tensor[..., top : top + shown.height, left : left + shown.width]
        return replace(batch, **cut)  # type: ignore[arg-type]


def pictures_of(batch: Batch | Pair) -> dict[Domain, Tensor]:
    """The tensors of a batch that hold pictures, by domain."""
    return {"real": batch.real} if isinstance(batch, Batch) else {"source": batch.source, "target": batch.target}


def grid_of(
    domain: Domain, opened: Mapping[Domain, Sequence[int]], shown: Mapping[Domain, Picture]
) -> list[tuple[int, int]]:
    """Down and across: how many steps there is room for, and the pixels of a step.

    opened: heights and widths of the domains that are cut together. Where the shown ones are of 16 and of 64 pixels, a
    step is one pixel of the first and four of the second.
    """
    grid = []
    for axis in (0, 1):
        sides = {name: shown[name].shape[1 + axis] for name in opened}
        common = math.gcd(*sides.values())
        rooms = [(opened[name][axis] - side) // (side // common) for name, side in sides.items()]
        grid.append((min(rooms), sides[domain] // common))
    return grid
