"""The skip generator of StyleGAN2, configuration F (arXiv:1912.04958).

Shapes: B batch, C channels of the picture, R resolution, N width of w, L layers (w vectors), M maps.

Deviations from the paper: none.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo_stylegan.ops import (
    GAIN,
    EqualizedLinear,
    activate,
    feature_maps,
    limited,
    low_pass,
    modulated_conv,
    resolutions,
    upsample,
)
from ganzoo_stylegan.styles import SynthesisNetwork

_SMALLEST = 4


class StyledConv(nn.Module):
    """A modulated 3x3 convolution with noise, bias and leaky ReLU: (B, M, H, W), w (B, N) -> (B, M', H', W')."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int,
        resolution: int,
        up: bool = False,
        clamp: float = 0.0,
        noisy: bool = True,
    ) -> None:
        super().__init__()
        self.style = EqualizedLinear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise: Tensor
        self.kernel: Tensor
        if noisy:
            self.noise_strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise", torch.randn(resolution, resolution))
        self.register_buffer("kernel", low_pass(), persistent=False)
        self._up, self._clamp, self._noisy = up, clamp, noisy

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """noise: (B, 1, H', W'); the constant one if None."""
        # gain * leaky_relu(x) is leaky_relu(gain * x): the gain is put into what is small.
        x = modulated_conv(x, self.weight, self.style(w), up=self._up, kernel=self.kernel, gain=GAIN)
        if self._noisy:
            x = x + (self.noise if noise is None else noise) * (self.noise_strength * GAIN)
        return limited(activate(x + (self.bias * GAIN)[:, None, None], gain=1.0), self._clamp)


class ToPicture(nn.Module):
    """A modulated 1x1 convolution without demodulation: (B, M, H, W), w (B, N) -> (B, C, H, W)."""

    def __init__(self, inputs: int, channels: int, *, width: int, clamp: float = 0.0) -> None:
        super().__init__()
        self.style = EqualizedLinear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self._scale, self._clamp = 1 / math.sqrt(inputs), clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = modulated_conv(x, self.weight, self.style(w) * self._scale, demodulate=False)
        return limited(x + self.bias[:, None, None], self._clamp)


class SynthesisBlock(nn.Module):
    """One resolution: x (B, M, H/2, W/2) and the picture so far -> x (B, M', H, W) and the picture, (B, C, H, W)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        channels: int,
        width: int,
        resolution: int,
        clamp: float,
        noisy: bool,
    ) -> None:
        super().__init__()
        self.kernel: Tensor
        self.register_buffer("kernel", low_pass(), persistent=False)
        if resolution > _SMALLEST:
            self.conv0 = StyledConv(
                inputs, outputs, width=width, resolution=resolution, up=True, clamp=clamp, noisy=noisy
            )
        self.conv1 = StyledConv(outputs, outputs, width=width, resolution=resolution, clamp=clamp, noisy=noisy)
        self.picture = ToPicture(outputs, channels, width=width, clamp=clamp)
        self._first = resolution == _SMALLEST

    def forward(
        self,
        x: Tensor,
        picture: Tensor | None,
        w_first: Tensor,
        w_second: Tensor,
        w_picture: Tensor,
        noises: Sequence[Tensor | None],
    ) -> tuple[Tensor, Tensor]:
        """noises: of the block's convolutions in order. w_first is not used at the smallest resolution."""
        if not self._first:
            x = self.conv0(x, w_first, noises[0])
        x = self.conv1(x, w_second, noises[-1])
        painted: Tensor = self.picture(x, w_picture)
        return x, painted if picture is None else upsample(picture, self.kernel) + painted


class Synthesis(SynthesisNetwork):
    """w for each layer (B, L, N) -> picture (B, C, R, R).

    Layer 0 is the convolution at 4x4; layers 2 i - 1 and 2 i are those of block i; what paints the picture of block i
    shares layer 2 i + 1 with the next block's first convolution. noisy: False for a network without noise inputs.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        width: int,
        base: int,
        most: int,
        clamp: float = 0.0,
        noisy: bool = True,
    ) -> None:
        super().__init__()
        sides = resolutions(size)
        maps = [feature_maps(side, base, most) for side in sides]
        self.layers = 2 * len(sides)
        self._noises = [[side] if side == _SMALLEST else [side, side] for side in sides]
        self.pixels = sum(side**2 for block in self._noises for side in block) if noisy else 0
        self.const = nn.Parameter(torch.randn(maps[0], _SMALLEST, _SMALLEST))
        self.blocks = nn.ModuleList(
            SynthesisBlock(inputs, outputs, channels=channels, width=width, resolution=side, clamp=clamp, noisy=noisy)
            for side, inputs, outputs in zip(sides, [0, *maps], maps, strict=False)
        )

    def forward(self, ws: Tensor, noise: Tensor | None = None) -> Tensor:
        """noise: N(0, 1) for every pixel of every convolution in order, (B, pixels); the constant ones if None."""
        noises = self._split(noise)
        # Arithmetic, not expand: a run-time shape would be computed on the CPU.
        x = self.const * (ws[:, :1, :1, None] * 0 + 1)
        picture: Tensor | None = None
        for index, block in enumerate(self.blocks):
            styles = (ws[:, max(0, 2 * index - 1)], ws[:, 2 * index], ws[:, 2 * index + 1])
            x, picture = block(x, picture, *styles, noises[index])
        assert picture is not None
        return picture

    def _split(self, noise: Tensor | None) -> list[list[Tensor | None]]:
        if noise is None or not self.pixels:
            return [[None] * len(block) for block in self._noises]
        parts = iter(torch.split(noise, [side**2 for block in self._noises for side in block], 1))
        return [[next(parts).reshape(-1, 1, side, side) for side in block] for block in self._noises]
