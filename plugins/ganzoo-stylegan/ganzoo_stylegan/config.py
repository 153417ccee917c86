"""Hyperparameters of StyleGAN2 (arXiv:1912.04958) with adaptive augmentation (arXiv:2006.06676).

Deviations from the papers: none in the defaults, which are configuration F at 256 pixels and above.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config import Ge, Help, Le, Lt, NoiseToImageConfig
from ganzoo.config.schedule import Schedule

Rate = Annotated[float, Ge(0)] | Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleGAN2Config(NoiseToImageConfig):
    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 512
    style_size: Annotated[int, Ge(1), Help("numbers in a style vector w")] = 512
    mapping_layers: Annotated[int, Ge(1), Le(32), Help("layers from z to w; 2 for small runs and 8 in the paper")] = 8
    maps_base: Annotated[int, Ge(1), Help("feature maps times resolution; 16384 halves those of 32768")] = 32768
    maps_most: Annotated[int, Ge(1), Help("feature maps at the low resolutions")] = 512
    conditional: Annotated[bool, Help("learn the classes of the pictures; sample --label then chooses one")] = False
    residual: Annotated[bool, Help("short cuts in the discriminator; off at 32x32 in the augmentation paper")] = True
    clamp: Annotated[
        float, Ge(0), Help("largest output of a convolution; 256 in official networks that trained in fp16; 0: any")
    ] = 0.0
    group: Annotated[
        int, Ge(1), Help("consecutive samples whose deviation the discriminator sees; divides a device's micro-batch")
    ] = 4
    mixing: Annotated[float, Ge(0), Le(1), Help("share of samples painted from two styles")] = 0.9
    penalty: Annotated[
        Literal["none", "r1", "r2", "r1+r2", "wgan-gp", "wgan-gp-one-sided"],
        Help("gradient penalty on the discriminator"),
    ] = "r1"
    penalty_weight: Annotated[Rate, Help("gamma of R1; about 0.0002 * pixels of a picture / batch size")] = 10.0
    penalty_every: Annotated[int, Ge(1), Help("steps between penalties; above 1 it is lazy")] = 16
    path_weight: Annotated[float, Ge(0), Help("of the path length regularisation; 0: none")] = 2.0
    path_every: Annotated[int, Ge(2), Help("steps between path length regularisations")] = 4
    path_decay: Annotated[float, Ge(0), Lt(1), Help("how fast the mean path length follows")] = 0.01
    path_shrink: Annotated[int, Ge(1), Help("the path length is measured on a batch so many times smaller")] = 2
    generator_lr: Annotated[Rate, Help("learning rate of the generator; 0.002 at 1024 pixels")] = 2.5e-3
    discriminator_lr: Annotated[Rate, Help("learning rate of the discriminator; 0.002 at 1024 pixels")] = 2.5e-3
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.0
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.99
