"""What the games of CycleGAN and pix2pix have in common: their networks, and how they are optimised.

Shapes: B batch, C channels, which the domains may have different ones of, H, W.
"""

import torch
from torch import Tensor, nn

from ganzoo import objectives
from ganzoo.architecture import ImageToImage, Optimizer
from ganzoo.datainfo import Domain
from ganzoo_cyclegan.config import Networks
from ganzoo_cyclegan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator

_WHOLE = {"least-squares": 2.0}
"""The core's least squares have the 1/2 of arXiv:1611.04076; these papers' have not."""


class Translation(ImageToImage):
    """Builds the networks that a config describes. A subclass adds the game."""

    config: Networks

    def build_generator(
        self, *, reads: Domain = "source", paints: Domain = "target"
    ) -> ResNetGenerator | UNetGenerator:
        """(B, C, H, W) in [-1, 1] of one domain to the other, each of its own channels."""
        config, channels, painted = self.config, self.channels_of(reads), self.channels_of(paints)
        if config.generator == "resnet":
            return ResNetGenerator(
                channels=channels,
                painted=painted,
                width=config.width,
                blocks=config.blocks,
                norm=config.norm,
                dropout=config.dropout,
            )
        return UNetGenerator(
            channels=channels,
            painted=painted,
            width=config.width,
            depth=config.depth or depth_for(self.data.height, self.data.width),
            norm=config.norm,
            dropout=config.dropout,
        )

    def channels_of(self, domain: Domain) -> int:
        return self.data.pictures[domain].channels

    def build_discriminator(self, *domains: Domain) -> nn.Module:
        """domains: whose pictures are judged together, one behind the other in the channels."""
        config = self.config
        return PatchDiscriminator(
            channels=sum(map(self.channels_of, domains)),
            width=config.discriminator_width,
            layers=config.discriminator_layers,
            norm=config.norm,
        )

    def accept_sizes(self, generator: ResNetGenerator | UNetGenerator, *, judged: bool) -> None:
        """Take the sizes that the networks work at from them. judged: whether there are discriminators."""
        self.size_multiple, self.least_size = generator.size_multiple, generator.least_size
        if judged:
            self.least_training_size = PatchDiscriminator.least_size(self.config.discriminator_layers)

    def optimizer(self, *trains: str) -> Optimizer:
        return Optimizer(trains=trains, lr=self.config.lr, betas=(self.config.beta1, self.config.beta2))

    def together(self, network: nn.Module, *images: Tensor) -> tuple[Tensor, ...]:
        """What the network makes of each, (B, C, H, W) in and out, in one pass where rows do not see each other."""
        if self.config.norm == "batch":
            return tuple(network(one) for one in images)
        results: tuple[Tensor, ...] = network(torch.cat(images)).chunk(len(images))
        return results


def depth_for(*sides: int) -> int:
    """As often as height and width can be halved, from 5 to the 8 of 256 pixels in the paper."""
    return next((depth for depth in (8, 7, 6) if not any(side % 2**depth for side in sides)), 5)


def fooling_loss(objective: str, fake: Tensor) -> Tensor:
    """What a generator minimises, from the logits of its pictures."""
    return _WHOLE.get(objective, 1.0) * objectives.generator_loss(objective, fake)


def judging_loss(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    """What a discriminator minimises: half of the sum over reals and fakes, which slows it beside the generator."""
    return _WHOLE.get(objective, 1.0) * objectives.discriminator_loss(objective, real, fake) / 2
