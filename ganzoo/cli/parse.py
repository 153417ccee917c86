"""What users type, as values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import RequestError

_LARGEST_SEED = 2**32 - 1
_MOST_SEEDS = 10_000


def parse_seeds(text: str) -> list[int]:
    """`0-15,20`. Raises RequestError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(end.isdecimal() and int(end) <= _LARGEST_SEED for end in ends) or int(ends[1]) < int(ends[0]):
            raise RequestError(f"--seeds {text!r} is not of the form 0-15,20: whole numbers up to {_LARGEST_SEED}.")
        if len(seeds) + int(ends[1]) - int(ends[0]) >= _MOST_SEEDS:
            raise RequestError(f"--seeds {text!r} are more than {_MOST_SEEDS:,}.")
        seeds += range(int(ends[0]), int(ends[1]) + 1)
    return seeds


def parse_values(texts: Sequence[str]) -> dict[str, list[float]]:
    """`NAME=NUMBER` or `NAME=1,2,3` each. Raises RequestError."""
    values = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        if name in values:
            raise RequestError(f"--value states {name!r} twice.")
        try:
            values[name] = [float(number) for number in numbers.split(",")]
        except ValueError:
            raise RequestError(f"--value {text!r} is not of the form NAME=NUMBER, or NAME=1,2,3.") from None
    return values


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`NAME=1x3x256x256`. Raises RequestError."""
    name, equals, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.lower().split("x"))
    except ValueError:
        shape = ()
    if not equals or not name or not shape or min(shape) < 1:
        raise RequestError(f"--shape {text!r} is not of the form NAME=1x3x256x256.")
    return name, shape


def parse_size(text: str) -> tuple[int, int]:
    """`256` or `320x448`, height by width. Raises RequestError."""
    parts = text.strip().lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RequestError(f"--size {text!r} is not of the form 256 or 320x448, height by width.")
    return int(parts[0]), int(parts[-1])


def parse_batches(text: str) -> list[int]:
    """`1,8,32`. Raises RequestError."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) >= 1 for part in parts):
        raise RequestError(f"--batch {text!r} is not of the form 1,8,32.")
    return [int(part) for part in parts]


def parse_files(texts: Sequence[str]) -> dict[str, Path]:
    """`NAME=FILE.npy` each. Raises RequestError."""
    files = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not name or not path:
            raise RequestError(f"--input {text!r} is not of the form NAME=FILE.npy.")
        files[name] = Path(path)
    return files
