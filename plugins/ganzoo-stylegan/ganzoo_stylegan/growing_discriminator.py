"""The discriminator of StyleGAN (arXiv:1812.04948), that of progressive growing (arXiv:1710.10196).

Shapes: B batch, C channels of the picture, R resolution, M maps.

Deviations from the papers: a group is of consecutive samples, so that micro-batches and processes do not change it.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_stylegan.growing import Growth, halved, mixed
from ganzoo_stylegan.ops import (
    GAIN,
    NARROW,
    activate,
    conv_mean_down,
    feature_maps,
    low_pass,
    resolutions,
    smooth,
    with_group_deviation,
)

_SMALLEST = 4


class Scaled(nn.Module):
    """A convolution with an equalised learning rate, bias and leaky ReLU: (B, M, H, W) -> (B, M', H, W).

    down: with a filter before and half the size after it. flat: without padding, (B, M', 1, 1): a dense layer.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        down: bool = False,
        active: bool = True,
        flat: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel: Tensor
        self.register_buffer("kernel", low_pass(NARROW), persistent=False)
        self._scale = (GAIN if active else 1.0) / math.sqrt(inputs * size**2)
        self._down, self._active = down, active
        self._padding = 0 if flat else size // 2

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self._scale
        if self._down:
            x = conv_mean_down(smooth(x, self.kernel, padding=1), weight)
        else:
            x = F.conv2d(x, weight, padding=self._padding)
        x = x + self.bias[:, None, None]
        return activate(x, gain=1.0) if self._active else x


class Level(nn.Module):
    """One size: what reads pictures of it, and what brings its maps to half of it (nothing at the smallest)."""

    def __init__(self, channels: int, maps: int, smaller: int | None) -> None:
        super().__init__()
        self.picture = Scaled(channels, maps, 1)
        self.block = nn.Sequential()
        if smaller is not None:
            self.block.extend([Scaled(maps, maps, 3), Scaled(maps, smaller, 3, down=True)])


class GrowingDiscriminator(nn.Module):
    """picture (B, C, S, S)[, label (B,)] -> logits (B, 1). S, at most R, is the size that training has come to.

    growth: by which S is faded in while `fading`, which the game says: it is a function of the step.
    """

    def __init__(
        self, *, size: int, channels: int, classes: int, base: int, most: int, growth: Growth, group: int = 4
    ) -> None:
        super().__init__()
        self._sides = resolutions(size)[::-1]
        maps = [feature_maps(side, base, most) for side in self._sides]
        self.growth = growth
        self.fading = False
        # From the largest size down: the order in which a picture meets them, and in which they can be frozen.
        self.levels = nn.ModuleList(
            Level(channels, count, smaller) for count, smaller in zip(maps, [*maps[1:], None], strict=True)
        )
        self.conv = Scaled(maps[-1] + 1, maps[-1], 3)
        self.dense = Scaled(maps[-1], maps[-1], _SMALLEST, flat=True)
        self.out = Scaled(maps[-1], max(1, classes), 1, active=False)
        self._group, self._classes = group, classes

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        first, *smaller = self._levels()[self._sides.index(images.shape[-1]) :]
        x: Tensor = first.block(first.picture(images))
        if self.fading:
            x = mixed(smaller[0].picture(halved(images)), x, self.growth.share(images.shape[-1]))
        for level in smaller:
            x = level.block(x)
        x = self.dense(self.conv(with_group_deviation(x, self._group)))
        logits: Tensor = self.out(x).flatten(1)  # (B, 1), or one for each class
        return logits.gather(1, label[:, None]) if self._classes and label is not None else logits

    def _levels(self) -> list[Level]:
        return [level for level in self.levels if isinstance(level, Level)]
