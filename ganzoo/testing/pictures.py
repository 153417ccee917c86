"""Random pictures as a data source, for tests of architectures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.architecture import Batch, Pair
from ganzoo.plugin.specs import Task
from ganzoo.tensors import DataInfo


class RandomPictures:
    """`count` pictures of uniform noise with labels, or two such sets for image-to-image."""

    def __init__(self, info: DataInfo, *, task: Task = "noise-to-image", count: int = 10, paired: bool = False) -> None:
        random = np.random.RandomState(0)
        shape = (2, count, info.channels, info.size, info.size)
        self._sides = torch.from_numpy(random.randint(256, size=shape).astype(np.uint8))
        self._labels = torch.from_numpy(random.randint(max(info.classes, 1), size=count))
        self._task = task
        self.info = info
        self.description = "random pictures"
        self.in_memory = True
        self.lengths: tuple[int, ...] = (count,) if task == "noise-to-image" or paired else (count, count)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        """The pictures of these indices, one array for each side, as a data source gives them."""
        if self._task == "noise-to-image":
            return Batch(real=self._sides[0][indices[0]], label=self._labels[indices[0]])
        return Pair(source=self._sides[0][indices[0]], target=self._sides[1][indices[-1]])
