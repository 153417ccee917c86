"""The residual discriminator of StyleGAN2 (arXiv:1912.04958), with the deviation of a group (arXiv:1710.10196).

Shapes: B batch, C channels of the picture, R resolution, M maps.

Deviations from the papers: a group is of consecutive samples, so that micro-batches and processes do not change it.
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_stylegan.ops import (
    EqualizedLinear,
    activate,
    conv_down,
    downsample,
    feature_maps,
    limited,
    low_pass,
    resolutions,
    with_group_deviation,
)
from ganzoo_stylegan.styles import MappingNetwork

_SMALLEST = 4


class ScaledConv(nn.Module):
    """A convolution with an equalised learning rate, optional filter and halving, bias and leaky ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        down: bool = False,
        active: bool = True,
        gain: float = 1.0,
        clamp: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if active else None
        self.kernel: Tensor
        self.register_buffer("kernel", low_pass(), persistent=False)
        self._scale, self._down, self._gain = 1 / math.sqrt(inputs * size**2), down, gain
        self._clamp = clamp * gain

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self._scale
        if not self._down:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        elif weight.shape[-1] == 1:
            x = F.conv2d(downsample(x, self.kernel), weight)
        else:
            x = conv_down(x, weight, self.kernel)
        if self.bias is None:
            return limited(x * self._gain, self._clamp)
        return limited(activate(x + self.bias[:, None, None]) * self._gain, self._clamp)


class DiscriminatorBlock(nn.Module):
    """(B, M, H, W) -> (B, M', H/2, W/2): two convolutions, and a filtered short cut if it is residual."""

    def __init__(self, inputs: int, outputs: int, *, residual: bool, clamp: float) -> None:
        super().__init__()
        half = math.sqrt(0.5) if residual else 1.0  # two summands, the variance of one
        self.conv0 = ScaledConv(inputs, inputs, 3, clamp=clamp)
        self.conv1 = ScaledConv(inputs, outputs, 3, down=True, gain=half, clamp=clamp)
        self.skip: ScaledConv | None = None
        if residual:
            self.skip = ScaledConv(inputs, outputs, 1, down=True, active=False, gain=half)  # never clamped

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(self.conv0(x))
        return out if self.skip is None else out + self.skip(x)


class Discriminator(nn.Module):
    """picture (B, C, R, R)[, label (B,)] -> logits (B, 1).

    residual: False for the network without short cuts that the paper on augmentation has at 32x32.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        classes: int,
        base: int,
        most: int,
        residual: bool = True,
        group: int = 4,
        mapping_layers: int = 8,
        clamp: float = 0.0,
    ) -> None:
        super().__init__()
        sides = resolutions(size)[::-1]
        maps = [feature_maps(side, base, most) for side in sides]
        deepest = maps[-1]
        self.picture = ScaledConv(channels, maps[0], 1, clamp=clamp)
        self.blocks = nn.Sequential(
            *(
                DiscriminatorBlock(inputs, outputs, residual=residual, clamp=clamp)
                for inputs, outputs in itertools.pairwise(maps)
            )
        )
        self.conv = ScaledConv(deepest + 1, deepest, 3, clamp=clamp)
        self.dense = EqualizedLinear(deepest * _SMALLEST**2, deepest, active=True)
        self.out = EqualizedLinear(deepest, deepest if classes else 1)
        self.mapping = (
            MappingNetwork(latent_size=0, classes=classes, width=deepest, layers=mapping_layers) if classes else None
        )
        self._group = group

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.blocks(self.picture(images))
        x = self.conv(with_group_deviation(x, self._group))
        logits: Tensor = self.out(self.dense(x.flatten(1)))
        if self.mapping is None:
            return logits
        direction = self.mapping(None, label)
        projected: Tensor = (logits * direction).sum(1, keepdim=True) / math.sqrt(direction.shape[1])
        return projected
