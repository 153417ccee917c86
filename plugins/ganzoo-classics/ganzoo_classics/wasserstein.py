"""wgan and wgan-gp: their games are settings of the base class's.

Papers: Wasserstein GAN, arXiv:1701.07875; Improved Training of Wasserstein GANs, arXiv:1704.00028.
Deviations: see config.py and residual.py.

With x real, z ~ N(0, 1), and n_critic updates of the critic D for one of G:

    L_D = mean D(G(z)) - D(x)                      wgan: then every weight of D is clamped to [-c, c]
          + lambda mean (|grad D(y)| - 1)^2        wgan-gp: y = u x + (1 - u) G(z), u ~ U[0, 1) per picture
    L_G = mean -D(G(z))
"""

from ganzoo_dcgan.model import DCGAN
from torch import nn

from ganzoo.architecture import NoiseToImage
from ganzoo_classics.config import WGANConfig, WGANGPConfig
from ganzoo_classics.residual import SIZES, Critic, Generator


class WGAN(DCGAN):
    config: WGANConfig


class WGANGP(NoiseToImage):
    config: WGANGPConfig
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
        return Critic(size=self.data.size, channels=self.data.channels, width=self.config.width)
