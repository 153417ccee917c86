"""RRDBNet, the generator of ESRGAN (arXiv:1809.00219) and Real-ESRGAN (arXiv:2107.10833).

    x_k = LReLU(conv_k([x, x_1, ..., x_{k-1}]))  k = 1..4;   dense(x) = x + 0.2 conv_5([x, x_1, ..., x_4])
    block(x) = x + 0.2 dense(dense(dense(x)))
    f = conv_first(x);  f = f + conv_body(blocks(f));  f = LReLU(conv_up(nearest(f))) ...;  conv_last(LReLU(conv_hr(f)))

Real-ESRGAN's networks for x2 and x1 shrink first, by a pixel unshuffle of 2 or 4, and enlarge by 4 all the same. An
unshuffle by u before a 3x3 convolution is one convolution of kernel 3u, stride u and padding u, whose weight is the
other's, pixel-shuffled: so it is computed, and an exported file has no reshaping of pictures in it.

Deviations: none. Shapes: B batch, C channels, F width of the trunk, G growth, H, W, s scale, u unshuffle.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, pixel_shuffle

RESIDUE = 0.2
SLOPE = 0.2


class RRDBNet(nn.Module):
    """(B, C, H, W) in [0, 1], H and W multiples of u -> (B, D, s H, s W), about [0, 1].

    enlarge: factors of the enlargements, one behind the other; s is their product divided by u.
    """

    def __init__(
        self,
        *,
        channels: int = 3,
        painted: int = 3,
        enlarge: tuple[int, ...] = (2, 2),
        unshuffle: int = 1,
        width: int = 64,
        growth: int = 32,
        blocks: int = 23,
    ) -> None:
        super().__init__()
        self._enlarge, self._unshuffle = enlarge, unshuffle
        self.conv_first = _convolution(channels * unshuffle**2, width)
        self.body = nn.Sequential(*[_Block(width, growth) for _ in range(blocks)])
        self.conv_body = _convolution(width, width)
        self.conv_up = nn.ModuleList(_convolution(width, width) for _ in enlarge)
        self.conv_hr = _convolution(width, width)
        self.conv_last = _convolution(width, painted)

    def forward(self, x: Tensor) -> Tensor:
        u, first = self._unshuffle, self.conv_first
        if u == 1:
            features: Tensor = first(x)
        else:
            features = conv2d(x, pixel_shuffle(first.weight, u), first.bias, stride=u, padding=u)  # (B, F, H/u, W/u)
        features = features + self.conv_body(self.body(features))
        for factor, convolution in zip(self._enlarge, self.conv_up, strict=True):
            features = leaky_relu(convolution(interpolate(features, scale_factor=factor, mode="nearest")), SLOPE)
        images: Tensor = self.conv_last(leaky_relu(self.conv_hr(features), SLOPE))
        return images  # (B, D, s H, s W)


class _Dense(nn.Module):
    """(B, F, H, W) -> the same. Each convolution sees what all before it made."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 6):
            wide = width + (number - 1) * growth
            layer = _convolution(wide, width if number == 5 else growth)
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            with torch.no_grad():
                layer.weight.mul_(0.1)
            self.add_module(f"conv{number}", layer)

    def forward(self, x: Tensor) -> Tensor:
        made = [x]
        for number in range(1, 5):
            made.append(leaky_relu(self.get_submodule(f"conv{number}")(torch.cat(made, 1)), SLOPE))
        result: Tensor = x + RESIDUE * self.get_submodule("conv5")(torch.cat(made, 1))
        return result


class _Block(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + RESIDUE * self.rdb3(self.rdb2(self.rdb1(x)))
        return result


def _convolution(channels: int, width: int) -> nn.Conv2d:
    return nn.Conv2d(channels, width, 3, padding=1)


def reach(blocks: int, enlarge: tuple[int, ...], unshuffle: int) -> int:
    """How many pixels of the input away an output pixel sees: 15 convolutions a block, each one pixel further."""
    far, times = 15 * blocks + 2.0, 1
    for factor in enlarge:
        times *= factor
        far += 1 / times
    return unshuffle * math.ceil(far + 2 / times)
