"""The base of architectures that translate pictures of one domain into another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Graph
from ganzoo.specs import BATCH, Dim, TensorSpec

Domain = Literal["source", "target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Direction:
    """One translation: forward(images of `reads`) -> images of `paints`, (B, C, H, W) in [-1, 1]."""

    network: nn.Module
    reads: Domain
    paints: Domain


class ImageToImage(Architecture):
    """Translators between two domains.

    paired: whether source and target of a `Pair` show the same thing.
    size_multiple, least_size: heights and widths that the networks accept.
    """

    paired: ClassVar[bool] = False
    size_multiple: ClassVar[int] = 1
    least_size: ClassVar[int] = 1

    @abstractmethod
    def directions(self) -> Mapping[str, Direction]:
        """Translations by name, e.g. {"a2b": Direction(network=self.g_ab, reads="source", paints="target")}."""

    def graphs(self) -> Sequence[Graph]:
        height, width = (
            Dim(name=name, multiple=self.size_multiple, least=self.least_size) for name in ("height", "width")
        )
        shape = (BATCH, self.data.channels, height, width)
        return [
            Graph(
                name=name,
                module=direction.network,
                inputs=(TensorSpec(name=direction.reads, shape=shape, draw="image"),),
                outputs=(TensorSpec(name=direction.paints, shape=shape, draw="image"),),
            )
            for name, direction in self.directions().items()
        ]
