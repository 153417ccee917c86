"""Adversarial losses and gradient penalties as pure functions of logits and pictures."""

from ganzoo.objectives.adversarial import RELATIVE, discriminator_loss, generator_loss, margins
from ganzoo.objectives.dtype import at_least_float32
from ganzoo.objectives.penalties import input_gradient, interpolate, one_centred, r1, wgan_gp, zero_centred

__all__ = [
    "RELATIVE",
    "at_least_float32",
    "discriminator_loss",
    "generator_loss",
    "input_gradient",
    "interpolate",
    "margins",
    "one_centred",
    "r1",
    "wgan_gp",
    "zero_centred",
]
