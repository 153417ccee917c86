"""Hyperparameters of StyleGAN (arXiv:1812.04948) and StyleGAN2 (arXiv:1912.04958), with adaptive augmentation.

Deviations from the papers: one learning rate for all sizes that StyleGAN grows through. StyleGAN2's defaults are
configuration F at 256 pixels and above.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config import Ge, Gt, Help, Le, Lt, NoiseToImageConfig
from ganzoo.config.schedule import Schedule

Rate = Annotated[float, Ge(0)] | Schedule
Beta = Annotated[float, Ge(0), Lt(1)] | Schedule
Penalty = Literal["none", "r1", "r2", "r1+r2", "wgan-gp", "wgan-gp-one-sided"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleConfig(NoiseToImageConfig):
    """What the family has in common."""

    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 512
    style_size: Annotated[int, Ge(1), Help("numbers in a style vector w")] = 512
    mapping_layers: Annotated[int, Ge(1), Le(32), Help("layers from z to w; 2 for small runs and 8 in the papers")] = 8
    mapping_lr_multiplier: Annotated[float, Gt(0), Help("of the learning rate, for the layers from z to w")] = 0.01
    maps_base: Annotated[int, Ge(1), Help("feature maps times resolution; 16384 halves those of 32768")] = 32768
    maps_most: Annotated[int, Ge(1), Help("feature maps at the low resolutions")] = 512
    conditional: Annotated[bool, Help("learn the classes of the pictures; sample --label then chooses one")] = False
    group: Annotated[
        int,
        Ge(0),
        Help(
            "consecutive samples whose deviation the discriminator sees; divides a device's micro-batch; 0: all of it"
        ),
    ] = 4
    mixing: Annotated[float, Ge(0), Le(1), Help("share of samples painted from two styles")] = 0.9
    average_decay: Annotated[float, Ge(0), Lt(1), Help("share of the mean style that a step keeps")] = 0.995
    penalty: Annotated[Penalty, Help("gradient penalty on the discriminator")] = "r1"
    beta1: Annotated[Beta, Help("Adam's first beta")] = 0.0
    beta2: Annotated[Beta, Help("Adam's second beta")] = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleGANConfig(StyleConfig):
    maps_base: Annotated[int, Ge(1), Help("feature maps times resolution, 16384 in the paper")] = 16384
    penalty: Annotated[Penalty, Help("gradient penalty on the discriminator; wgan-gp goes with wasserstein")] = "r1"
    penalty_weight: Annotated[Rate, Help("gamma of R1 (times 1/2), lambda of WGAN-GP; 10 in the paper")] = 10.0
    generator_lr: Annotated[Rate, Help("learning rate of the generator; up to 0.003 at 1024 pixels")] = 2e-3
    discriminator_lr: Annotated[Rate, Help("learning rate of the discriminator; up to 0.003 at 1024 pixels")] = 2e-3
    truncated_layers: Annotated[int, Ge(0), Help("first layers that truncation moves: coarse styles; 0: all")] = 8
    grow_from: Annotated[int, Ge(0), Help("height of the first pictures, a power of two; 0: full size at once")] = 8
    steady_kimg: Annotated[float, Ge(0), Help("kimg at each size before the next begins to fade in")] = 600.0
    fade_kimg: Annotated[float, Ge(0), Help("kimg in which a size fades in")] = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleGAN2Config(StyleConfig):
    residual: Annotated[bool, Help("short cuts in the discriminator; off at 32x32 in the augmentation paper")] = True
    clamp: Annotated[
        float, Ge(0), Help("largest output of a convolution; 256 in official networks that trained in fp16; 0: any")
    ] = 0.0
    discriminator_clamp: Annotated[float, Ge(-1), Help("the same in the discriminator; 0: any; -1: as `clamp`")] = -1.0
    discriminator_mapping_layers: Annotated[
        int, Ge(0), Le(32), Help("layers behind the embedding of a class in the discriminator")
    ] = 8
    noise: Annotated[bool, Help("noise behind each convolution of the generator")] = True
    truncated_layers: Annotated[int, Ge(0), Help("first layers that truncation moves; 0: all")] = 0
    penalty_weight: Annotated[Rate, Help("gamma of R1; about 0.0002 * pixels of a picture / batch size")] = 10.0
    penalty_every: Annotated[int, Ge(1), Help("steps between penalties; above 1 it is lazy")] = 16
    path_weight: Annotated[float, Ge(0), Help("of the path length regularisation; 0: none")] = 2.0
    path_every: Annotated[int, Ge(2), Help("steps between path length regularisations")] = 4
    path_decay: Annotated[float, Ge(0), Lt(1), Help("how fast the mean path length follows")] = 0.01
    path_rate: Annotated[
        bool,
        Help("without path length, scale the generator's rate and beta2 as with it, as the official training does"),
    ] = False
    path_shrink: Annotated[int, Ge(1), Help("the path length is measured on a batch so many times smaller")] = 2
    generator_lr: Annotated[Rate, Help("learning rate of the generator; 0.002 at 1024 pixels")] = 2.5e-3
    discriminator_lr: Annotated[Rate, Help("learning rate of the discriminator; 0.002 at 1024 pixels")] = 2.5e-3
