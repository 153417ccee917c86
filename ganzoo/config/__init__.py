"""Typed hyperparameters: how a plugin declares them and how a user's settings become one config.

A config is a frozen, keyword-only, slotted dataclass whose fields carry their range and meaning:

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(NoiseToImageConfig):
        width: Annotated[int, Ge(1), Help("feature maps of the last hidden layer")] = 64
"""

from ganzoo.config.fields import Ge, Gt, Help, Le, Lt, MayChange
from ganzoo.config.schedule import Schedule
from ganzoo.config.tables import DataConfig, FromNoiseConfig, ImageToImageConfig, NoiseToImageConfig
from ganzoo.config.train_table import TrainConfig

__all__ = [
    "DataConfig",
    "FromNoiseConfig",
    "Ge",
    "Gt",
    "Help",
    "ImageToImageConfig",
    "Le",
    "Lt",
    "MayChange",
    "NoiseToImageConfig",
    "Schedule",
    "TrainConfig",
]
