"""Two translations made of the built-in digits, so that one can be seen to work offline in minutes.

`digits-neon` is unpaired: dark ink on light paper, and *other* digits as light on a dark coloured ground.
`digits-outline` is paired: the outline of a digit, and the digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.config import DataConfig
from ganzoo.data.digits import TRAIN_COUNT, Digits, enlarge, load_digits
from ganzoo.datainfo import DataInfo, Picture, Size
from ganzoo.errors import RequestError

if TYPE_CHECKING:
    from ganzoo.architecture import Pair
    from ganzoo.data.source import Notify

Task = Literal["neon", "outline"]

# Red, green, blue of no ink and of full ink.
_PAPER, _INK = (244, 238, 222), (28, 32, 72)
_GROUND, _LIGHT = (58, 12, 92), (255, 222, 96)

_INSIDE = 96  # grey level from which a pixel belongs to the stroke


class Domains(NamedTuple):
    """source, target: (N, C, H, W) uint8. Labels, the digits shown: (N,) int64 each."""

    source: NDArray[np.uint8]
    target: NDArray[np.uint8]
    source_labels: NDArray[np.int64]
    target_labels: NDArray[np.int64]


def training_pictures(task: Task, *, size: Size, resize: str = "lanczos") -> Domains:
    """What is learnt from. Of `neon`, half of the training digits are in each domain, so that none is in both."""
    train, _ = load_digits()
    half = TRAIN_COUNT // 2 if task == "neon" else 0
    return _domains(task, Digits(train.images[half:], train.labels[half:]), _first(train, half), size, resize)


def held_out_pictures(task: Task, *, size: Size, resize: str = "lanczos") -> Domains:
    """The held-out digits in both domains, row by row the same digit."""
    _, held_out = load_digits()
    return _domains(task, held_out, held_out, size, resize)


def open_neon(argument: str, options: DataConfig, *, notify: Notify) -> DigitTask:
    """The data source `digits-neon`. Raises RequestError for an argument, and for grey pictures."""
    return DigitTask("neon", argument, options)


def open_outline(argument: str, options: DataConfig, *, notify: Notify) -> DigitTask:
    """The data source `digits-outline`, grey or three equal channels. Raises RequestError for an argument."""
    return DigitTask("outline", argument, options)


class DigitTask:
    """One of the two translations as a data source."""

    def __init__(self, task: Task, argument: str, options: DataConfig) -> None:
        import torch

        if argument:
            raise RequestError(f"The data source 'digits-{task}' takes no argument, and was given {argument!r}.")
        channels = 3 if task == "neon" else 1
        default = Picture(channels=channels, height=32, width=32)
        read, painted = (options.picture(default, domain) for domain in ("source", "target"))
        if min(read.channels, painted.channels) < channels:
            raise RequestError(f"'digits-{task}' is coloured.", hint="--set data.channels=3")
        self.info = DataInfo({"source": read, "target": painted})
        sides = [
            training_pictures(task, size=(like.height, like.width), resize=options.resize)[side]
            for side, like in enumerate((read, painted))
        ]
        self._source, self._target = (
            torch.from_numpy(side).expand(-1, like.channels, -1, -1).contiguous()
            for side, like in zip(sides, (read, painted), strict=True)
        )
        self.description = f"digits-{task} (UCI optdigits, CC BY 4.0)"
        paired = task == "outline"
        self.lengths: tuple[int, ...] = (len(self._source),) if paired else (len(self._source), len(self._target))
        self.in_memory = True

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        import torch

        from ganzoo.architecture import Pair

        first, last = torch.from_numpy(indices[0]), torch.from_numpy(indices[-1])
        return Pair(source=self._source.index_select(0, first), target=self._target.index_select(0, last))


def _first(digits: Digits, count: int) -> Digits:
    return Digits(digits.images[:count], digits.labels[:count]) if count else digits


def _domains(task: Task, source: Digits, target: Digits, size: Size, resize: str) -> Domains:
    sources, targets = (enlarge(side.images, size, resize) for side in (source, target))
    if task == "neon":
        pictures = _coloured(sources, _PAPER, _INK), _coloured(targets, _GROUND, _LIGHT)
    else:
        pictures = _outlined(sources)[:, None], targets[:, None]
    return Domains(*pictures, source.labels, target.labels)


def _coloured(
    strokes: NDArray[np.uint8], ground: tuple[int, int, int], stroke: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """(N, S, S) to (N, 3, S, S), from the colour of no ink to that of full ink."""
    share = strokes[:, None].astype(np.float64) / 255
    first, last = (np.array(colour, dtype=np.float64)[:, None, None] for colour in (ground, stroke))
    return np.asarray((first + share * (last - first)).round(), dtype=np.uint8)


def _outlined(strokes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, S, S): the pixels of a stroke that touch its outside, dark on white."""
    inside = np.pad(strokes >= _INSIDE, ((0, 0), (1, 1), (1, 1)))
    core = inside[:, 1:-1, 1:-1].copy()
    for rows, columns in (((0, -2), (1, -1)), ((2, None), (1, -1)), ((1, -1), (0, -2)), ((1, -1), (2, None))):
        core &= inside[:, slice(*rows), slice(*columns)]
    edge = inside[:, 1:-1, 1:-1] & ~core
    return np.where(edge, 0, 255).astype(np.uint8)
