"""Hyperparameters of CycleGAN (arXiv:1703.10593) and pix2pix (arXiv:1611.07004).

Deviations from the papers: none in the defaults. An average of the translators can be kept (`ema_half_life_kimg`).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config import Ge, Help, ImageToImageConfig, Le, Lt


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks(ImageToImageConfig):
    """What both games can set of their networks."""

    generator: Annotated[
        Literal["resnet", "unet"], Help("resnet: any multiple of 4 pixels; unet: multiples of 2 to the depth")
    ] = "resnet"
    blocks: Annotated[int, Ge(1), Le(64), Help("residual blocks of a resnet; the paper: 9 from 256 pixels, else 6")] = 9
    depth: Annotated[
        int, Ge(0), Le(12), Help("halvings of a unet; 0: 8 for 256 pixels, 7 for 128, and so on down to 5")
    ] = 0
    width: Annotated[int, Ge(1), Le(512), Help("feature maps of a generator's first layer")] = 64
    norm: Annotated[Literal["instance", "batch", "none"], Help("normalisation of every network")] = "instance"
    dropout: Annotated[float, Ge(0), Lt(1), Help("share dropped inside the generators, in training alone")] = 0.0
    discriminator_width: Annotated[int, Ge(1), Le(512), Help("feature maps of a discriminator's first layer")] = 64
    discriminator_layers: Annotated[
        int, Ge(1), Le(6), Help("halvings of a discriminator; 3 judges patches of 70x70 pixels, 2 of 34x34, 1 of 16x16")
    ] = 3

    def __post_init__(self) -> None:
        if self.depth == 1:
            raise ValueError("depth = 1: a unet halves at least twice; 0 chooses from the size of the pictures")


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGANConfig(Networks):
    objective: Annotated[Literal["least-squares", "non-saturating"], Help("adversarial loss")] = "least-squares"
    cycle_weight: Annotated[float, Ge(0), Help("lambda of the cycle's L1 loss")] = 10.0
    identity_weight: Annotated[
        float, Ge(0), Help("of the L1 loss of translating what is in the domain already, times cycle_weight; 0: none")
    ] = 0.5
    pool_size: Annotated[int, Ge(0), Le(10_000), Help("past fakes that a discriminator is shown again; 0: none")] = 50
    directions: Annotated[
        Literal["both", "a2b"], Help("a2b: a translator alone, as imported from one file; it cannot be trained on")
    ] = "both"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pix2PixConfig(Networks):
    generator: Annotated[
        Literal["resnet", "unet"], Help("unet: multiples of 2 to the depth; resnet: any multiple of 4 pixels")
    ] = "unet"
    norm: Annotated[Literal["instance", "batch", "none"], Help("normalisation of both networks")] = "batch"
    dropout: Annotated[float, Ge(0), Lt(1), Help("share dropped inside the generator, in training alone")] = 0.5
    objective: Annotated[Literal["least-squares", "non-saturating"], Help("adversarial loss")] = "non-saturating"
    l1_weight: Annotated[float, Ge(0), Help("lambda of the L1 distance to the target")] = 100.0
