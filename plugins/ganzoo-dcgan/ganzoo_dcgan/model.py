"""DCGAN as an architecture: the networks; the game is the base class's (non-saturating, Adam).

Paper: Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks,
arXiv:1511.06434. Deviations: see config.py and networks.py.

With x real, z ~ N(0, 1), D a logit and s the logistic function, in turn by Adam:

    L_D = mean -log s(D(x)) - log(1 - s(D(G(z))))
    L_G = mean -log s(D(G(z)))
"""

from torch import nn

from ganzoo.architecture import NoiseToImage
from ganzoo_dcgan.config import Config
from ganzoo_dcgan.networks import SIZES, Discriminator, Generator


class DCGAN(NoiseToImage):
    config: Config
    channels_last = True
    sizes = SIZES

    def build_generator(self) -> nn.Module:
        return Generator(
            latent_size=self.config.latent_size,
            size=self.data.size,
            channels=self.data.channels,
            width=self.config.width,
        )

    def build_discriminator(self) -> nn.Module:
        width = self.config.discriminator_width or self.config.width
        return Discriminator(size=self.data.size, channels=self.data.channels, width=width)
