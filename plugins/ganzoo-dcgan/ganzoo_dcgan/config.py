"""Hyperparameters of DCGAN (arXiv:1511.06434).

Deviations from the paper: z is N(0, 1), not uniform; an average of the generator is kept beside the
one that learns.
"""

from dataclasses import dataclass
from typing import Annotated

from ganzoo.config import Ge, Help, Le, NoiseToImageConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 100
    width: Annotated[int, Ge(1), Le(512), Help("feature maps next to the picture; 8 times as many at most")] = 64
    discriminator_width: Annotated[
        int, Ge(0), Le(512), Help("the same of the discriminator; 0: as in the generator")
    ] = 0
