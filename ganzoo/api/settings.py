"""A caller's settings as layers of configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.config.resolve import TABLES, Layer
from ganzoo.errors import RequestError, did_you_mean

Settings = Mapping[str, Any] | Sequence[Layer] | None
"""`{"augment": "ada", "train.sample_every_kimg": 5, "data": {"flip": True}}`: a key alone belongs to [architecture]; a
table is named before a dot, or holds a mapping. Or layers, whose origin says where a value came from."""


def as_layers(settings: Settings) -> list[Layer]:
    """Raises RequestError for a table that does not exist, or what is no mapping."""
    if settings is None:
        return []
    if not isinstance(settings, Mapping):
        if not isinstance(settings, list | tuple) or not all(isinstance(item, Layer) for item in settings):
            raise RequestError(
                f"settings is a {type(settings).__name__}; expected a mapping.",
                hint='For example settings={"augment": "ada", "train.sample_every_kimg": 5}',
            )
        return list(settings)
    tables: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        table, dot, rest = str(key).partition(".")
        if not dot and table in TABLES:
            if not isinstance(value, Mapping):
                raise RequestError(
                    f"settings has {table!r}: {value!r}; expected a mapping.",
                    hint=f'For example "{table}.KEY": value, or "{table}": {{"KEY": value}}.',
                )
            tables.setdefault(table, {}).update(value)
            continue
        if not dot:
            table, rest = "architecture", table
        if table not in TABLES or not rest:
            raise RequestError(
                f"settings has {key!r}: there is no table {table!r}.{did_you_mean(table, TABLES)}",
                hint=f"Tables: {', '.join(TABLES)}; for example 'train.sample_every_kimg'.",
            )
        tables.setdefault(table, {})[rest] = value
    return [Layer(origin="settings", tables=tables)]


def option_layers(table: str, given: Mapping[str, Any]) -> list[Layer]:
    """A layer for each argument that was given, named after it."""
    return [Layer(origin=f"{key}=", tables={table: {key: value}}) for key, value in given.items() if value is not None]
