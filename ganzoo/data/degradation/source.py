"""Good pictures, and low-quality partners that are made of them on the way.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.crops import Centred, RandomCrops
from ganzoo.data.degradation.recipe import Recipe
from ganzoo.data.degradation.steps import luma
from ganzoo.data.draws import Draws
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.data.whole import Cut, gives_parts
from ganzoo.datainfo import DataInfo, Picture

_MARGIN = 4
"""Pixels of a partner that a part is degraded with beyond its borders, and that are cut off again: bicubic reaches two.
"""


class Degraded:
    """Pairs of a source of pictures: source the partner, target the picture.

    shown: what the networks see; targets are the recipe's scale times as large as sources.
    What a partner is follows from the seed of a run, the step and the row; outside of training, from the picture alone,
    so that it can be held against another day's.
    """

    in_memory = False  # making partners is work, and is done ahead

    def __init__(self, source: DataSource, recipe: Recipe, shown: DataInfo) -> None:
        self.inner = source
        self._recipe = recipe
        self.info = shown
        self.description = f"{source.description}, and partners made by {recipe.text}"
        self.lengths = source.lengths
        self.facts = facts_of(source)
        self.has_parts = gives_parts(source)
        self._target: Picture = shown.pictures["target"]
        self._pictures = source if source.info.picture == self._target else Centred(source, _alone(self._target))

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        """The middle of each picture, and a partner that is the same whenever it is asked for."""
        return self.parts(indices, Cut())

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        randoms = [_of_picture(index) for index in indices[0]]
        if gives_parts(self.inner):
            return self._paired(self.inner.parts(indices, self._cut(cut.places)), randoms, margin=True)
        return self._paired(self._pictures.fetch(indices), randoms)

    def whole(self, index: int) -> Pair:
        """All of a picture, less what is no multiple of the scale, and its partner: (1, C, H, W) each."""
        if not gives_parts(self.inner):
            return self.fetch([np.array([index])])
        batch = self.inner.whole(index)
        assert isinstance(batch, Batch)
        picture = batch.real[0]
        height, width = (side // self._recipe.scale * self._recipe.scale for side in picture.shape[1:])
        picture = picture[:, :height, :width]
        return Pair(source=self._partner(picture, _of_picture(index))[None], target=picture[None])

    def arranged(self, indices: Sequence[NDArray[np.int64]], draws: Draws) -> Pair:
        """For a step: a part of each picture where the draws say, and a partner that they say."""
        randoms = [draws.of(row, "degrade") for row in range(len(indices[0]))]
        if gives_parts(self.inner):
            return self._paired(self.inner.parts(indices, self._cut(draws.places())), randoms, margin=True)
        batch = self.inner.fetch(indices)
        assert isinstance(batch, Batch)
        if self.inner.info.picture != self._target:
            crops = RandomCrops(
                {"real": self._target}, seed=draws.seed, batch_size=draws.batch_size, together=True, key=draws.key
            )
            cut = crops(batch, step=draws.step, rows=draws.rows)
            assert isinstance(cut, Batch)
            batch = cut
        return self._paired(batch, randoms)

    def _cut(self, places: NDArray[np.float64] | None) -> Cut:
        return Cut(places, margin=_MARGIN * self._recipe.scale, step=self._recipe.scale)

    def _paired(self, batch: Batch | Pair, randoms: Sequence[RandomState], *, margin: bool = False) -> Pair:
        """margin: the pictures are so much larger than what is shown, and are cut when their partners are made."""
        assert isinstance(batch, Batch)
        sources = [self._partner(picture, random) for picture, random in zip(batch.real, randoms, strict=True)]
        source, target = torch.stack(sources), batch.real
        if margin:
            source, target = _inside(source, _MARGIN), _inside(target, _MARGIN * self._recipe.scale)
        return Pair(source=source, target=target)

    def _partner(self, picture: Tensor, random: RandomState) -> Tensor:
        made = self._recipe.partner(picture, random)
        channels = self.info.pictures["source"].channels
        if channels == made.shape[0]:
            return made
        return luma(made.to(torch.float32)).round().to(torch.uint8) if channels == 1 else made.expand(3, -1, -1)


def _inside(images: Tensor, margin: int) -> Tensor:
    return images[..., margin : images.shape[-2] - margin, margin : images.shape[-1] - margin]


def _alone(picture: Picture) -> DataInfo:
    return DataInfo({"real": picture})


def _of_picture(index: int) -> RandomState:
    return RandomState([int(index) & 0xFFFFFFFF, 0xDE6])
