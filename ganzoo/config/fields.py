"""The vocabulary of a config field, and how to describe one in words. No pydantic here."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import operator
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ganzoo.config.schedule import Schedule

__all__ = [
    "FieldInfo",
    "Ge",
    "Gt",
    "Help",
    "Le",
    "Lt",
    "MayChange",
    "PictureSize",
    "changeable",
    "describe",
    "size_fields",
    "unannotated",
    "within",
]

_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", Schedule: "schedule"}
_RELATIONS = {Gt: (">", "gt"), Ge: (">=", "ge"), Lt: ("<", "lt"), Le: ("<=", "le")}


@dataclass(frozen=True, slots=True)
class Help:
    """What a field means, with its unit, in a few words."""

    text: str


@dataclass(frozen=True, slots=True)
class MayChange:
    """Marks a field that a run may go on with another value of, such as a learning rate. The change is recorded."""


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Marks a field that holds a size of pictures: a number of pixels, or height and width.

    `64x96` is read as both, height by width; a square becomes one number. least, most: of a side.
    """

    least: int
    most: int

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"whole number >= {self.least} and <= {self.most}, or HEIGHTxWIDTH"

    def read(self, value: Any) -> Any:
        """A number, a tuple of two, or None. Raises ValueError."""
        if value is None:
            return None
        if isinstance(value, bool):
            raise ValueError(f"expected {self.expected}")
        if isinstance(value, str):
            value = [int(part) if part.strip().isdecimal() else part for part in value.lower().split("x")]
        sides = list(value) if isinstance(value, list | tuple) else [value]
        with contextlib.suppress(TypeError):
            sides = [operator.index(side) for side in sides] * (2 if len(sides) == 1 else 1)  # numpy's numbers too
        if len(sides) != 2 or not all(type(side) is int and self.least <= side <= self.most for side in sides):
            raise ValueError(f"expected {self.expected}")
        return sides[0] if sides[0] == sides[1] else (sides[0], sides[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldInfo:
    """One field of a config in words: `expected` is its type and range, `default` its Python value."""

    name: str
    expected: str
    default: Any
    help: str


def describe(config: type) -> list[FieldInfo]:
    """The fields of a config dataclass in order of declaration."""
    hints = get_type_hints(config, include_extras=True)
    infos = []
    for item in dataclasses.fields(config):
        hint = hints[item.name]
        helps = [extra.text for extra in get_args(hint)[1:] if isinstance(extra, Help)]
        infos.append(
            FieldInfo(
                name=item.name,
                expected=_expected(hint),
                default=None if item.default is dataclasses.MISSING else item.default,
                help=helps[0] if helps else "",
            )
        )
    return infos


def size_fields(config: type) -> dict[str, PictureSize]:
    """Those that hold a size of pictures."""
    hints = get_type_hints(config, include_extras=True)
    return {
        item.name: extra
        for item in dataclasses.fields(config)
        for extra in get_args(hints[item.name])[1:]
        if isinstance(extra, PictureSize)
    }


def changeable(config: type) -> set[str]:
    """Names of the fields that may change when a run is resumed: marked `MayChange` in the class or in one it is of."""
    return {
        name
        for kind in config.__mro__
        if dataclasses.is_dataclass(kind)
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if any(isinstance(extra, MayChange) for extra in get_args(hint)[1:])
    }


def unannotated(config: type) -> list[str]:
    """Attributes of a config class that look like settings and are none, as they have no annotation.

    What a dataclass does not take for a field, no user can set.
    """
    fields = {item.name for item in dataclasses.fields(config)}
    return [
        name
        for kind in config.__mro__
        if dataclasses.is_dataclass(kind)
        for name, value in vars(kind).items()
        if not name.startswith("_")
        and name not in fields
        and name not in inspect.get_annotations(kind)
        and isinstance(value, bool | int | float | str | tuple | list | dict | Schedule | None)
    ]


def within(config: type, name: str, values: Sequence[float]) -> bool:
    """Whether all of `values` are inside the range that the field `name` states for a plain number."""

    def bounds(hint: Any) -> list[Any]:
        extras = list(get_args(hint)[1:]) if get_origin(hint) is Annotated else []
        return extras + [extra for part in get_args(hint) for extra in bounds(part)]

    tests = {Gt: operator.gt, Ge: operator.ge, Lt: operator.lt, Le: operator.le}
    return all(
        tests[kind](value, getattr(extra, attribute))
        for extra in bounds(get_type_hints(config, include_extras=True)[name])
        for kind, (_, attribute) in _RELATIONS.items()
        if isinstance(extra, kind)
        for value in values
    )


def _expected(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *extras = get_args(hint)
        if size := next((extra for extra in extras if isinstance(extra, PictureSize)), None):
            return size.expected
        bounds = [
            f"{sign} {getattr(extra, attribute)}"
            for extra in extras
            for kind, (sign, attribute) in _RELATIONS.items()
            if isinstance(extra, kind)
        ]
        return " ".join([_expected(inner), " and ".join(bounds)]).strip()
    if origin is Literal:
        return " | ".join(str(value) for value in get_args(hint))
    if origin in (Union, types.UnionType):
        return " or ".join(_expected(part) for part in get_args(hint) if part is not type(None))
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))
