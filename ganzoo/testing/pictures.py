"""Random pictures as a data source, for tests of architectures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, DataKind, Pair
from ganzoo.plugin.specs import Task
from ganzoo.tensors import DataInfo


class RandomPictures:
    """`count` pictures of uniform noise with labels as `info` has them, or two such sets for translation.

    wants: what an architecture's class says. task, paired: the same in the words of plugin API 1.
    """

    def __init__(
        self,
        info: DataInfo,
        *,
        wants: DataKind | None = None,
        task: Task = "noise-to-image",
        count: int = 10,
        paired: bool = False,
    ) -> None:
        if wants is None:
            wants = "pictures" if task == "noise-to-image" else "pairs" if paired else "domains"
        random = np.random.RandomState(0)
        self.info = info = info if wants == "pictures" else info.of("source", "target")
        first, *others = info.pictures.values()
        last = others[0] if others else first
        both = [random.randint(256, size=(count, *picture.shape)) for picture in (first, last)]
        self._sides = [torch.from_numpy(side.astype(np.uint8)) for side in both]
        self._labels = self._drawn_labels(random, count)
        self._wants = wants
        self.description = "random pictures"
        self.in_memory = True
        self.lengths: tuple[int, ...] = (count, count) if wants == "domains" else (count,)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        """The pictures of these indices, one array for each side, as a data source gives them."""
        if self._wants == "pictures":
            return Batch(real=self._sides[0][indices[0]], label=self._labels[indices[0]])
        return Pair(source=self._sides[0][indices[0]], target=self._sides[1][indices[-1]])

    def _drawn_labels(self, random: np.random.RandomState, count: int) -> Tensor:
        condition = self.info.condition
        if condition is not None and condition.kind == "vector":
            vectors = random.uniform(condition.low, condition.high, size=(count, condition.size))
            return torch.from_numpy(vectors.astype(np.float32))
        return torch.from_numpy(random.randint(max(self.info.classes, 1), size=count))
