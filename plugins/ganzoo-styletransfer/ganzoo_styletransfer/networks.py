"""The networks of AdaIN and of fast style transfer, by the names of their released weights.

Encoder: VGG19 (arXiv:1409.1556) up to relu4_1 behind a 1x1 convolution that takes pictures as its layers want them,
with mirrored borders and pools that keep what is left over. Decoder: its mirror image, nearest doubling, no norm.
TransformerNet: that of pytorch/examples, with instance norm and nearest doubling.

Deviations of TransformerNet from the paper: instance norm for batch norm, doubling and convolution for transposed
convolution, mirrored borders everywhere, no tanh.

Shapes: B batch, H, W, F feature maps.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.nn import ReflectionPad2d

TAPS = (3, 10, 17, 30)
"""relu1_1, relu2_1, relu3_1, relu4_1 among the encoder's modules."""

SHRINKS = 8
"""Pixels along a side of a picture for one of what is decoded."""


class Encoder(nn.Sequential):
    """(B, 3, H, W) in [0, 1], 9 pixels or more along a side -> features at relu1_1, 2_1, 3_1 and 4_1."""

    def __init__(self, widths: Sequence[int]) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
        given = 3
        for wide, count in zip(widths, (2, 2, 4, 1), strict=True):
            if given > 3 or len(layers) > 1:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            for _ in range(count):
                layers += [ReflectionPad2d(1), nn.Conv2d(given, wide, 3), nn.ReLU()]
                given = wide
        super().__init__(*layers)

    def features(self, images: Tensor) -> list[Tensor]:
        found = []
        for place, module in enumerate(self):
            images = module(images)
            if place in TAPS:
                found.append(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images)[-1]  # (B, F, H/8, W/8), rounded up


class Decoder(nn.Sequential):
    """(B, F, H, W) -> (B, 3, 8 H, 8 W), about [0, 1]. widths: of the encoder."""

    def __init__(self, widths: Sequence[int]) -> None:
        layers = list[nn.Module]()
        a, b, c, d = widths
        for given, made, doubled in (
            (d, c, True), (c, c, False), (c, c, False), (c, c, False), (c, b, True), (b, b, False), (b, a, True),
            (a, a, False),
        ):  # fmt: skip
            layers += [ReflectionPad2d(1), nn.Conv2d(given, made, 3), nn.ReLU()]
            if doubled:
                layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
        super().__init__(*layers, ReflectionPad2d(1), nn.Conv2d(a, 3, 3))


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """(B, F, H, W) -> mean and standard deviation over H and W, (B, F, 1, 1) each; the variance has n - 1 and 1e-5.

    n is counted, not read from the shape: an exported file then has no nodes that compute with shapes.
    """
    count = (features[:, :1] * 0 + 1).sum((2, 3), keepdim=True)
    mean = features.mean((2, 3), keepdim=True)
    variance = (features - mean).square().sum((2, 3), keepdim=True) / (count - 1)
    return mean, (variance + 1e-5).sqrt()


def adaptive_instance_norm(content: Tensor, style_mean: Tensor, style_std: Tensor) -> Tensor:
    """std(s) (c - mean(c)) / std(c) + mean(s): features of content with the statistics of style."""
    mean, std = statistics(content)
    return (content - mean) / std * style_std + style_mean


class TransformerNet(nn.Module):
    """(B, 3, H, W) in [0, 255], multiples of 4, 8 pixels or more -> the same."""

    def __init__(self, *, widths: Sequence[int] = (32, 64, 128), blocks: int = 5) -> None:
        super().__init__()
        first, middle, trunk = widths
        self.conv1, self.in1 = _Convolution(3, first, 9), _norm(first)
        self.conv2, self.in2 = _Convolution(first, middle, 3, stride=2), _norm(middle)
        self.conv3, self.in3 = _Convolution(middle, trunk, 3, stride=2), _norm(trunk)
        self._blocks = blocks
        for number in range(1, blocks + 1):
            self.add_module(f"res{number}", _Residual(trunk))
        self.deconv1, self.in4 = _Convolution(trunk, middle, 3, doubled=True), _norm(middle)
        self.deconv2, self.in5 = _Convolution(middle, first, 3, doubled=True), _norm(first)
        self.deconv3 = _Convolution(first, 3, 9)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.in1(self.conv1(images)))
        features = torch.relu(self.in2(self.conv2(features)))
        features = torch.relu(self.in3(self.conv3(features)))  # (B, F, H/4, W/4)
        for number in range(1, self._blocks + 1):
            features = self.get_submodule(f"res{number}")(features)
        features = torch.relu(self.in4(self.deconv1(features)))
        features = torch.relu(self.in5(self.deconv2(features)))
        painted: Tensor = self.deconv3(features)
        return painted


class _Convolution(nn.Module):
    """Mirrored borders and a convolution, behind a doubling where there is one."""

    def __init__(self, given: int, made: int, kernel: int, *, stride: int = 1, doubled: bool = False) -> None:
        super().__init__()
        self._doubled = doubled
        self.pad = ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(given, made, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        if self._doubled:
            features = interpolate(features, scale_factor=2, mode="nearest")
        made: Tensor = self.conv2d(self.pad(features))
        return made


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.in1 = _Convolution(width, width, 3), _norm(width)
        self.conv2, self.in2 = _Convolution(width, width, 3), _norm(width)

    def forward(self, features: Tensor) -> Tensor:
        made: Tensor = features + self.in2(self.conv2(torch.relu(self.in1(self.conv1(features)))))
        return made


def _norm(width: int) -> nn.InstanceNorm2d:
    return nn.InstanceNorm2d(width, affine=True)
