"""Mirror images of a source, as pictures of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.nn import to_device


class WithFlips:
    """Every picture twice, the second time mirrored: an epoch shows both.

    Doubling instead of a coin for each picture keeps a batch a function of its indices, so that nothing random has
    to be saved for a resume. A paired source has one side, and both pictures of a pair are mirrored.
    """

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self.info = source.info
        self.description = f"{source.description}, and their mirror images"
        self.lengths: tuple[int, ...] = tuple(2 * length for length in source.lengths)
        self.in_memory = source.in_memory
        self.facts = tuple(dataclasses.replace(one.without_rows(), groups=one.groups * 2) for one in facts_of(source))

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        originals = [side % length for side, length in zip(indices, self._source.lengths, strict=True)]
        mirrored = [side >= length for side, length in zip(indices, self._source.lengths, strict=True)]
        batch = self._source.fetch(originals)
        if isinstance(batch, Batch):
            return Batch(real=_flip(batch.real, mirrored[0]), label=batch.label)
        return Pair(source=_flip(batch.source, mirrored[0]), target=_flip(batch.target, mirrored[-1]))


def _flip(images: Tensor, which: NDArray[np.bool_]) -> Tensor:
    chosen = to_device(torch.from_numpy(which), images.device)
    return torch.where(chosen[:, None, None, None], images.flip(3), images)
