from dataclasses import dataclass
from typing import Annotated

from ganzoo.config import Ge, Help, NoiseToImageConfig, Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    width: Annotated[int, Ge(1), Help("units of the hidden layer")] = 16
    weight: Annotated[float | Schedule, Help("of the term of its own")] = 0.1
