"""The vocabulary of a config field, and how to describe one in words. No pydantic here."""

from __future__ import annotations

import dataclasses
import operator
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ganzoo.config.schedule import Schedule

__all__ = ["FieldInfo", "Ge", "Gt", "Help", "Le", "Lt", "describe", "within"]

_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", Schedule: "schedule"}
_RELATIONS = {Gt: (">", "gt"), Ge: (">=", "ge"), Lt: ("<", "lt"), Le: ("<=", "le")}


@dataclass(frozen=True, slots=True)
class Help:
    """What a field means, with its unit, in a few words."""

    text: str


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
