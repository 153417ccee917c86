"""The contract between an architecture and the core.

An `Architecture` is one torch module that holds every network and buffer of a GAN and answers five
questions: which networks, which optimisers, which phases, which average, which export graphs. The
trainer knows phases and nothing else; it never asks for a name.
"""

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.from_noise import FromNoise
from ganzoo.architecture.image_to_image import Direction, ImageToImage
from ganzoo.architecture.noise_to_image import NoiseToImage
from ganzoo.architecture.records import (
    Batch,
    DataKind,
    Ema,
    Graph,
    Losses,
    Optimizer,
    Pair,
    Phase,
    Reals,
    StepReals,
    Value,
    value_at,
)
from ganzoo.architecture.step import Shard, Step

__all__ = [
    "Architecture",
    "Batch",
    "DataKind",
    "Direction",
    "Ema",
    "FromNoise",
    "Graph",
    "ImageToImage",
    "Losses",
    "NoiseToImage",
    "Optimizer",
    "Pair",
    "Phase",
    "Reals",
    "Shard",
    "Step",
    "StepReals",
    "Value",
    "value_at",
]
