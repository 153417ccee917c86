"""The base of architectures that translate pictures of one domain into another.

Shapes: B batch, C channels, H, W; those of what is read and of what is painted may differ.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from torch import nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import DataKind, Ema, Graph
from ganzoo.config import ImageToImageConfig
from ganzoo.datainfo import Picture, size_text
from ganzoo.errors import PluginError, RequestError
from ganzoo.tensors import BATCH, DataInfo, Dim, TensorSpec

Domain = Literal["source", "target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Direction:
    """One translation: forward(images (B, C, H, W) of `reads`) -> (B, C', scale * H, scale * W) of `paints`.

    Channels are those that the data have of each domain. low, high: the values of black and white, read and painted.
    reach: how many pixels of the input away an output pixel sees, by which large pictures are cut into tiles; None
        where it sees all of the picture, or nobody has counted.
    """

    network: nn.Module
    reads: Domain
    paints: Domain
    scale: int = 1
    low: float = -1.0
    high: float = 1.0
    reach: int | None = None


def _check_direction(owner: str, name: str, direction: Direction) -> None:
    """Raises PluginError for domains that a Pair has not, or a scale that is no whole number."""
    for field, value in (("reads", direction.reads), ("paints", direction.paints)):
        if value not in get_args(Domain):
            raise PluginError(
                f"The direction {name!r} of {owner} {field} {value!r}.", hint="Expected source or target."
            )
    if isinstance(direction.scale, bool) or not isinstance(direction.scale, int) or direction.scale < 1:
        raise PluginError(
            f"The direction {name!r} of {owner} has scale = {direction.scale!r}.",
            hint="Expected how many times as large the output is, a whole number from 1.",
        )


class ImageToImage(Architecture):
    """Translators between two domains.

    wants: `pairs`, whose source and target show the same thing, or `domains`; `paired = True` says `pairs` too.
    size_multiple, least_size: heights and widths that the translators accept; `build` may set them from the config.
    least_training_size: the smallest that the other networks accept too.
    scale: how many times as large targets are as sources; an attribute of the class, or a property over the config, as
        it is read before the networks are built.
    degradation: how sources are made of targets where good pictures alone are given, a recipe of `data.degrade`; empty:
        both have to be given. An attribute or a property, as `scale`.

    Raises RequestError for pictures of a size that does not fit.
    """

    config: ImageToImageConfig
    wants: ClassVar[DataKind] = "domains"
    paired: ClassVar[bool] = False
    size_multiple: int = 1
    least_size: int = 1
    least_training_size: int = 1
    scale: int = 1
    degradation: str = ""

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if "wants" in vars(cls):
            cls.paired = cls.wants == "pairs"
        elif "paired" in vars(cls):
            cls.wants = "pairs" if cls.paired else "domains"

    def __init__(self, config: Any, data: DataInfo) -> None:
        super().__init__(config, data)
        directions = self.directions()
        for name, direction in directions.items():
            _check_direction(type(self).__name__, name, direction)
        for domain, picture in self.data.pictures.items():
            if any(direction.reads == domain for direction in directions.values()):
                self._check_size(domain, picture)
        for direction in directions.values():
            self._check_scale(direction)

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
        """A graph for each direction, (B, C, H, W) -> (B, C', scale * H, scale * W), with batch, H and W symbolic."""
        directions = self.directions()
        return [
            Graph(
                name=name,
                role="translate",
                module=direction.network,
                inputs=(
                    TensorSpec(
                        name=direction.reads,
                        shape=self._shape(direction, direction.reads),
                        kind="picture",
                        low=direction.low,
                        high=direction.high,
                    ),
                ),
                outputs=(
                    TensorSpec(
                        name=direction.paints,
                        shape=self._shape(direction, direction.paints, painted=True),
                        kind="picture",
                        low=direction.low,
                        high=direction.high,
                    ),
                ),
                back=next(
                    (
                        other
                        for other, way in directions.items()
                        if (way.reads, way.paints) == (direction.paints, direction.reads)
                    ),
                    None,
                ),
                reads=direction.reads,
                paints=direction.paints,
                reach=direction.reach,
            )
            for name, direction in directions.items()
        ]

    def _shape(self, direction: Direction, domain: Domain, *, painted: bool = False) -> tuple[int | Dim, ...]:
        read = self.data.pictures[direction.reads]
        height, width = (
            Dim(
                name=name,
                multiple=self.size_multiple,
                least=self.least_size,
                default=size,
                times=direction.scale if painted else 1,
            )
            for name, size in (("height", read.height), ("width", read.width))
        )
        return BATCH, self.data.pictures[domain].channels, height, width

    def _check_size(self, domain: str, picture: Picture) -> None:
        multiple, least = self.size_multiple, max(self.least_size, self.least_training_size)
        sides = picture.height, picture.width
        if min(sides) >= least and not any(side % multiple for side in sides):
            return
        fitting = [max(multiple * round(side / multiple), multiple * -(-least // multiple)) for side in sides]
        raise RequestError(
            f"{type(self).__name__} with these settings learns from pictures of "
            f"{f'a multiple of {multiple}' if multiple > 1 else 'any number of'} pixels from "
            f"{multiple * -(-least // multiple)}, not {size_text(*sides)}.",
            hint=f"The nearest that fits: --set data.{self._key(domain)}={size_text(*fitting)}",
        )

    def _check_scale(self, direction: Direction) -> None:
        read, painted = self.data.pictures[direction.reads], self.data.pictures[direction.paints]
        scale = direction.scale
        if (painted.height, painted.width) == (scale * read.height, scale * read.width):
            return
        times = "as large as" if scale == 1 else f"{scale} times as large as"
        wanted = size_text(painted.height // scale, painted.width // scale)
        raise RequestError(
            f"{type(self).__name__} paints pictures {times} those that it reads, and the data have "
            f"{direction.reads} {read} and {direction.paints} {painted}.",
            hint=f"For example --set data.source_size={wanted}" if direction.reads == "source" else "",
        )

    def _key(self, domain: str) -> str:
        """The setting that holds the size of a domain."""
        alike = len({(picture.height, picture.width) for picture in self.data.pictures.values()}) == 1
        return "source_size" if domain == "source" and not alike else "size"
