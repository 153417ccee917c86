"""Random squares of pictures that are held larger than they are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.source import DataSource
from ganzoo.keys import derive_key


class RandomCrops:
    """Cuts a square of `size` out of each picture of a batch; where, is a function of seed, step and row alone.

    batch_size: of the global batch; places are drawn for all of it, so that ranks cut what one process would.
    together: source and target of a row are cut at the same place, as pairs must be.
    """

    def __init__(self, *, size: int, seed: int, batch_size: int, together: bool) -> None:
        self._size = size
        self._seed = seed
        self._batch_size = batch_size
        self._together = together

    def __call__(self, batch: Batch | Pair, *, step: int, rows: NDArray[np.int64] | None = None) -> Batch | Pair:
        """batch: the rows of a global batch that `rows` names, all if None. Pictures of that size stay as they are."""
        sides = iter((0, 0) if self._together else (0, 1))

        def cut(tensor: Tensor) -> Tensor:
            return tensor if tensor.ndim != 4 else self._cut(tensor, next(sides), step, rows)  # labels are left alone

        return batch.map(cut)

    def _cut(self, images: Tensor, side: int, step: int, rows: NDArray[np.int64] | None) -> Tensor:
        room = images.shape[-1] - self._size
        if room == 0:
            return images
        key = derive_key(self._seed, "crop", step, side)
        random = np.random.RandomState([key & 0xFFFFFFFF, key >> 32])  # its streams are frozen for good
        places = random.randint(room + 1, size=(self._batch_size, 2))[slice(None) if rows is None else rows]
        return torch.stack(
            [
                image[:, top : top + self._size, left : left + self._size]
                for image, (top, left) in zip(images, places.tolist(), strict=True)
            ]
        )


class Centred:
    """A source whose pictures are the centre squares of another's: what is scored and shown in grids."""

    def __init__(self, source: DataSource, size: int) -> None:
        self._source = source
        self._room = source.info.size - size
        self._size = size
        self.info = dataclasses.replace(source.info, size=size)
        self.description = source.description
        self.lengths = source.lengths
        self.in_memory = source.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        start = self._room // 2
        inner = slice(start, start + self._size)
        return self._source.fetch(indices).map(lambda tensor: tensor[..., inner, inner] if tensor.ndim == 4 else tensor)
