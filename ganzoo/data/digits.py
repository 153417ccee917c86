"""The built-in digits: real, small, offline. Attribution and licence: DIGITS.md beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.config import DataConfig
from ganzoo.data.pictures import RESIZE_FILTERS
from ganzoo.datainfo import Condition, DataInfo, Picture, Size, height_and_width
from ganzoo.errors import RequestError

if TYPE_CHECKING:
    from ganzoo.architecture import Batch
    from ganzoo.data.source import Notify

DEFAULT = Picture(channels=1, height=32, width=32)
TRAIN_COUNT = 1500
DEEPEST = 16
"""The value of full ink in the originals, which run from 0."""


class Digits(NamedTuple):
    """The originals. images: (N, 8, 8) float64 in 0..16. labels: (N,) int64."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64]


def load_digits() -> tuple[Digits, Digits]:
    """1,500 digits to train on and 297 held out, split by a fixed shuffle so that both have all writers."""
    path = resources.files("ganzoo.data").joinpath("digits.npz")
    with path.open("rb") as file, np.load(file) as arrays:
        images, labels = arrays["images"].astype(np.float64), arrays["labels"].astype(np.int64)
    order = np.random.RandomState(0).permutation(len(images))
    train, held_out = order[:TRAIN_COUNT], order[TRAIN_COUNT:]
    return Digits(images[train], labels[train]), Digits(images[held_out], labels[held_out])


def enlarge(images: NDArray[np.float64], size: Size, resize: str = "lanczos") -> NDArray[np.uint8]:
    """(N, 8, 8) in 0..16 to (N, H, W) uint8. size: of both sides, or height and width, to which they are stretched."""
    from PIL import Image

    pixels = (images * (255 / DEEPEST)).round().astype(np.uint8)
    height, width = height_and_width(size)
    resized = [Image.fromarray(picture).resize((width, height), RESIZE_FILTERS[resize]) for picture in pixels]
    return np.stack([np.asarray(picture) for picture in resized])


def open_digits(argument: str, options: DataConfig, *, notify: Notify) -> DigitsSource:
    """The data source `digits`; `digits:200` has the first 200. Raises RequestError for another argument."""
    count = TRAIN_COUNT
    if options.labels not in ("", "none"):
        raise RequestError(
            f"data.labels = {options.labels!r}: the digits have labels of their own.", hint="Leave data.labels out."
        )
    if argument:
        if not argument.isdecimal() or not 1 <= int(argument) <= TRAIN_COUNT:
            raise RequestError(
                f"digits:{argument} is no number of digits; there are {TRAIN_COUNT} to train on.",
                hint="For example --data digits:200, or --data digits for all.",
            )
        count = int(argument)
    return DigitsSource(options.picture(DEFAULT), resize=options.resize, count=count)


class DigitsSource:
    """The first `count` training digits, enlarged, as grey or as three equal channels."""

    def __init__(self, like: Picture, *, resize: str, count: int = TRAIN_COUNT) -> None:
        import torch

        train, _ = load_digits()
        size = like.height, like.width
        pictures = torch.from_numpy(enlarge(train.images[:count], size, resize))[:, None]  # (N, 1, H, W)
        self._images = pictures.expand(-1, like.channels, -1, -1).contiguous()
        self._labels = torch.from_numpy(train.labels[:count])
        self.info = DataInfo({"real": like}, Condition(kind="class", size=10))
        self.description = f"digits (UCI optdigits, CC BY 4.0), {count} of 1797"
        self.lengths: tuple[int, ...] = (count,)
        self.in_memory = True

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch:
        import torch

        from ganzoo.architecture import Batch

        chosen = torch.from_numpy(indices[0])
        return Batch(real=self._images.index_select(0, chosen), label=self._labels.index_select(0, chosen))
