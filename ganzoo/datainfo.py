"""What pictures are like, and what they are painted from besides noise: records without torch.

Picture(channels=3, height=48, width=80)
Condition(kind="class", size=10, names=("cat", "dog", ...))
DataInfo(pictures={"real": Picture}, condition=Condition)               of pictures of one domain
DataInfo(pictures={"source": Picture, "target": Picture})               for translation
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from ganzoo.errors import RequestError

__all__ = ["Condition", "ConditionKind", "DataInfo", "Domain", "Picture"]

Domain = Literal["real", "source", "target"]
"""The field of a batch that pictures are in: `real` of a Batch, `source` and `target` of a Pair."""

ConditionKind = Literal["none", "class", "vector"]

Size = int | tuple[int, int] | Sequence[int]
"""Of pictures in pixels: one number for both sides, or height and width."""

_MOST = 2**16  # pixels along a side; what is larger is damage

ValueT = TypeVar("ValueT")


def height_and_width(size: Size) -> tuple[int, int]:
    """(height, width). Raises ValueError for what is neither a number nor two."""
    sides = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else (size, size)
    numbers = [_whole(side) for side in sides]
    if len(numbers) != 2 or min(numbers) < 1:
        raise ValueError(f"size {size!r}: expected a number of pixels, or height and width")
    return numbers[0], numbers[1]


def _whole(value: object) -> int:
    """A whole number, numpy's too; 0 for what is none."""
    try:
        return 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return 0


def size_text(height: int, width: int) -> str:
    """`64` of a square, `48x80` of others: height by width, as users type it."""
    return str(height) if height == width else f"{height}x{width}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What pictures of one domain are like. channels: 1 grey, 3 colour. height, width: in pixels.

    Raises ValueError for numbers that no picture has.
    """

    channels: int
    height: int
    width: int

    def __post_init__(self) -> None:
        for name, value in (("channels", self.channels), ("height", self.height), ("width", self.width)):
            number = _whole(value)
            if not 1 <= number <= _MOST:
                raise ValueError(f"a picture with {name} = {value!r}: expected a whole number from 1 to {_MOST}")
            object.__setattr__(self, name, number)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    @property
    def pixels(self) -> int:
        """Numbers in one picture: C * H * W."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a picture is painted from besides noise.

    kind: `class`, a label (B,) int64 below `size`; or `vector`, (B, size) float32.
    size: number of classes, or of numbers in a vector.
    names: of the classes, or of the numbers, in their order; empty: none are known.
    low, high: of a vector, what its numbers lie between. Proofs and benchmarks draw from there.

    Raises ValueError for names of another count, or a range that is none.
    """

    kind: Literal["class", "vector"]
    size: int
    names: tuple[str, ...] = ()
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        size, names = _whole(self.size), (self.names,) if isinstance(self.names, str) else tuple(self.names)
        if self.kind not in ("class", "vector"):
            raise ValueError(f"condition of kind {self.kind!r}: expected class or vector")
        if size < 1:
            raise ValueError(f"condition of size {self.size!r}: expected a whole number from 1")
        if names and (len(names) != size or not all(isinstance(name, str) for name in names)):
            raise ValueError(f"{len(names)} names for a condition of size {size}: expected a text for each, or none")
        if isinstance(self.low, str) or isinstance(self.high, str) or not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"condition from {self.low} to {self.high}: expected low below high")
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))

    def matches(self, other: Condition | None) -> bool:
        """Whether it means the same. Names are not compared when one side has none."""
        if other is None or (self.names and other.names and self.names != other.names):
            return False
        return (self.kind, self.size, self.low, self.high) == (other.kind, other.size, other.low, other.high)

    def __str__(self) -> str:
        if self.kind == "class":
            return f"{self.size} class{'' if self.size == 1 else 'es'}"
        return f"a vector of {self.size} number{'' if self.size == 1 else 's'}"


@dataclass(frozen=True, init=False, slots=True)
class DataInfo:
    """What a network must know of the pictures; kept in runs so that sampling needs no data.

    pictures: what they are like, by domain: `real`, or `source` and `target`.
    condition: what comes with each picture; None for nothing.

    `DataInfo(channels=, size=, classes=)` says the same of pictures of one domain, with class labels.
    Raises TypeError for arguments that do not go together, ValueError for domains that there are not.
    """

    pictures: Mapping[Domain, Picture]
    condition: Condition | None = field(default=None)

    def __init__(
        self,
        pictures: Mapping[Domain, Picture] | None = None,
        condition: Condition | None = None,
        *,
        channels: int | None = None,
        size: Size | None = None,
        classes: int | None = None,
    ) -> None:
        if pictures is None and (channels is None or size is None):
            raise TypeError("DataInfo takes pictures={'real': Picture(...)}, or channels= and size=")
        given = {"real": None} if pictures is None else dict(pictures)
        if set(given) not in ({"real"}, {"source", "target"}) and set(given) <= set(get_args(Domain)):
            raise ValueError(f"pictures of {', '.join(given) or 'no domain'}: expected real, or source and target")
        changed: dict[Domain, Picture] = {}
        for name, old in given.items():
            if name not in get_args(Domain):
                raise ValueError(f"pictures of {name!r}: expected {', '.join(get_args(Domain))}")
            height, width = (old.height, old.width) if size is None and old else height_and_width(size or 0)
            depth = channels if channels is not None else old.channels if old else 0
            changed[name] = Picture(channels=depth, height=height, width=width)  # type: ignore[index]
        if classes is not None:
            condition = Condition(kind="class", size=classes) if classes else None
        object.__setattr__(self, "pictures", changed)
        object.__setattr__(self, "condition", condition)

    def __hash__(self) -> int:
        return hash((tuple(self.pictures.items()), self.condition))

    @property
    def picture(self) -> Picture:
        """What all pictures are like. Raises RequestError where those of the domains differ."""
        return self._one("kind of picture", lambda picture: picture)

    @property
    def channels(self) -> int:
        """Raises RequestError where the domains have different ones."""
        return self._one("number of channels", lambda picture: picture.channels)

    @property
    def height(self) -> int:
        """In pixels. Raises RequestError where the domains have different ones."""
        return self._one("height", lambda picture: picture.height)

    @property
    def width(self) -> int:
        """In pixels. Raises RequestError where the domains have different ones."""
        return self._one("width", lambda picture: picture.width)

    @property
    def size(self) -> int:
        """Height and width of square pictures, in pixels. Raises RequestError for oblong or unequal ones."""
        # Not AttributeError, which nn.Module takes in a property for a missing attribute of its own.
        height, width = self._one("size", lambda picture: (picture.height, picture.width))
        if height != width:
            raise RequestError(
                f"Pictures of {height}x{width} (height by width) are not square, and a square size was asked for.",
                hint=f"This architecture paints squares: --set data.size={min(height, width)}, for example. "
                "Authors: self.data.height and self.data.width.",
            )
        return height

    @property
    def classes(self) -> int:
        """Number of labels; 0 for pictures without labels, or with another condition."""
        return self.condition.size if self.condition is not None and self.condition.kind == "class" else 0

    def of(self, *domains: Domain) -> DataInfo:
        """The same pictures under these names of domains, where there are others: of pairs, both sides are alike."""
        if set(self.pictures) == set(domains):
            return self
        first = next(iter(self.pictures.values()))
        return DataInfo({domain: self.pictures.get(domain, first) for domain in domains}, self.condition)

    def matches(self, other: DataInfo) -> bool:
        """Whether it means the same. Names of classes are not compared when one side has none."""
        if self.pictures != other.pictures:
            return False
        return self.condition is other.condition is None or (
            self.condition is not None and self.condition.matches(other.condition)
        )

    def __str__(self) -> str:
        """`3x48x80`, or `source 3x16x16, target 3x64x64`; and with a condition, `; 10 classes`."""
        alike = len(set(self.pictures.values())) == 1
        named = [f"{name} {picture}" for name, picture in self.pictures.items()]
        shown = str(next(iter(self.pictures.values()))) if alike else ", ".join(named)
        return shown if self.condition is None else f"{shown}; {self.condition}"

    def to_table(self) -> dict[str, Any]:
        """Mappings of numbers, texts and lists, as TOML has them; `from_table` reads them back."""
        table: dict[str, Any] = {
            "pictures": {
                name: {"channels": picture.channels, "height": picture.height, "width": picture.width}
                for name, picture in self.pictures.items()
            }
        }
        if (condition := self.condition) is not None:
            table["condition"] = {"kind": condition.kind, "size": condition.size}
            if condition.names:
                table["condition"]["names"] = list(condition.names)
            if condition.kind == "vector":
                table["condition"] |= {"low": condition.low, "high": condition.high}
        return table

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DataInfo:
        """The inverse of `to_table`; reads `channels`, `size` and `classes` of older runs too.

        Raises KeyError, TypeError or ValueError for what neither has written.
        """
        if "pictures" not in table:
            return cls(channels=int(table["channels"]), size=int(table["size"]), classes=int(table["classes"]))
        condition = table.get("condition")
        for item in (table["pictures"], *dict(table["pictures"]).values(), condition or {}):
            if not isinstance(item, Mapping):
                raise TypeError(f"pictures and condition are tables, not {item!r}")
        return cls(
            {name: Picture(**item) for name, item in table["pictures"].items()},
            None if condition is None else Condition(**condition),
        )

    def _one(self, what: str, ask: Callable[[Picture], ValueT]) -> ValueT:
        answers = [ask(picture) for picture in self.pictures.values()]
        if any(answer != answers[0] for answer in answers):
            named = " and ".join(f"{name} {picture}" for name, picture in self.pictures.items())
            raise RequestError(
                f"One {what} was asked for, and the pictures have several: {named}.",
                hint="This architecture wants both alike: leave data.source_size and data.source_channels out. "
                "Authors: self.data.pictures['source'] and ['target'].",
            )
        return answers[0]
