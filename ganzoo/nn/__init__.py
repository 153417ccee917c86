"""Building blocks that more than one architecture uses."""

from ganzoo.nn.adaptive import AdaptiveAugment
from ganzoo.nn.augmentation import Augmentation, DiffAugment
from ganzoo.nn.freezing import freeze_first_layers
from ganzoo.nn.memory import is_out_of_memory
from ganzoo.nn.padding import ReflectionPad2d
from ganzoo.nn.spectral import Stepwise, normalize_spectrum
from ganzoo.nn.transfer import to_device

__all__ = [
    "AdaptiveAugment",
    "Augmentation",
    "DiffAugment",
    "ReflectionPad2d",
    "Stepwise",
    "freeze_first_layers",
    "is_out_of_memory",
    "normalize_spectrum",
    "to_device",
]
