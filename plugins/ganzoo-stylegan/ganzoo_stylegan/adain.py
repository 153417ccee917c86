"""The generator of StyleGAN (arXiv:1812.04948): adaptive instance normalisation, noise, growing.

Shapes: B batch, C channels of the picture, R resolution, N width of w, L layers (w vectors), M maps.

Deviations from the paper: the constant begins as N(0, 1), as StyleGAN2's does; an instance norm of ones is rounding.
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_stylegan.growing import Growth, Stage, doubled, mixed
from ganzoo_stylegan.ops import (
    GAIN,
    NARROW,
    EqualizedLinear,
    activate,
    conv_nearest_up,
    feature_maps,
    low_pass,
    resolutions,
    smooth,
)
from ganzoo_stylegan.styles import SynthesisNetwork

_SMALLEST = 4


class Epilogue(nn.Module):
    """What follows a convolution: noise, bias, leaky ReLU, and a style in place of mean and deviation.

    (B, M, H, W), w (B, N) -> (B, M, H, W).
    """

    def __init__(self, maps: int, *, width: int, resolution: int) -> None:
        super().__init__()
        self.noise_strength = nn.Parameter(torch.zeros(maps))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.style = EqualizedLinear(width, 2 * maps)
        self.noise: Tensor
        self.register_buffer("noise", torch.randn(resolution, resolution))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """noise: (B, 1, H, W); the constant one if None."""
        x = x + (self.noise if noise is None else noise) * self.noise_strength[:, None, None]
        x = activate(x + self.bias[:, None, None], gain=1.0)
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        # AdaIN (equation 1); the learnt scale is one more than the affine map gives.
        styled: Tensor = F.instance_norm(x, eps=1e-8) * (scale + 1) + shift
        return styled


class Block(nn.Module):
    """One resolution: x (B, M, H/2, W/2) -> (B, M', H, W). The first begins with what it has learnt, of (M', 4, 4)."""

    def __init__(self, inputs: int, outputs: int, *, width: int, resolution: int) -> None:
        super().__init__()
        self.kernel: Tensor
        self.register_buffer("kernel", low_pass(NARROW), persistent=False)
        if inputs:
            self.weight_up = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.weight = nn.Parameter(torch.randn(outputs, outputs, 3, 3))
        self.first = Epilogue(outputs, width=width, resolution=resolution)
        self.second = Epilogue(outputs, width=width, resolution=resolution)
        self._scales = GAIN / math.sqrt(9 * max(1, inputs)), GAIN / math.sqrt(9 * outputs)
        self._grows = bool(inputs)

    def forward(
        self, x: Tensor, w_first: Tensor, w_second: Tensor, noises: tuple[Tensor | None, Tensor | None]
    ) -> Tensor:
        if self._grows:
            x = smooth(conv_nearest_up(x, self.weight_up * self._scales[0]), self.kernel, padding=1)
        x = self.first(x, w_first, noises[0])
        x = F.conv2d(x, self.weight * self._scales[1], padding=1)
        painted: Tensor = self.second(x, w_second, noises[1])
        return painted


class ToPicture(nn.Module):
    """A 1x1 convolution: (B, M, H, W) -> (B, C, H, W)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self._scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self._scale, self.bias)


class GrowingSynthesis(SynthesisNetwork):
    """w for each layer (B, L, N) -> picture (B, C, R, R); layers 2 i and 2 i + 1 are those of block i.

    growth: what it has come to. stage: what is painted without being told; enlarged to R where it is smaller.
    """

    def __init__(self, *, size: int, channels: int, width: int, base: int, most: int, growth: Growth) -> None:
        super().__init__()
        self._sides = resolutions(size)
        maps = [feature_maps(side, base, most) for side in self._sides]
        self.layers = 2 * len(self._sides)
        self.pixels = self.pixels_at(size)
        self.growth = growth
        self.stage = Stage(size=size)
        self.const = nn.Parameter(torch.randn(maps[0], _SMALLEST, _SMALLEST))
        self.blocks = nn.ModuleList(
            Block(inputs, outputs, width=width, resolution=side)
            for side, (inputs, outputs) in zip(self._sides, itertools.pairwise([0, *maps]), strict=True)
        )
        self.pictures = nn.ModuleList(ToPicture(count, channels) for count in maps)

    def pixels_at(self, size: int) -> int:
        """Noise inputs of one picture of `size`."""
        return sum(2 * side**2 for side in self._sides if side <= size)

    def forward(self, ws: Tensor, noise: Tensor | None = None, stage: Stage | None = None) -> Tensor:
        """noise: (B, pixels of the stage). stage: its size is the picture's; None to paint (B, C, R, R)."""
        now = stage or self.stage
        noises = self._split(noise)
        # Arithmetic, not expand: a run-time shape would be computed on the CPU.
        x = self.const * (ws[:, :1, :1, None] * 0 + 1)
        old = x
        last = self._sides.index(now.size)
        for index in range(last + 1):
            old, x = x, self.blocks[index](x, ws[:, 2 * index], ws[:, 2 * index + 1], noises[index])
        picture: Tensor = self.pictures[last](x)
        if now.fading:
            picture = mixed(doubled(self.pictures[last - 1](old)), picture, self.growth.share(now.size))
        if stage is None:
            for _ in self._sides[last + 1 :]:
                picture = doubled(picture)
        return picture

    def _split(self, noise: Tensor | None) -> list[tuple[Tensor | None, Tensor | None]]:
        if noise is None:
            return [(None, None) for _ in self._sides]
        sides, start, noises = iter(self._sides), 0, []
        while start < noise.shape[1]:
            side = next(sides)
            both = noise[:, start : start + 2 * side**2].reshape(-1, 2, side, side)
            noises.append((both[:, :1], both[:, 1:]))
            start += 2 * side**2
        return list(noises)
