"""The lines of metrics.jsonl, all of them or the newest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganzoo import files

_TAIL_BYTES = 2**16


def records_of(path: Path, *, most_bytes: int | None = None) -> list[dict[str, Any]]:
    """All lines of a run; one that a kill has cut is left out. Empty where nothing was logged. Raises OSError, but for
    a file that is not there.

    most_bytes: of a longer file every so many lines are taken, and all that have scores: what a curve needs.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        place = _place(path)
        step = 1 if most_bytes is None else -(-files.size_of(place) // most_bytes)
        lines = files.lines_of(place)
        if step > 1:
            lines = (line for number, line in enumerate(lines) if number % step == 0 or '"score.' in line)
        return _parsed(lines)
    return []


ENOUGH = 2**24
"""Bytes of metrics that are read for a page or a panel."""


def newest_record(path: Path) -> dict[str, Any]:
    """The last whole line, found without reading those before; empty where there is none. Raises OSError."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        place = _place(path)
        with files.open_regular(place) as file:
            file.seek(max(0, files.size_of(place) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        records = _parsed(line for line in text.splitlines(keepends=True)[-_MOST:] if line.endswith("\n"))
        return records[-1] if records else {}
    return {}


_MOST = 8  # lines tried, of which the first may begin in its middle


def _place(path: Path) -> Path:
    return files.check_inside(path / "metrics.jsonl", path, reading=True)


def _parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            records.append(files.as_object(files.parse_json(line)))
    return records
