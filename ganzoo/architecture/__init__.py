"""The contract between an architecture and the core.

An `Architecture` is one torch module that holds every network and buffer of a GAN and answers five
questions: which networks, which optimisers, which phases, which average, which export graphs. The
trainer knows phases and nothing else; it never asks for a name.
"""

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.image_to_image import Direction, ImageToImage
from ganzoo.architecture.noise_to_image import NoiseToImage
from ganzoo.architecture.records import Batch, Ema, Graph, Losses, Optimizer, Pair, Phase, Value, value_at
from ganzoo.architecture.step import Shard, Step

__all__ = [
    "Architecture",
    "Batch",
    "Direction",
    "Ema",
    "Graph",
    "ImageToImage",
    "Losses",
    "NoiseToImage",
    "Optimizer",
    "Pair",
    "Phase",
    "Shard",
    "Step",
    "Value",
    "value_at",
]
