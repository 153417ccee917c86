"""What users type, as values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import RequestError, short

_LARGEST_SEED = 2**32 - 1
_MOST_SEEDS = 10_000_000


def _whole(text: str) -> int | None:
    """Of decimal digits, fewer than any number here has; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 16 else None


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """`0-15,20`. option: that has them. Raises RequestError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last) if dash else (first, first)
        low, high = (_whole(end) for end in ends)
        if low is None or high is None or not low <= high <= _LARGEST_SEED:
            raise RequestError(
                f"{option} {short(text)} is not of the form 0-15,20: whole numbers up to {_LARGEST_SEED}."
            )
        if len(seeds) + high - low >= _MOST_SEEDS:
            raise RequestError(f"{option} {short(text)} are more than {_MOST_SEEDS:,}.")
        seeds += range(low, high + 1)
    return seeds


def parse_values(texts: Sequence[str]) -> dict[str, list[float]]:
    """`NAME=NUMBER` or `NAME=1,2,3` each. Raises RequestError."""
    return _numbers(texts, "--value", "NAME=NUMBER, or NAME=1,2,3", several=True)


def parse_shares(texts: Sequence[str]) -> dict[str, float]:
    """`RUN=SHARE` each. Raises RequestError."""
    return {run: share for run, (share,) in _numbers(texts, "--blend", "RUN=SHARE", several=False).items()}


def _numbers(texts: Sequence[str], option: str, form: str, *, several: bool) -> dict[str, list[float]]:
    values = {}
    for text in texts:
        name, _, numbers = text.rpartition("=")
        if name in values:
            raise RequestError(f"{option} states {name!r} twice.")
        try:
            values[name] = [float(number) for number in (numbers.split(",") if several else [numbers])]
        except ValueError:
            raise RequestError(f"{option} {short(text)} is not of the form {form}.") from None
    return values


def parse_pictures(texts: Sequence[str]) -> dict[str, list[str]]:
    """`FILE` or `NAME=FILE` each, by name; "" where none is stated. A file that is there may have a `=` in its name."""
    pictures: dict[str, list[str]] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        named = equals and name.isidentifier() and not Path(text).exists()
        pictures.setdefault(name if named else "", []).append(path if named else text)
    return pictures


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`NAME=1x3x256x256`, or `NAME=scalar`. Raises RequestError."""
    name, equals, sizes = text.rpartition("=")
    if name and sizes == "scalar":
        return name, ()
    try:
        shape = tuple(int(size) for size in sizes.lower().split("x"))
    except ValueError:
        shape = ()
    if not equals or not name or not shape or min(shape) < 0:
        raise RequestError(f"--shape {short(text)} is not of the form NAME=1x3x256x256.")
    return name, shape


def parse_batches(text: str) -> list[int]:
    """`1,8,32`. Raises RequestError."""
    sizes = [size for part in text.split(",") if (size := _whole(part.strip()))]
    if len(sizes) < text.count(",") + 1:
        raise RequestError(f"--batch {short(text)} is not of the form 1,8,32.")
    return sizes


def parse_files(texts: Sequence[str]) -> dict[str, Path]:
    """`NAME=FILE.npy` each. Raises RequestError."""
    files = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not name or not path:
            raise RequestError(f"--input {text!r} is not of the form NAME=FILE.npy.")
        files[name] = Path(path)
    return files


def parse_lists(option: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """`NAME=V1,V2` each; the last sign counts, as a name may have one. Raises RequestError."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, equals, rest = text.rpartition("=")
        if not name or not equals or not all(rest.split(",")):
            raise RequestError(f"{option} {short(text)} is not of the form NAME=VALUE, or NAME=V1,V2.")
        if name in values:
            raise RequestError(f"{option} states {name!r} twice.")
        values[name] = rest.split(",")
    return values


def parse_dims(texts: Sequence[str]) -> dict[str, list[int]]:
    """`NAME=1,8` each. Raises RequestError."""
    found = {name: [_whole(part) for part in parts] for name, parts in parse_lists("--dim", texts).items()}
    if wrong := next((name for name, sizes in found.items() if None in sizes), None):
        raise RequestError(f"--dim {short(wrong)} is not of the form NAME=1,8: whole numbers.")
    return {name: [size for size in sizes if size is not None] for name, sizes in found.items()}


def parse_share(option: str, text: str) -> float:
    """`2%` or `0.02`. Raises RequestError."""
    share = text.strip()
    try:
        value = float(share.removesuffix("%")) / (100 if share.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise RequestError(f"{option} {short(text)}: expected a share such as 2%.")
    return value


def parse_moves(texts: Sequence[str]) -> dict[int, float]:
    """`3=+2`: directions by number, and how far."""
    moves: dict[int, float] = {}
    for text in texts:
        number, equals, amount = text.partition("=")
        try:
            if not equals or not abs(float(amount)) < float("inf"):
                raise ValueError
            place = int(number)
        except ValueError:
            raise RequestError(
                f"--move {text!r} is not of the form NUMBER=AMOUNT.", hint="For example --move 3=+2 --move 0=-1.5"
            ) from None
        if place in moves:
            raise RequestError(f"--move names the direction {place} twice.")
        moves[place] = float(amount)
    return moves
