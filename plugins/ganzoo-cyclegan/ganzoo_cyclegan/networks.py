"""The networks of CycleGAN (arXiv:1703.10593, appendix 7.2) and pix2pix (arXiv:1611.07004, appendix 6.1).

Shapes: B batch, C channels read, D channels painted, H, W; N width.

Modules stand in the order in which the authors' released checkpoints number them, so that an import renames keys and
nothing else. Deviations from the papers: none; any depth, width and number of blocks can be asked for.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.nn import ReflectionPad2d

Norm = Literal["instance", "batch", "none"]

_MOST_WIDER = 8  # feature maps are capped at eight times the first layer's


class ResNetGenerator(nn.Module):
    """(B, C, H, W) -> (B, D, H, W) in [-1, 1]; H and W multiples of 4 from 8 pixels.

    channels: C. painted: D, as many as C if None.
    """

    size_multiple = 4
    least_size = 8  # a quarter of it is reflected by one pixel

    def __init__(
        self, *, channels: int, painted: int | None = None, width: int, blocks: int, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        conv, deconv, normed = _layers(norm)
        layers: list[nn.Module] = [
            ReflectionPad2d(3),
            conv(channels, width, 7),
            normed(width),
            nn.ReLU(inplace=True),
        ]
        for maps in (width, 2 * width):
            layers += [conv(maps, 2 * maps, 3, 2, 1), normed(2 * maps), nn.ReLU(inplace=True)]
        layers += [ResidualBlock(4 * width, norm, dropout) for _ in range(blocks)]  # (B, 4N, H/4, W/4)
        for maps in (4 * width, 2 * width):
            layers += [deconv(maps, maps // 2, 3, 2, 1, output_padding=1), normed(maps // 2), nn.ReLU(inplace=True)]
        layers += [ReflectionPad2d(3), nn.Conv2d(width, painted or channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialize)

    def forward(self, images: Tensor) -> Tensor:
        translated: Tensor = self.layers(images)
        return translated


class ResidualBlock(nn.Module):
    """x + two reflected 3x3 convolutions of x, no activation after the sum."""

    def __init__(self, maps: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        conv, _, normed = _layers(norm)
        layers: list[nn.Module] = [ReflectionPad2d(1), conv(maps, maps, 3), normed(maps), nn.ReLU(inplace=True)]
        if dropout:
            layers.append(nn.Dropout(dropout))
        layers += [ReflectionPad2d(1), conv(maps, maps, 3), normed(maps)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.layers(x)
        return x + residual


class UNetGenerator(nn.Module):
    """(B, C, H, W) -> (B, D, H, W) in [-1, 1]; H and W multiples of 2**depth.

    channels: C. painted: D, as many as C if None.
    """

    size_multiple: int
    least_size: int

    def __init__(
        self, *, channels: int, painted: int | None = None, width: int, depth: int, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        self.size_multiple = self.least_size = 2**depth
        conv, _, _ = _layers(norm)
        maps = [width * min(2**level, _MOST_WIDER) for level in range(depth)]  # at H/2, H/4, ...
        inner: Skip | None = None
        for level in reversed(range(1, depth)):
            # Only between levels of full width, and not at the bottom.
            dropped = dropout if 3 < level < depth - 1 else 0.0
            inner = Skip(outer=maps[level - 1], inner=maps[level], below=inner, norm=norm, dropout=dropped)
        assert inner is not None  # depth is at least 2
        self.layers = nn.Sequential(
            conv(channels, maps[0], 4, 2, 1),
            inner,
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * maps[0], painted or channels, 4, 2, 1),
            nn.Tanh(),
        )
        self.apply(initialize)

    def forward(self, images: Tensor) -> Tensor:
        translated: Tensor = self.layers(images)
        return translated


class Skip(nn.Module):
    """One level of a U-Net and all below it: x (B, outer, H, W) -> x beside what comes back, (B, 2 outer, H, W)."""

    def __init__(self, *, outer: int, inner: int, below: "Skip | None", norm: Norm, dropout: float) -> None:
        super().__init__()
        conv, deconv, normed = _layers(norm)
        layers: list[nn.Module] = [nn.LeakyReLU(0.2), conv(outer, inner, 4, 2, 1)]
        if below is not None:
            layers += [normed(inner), below]
        layers += [nn.ReLU(inplace=True), deconv(inner if below is None else 2 * inner, outer, 4, 2, 1), normed(outer)]
        if dropout:
            layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


class PatchDiscriminator(nn.Module):
    """(B, C, H, W) -> one logit for each patch, (B, 1, H', W')."""

    def __init__(self, *, channels: int, width: int, layers: int, norm: Norm) -> None:
        super().__init__()
        conv, _, normed = _layers(norm)
        stack: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        maps = width
        for level in range(1, layers + 1):
            wider = width * min(2**level, _MOST_WIDER)
            stride = 2 if level < layers else 1
            stack += [conv(maps, wider, 4, stride, 1), normed(wider), nn.LeakyReLU(0.2, inplace=True)]
            maps = wider
        stack.append(nn.Conv2d(maps, 1, 4, 1, 1))
        self.layers = nn.Sequential(*stack)
        self.apply(initialize)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits

    @staticmethod
    def least_size(layers: int) -> int:
        """After the halvings, two convolutions each take a pixel away, and a norm needs two to compare."""
        return int(3 * 2**layers)


def _layers(norm: Norm) -> tuple["partial[nn.Conv2d]", "partial[nn.ConvTranspose2d]", type[nn.Module]]:
    """Convolutions and the norm behind them. Batch norm has a bias of its own; instance norm here has none.

    Without a norm there is no bias either: that is what the released code builds, and its files hold.
    """
    normed: dict[Norm, type[nn.Module]] = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d, "none": nn.Identity}
    bias = norm == "instance"
    return partial(nn.Conv2d, bias=bias), partial(nn.ConvTranspose2d, bias=bias), normed[norm]


def initialize(module: nn.Module) -> None:
    """Weights N(0, 0.02) and no bias; batch-norm scales N(1, 0.02) (the papers' appendices and released code)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
