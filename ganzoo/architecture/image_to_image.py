"""The base of architectures that translate pictures of one domain into another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Ema, Graph
from ganzoo.config import ImageToImageConfig
from ganzoo.errors import RequestError
from ganzoo.tensors import BATCH, DataInfo, Dim, TensorSpec

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
    size_multiple, least_size: heights and widths that the translators accept; `build` may set them from the config.
    least_training_size: the smallest that the other networks accept too.

    Raises RequestError for pictures of a size that does not fit.
    """

    config: ImageToImageConfig
    paired: ClassVar[bool] = False
    size_multiple: int = 1
    least_size: int = 1
    least_training_size: int = 1

    def __init__(self, config: Any, data: DataInfo) -> None:
        super().__init__(config, data)
        least = max(self.least_size, self.least_training_size)
        if data.size < least or data.size % self.size_multiple:
            multiple = self.size_multiple
            fitting = max(multiple * round(data.size / multiple), multiple * -(-least // multiple))
            raise RequestError(
                f"{type(self).__name__} with these settings learns from pictures of "
                f"{f'a multiple of {multiple}' if multiple > 1 else 'any number of'} pixels from "
                f"{multiple * -(-least // multiple)}, not {data.size}.",
                hint=f"The nearest that fits: --set data.size={fitting}",
            )

    @abstractmethod
    def directions(self) -> Mapping[str, Direction]:
        """Translations by name, e.g. {"a2b": Direction(network=self.g_ab, reads="source", paints="target")}."""

    def ema(self) -> Ema | None:
        """The average of every translator, as the config asks."""
        if self.config.ema_half_life_kimg == 0:
            return None
        names = {module: name for name, module in self.named_modules()}
        return Ema(
            of=tuple(dict.fromkeys(names[direction.network] for direction in self.directions().values())),
            half_life_kimg=self.config.ema_half_life_kimg,
            rampup=self.config.ema_rampup,
        )

    def graphs(self) -> Sequence[Graph]:
        """A graph for each direction, (B, C, H, W) -> (B, C, H, W), batch, height and width symbolic."""
        height, width = (
            Dim(name=name, multiple=self.size_multiple, least=self.least_size, default=self.data.size)
            for name in ("height", "width")
        )
        shape = (BATCH, self.data.channels, height, width)
        return [
            Graph(
                name=name,
                module=direction.network,
                inputs=(TensorSpec(name=direction.reads, shape=shape, kind="image"),),
                outputs=(TensorSpec(name=direction.paints, shape=shape, kind="image"),),
            )
            for name, direction in self.directions().items()
        ]
