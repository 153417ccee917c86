"""Augmenting what a discriminator sees, when there are few pictures.

Shapes: B batch, C channels (1 or 3), H, W, K random numbers for a picture.

Everything is differentiable twice, because gradient penalties look through it, and a function of its
inputs alone: the random numbers are drawn by the step and handed in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn


class Augmentation(nn.Module, ABC):
    """pictures (B, C, H, W) in [-1, 1], draws (B, K) uniform in [0, 1) -> pictures (B, C, H, W).

    columns: K.
    """

    columns: ClassVar[int]

    @abstractmethod
    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """images (B, C, H, W), draws (B, K) -> (B, C, H, W)."""

    def feedback(self, sign: Tensor, *, step: int, batch_size: int) -> None:
        """Told once a step the mean sign of the discriminator on (augmented) reals, a scalar."""


class DiffAugment(Augmentation):
    """Differentiable augmentation (arXiv:2006.10738) with its three policies: colour, translation, cutout.

    Brightness +-0.5, saturation 0 to 2, contrast 0.5 to 1.5, a shift of up to an eighth with zeros moved in, and a
    hole of zeros of half the height and width.
    """

    columns = 7

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """images (B, C, H, W), draws (B, 7) -> (B, C, H, W)."""
        brightness, saturation, contrast, dx, dy, hole_x, hole_y = draws.to(images.dtype).T[:, :, None, None, None]
        images = images + (brightness - 0.5)
        grey = images.mean(1, keepdim=True)
        images = grey + 2 * saturation * (images - grey)
        mean = images.mean((1, 2, 3), keepdim=True)
        images = mean + (contrast + 0.5) * (images - mean)
        return self._cut(self._shift(images, dx, dy), hole_x, hole_y)

    def _shift(self, images: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
        for axis, draw in ((3, dx), (2, dy)):
            size = images.shape[axis]
            reach = size // 8
            shift = draw.flatten().mul(2 * reach + 1).long() - reach  # (B,)
            source = torch.arange(size, device=images.device) + shift[:, None]  # (B, S)
            inside = ((source >= 0) & (source < size)).to(images.dtype)
            along = (len(images), 1, 1, size) if axis == 3 else (len(images), 1, size, 1)
            images = images.gather(axis, source.clamp(0, size - 1).reshape(along).expand_as(images))
            images = images * inside.reshape(along)
        return images

    def _cut(self, images: Tensor, hole_x: Tensor, hole_y: Tensor) -> Tensor:
        inside = []
        for size, draw in ((images.shape[3], hole_x), (images.shape[2], hole_y)):
            hole = size // 2
            place = torch.arange(size, device=images.device)
            # The centre may be anywhere, so that part of the hole may be outside.
            first = (draw * (size + 1)).long() - hole // 2
            inside.append((place >= first) & (place < first + hole))  # (B, 1, 1, S)
        columns, rows = inside
        return images * ~(columns & rows.transpose(2, 3))
