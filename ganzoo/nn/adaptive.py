"""Adaptive discriminator augmentation (arXiv:2006.06676).

Shapes: B batch, C channels (1 or 3), H, W.

Pixel blitting, general geometric transformations and colour transformations of the paper's appendix B,
each applied with probability p, and p moved by how well the discriminator tells the reals it is shown.

Deviations from the paper: whole-pixel moves are made exactly, without the wavelet filter; outside a picture is the
reflection of the filtered picture, at any distance, so that no margin has to be computed on the host. The authors'
code filters the reflection, as far as one goes; smooth pictures differ from that by 1% of their root mean square.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.nn.augmentation import Augmentation
from ganzoo.nn.warp import blit, warp

_EVERY = 4  # steps between two moves of p (appendix C)
_Number = Tensor | float
_LUMA = 1 / math.sqrt(3)


class AdaptiveAugment(Augmentation):
    """p starts at 0 and rises while the mean sign of D on reals is above `target`, falls below.

    Above 1 everything that 1 applies is applied, and p has so much further to come down.
    kimg: in which p could go from 0 to 1. colour: with colour transformations.
    probability, signs: buffers, so that a resume is exact.
    """

    columns = 28
    probability: Tensor
    signs: Tensor

    def __init__(self, *, target: float, kimg: float, colour: bool = True) -> None:
        super().__init__()
        self._target = target
        self._kimg = kimg
        self._colour = colour
        self.register_buffer("probability", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """images (B, C, H, W), draws (B, 28) -> (B, C, H, W), each transformation with probability p."""
        if images.device.type == "cpu" and self.probability.item() == 0:
            return images  # a GPU would have to be waited for, a CPU not
        numbers = iter(draws.to(images.dtype).T)  # K vectors (B,)
        images = self._blit(images, numbers)
        images = warp(images, self._inverse(numbers, images.shape[3], images.shape[2]))
        return self._recolour(images, numbers) if self._colour else images

    @torch.no_grad()
    def feedback(self, sign: Tensor, *, step: int, batch_size: int) -> None:
        """Move p every few steps, by the mean of `sign`, a scalar. step: counted from 0. batch_size: global."""
        self.signs.add_(sign)
        if (step + 1) % _EVERY == 0:
            move = batch_size * _EVERY / (self._kimg * 1000)
            self.probability.add_((self.signs / _EVERY - self._target).sign(), alpha=move).clamp_(min=0)
            self.signs.zero_()

    def _applies(self, number: Tensor, probability: Tensor | None = None) -> Tensor:
        return number < (self.probability if probability is None else probability)

    def _blit(self, images: Tensor, numbers: Iterator[Tensor]) -> Tensor:
        sides = images.shape[3], images.shape[2]
        flip = self._applies(next(numbers)) & (next(numbers) < 0.5)
        quarters = self._applies(next(numbers)) * (next(numbers) * 4).long()
        moves = self._applies(next(numbers))
        shift = torch.stack([(next(numbers) - 0.5) * 0.25 * size for size in sides], 1).round().long()
        return blit(images, flip, quarters, shift * moves[:, None])

    def _inverse(self, numbers: Iterator[Tensor], *sides: int) -> Tensor:
        """From the result to the picture: the inverses of the four steps, in the order of application."""
        turns = 1 - torch.sqrt((1 - self.probability).clamp(min=0))  # both rotations together apply with p
        one = next(numbers)
        factor = _chosen(self._applies(one), torch.exp2(0.2 * _normal(next(numbers))), 1.0)
        inverse = _matrix(1 / factor, 0, 0, 1 / factor, 0, 0)
        inverse = inverse @ self._rotation(numbers, turns)
        applies = self._applies(next(numbers))
        factor = _chosen(applies, torch.exp2(0.2 * _normal(next(numbers))), 1.0)
        inverse = inverse @ _matrix(1 / factor, 0, 0, factor, 0, 0)
        inverse = inverse @ self._rotation(numbers, turns)
        applies = self._applies(next(numbers))
        x, y = (_chosen(applies, 0.125 * size * _normal(next(numbers)), 0.0) for size in sides)
        return inverse @ _matrix(torch.ones_like(x), 0, 0, 1, -x, -y)

    def _rotation(self, numbers: Iterator[Tensor], probability: Tensor) -> Tensor:
        applies = self._applies(next(numbers), probability)
        angle = _chosen(applies, (2 * next(numbers) - 1) * math.pi, 0.0)
        return _matrix(angle.cos(), angle.sin(), -angle.sin(), angle.cos(), 0, 0)

    def _recolour(self, images: Tensor, numbers: Iterator[Tensor]) -> Tensor:
        def amount(value: Tensor, otherwise: float, gate: Tensor) -> Tensor:
            return _chosen(self._applies(gate), value, otherwise)[:, None, None, None]

        gates = [next(numbers) for _ in range(5)]
        brightness, contrast, flip, hue, saturation = (next(numbers) for _ in range(5))
        images = images + amount(0.2 * _normal(brightness), 0.0, gates[0])
        images = images * amount(torch.exp2(0.5 * _normal(contrast)), 1.0, gates[1])
        grey = images.mean(1, keepdim=True)  # the part along the luma axis (1, 1, 1)
        colour = images - grey
        grey = grey * amount(1 - 2 * (flip < 0.5).to(images.dtype), 1.0, gates[2])
        if images.shape[1] == 3:
            angle = amount((2 * hue - 1) * math.pi, 0.0, gates[3])
            # Rodrigues: a vector across the axis turns in its plane.
            red, green, blue = colour.unbind(1)
            across = _LUMA * torch.stack([blue - green, red - blue, green - red], 1)
            colour = angle.cos() * colour + angle.sin() * across
        colour = colour * amount(torch.exp2(_normal(saturation)), 1.0, gates[4])
        return grey + colour


def _normal(uniform: Tensor) -> Tensor:
    """Uniform in [0, 1) to N(0, 1), bounded by 5 standard deviations."""
    return math.sqrt(2) * torch.erfinv((2 * uniform - 1).clamp(-1 + 5.7e-7, 1 - 5.7e-7))


def _chosen(applies: Tensor, value: Tensor, otherwise: float) -> Tensor:
    return value.masked_fill(~applies, otherwise)  # `where` with a number makes the host wait for a GPU


def _matrix(a: Tensor, b: _Number, c: _Number, d: _Number, x: _Number, y: _Number) -> Tensor:
    """[[a, b, x], [c, d, y], [0, 0, 1]] for each picture: (B, 3, 3)."""
    rows = [value if isinstance(value, Tensor) else torch.full_like(a, value) for value in (a, b, x, c, d, y, 0, 0, 1)]
    return torch.stack(rows, 1).reshape(-1, 3, 3)
