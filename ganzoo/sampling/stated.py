"""What a caller states of pictures to paint, checked before anything is painted. Each raises RequestError."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, SupportsIndex

from ganzoo.config.fields import PictureSize
from ganzoo.datainfo import Size, height_and_width
from ganzoo.errors import RequestError
from ganzoo.sampling.noise import InputChoices, Label

LARGEST_SIDE = 16_384
_FARTHEST = 1e6  # deviations along a direction

Numbers = float | Sequence[float]
"""Of an input: one number, or as many as a vector has."""


def to_moves(moves: Mapping[int, float]) -> dict[int, float]:
    """Directions by number, and how far."""
    try:
        found = {operator.index(number): float(amount) for number, amount in moves.items()}
        if not all(abs(amount) < _FARTHEST for amount in found.values()):  # nor a NaN
            raise ValueError
        return found
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise RequestError(
            f"move = {_shorten(moves)}: expected numbers of directions and how far, {{3: 2.0}}."
        ) from None


def to_count(value: object, what: str) -> int:
    """A whole number from 1; numpy's too."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise RequestError(f"{what} = {_shorten(value)}: expected a whole number from 1.")
    return number


def to_choices(label: Label, values: Mapping[str, Numbers] | None) -> InputChoices:
    """Label and values, as numbers."""
    try:
        numbers = {str(name): _numbers(value) for name, value in dict(values or {}).items()}
    except (TypeError, ValueError, OverflowError):
        raise RequestError(
            f"values = {_shorten(values)}: expected numbers by name: one, or a row of them for all pictures.",
            hint='For example values={"truncation_psi": 0.7}',
        ) from None
    return InputChoices(label=label, values=numbers)


def _shorten(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(value: Any) -> float | list[float]:
    if isinstance(value, bool | bytes | str | set | Mapping):
        raise TypeError
    if not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return float(value)
    return [float(number) for number in value]


def stated_size(size: Size | str | None) -> tuple[int, int] | None:
    """Height and width to make pictures before they are translated. Raises RequestError for what is neither."""
    try:
        found = PictureSize(1, LARGEST_SIDE).read(size)
    except ValueError:
        raise RequestError(
            f"size = {size!r}: expected 1 to {LARGEST_SIDE} pixels, a number or height and width, such as 320x448."
        ) from None
    return None if found is None else height_and_width(found)


def to_whole_numbers(numbers: Iterable[SupportsIndex], what: str) -> list[int]:
    """Raises RequestError for what are no whole numbers: texts, truth values, 1.5."""
    try:
        found = [] if isinstance(numbers, str) else list(numbers)
        if isinstance(numbers, str) or any(isinstance(number, bool) for number in found):
            raise TypeError
        return [operator.index(number) for number in found]
    except TypeError:
        raise RequestError(f"{what} = {numbers!r}: expected whole numbers, for example range(16) or [7].") from None


def to_seeds(seeds: Iterable[SupportsIndex]) -> list[int]:
    """One or more, each below 2**32."""
    found = to_whole_numbers(seeds, "seeds")
    if not found or not all(0 <= seed < 2**32 for seed in found):
        raise RequestError(f"seeds = {seeds!r}: expected at least one, each from 0 to {2**32 - 1}.")
    return found


def to_frames(frames: object) -> int:
    """Raises RequestError for no whole number from 1."""
    count = to_whole_numbers([frames], "frames")[0] if not isinstance(frames, str) else 0  # type: ignore[list-item]
    if count < 1:
        raise RequestError(f"A walk of {frames} frames goes nowhere: state 1 or more.")
    return count
