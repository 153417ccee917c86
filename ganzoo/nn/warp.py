"""Moving the pixels of a batch of pictures, differentiably, twice.

Shapes: B batch, C channels, H, W; S a line of pixels, a row or a column.

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
    """Mirror, turn and move whole pixels, exactly; what moves in is a reflection, and so is what an oblong picture that
    is turned by a quarter has beyond its sides.

    images: (B, C, H, W). flip: (B,) bool. quarters: (B,) int64 in 0..3. shift: (B, 2) int64, x and y.
    """
    batch, channels, height, width = images.shape
    across, down = (torch.arange(size, device=images.device) for size in (width, height))
    x = _reflect(across[None, None, :] - shift[:, 0, None, None], width)
    y = _reflect(down[None, :, None] - shift[:, 1, None, None], height)
    turn = quarters[:, None, None]
    right, bottom = width - 1, height - 1
    middle = (width - height) // 2  # a quarter turn is about the centre
    x, y = (
        torch.where(
            turn == 0, x, torch.where(turn == 1, y + middle, torch.where(turn == 2, right - x, right - middle - y))
        ),
        torch.where(
            turn == 0, y, torch.where(turn == 1, bottom + middle - x, torch.where(turn == 2, bottom - y, x - middle))
        ),
    )
    x, y = _reflect(x, width), _reflect(y, height)
    x = torch.where(flip[:, None, None], right - x, x)
    index = (y * width + x).reshape(batch, 1, height * width).expand(-1, channels, -1)
    return images.flatten(2).gather(2, index).reshape_as(images)


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Resample pictures under an affine map, on a grid of twice the density, filtered up and down.

    images: (B, C, H, W). inverse: (B, 3, 3), from a place in the result to the place in the picture, in pixels
    from the centre. Outside the picture is its reflection.
    """
    height, width = images.shape[2:]
    fine = _up(images)  # (B, C, 2 H + 2 margin, 2 W + 2 margin)
    across, down = (_from_centre(size, images) for size in (width, height))
    x = inverse[:, 0, 0, None, None] * across + inverse[:, 0, 1, None, None] * down[:, None]
    y = inverse[:, 1, 0, None, None] * across + inverse[:, 1, 1, None, None] * down[:, None]
    x = 2 * (x + inverse[:, 0, 2, None, None] + (width - 1) / 2) + _DELTA
    y = 2 * (y + inverse[:, 1, 2, None, None] + (height - 1) / 2) + _DELTA
    return _down(_bilinear(fine, x, y, height, width))


def _from_centre(size: int, like: Tensor) -> Tensor:
    """Where the samples of the fine grid lie, in pixels from the centre: (2 S + 2 margin,)."""
    place = torch.arange(-_MARGIN, 2 * size + _MARGIN, device=like.device, dtype=like.dtype)
    return (place - _DELTA) / 2 - (size - 1) / 2


def _bilinear(images: Tensor, x: Tensor, y: Tensor, height: int, width: int) -> Tensor:
    """images (B, C, L, M) at places x, y (B, N, K), in fine samples from the picture's first -> (B, C, N, K)."""
    left, top = x.floor(), y.floor()
    across, down = (x - left)[:, None], (y - top)[:, None]  # (B, 1, N, K)
    columns = _inside(left, width), _inside(left + 1, width)
    rows = _inside(top, height) * images.shape[3], _inside(top + 1, height) * images.shape[3]
    pixels = images.flatten(2)

    def at(column: Tensor, row: Tensor) -> Tensor:
        index = (row + column).long().flatten(1)[:, None]
        return pixels.gather(2, index.expand(-1, images.shape[1], -1)).reshape(*images.shape[:2], *x.shape[1:])

    upper = at(columns[0], rows[0]).lerp(at(columns[1], rows[0]), across)
    lower = at(columns[0], rows[1]).lerp(at(columns[1], rows[1]), across)
    return upper.lerp(lower, down)


def _inside(place: Tensor, size: int) -> Tensor:
    """Whole places on the fine grid, as floats, to indices into `_up`: as far as it reaches, then reflected.

    The middle of a picture's first pixel, the mirror, is sample 0, nearly. In floats, because integer remainders are
    slow on CPUs.
    """
    period = max(4 * (size - 1), 1)  # there and back
    beyond = place - (place / period).floor() * period
    reflected = torch.minimum(beyond, period - beyond)
    reached = (place >= -_MARGIN) & (place < 2 * size + _MARGIN)
    return torch.where(reached, place, reflected) + _MARGIN


def _reflect(place: Tensor, size: int) -> Tensor:
    """Whole places on a line of `size` pixels whose first and last are mirrors, and are not repeated."""
    period = max(2 * (size - 1), 1)
    place = place.remainder(period)
    return torch.minimum(place, period - place)


def _up(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2 H + 2 margin, 2 W + 2 margin), the picture and its reflection around it."""
    rows, columns = (_up_matrix(size, images.dtype, images.device) for size in images.shape[2:])
    return rows @ images @ columns.t()


def _down(images: Tensor) -> Tensor:
    """(B, C, 2 H + 2 margin, 2 W + 2 margin) -> (B, C, H, W)."""
    rows, columns = (_down_matrix((size - 2 * _MARGIN) // 2, images.dtype, images.device) for size in images.shape[2:])
    return rows @ images @ columns.t()


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
