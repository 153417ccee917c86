"""A GAN that paints from 40 numbers, and a data source whose pictures come with them."""

import numpy as np
import torch
from torch import nn

from ganzoo.architecture import Batch, NoiseToImage
from ganzoo.tensors import Condition, DataInfo, Picture
from toy_zoo.networks import Judge, Painter

NUMBERS = 40


class Bars:
    """Pictures whose columns are as light as 40 numbers between 0 and 1 say, with a little noise."""

    def __init__(self, argument, options, *, notify):
        like = options.picture(Picture(channels=1, height=8, width=8))
        random = np.random.RandomState(0)
        self._numbers = random.uniform(size=(int(argument or 50), NUMBERS)).astype(np.float32)
        columns = self._numbers[:, np.arange(like.width) * NUMBERS // like.width]  # (N, W)
        pictures = np.broadcast_to(columns[:, None, None], (len(columns), *like.shape))
        noisy = pictures * 230 + random.uniform(0, 25, size=pictures.shape)
        self._pictures = noisy.astype(np.uint8)
        names = tuple(f"bar-{number}" for number in range(NUMBERS))
        condition = Condition(kind="vector", size=NUMBERS, names=names, low=0.0, high=1.0)
        self.info = DataInfo({"real": like}, condition)
        self.description = f"{len(columns)} pictures of bars"
        self.lengths = (len(columns),)
        self.in_memory = True

    def fetch(self, indices):
        (chosen,) = indices
        return Batch(real=torch.from_numpy(self._pictures[chosen]), label=torch.from_numpy(self._numbers[chosen]))


class FromNumbers(nn.Module):
    def __init__(self, network, numbers):
        super().__init__()
        self.network = network
        self.read = nn.Linear(numbers, 4)

    def forward(self, z, vector):
        return self.network(torch.cat([z, self.read(vector)], 1))


class JudgedByNumbers(nn.Module):
    def __init__(self, network, numbers, channels):
        super().__init__()
        self.network = network
        self.read = nn.Linear(numbers, channels)

    def forward(self, images, vector):
        return self.network(images) + (self.read(vector) * images.mean((2, 3))).sum(1)


class AttributeGAN(NoiseToImage):
    condition = "vector"

    def build_generator(self):
        painter = Painter(self.config.latent_size + 4, self.data.channels, self.data.size)
        return FromNumbers(painter, self.data.condition.size)

    def build_discriminator(self):
        return JudgedByNumbers(Judge(self.data.channels), self.data.condition.size, self.data.channels)
