"""SRResNet, the generator of SRGAN (arXiv:1609.04802, figure 4).

    e = PReLU(conv9(x));  y = e + BN(conv(blocks(e)));  log2(s) times y = PReLU(shuffle2(conv(y)));  conv9(y)

with blocks x + BN(conv(PReLU(BN(conv(x))))). Nothing behind the last convolution, as in the paper's figure.

Shapes: B batch, C channels, W width of the trunk, H, W, s scale.
"""

import math

from torch import Tensor, nn


class SRResNet(nn.Module):
    """(B, C, H, W) in [0, 1] -> (B, D, s H, s W), about [0, 1].

    slopes: numbers of a PReLU, one for the layer or one for each channel. bias: of convolutions before a batch norm.
    """

    def __init__(
        self,
        *,
        channels: int = 3,
        painted: int = 3,
        scale: int = 4,
        width: int = 64,
        blocks: int = 16,
        per_channel: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        slopes = width if per_channel else 1
        self.first = nn.Sequential(nn.Conv2d(channels, width, 9, padding=4), nn.PReLU(slopes))
        self.blocks = nn.Sequential(*[_Block(width, slopes, bias) for _ in range(blocks)])
        self.body = _convolution(width, bias)
        self.enlarge = nn.Sequential(
            *[
                nn.Sequential(nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(slopes))
                for _ in range(scale.bit_length() - 1)
            ]
        )
        self.last = nn.Conv2d(width, painted, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        edges = self.first(x)  # (B, W, H, W)
        images: Tensor = self.last(self.enlarge(edges + self.body(self.blocks(edges))))
        return images  # (B, D, s H, s W)


class _Block(nn.Module):
    def __init__(self, width: int, slopes: int, bias: bool) -> None:
        super().__init__()
        self.inner = nn.Sequential(_convolution(width, bias), nn.PReLU(slopes), _convolution(width, bias))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.inner(x)
        return result


def _convolution(width: int, bias: bool) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=bias), nn.BatchNorm2d(width))


def reach(blocks: int, scale: int) -> int:
    """How many pixels of the input away an output pixel sees: 4 of either 9x9, less enlarged; 2 a block, and one."""
    enlarging = sum(0.5**power for power in range(scale.bit_length() - 1))
    return math.ceil(4 + 2 * blocks + 1 + enlarging + 4 / scale)
