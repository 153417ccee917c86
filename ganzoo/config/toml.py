"""TOML out; the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def dump(tables: Mapping[str, Mapping[str, Any]], comments: Mapping[tuple[str, str], str] | None = None) -> str:
    """Tables of scalars, lists and inline tables as TOML text. A None is left out, as TOML has no such value.

    comments: text behind `key = value` lines, by (table, key).
    """
    lines: list[str] = []
    for table, values in tables.items():
        if lines:
            lines.append("")
        lines.append(f"[{table}]")
        rows = [(key, f"{key} = {_value(value)}") for key, value in values.items() if value is not None]
        notes = {key: (comments or {}).get((table, key), "") for key, _ in rows}
        width = max((len(text) for _, text in rows), default=0)
        for key, text in rows:
            lines.append(f"{text:<{width}}  # {notes[key]}" if notes[key] else text)
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise TypeError(f"no TOML for {type(value).__name__}")
