"""The operations of the StyleGAN family in plain torch: filtered resampling, modulated convolution, activation.

Papers: StyleGAN (arXiv:1812.04948), StyleGAN2 (arXiv:1912.04958), equalised learning rates (arXiv:1710.10196).
Everything is written with convolutions and arithmetic that have second derivatives (path length, R1) and that
ONNX Runtime runs without a custom kernel; no convolution is grouped by batch.

Shapes: B batch, C channels in, D channels out, H, W, K kernel size, N width of a style vector w.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = (1.0, 3.0, 3.0, 1.0)
"""The binomial low-pass filter of StyleGAN2's resampling, before normalisation."""

NARROW = (1.0, 2.0, 1.0)
"""That of StyleGAN."""

LEAK = 0.2
GAIN = math.sqrt(2.0)
"""What keeps the variance behind a leaky ReLU."""


def low_pass(taps: tuple[float, ...] = TAPS) -> Tensor:
    """The separable filter as one square kernel whose sum is 1: (K, K)."""
    line = torch.tensor(taps)
    kernel = torch.outer(line, line)
    return kernel / kernel.sum()


def _for_each_channel(kernel: Tensor, channels: int) -> Tensor:
    return kernel.to(torch.float32)[None, None].expand(channels, 1, *kernel.shape)  # (C, 1, K, K)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2 H, 2 W): zeros between the pixels, then the filter, times 4. kernel: (4, 4)."""
    weight = _for_each_channel(kernel * 4, x.shape[1]).to(x.dtype)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=x.shape[1])


def downsample(x: Tensor, kernel: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H/2, W/2): the filter, then every second pixel. kernel: (4, 4)."""
    weight = _for_each_channel(kernel, x.shape[1]).to(x.dtype)
    return F.conv2d(x, weight, stride=2, padding=1, groups=x.shape[1])


def smooth(x: Tensor, kernel: Tensor, *, padding: int, gain: float = 1.0) -> Tensor:
    """The filter at every pixel: (B, C, H, W), (K, K) -> (B, C, H + 2 padding - K + 1, ...)."""
    weight = _for_each_channel(kernel * gain, x.shape[1]).to(x.dtype)
    return F.conv2d(x, weight, padding=padding, groups=x.shape[1])


def conv_up(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """A 3x3 convolution at twice the size: (B, C, H, W), (D, C, 3, 3) -> (B, D, 2 H, 2 W).

    The transposed convolution leaves a checkerboard that the filter behind it removes.
    """
    return smooth(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), kernel, padding=1, gain=4.0)


def conv_down(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """A 3x3 convolution at half the size: (B, C, H, W), (D, C, 3, 3) -> (B, D, H/2, W/2). Filtered before."""
    return F.conv2d(smooth(x, kernel, padding=2), weight, stride=2)


def conv_nearest_up(x: Tensor, weight: Tensor) -> Tensor:
    """Pixels doubled, then a 3x3 convolution: (B, C, H, W), (D, C, 3, 3) -> (B, D, 2 H, 2 W).

    As one transposed convolution, in which the taps that meet the same pixel are summed before: 4 in place of 9.
    """
    summed = _summed_in_twos(weight.flip(2, 3))
    return F.conv_transpose2d(x, summed.transpose(0, 1), stride=2, padding=1)


def conv_mean_down(x: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution, then the mean of each 2x2: (B, C, H, W), (D, C, 3, 3) -> (B, D, H/2, W/2). In one as well."""
    return F.conv2d(x, _summed_in_twos(weight) / 4, stride=2, padding=1)


def _summed_in_twos(weight: Tensor) -> Tensor:
    """Each tap and its neighbours before it: (D, C, 3, 3) -> (D, C, 4, 4)."""
    wide = F.pad(weight, (1, 1, 1, 1))
    return wide[:, :, 1:, 1:] + wide[:, :, :-1, 1:] + wide[:, :, 1:, :-1] + wide[:, :, :-1, :-1]


def modulated_conv(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    *,
    demodulate: bool = True,
    up: bool = False,
    kernel: Tensor | None = None,
    gain: float = 1.0,
) -> Tensor:
    """A convolution whose weights are scaled per sample: (B, C, H, W), (D, C, K, K), (B, C) -> (B, D, H', W').

    Scaling the input by the style and the output by the demodulation is the same as scaling the weights
    (arXiv:1912.04958, equations 1 and 3), and needs one convolution with one weight for the whole batch.
    gain: of the result; it costs nothing where there is a demodulation to put it in.
    """
    scaled = x * style[:, :, None, None]
    if up:
        assert kernel is not None
        out = conv_up(scaled, weight, kernel)
    else:
        out = F.conv2d(scaled, weight, padding=weight.shape[-1] // 2)
    if demodulate:
        return out * (demodulation(weight, style) * gain)[:, :, None, None]
    return out * gain if gain != 1.0 else out


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """1 / sqrt(sum over inputs and kernel of (style * weight)^2): (D, C, K, K), (B, C) -> (B, D)."""
    return torch.rsqrt(style.square() @ weight.square().sum((2, 3)).t() + 1e-8)


def activate(x: Tensor, *, gain: float = GAIN) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    x = F.leaky_relu(x, LEAK)
    return x * gain if gain != 1.0 else x


def limited(x: Tensor, most: float) -> Tensor:
    """Clamped to [-most, most]; 0 for no limit. The official networks that trained in fp16 have one."""
    return x.clamp(-most, most) if most else x


def with_group_deviation(x: Tensor, group: int) -> Tensor:
    """(B, M, H, W) -> (B, M + 1, H, W): the mean standard deviation inside each group of consecutive samples.

    group: of how many at most, 0 for all; as many as divide the batch (arXiv:1710.10196, section 3). Consecutive,
    where the paper's code takes every so many-th, so that micro-batches and processes do not change what is in a group.
    """
    batch, maps, height, width = x.shape
    size = next(count for count in range(min(group or batch, batch), 0, -1) if batch % count == 0)
    groups = x.reshape(-1, size, maps, height, width)
    deviation = (groups.var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (B / size,)
    plane = deviation.repeat_interleave(size)[:, None, None, None].expand(batch, 1, height, width)
    return torch.cat([x, plane], 1)


def second_moment_normalized(x: Tensor) -> Tensor:
    """Rows of mean square 1: (B, N)."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class EqualizedLinear(nn.Module):
    """(B, in) -> (B, out). Weights are N(0, 1) / multiplier and are scaled when used, so that all learn equally fast.

    multiplier: of the learning rate. bias: its first value. active: with the leaky ReLU behind it, and its gain.
    """

    def __init__(
        self, inputs: int, outputs: int, *, multiplier: float = 1.0, bias: float = 0.0, active: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / multiplier))
        self.scale = multiplier / math.sqrt(inputs)
        self._multiplier, self._active = multiplier, active

    def forward(self, x: Tensor) -> Tensor:
        out = F.linear(x, self.weight * self.scale, self.bias * self._multiplier)
        return activate(out) if self._active else out


def resolutions(size: int) -> list[int]:
    """4, 8, ..., size."""
    return [2**power for power in range(2, size.bit_length())]


def feature_maps(resolution: int, base: int, most: int) -> int:
    """Maps at a resolution: `base` pixels' worth in a row, `most` at most."""
    return min(base // resolution, most)
