"""WGAN-GP (arXiv:1704.00028): nothing but a config and two networks."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.architecture import NoiseToImage
from ganzoo.config import Ge, Gt, Help, Lt, NoiseToImageConfig
from toy_zoo.networks import Judge, Painter


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    objective: Annotated[Literal["wasserstein"], Help("adversarial loss")] = "wasserstein"
    penalty: Annotated[Literal["wgan-gp"], Help("gradient penalty")] = "wgan-gp"
    critic_steps: Annotated[int, Ge(1), Help("critic updates per generator update")] = 5
    generator_lr: Annotated[float, Gt(0), Help("Adam learning rate")] = 1e-4
    beta1: Annotated[float, Ge(0), Lt(1), Help("Adam's first beta")] = 0.0
    beta2: Annotated[float, Ge(0), Lt(1), Help("Adam's second beta")] = 0.9


class WGANGP(NoiseToImage):
    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)
