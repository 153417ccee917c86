"""A GAN of oblong pictures, 48 high and 80 wide."""

from torch import nn

from ganzoo.architecture import NoiseToImage


class LandscapeGAN(NoiseToImage):
    sizes = ((48, 80),)

    def build_generator(self):
        return nn.Sequential(
            nn.Linear(self.config.latent_size, 8 * 6 * 10),
            nn.Unflatten(1, (8, 6, 10)),
            nn.ReLU(),
            nn.Upsample(scale_factor=8),
            nn.Conv2d(8, self.data.channels, 3, padding=1),
            nn.Tanh(),
        )

    def build_discriminator(self):
        return nn.Sequential(
            nn.Conv2d(self.data.channels, 8, 4, stride=4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(8 * 12 * 20, 1)
        )
