"""Mirror images and quarter turns of a source, as pictures of their own."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.data.whole import Get, PassesParts
from ganzoo.errors import RequestError
from ganzoo.nn import to_device


class _WithViews(PassesParts, ABC):
    """Every picture several times, each time seen otherwise: an epoch shows all of them.

    More pictures instead of a coin for each keep a batch a function of its indices, so that nothing random has to be
    saved for a resume. A paired source has one side, and both pictures of a pair are seen alike.
    """

    views: ClassVar[int]
    what: ClassVar[str]

    def __init__(self, source: DataSource) -> None:
        self.inner = source
        self.info = source.info
        self.description = f"{source.description}, and {self.what}"
        self.lengths: tuple[int, ...] = tuple(self.views * length for length in source.lengths)
        self.in_memory = source.in_memory
        self.facts = tuple(
            dataclasses.replace(one.without_rows(), groups=one.groups * self.views) for one in facts_of(source)
        )

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        return self.passed(indices, self.inner.fetch)

    def passed(self, indices: Sequence[NDArray[np.int64]], get: Get) -> Batch | Pair:
        originals = [side % length for side, length in zip(indices, self.inner.lengths, strict=True)]
        which = [side // length for side, length in zip(indices, self.inner.lengths, strict=True)]
        batch = get(originals)
        if isinstance(batch, Batch):
            return Batch(real=self.view(batch.real, which[0]), label=batch.label)
        return Pair(source=self.view(batch.source, which[0]), target=self.view(batch.target, which[-1]))

    @abstractmethod
    def view(self, images: Tensor, which: NDArray[np.int64]) -> Tensor:
        """(N, C, H, W) each as `which` says, from 0."""


class WithFlips(_WithViews):
    """Every picture twice, the second time mirrored."""

    views = 2
    what = "their mirror images"

    def view(self, images: Tensor, which: NDArray[np.int64]) -> Tensor:
        return _flip(images, which > 0)


class WithTurns(_WithViews):
    """Every picture four times, each a quarter turn further. Raises RequestError for pictures that are not square."""

    views = 4
    what = "their quarter turns"

    def __init__(self, source: DataSource) -> None:
        super().__init__(source)
        for picture in source.info.pictures.values():
            if picture.height != picture.width:
                raise RequestError(
                    f"data.turn turns square pictures, and these are {picture}.",
                    hint="--set data.turn=false, or --set data.size=N.",
                )

    def view(self, images: Tensor, which: NDArray[np.int64]) -> Tensor:
        turned = [images, images.rot90(1, (2, 3)), images.rot90(2, (2, 3)), images.rot90(3, (2, 3))]
        chosen = to_device(torch.from_numpy(which), images.device)[:, None, None, None]
        result = turned[0]
        for number in (1, 2, 3):
            result = torch.where(chosen == number, turned[number], result)
        return result


def _flip(images: Tensor, which: NDArray[np.bool_]) -> Tensor:
    chosen = to_device(torch.from_numpy(which), images.device)
    return torch.where(chosen[:, None, None, None], images.flip(3), images)
