"""Reflection at the edges, with a backward pass that repeats bit for bit on a GPU when it is asked to.

Shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ReflectionPad2d(nn.ReflectionPad2d):
    """torch's own, (B, C, H, W) -> (B, C, H + top + bottom, W + left + right).

    torch has no deterministic backward kernel for it on a GPU and raises under `--deterministic`. There the picture is
    put together from its mirrored edges instead, whose gradients are plain sums: the same numbers, slower.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H + top + bottom, W + left + right)."""
        if input.device.type == "cpu" or not torch.are_deterministic_algorithms_enabled():
            return super().forward(input)
        left, right, top, bottom = self.padding
        return _reflected(_reflected(input, 3, left, right), 2, top, bottom)


def _reflected(x: Tensor, dim: int, before: int, after: int) -> Tensor:
    size = x.shape[dim]
    parts = [
        x.narrow(dim, 1, before).flip(dim),  # the edge itself is not repeated
        x,
        x.narrow(dim, size - 1 - after, after).flip(dim),
    ]
    return torch.cat(parts, dim)
