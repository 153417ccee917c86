"""Gradient penalties.

Shapes: B batch, C channels, H height, W width. A critic is a function of pictures alone; penalties
run it in float32 or wider whatever autocast is in force, because their second derivatives do not survive less.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.objectives.dtype import at_least_float32

Critic = Callable[[Tensor], Tensor]


def input_gradient(critic: Critic, images: Tensor) -> tuple[Tensor, Tensor]:
    """grad D at `images` (B, C, H, W), of the same shape, and the logits; both can be differentiated again.

    It may be compiled: inside `torch.compile`, where autograd's second derivatives are refused, it is written
    with `torch.func`, which for its part refuses batch norm.
    """
    with torch.autocast(images.device.type, enabled=False):
        images = at_least_float32(images.detach())
        if torch.compiler.is_compiling():

            def summed(images: Tensor) -> tuple[Tensor, Tensor]:
                logits = critic(images)
                return logits.sum(), logits

            gradient, logits = torch.func.grad(summed, has_aux=True)(images)
            return gradient, logits
        images.requires_grad_(True)
        logits = critic(images)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient, logits


def zero_centred(gradient: Tensor) -> Tensor:
    """|g|^2 per picture, (B,): R1 on reals (arXiv:1801.04406), R2 on fakes, without the customary gamma/2."""
    return gradient.square().flatten(1).sum(1)


def one_centred(gradient: Tensor, *, one_sided: bool = False) -> Tensor:
    """(|g| - 1)^2 per picture, (B,), or max(0, |g| - 1)^2 (arXiv:1704.00028, section 4)."""
    excess: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1) - 1
    return (excess.clamp(min=0) if one_sided else excess).square()


def r1(critic: Critic, images: Tensor) -> tuple[Tensor, Tensor]:
    """|grad D(x)|^2 per picture and the logits, so that D need not run twice: ((B,), logits).

    images: (B, C, H, W); of fakes it is R2.
    """
    gradient, logits = input_gradient(critic, images)
    return zero_centred(gradient), logits


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """share * real + (1 - share) * fake, (B, C, H, W). share: (B, 1, 1, 1) in [0, 1)."""
    real, fake = at_least_float32(real), at_least_float32(fake)
    return fake + share * (real - fake)


def wgan_gp(critic: Critic, real: Tensor, fake: Tensor, share: Tensor, *, one_sided: bool = False) -> Tensor:
    """(|grad D(y)| - 1)^2 per picture at y between a real and a fake (arXiv:1704.00028): (B,).

    real, fake: (B, C, H, W). share: (B, 1, 1, 1) in [0, 1), of the real.
    """
    gradient, _ = input_gradient(critic, interpolate(real, fake, share))
    return one_centred(gradient, one_sided=one_sided)
