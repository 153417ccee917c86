"""What a stranger writes who never read about keyed randomness: dropout and torch.randn in the networks."""

import torch
from torch import nn

from ganzoo.architecture import NoiseToImage, Optimizer
from toy_zoo.networks import Judge, Painter


class Noisy(nn.Module):
    def __init__(self, painter):
        super().__init__()
        self.painter = painter
        self.norm = nn.BatchNorm1d(4)
        self.dropout = nn.Dropout(0.3)

    def forward(self, z):
        if self.training:
            z = z + 0.1 * torch.randn_like(z)
        return self.painter(self.dropout(self.norm(z)))


class StrangersGAN(NoiseToImage):
    def build_generator(self):
        return Noisy(Painter(self.config.latent_size, self.data.channels, self.data.size))

    def build_discriminator(self):
        return nn.Sequential(nn.Dropout(0.2), Judge(self.data.channels))

    def optimizers(self):
        return {
            "discriminator": Optimizer(trains=("discriminator",), kind="rmsprop", lr=1e-3, clip=1.0),
            "generator": Optimizer(trains=("generator",), kind="sgd", lr=1e-2, betas=(0.9, 0.0)),
        }
