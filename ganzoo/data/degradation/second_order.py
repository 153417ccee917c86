"""The second-order degradation of Real-ESRGAN (arXiv:2107.10833, section 3, with the values of its x4 training).

Deviations: every choice is drawn for each picture, where the published code draws some for a batch and then mixes
batches in a pool of 180 pictures; so a picture's partner is a function of its key, and no pool need be kept. JPEG is
Pillow's. Kernels are not padded to 21 pixels, which computes the same.

Shapes: C channels, H, W.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import RandomState
from torch import Tensor

from ganzoo.data.degradation import steps
from ganzoo.data.degradation.kernels import BlurRange, draw_final_sinc, draw_kernel
from ganzoo.nn.filters import sharpened

_MODES = ("area", "bilinear", "bicubic")
_GAUSSIAN_SHARE, _GREY_SHARE = 0.5, 0.4
_JPEG = (30.0, 95.0)
_SECOND_BLUR_SHARE = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """resize: shares of enlarging, shrinking and leaving. up, down: the furthest factors."""

    blur: BlurRange
    resize: tuple[float, float, float]
    up: float
    down: float
    noise: tuple[float, float]
    shot: tuple[float, float]


FIRST = Pass(blur=BlurRange((0.2, 3.0)), resize=(0.2, 0.7, 0.1), up=1.5, down=0.15, noise=(1.0, 30.0), shot=(0.05, 3.0))
SECOND = Pass(blur=BlurRange((0.2, 1.5)), resize=(0.3, 0.4, 0.3), up=1.2, down=0.3, noise=(1.0, 25.0), shot=(0.05, 2.5))


def second_order(picture: Tensor, size: steps.Size, random: RandomState) -> Tensor:
    """(C, H, W) in [0, 1] -> (C, *size) in [0, 1]."""
    picture = sharpened(picture[None])[0]
    picture = steps.blurred_by(picture, draw_kernel(random, FIRST.blur))
    height, width = picture.shape[1:]
    picture = _noisy(_resized(picture, (height, width), FIRST, random), FIRST, random)
    picture = _jpeg(picture, random)
    if random.uniform() < _SECOND_BLUR_SHARE:
        picture = steps.blurred_by(picture, draw_kernel(random, SECOND.blur))
    picture = _noisy(_resized(picture, size, SECOND, random), SECOND, random)
    final, sinc = _MODES[random.randint(3)], draw_final_sinc(random)
    if random.uniform() < 0.5:
        picture = _final(picture, size, final, sinc)
        return _jpeg(picture.clamp(0, 1), random)
    return _final(_jpeg(picture, random), size, final, sinc).clamp(0, 1)


def _final(picture: Tensor, size: steps.Size, mode: str, sinc: Tensor | None) -> Tensor:
    picture = steps.resized_roughly(picture, size, mode)
    return picture if sinc is None else steps.blurred_by(picture, sinc)


def _resized(picture: Tensor, base: steps.Size, drawn: Pass, random: RandomState) -> Tensor:
    """By a factor of the size `base`."""
    way = int(random.choice(3, p=drawn.resize))
    factor = (random.uniform(1.0, drawn.up), random.uniform(drawn.down, 1.0), 1.0)[way]
    height, width = (max(1, int(side * factor)) for side in base)
    return steps.resized_roughly(picture, (height, width), _MODES[random.randint(3)])


def _noisy(picture: Tensor, drawn: Pass, random: RandomState) -> Tensor:
    grey = random.uniform() < _GREY_SHARE
    if random.uniform() < _GAUSSIAN_SHARE:
        return steps.with_noise(picture, random.uniform(*drawn.noise), random, grey=grey)
    return steps.with_shot_noise(picture.clamp(0, 1), random.uniform(*drawn.shot), random, grey=grey)


def _jpeg(picture: Tensor, random: RandomState) -> Tensor:
    return steps.as_jpeg(picture, round(random.uniform(*_JPEG)))
