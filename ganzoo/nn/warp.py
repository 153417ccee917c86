"""Moving the pixels of a batch of pictures, differentiably, twice.

Shapes: B batch, C channels, S size (height and width).

Written with `gather`: the second derivative of `grid_sample` exists only in the newest torch.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from ganzoo.nn.transfer import to_device

# The low-pass filter of the wavelet sym6 (Daubechies, Ten Lectures on Wavelets, 1992). Its shifts by two are
# orthonormal: filtering up and down again without a warp between gives the picture back exactly.
_SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
_CENTRE = sum(place * tap for place, tap in enumerate(_SYM6)) / sum(_SYM6)  # 5.1
_SHIFT = 5  # taps left of the sample that a pixel becomes
_DELTA = _CENTRE - _SHIFT  # where, on the fine grid, pixel k lies beyond 2 k
_MARGIN = 6  # fine samples around the picture that filtering down needs
_BORDER = 9  # reflected pixels around the picture: half the margin, and what the filter reaches


def blit(images: Tensor, flip: Tensor, quarters: Tensor, shift: Tensor) -> Tensor:
    """Mirror, turn and move whole pixels, exactly; what moves in is a reflection.

    images: (B, C, S, S). flip: (B,) bool. quarters: (B,) int64 in 0..3. shift: (B, 2) int64, x and y.
    """
    batch, channels, size, _ = images.shape
    place = torch.arange(size, device=images.device)
    x = _reflect(place[None, None, :] - shift[:, 0, None, None], size)
    y = _reflect(place[None, :, None] - shift[:, 1, None, None], size)
    turn = quarters[:, None, None]
    last = size - 1
    x, y = (
        torch.where(turn == 0, x, torch.where(turn == 1, y, torch.where(turn == 2, last - x, last - y))),
        torch.where(turn == 0, y, torch.where(turn == 1, last - x, torch.where(turn == 2, last - y, x))),
    )
    x = torch.where(flip[:, None, None], last - x, x)
    index = (y * size + x).reshape(batch, 1, size * size).expand(-1, channels, -1)
    return images.flatten(2).gather(2, index).reshape_as(images)


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Resample pictures under an affine map, on a grid of twice the density, filtered up and down.

    images: (B, C, S, S). inverse: (B, 3, 3), from a place in the result to the place in the picture, in pixels
    from the centre. Outside the picture is its reflection.
    """
    size = images.shape[3]
    fine = _up(images)  # (B, C, L, L), L = 2 S + 2 margin
    place = torch.arange(-_MARGIN, 2 * size + _MARGIN, device=images.device, dtype=images.dtype)
    centred = (place - _DELTA) / 2 - (size - 1) / 2  # pixels from the centre
    x = inverse[:, 0, 0, None, None] * centred + inverse[:, 0, 1, None, None] * centred[:, None]
    y = inverse[:, 1, 0, None, None] * centred + inverse[:, 1, 1, None, None] * centred[:, None]
    x = 2 * (x + inverse[:, 0, 2, None, None] + (size - 1) / 2) + _DELTA
    y = 2 * (y + inverse[:, 1, 2, None, None] + (size - 1) / 2) + _DELTA
    return _down(_bilinear(fine, x, y, size))


def _bilinear(images: Tensor, x: Tensor, y: Tensor, size: int) -> Tensor:
    """images (B, C, L, L) at places x, y (B, N, N), in fine samples from the picture's first -> (B, C, N, N)."""
    left, top = x.floor(), y.floor()
    across, down = (x - left)[:, None], (y - top)[:, None]  # (B, 1, N, N)
    columns = _inside(left, size), _inside(left + 1, size)
    rows = _inside(top, size) * images.shape[3], _inside(top + 1, size) * images.shape[3]
    pixels = images.flatten(2)

    def at(column: Tensor, row: Tensor) -> Tensor:
        index = (row + column).long().flatten(1)[:, None]
        return pixels.gather(2, index.expand(-1, images.shape[1], -1)).reshape(*images.shape[:2], *x.shape[1:])

    upper = at(columns[0], rows[0]).lerp(at(columns[1], rows[0]), across)
    lower = at(columns[0], rows[1]).lerp(at(columns[1], rows[1]), across)
    return upper.lerp(lower, down)


def _inside(place: Tensor, size: int) -> Tensor:
    """Whole places on the fine grid, as floats, to indices into `_up`: as far as it reaches, then reflected.

    A picture's edge, half a pixel before its first, is sample -1, nearly. In floats, because integer remainders
    are slow on CPUs.
    """
    beyond = place + 1
    beyond = beyond - (beyond / (4 * size)).floor() * (4 * size)
    reflected = torch.minimum(beyond, 4 * size - beyond) - 1
    reached = (place >= -_MARGIN) & (place < 2 * size + _MARGIN)
    return torch.where(reached, place, reflected) + _MARGIN


def _reflect(place: Tensor, size: int) -> Tensor:
    """Whole places on a line of `size` pixels with mirrors half a pixel beyond its ends."""
    place = place.remainder(2 * size)
    return torch.minimum(place, 2 * size - 1 - place)


def _up(images: Tensor) -> Tensor:
    """(B, C, S, S) -> (B, C, 2 S + 2 margin, ...), the picture and its reflection around it."""
    along = _up_matrix(images.shape[3], images.dtype, images.device)
    return along @ images @ along.t()


def _down(images: Tensor) -> Tensor:
    """(B, C, 2 S + 2 margin, ...) -> (B, C, S, S)."""
    along = _down_matrix((images.shape[3] - 2 * _MARGIN) // 2, images.dtype, images.device)
    return along @ images @ along.t()


# Filtering along a line is a matrix: a convolution of one channel runs far below the speed of a product.


@cache
def _up_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(2 S + 2 margin, S): a line of pixels and its reflection, filtered up."""
    pixels = torch.arange(-_BORDER, size + _BORDER)
    taps = torch.arange(len(_SYM6))
    # Pixel k spreads over 2 k .. + 11; its centre is to be sample 2 k + delta of the picture.
    rows = 2 * pixels[:, None] + taps - _SHIFT + _MARGIN
    columns = _reflect(pixels, size)[:, None].expand_as(rows)
    within = (rows >= 0) & (rows < 2 * size + 2 * _MARGIN)
    values = torch.tensor(_SYM6, dtype=torch.float64).expand(rows.shape)
    matrix = torch.zeros(2 * size + 2 * _MARGIN, size, dtype=torch.float64)
    matrix.index_put_((rows[within], columns[within]), values[within], accumulate=True)
    return to_device(matrix.to(dtype), device)


@cache
def _down_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(S, 2 S + 2 margin): the inverse of `_up_matrix`, without the reflection."""
    taps = torch.arange(len(_SYM6))
    columns = 2 * torch.arange(size)[:, None] + taps - _SHIFT + _MARGIN
    matrix = torch.zeros(size, 2 * size + 2 * _MARGIN, dtype=torch.float64)
    matrix.scatter_(1, columns, torch.tensor(_SYM6, dtype=torch.float64).expand(columns.shape))
    return to_device(matrix.to(dtype), device)
