"""A class-conditional GAN (arXiv:1411.1784): the label is embedded for both players."""

import torch
from torch import nn

from ganzoo.architecture import NoiseToImage
from toy_zoo.networks import Judge, Painter


class Labelled(nn.Module):
    def __init__(self, network, classes, width):
        super().__init__()
        self.network = network
        self.embed = nn.Embedding(classes, width)


class LabelledPainter(Labelled):
    def forward(self, z, label):
        return self.network(torch.cat([z, self.embed(label)], 1))


class LabelledJudge(Labelled):
    def forward(self, images, label):
        return self.network(images) + (self.embed(label) * images.mean((2, 3))).sum(1)


class ConditionalGAN(NoiseToImage):
    conditional = True

    def build_generator(self):
        painter = Painter(self.config.latent_size + 3, self.data.channels, self.data.size)
        return LabelledPainter(painter, self.data.classes, 3)

    def build_discriminator(self):
        return LabelledJudge(Judge(self.data.channels), self.data.classes, self.data.channels)
