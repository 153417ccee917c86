"""Gradient penalties.

Shapes: B batch, C channels, H height, W width. A critic is a function of pictures alone; penalties
run it in float32 whatever autocast is in force, because their second derivatives do not survive less.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def r1(critic: Critic, images: Tensor) -> tuple[Tensor, Tensor]:
    """|grad D(x)|^2 per picture (arXiv:1801.04406), and the logits, so that D need not run twice.

    images: (B, C, H, W). Returns ((B,), logits). The customary factor gamma/2 is the caller's.
    """
    gradient, logits = _input_gradient(critic, images)
    return gradient.square().flatten(1).sum(1), logits


def wgan_gp(critic: Critic, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """(|grad D(y)| - 1)^2 per picture at y = share * real + (1 - share) * fake (arXiv:1704.00028).

    real, fake: (B, C, H, W). share: (B, 1, 1, 1) in [0, 1). Returns (B,).
    """
    between = fake.float() + share * (real.float() - fake.float())
    gradient, _ = _input_gradient(critic, between)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norms - 1).square()


def _input_gradient(critic: Critic, images: Tensor) -> tuple[Tensor, Tensor]:
    with torch.autocast(images.device.type, enabled=False):
        images = images.detach().float().requires_grad_(True)
        logits = critic(images)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient, logits
