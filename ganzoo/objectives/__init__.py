"""Adversarial losses and gradient penalties as pure functions of logits and pictures."""

from ganzoo.objectives.adversarial import PAIRED, discriminator_loss, generator_loss, margins
from ganzoo.objectives.penalties import between, input_gradient, one_centred, r1, wgan_gp, zero_centred
from ganzoo.objectives.width import at_least_float32

__all__ = [
    "PAIRED",
    "at_least_float32",
    "between",
    "discriminator_loss",
    "generator_loss",
    "input_gradient",
    "margins",
    "one_centred",
    "r1",
    "wgan_gp",
    "zero_centred",
]
