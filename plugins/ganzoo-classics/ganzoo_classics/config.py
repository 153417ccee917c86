"""Hyperparameters of the classics. Papers: arXiv:1312.6114, 1406.2661, 1411.1784, 1701.07875, 1704.00028.

Deviations from the papers: z is N(0, 1) everywhere; an average of the generator is kept beside the one that
learns; the perceptrons learn with Adam, not with momentum and hand-made schedules (optimizer=sgd has those).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo_dcgan.config import Config as DCGANConfig

from ganzoo.config import FromNoiseConfig, Ge, Gt, Help, Le, Lt, MayChange, NoiseToImageConfig, Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class GANConfig(NoiseToImageConfig):
    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 100
    width: Annotated[
        int, Ge(1), Le(8192), Help("units of the generator's last hidden layer; the judge has a fifth")
    ] = 1200
    dropout: Annotated[float, Ge(0), Lt(1), Help("share of the discriminator's hidden units that are dropped")] = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class VAEConfig(FromNoiseConfig):
    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 20
    width: Annotated[int, Ge(1), Le(8192), Help("units of a hidden layer")] = 500
    layers: Annotated[int, Ge(1), Le(16), Help("hidden layers of the encoder, and of the generator")] = 1
    activation: Annotated[Literal["tanh", "relu"], Help("of the hidden layers")] = "tanh"
    likelihood: Annotated[
        Literal["bernoulli", "gaussian"], Help("of a pixel: bernoulli for black and white, gaussian for photographs")
    ] = "bernoulli"
    sigma: Annotated[float, Gt(0), Help("gaussian: deviation of a pixel, of 2 from black to white")] = 0.2
    beta: Annotated[float, Ge(0), Help("weight of the latents' divergence from N(0, 1); lower paints sharper")] = 1.0
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate"), MayChange()] = 1e-3
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.9
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.999


@dataclass(frozen=True, kw_only=True, slots=True)
class WGANConfig(DCGANConfig):
    objective: Annotated[Literal["wasserstein"], Help("adversarial loss")] = "wasserstein"
    optimizer: Annotated[Literal["adam", "rmsprop", "sgd"], Help("of both players")] = "rmsprop"
    generator_lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("learning rate of the generator")] = 5e-5
    discriminator_lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("learning rate of the critic")] = 5e-5
    clip_weights: Annotated[float, Gt(0), Help("largest size of a critic's weight")] = 0.01
    critic_steps: Annotated[int, Ge(1), Help("critic updates per generator update")] = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class WGANGPConfig(NoiseToImageConfig):
    objective: Annotated[Literal["wasserstein"], Help("adversarial loss")] = "wasserstein"
    penalty: Annotated[Literal["wgan-gp", "wgan-gp-one-sided"], Help("gradient penalty on the critic")] = "wgan-gp"
    critic_steps: Annotated[int, Ge(1), Help("critic updates per generator update")] = 5
    generator_lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("learning rate of the generator")] = 2e-4
    discriminator_lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("learning rate of the critic")] = 2e-4
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.0
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.9
    width: Annotated[int, Ge(1), Le(256), Help("feature maps next to a picture of 64; 4 and 2 times as many at 32")] = (
        64
    )
