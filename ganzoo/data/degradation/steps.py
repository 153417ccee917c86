"""What can be done to a good picture, one step each, as a pure function of the picture and a random generator.

Shapes: C channels, H, W. Pictures are float32 in [0, 1]; those of noise are clamped, since files cannot hold more.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from numpy.random import RandomState
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data.pictures import pixels_of
from ganzoo.nn.filters import filtered, gaussian_blurred

Size = tuple[int, int]
HOLE = (1.0, 0.0, 1.0)
"""Magenta: what is to be filled in. Of grey pictures, white."""

_LUMA = (0.299, 0.587, 0.114)
_MOST_HOLES = 8


def resized(picture: Tensor, size: Size, mode: str = "bicubic") -> Tensor:
    """(C, *size). Shrinking is antialiased but for `nearest` and `area`; bicubic has a = -0.5, as Pillow's."""
    if tuple(picture.shape[1:]) == size:
        return picture
    if mode in ("nearest", "area"):
        return interpolate(picture[None], size=size, mode="nearest-exact" if mode == "nearest" else mode)[0]
    return interpolate(picture[None], size=size, mode=mode, antialias=True, align_corners=False)[0].clamp(0, 1)


def resized_roughly(picture: Tensor, size: Size, mode: str) -> Tensor:
    """(C, *size) without antialiasing, as Real-ESRGAN's training does it."""
    aligned = None if mode == "area" else False
    return interpolate(picture[None], size=size, mode=mode, align_corners=aligned)[0]


def blurred(picture: Tensor, sigma: float) -> Tensor:
    """sigma: of a Gaussian, in pixels."""
    return picture if sigma <= 0 else gaussian_blurred(picture[None], sigma)[0]


def blurred_by(picture: Tensor, kernel: Tensor) -> Tensor:
    return filtered(picture[None], kernel)[0]


def with_noise(picture: Tensor, sigma: float, random: RandomState, *, grey: bool = False) -> Tensor:
    """sigma: of Gaussian noise, in levels of 255. grey: the same for each channel."""
    shape = (1 if grey else picture.shape[0], *picture.shape[1:])
    noise = torch.from_numpy(random.standard_normal(shape).astype(np.float32))
    return (picture + noise * (sigma / 255)).clamp(0, 1)


def with_shot_noise(picture: Tensor, scale: float, random: RandomState, *, grey: bool = False) -> Tensor:
    """Poisson noise of as many levels as the picture has, times `scale`. grey: that of the luma, for each channel."""
    seen = luma(picture) if grey else picture
    eight = (seen.clamp(0, 1) * 255).round()
    levels = 2 ** math.ceil(math.log2(max(2, len(torch.unique(eight)))))
    values = (eight / 255).numpy()
    noise = random.poisson(values * levels).astype(np.float32) / levels - values
    return (picture + scale * torch.from_numpy(noise)).clamp(0, 1)


def as_jpeg(picture: Tensor, quality: int) -> Tensor:
    """What is left of it as a JPEG of this quality."""
    pixels = (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    image, file = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    with Image.open(file) as kept:
        return torch.from_numpy(pixels_of(kept).copy()).to(torch.float32) / 255


def luma(picture: Tensor) -> Tensor:
    """(1, H, W), of BT.601."""
    if picture.shape[0] == 1:
        return picture
    return (picture * torch.tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)


def grey(picture: Tensor) -> Tensor:
    """Without its colours, in as many channels."""
    return luma(picture).expand_as(picture).contiguous()


def with_holes(picture: Tensor, share: float, random: RandomState) -> Tensor:
    """About `share` of the area covered by boxes in the colour `HOLE`."""
    channels, height, width = picture.shape
    covered = torch.zeros(height, width, dtype=torch.bool)
    count = 1 + random.randint(_MOST_HOLES)
    for _ in range(count):
        area, shape = share * height * width / count, math.exp(random.uniform(-1, 1))
        down, across = (
            min(max(1, round(side)), most)
            for side, most in ((math.sqrt(area * shape), height), (math.sqrt(area / shape), width))
        )
        top, left = random.randint(height - down + 1), random.randint(width - across + 1)
        covered[top : top + down, left : left + across] = True
    colour = torch.tensor(HOLE if channels == 3 else (1.0,))[:, None, None]
    return torch.where(covered, colour, picture)
