"""R3GAN's game (arXiv:2501.05441): relativistic, with R1 and R2, and a second batch of reals for the generator.

L_D = mean softplus(D(G(z)) - D(x)) + gamma/2 (|grad D(x)|^2 + |grad D(G(z))|^2)
L_G = mean softplus(D(x') - D(G(z'))),  x' of a batch of its own
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from ganzoo.architecture import NoiseToImage
from ganzoo.config import Ge, Help, Lt, NoiseToImageConfig
from toy_zoo.networks import Judge, Painter


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    objective: Annotated[Literal["relativistic"], Help("adversarial loss")] = "relativistic"
    penalty: Annotated[Literal["r1+r2"], Help("gradient penalty")] = "r1+r2"
    penalty_weight: Annotated[float, Ge(0), Help("gamma of R1 and R2")] = 0.05
    beta1: Annotated[float, Ge(0), Lt(1), Help("Adam's first beta")] = 0.0


class R3GAN(NoiseToImage):
    config: Config

    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)

    def phases(self):
        discriminator, generator = super().phases()
        return [discriminator, replace(generator, reals="own")]
