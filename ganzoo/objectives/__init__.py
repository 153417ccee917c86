"""Adversarial losses and gradient penalties as pure functions of logits and pictures."""

from ganzoo.objectives.adversarial import discriminator_loss, generator_loss
from ganzoo.objectives.penalties import r1, wgan_gp

__all__ = ["discriminator_loss", "generator_loss", "r1", "wgan_gp"]
