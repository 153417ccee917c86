"""A large picture through a translation tile by tile, in memory that does not grow with the picture.

A tile is read with its surroundings, since a network sees further than the pixel that it paints and finds zeros beyond
the borders of what it is given. Where two tiles meet, each is left out of account as far as its border spoils it, and
in between one fades into the other. What is painted goes to a file that is mapped, not held.

Shapes: C channels, H, W of what is read, s how many times as large what is painted is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzoo.errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

USUAL_TILE = 512
USUAL_OVERLAP = 32
_FADE = 16  # pixels of the input over which a tile fades into the next

Paint = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]
"""(C, H, W) -> (D, s H, s W)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TilePlan:
    """down, across: where tiles begin, in pixels of the input. height, width: of each.

    context: how far from its border a tile is spoilt.
    """

    down: Sequence[int]
    across: Sequence[int]
    height: int
    width: int
    context: int

    def __len__(self) -> int:
        return len(self.down) * len(self.across)


def plan_tiles(height: int, width: int, *, tile: int, overlap: int, multiple: int = 1) -> TilePlan:
    """height, width: multiples of `multiple`, as tiles and their places are. overlap: the context on each side.

    Raises RequestError for tiles that are too small for their surroundings.
    """
    size = tile // multiple * multiple
    context = -(-overlap // multiple) * multiple
    step = size - 2 * context - -(-_FADE // multiple) * multiple
    if (size < height or size < width) and step < max(multiple, _FADE):
        least = least_tile(overlap, multiple)
        raise RequestError(
            f"Tiles of {tile} pixels with {overlap} of their surroundings on each side leave nothing in the middle.",
            hint=f"--tile {least} or more" + (", or a smaller --overlap." if overlap else "."),
        )
    return TilePlan(
        down=_starts(height, size, step),
        across=_starts(width, size, step),
        height=min(size, height),
        width=min(size, width),
        context=context,
    )


def least_tile(overlap: int, multiple: int = 1) -> int:
    """Pixels of the smallest tile with so many of its surroundings: as much again as it fades over is left of it."""
    context, fade = (-(-pixels // multiple) * multiple for pixels in (overlap, _FADE))
    return 2 * context + fade + max(multiple, fade)


def _starts(length: int, size: int, step: int) -> list[int]:
    """The last begins where it ends with the picture, so that all tiles have one size."""
    if length <= size:
        return [0]
    return [*range(0, length - size, step), length - size]


@dataclass(slots=True)
class Seam:
    """What two tiles say of the pixels that they share, apart: the largest difference."""

    largest: float = 0.0


def paint_tiles(
    read: Callable[[slice, slice], NDArray[np.float32]],
    paint: Paint,
    plan: TilePlan,
    scale: int,
    write: Callable[[slice, slice, NDArray[np.float32]], None],
) -> Iterator[Seam]:
    """Paints tile after tile, and tells after each how far tiles have been apart so far.

    read: rows and columns of the input (C, h, w). write: rows and columns of the output and their values (D, h, w),
    each pixel once.
    """
    seam, above = Seam(), _Strips(scale, plan.context)
    for row, top in enumerate(plan.down):
        until = plan.down[row + 1] if row + 1 < len(plan.down) else top + plan.height
        beside, below = _Strips(scale, plan.context), _Strips(scale, plan.context)
        for column, left in enumerate(plan.across):
            right = plan.across[column + 1] if column + 1 < len(plan.across) else left + plan.width
            made = paint(read(slice(top, top + plan.height), slice(left, left + plan.width)))
            if column:
                made = beside.faded(made, 0, axis=2, seam=seam)
            beside.keep(made[:, :, (right - left) * scale :], 0)
            made = made[:, :, : (right - left) * scale]  # what no tile to the right will change
            if row:
                made = above.faded(made, left, axis=1, seam=seam)
            below.keep(made[:, (until - top) * scale :], left)
            write(
                slice(top * scale, until * scale),
                slice(left * scale, right * scale),
                made[:, : (until - top) * scale],
            )
            yield seam
        above = below


class _Strips:
    """What tiles have painted beyond where the next begins, by where it lies. context: pixels that a border spoils."""

    def __init__(self, scale: int, context: int) -> None:
        self._scale, self._context = scale, context
        self._kept: dict[int, NDArray[np.float32]] = {}

    def keep(self, strip: NDArray[np.float32], place: int) -> None:
        self._kept[place] = strip.copy()

    def faded(self, made: NDArray[np.float32], place: int, *, axis: int, seam: Seam) -> NDArray[np.float32]:
        """`made`, which begins where the strip does, with the strip fading out of it."""
        strip = self._kept.pop(place)
        long = strip.shape[axis]
        middle, half = long / 2, min(_FADE * self._scale, max(0, long - 2 * self._context * self._scale)) / 2
        at = np.arange(long, dtype=np.float32) + 0.5
        share = np.clip((at - middle + half) / (2 * half), 0, 1) if half else (at > middle).astype(np.float32)
        shape = [1, 1, 1]
        shape[axis] = long
        weight = share.astype(np.float32).reshape(shape)
        index: list[Any] = [slice(None)] * 3
        index[axis] = slice(0, long)
        fresh = made[tuple(index)]
        fading = (share > 0) & (share < 1)
        if fading.any():
            apart = np.abs(np.compress(fading, fresh, axis=axis) - np.compress(fading, strip, axis=axis))
            seam.largest = max(seam.largest, float(apart.max()))
        result = made.copy()
        result[tuple(index)] = strip + weight * (fresh - strip)
        return result
