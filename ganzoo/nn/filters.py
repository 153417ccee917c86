"""Filters over pictures: blurs with any kernel, and sharpening.

Shapes: B batch, C channels, H, W, K side of a kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

_USM_SIZE, _USM_SIGMA = 51, 8.0
_USM_WEIGHT, _USM_LEAST = 0.5, 10 / 255


def filtered(images: Tensor, kernel: Tensor) -> Tensor:
    """(B, C, H, W) through a kernel (K, L), odd sides, on the same device; borders are reflected."""
    channels, (height, width) = images.shape[1], kernel.shape
    weight = kernel.to(images.dtype).expand(channels, 1, height, width)
    return conv2d(reflected(images, height // 2, width // 2), weight, groups=channels)


def gaussian_blurred(images: Tensor, sigma: float, size: int = 0) -> Tensor:
    """(B, C, H, W). size: of the kernel, odd; as many pixels as matter if 0."""
    size = size or 2 * max(1, round(3 * sigma)) + 1
    line = torch.exp(-((torch.arange(size, device=images.device) - size // 2) ** 2) / (2 * sigma**2))
    line = line / line.sum()
    return filtered(filtered(images, line[None, :]), line[:, None])


def reflected(images: Tensor, down: int, across: int) -> Tensor:
    """(B, C, H + 2 down, W + 2 across), mirrored at the borders, as often as a small picture wants."""
    while down or across:
        rows, columns = min(down, images.shape[2] - 1), min(across, images.shape[3] - 1)
        if (down and not rows) or (across and not columns):  # one pixel has no other to mirror
            return pad(images, (across, across, down, down), mode="replicate")
        images = pad(images, (columns, columns, rows, rows), mode="reflect")
        down, across = down - rows, across - columns
    return images


def sharpened(images: Tensor) -> Tensor:
    """Unsharp masking of Real-ESRGAN's targets (arXiv:2107.10833, 3.4): (B, C, H, W) in [0, 1].

    r = x - blur(x);  m = blur(|r| > 10 / 255);  m clip(x + r / 2) + (1 - m) x;   Gaussian of 51 pixels, sigma 8.
    """
    rest = images - gaussian_blurred(images, _USM_SIGMA, _USM_SIZE)
    mask = gaussian_blurred((rest.abs() > _USM_LEAST).to(images), _USM_SIGMA, _USM_SIZE)
    return mask * (images + _USM_WEIGHT * rest).clamp(0, 1) + (1 - mask) * images
