"""What callers hand over, checked before anything is done with it. Each raises RequestError that names the argument."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ganzoo.config.fields import PictureSize
from ganzoo.errors import RequestError, short
from ganzoo.runs.run import Run

if TYPE_CHECKING:

    class HasPath(Protocol):
        """A run, an exported graph, a model: what knows where it is."""

        @property
        def path(self) -> Path: ...

    Place: TypeAlias = HasPath | Path | str


def to_path(value: object, argument: str) -> Path:
    """A path, or the path of what has one, such as an exported graph."""
    place = getattr(value, "path", value)
    if not isinstance(place, str | os.PathLike) or not str(place) or not isinstance(os.fspath(place), str):
        raise RequestError(
            f"{argument} = {short(value)}: expected a path.", hint=f'For example {argument}="runs/photos"'
        )
    if "\0" in str(place):
        raise RequestError(f"{argument} = {short(value)}: no name of a file holds a zero byte.")
    return Path(place)


def to_optional_path(value: object, argument: str) -> Path | None:
    return None if value is None else to_path(value, argument)


def to_paths(value: object, argument: str) -> list[Path]:
    """One path or several."""
    one = isinstance(value, str | os.PathLike | bytes | Mapping) or hasattr(value, "path")
    if isinstance(value, Iterable) and not one:
        return [to_path(item, argument) for item in value]
    return [to_path(value, argument)]


def to_run(value: object, argument: str = "run") -> Path:
    """The directory of a run: itself, of a model, or named."""
    if isinstance(getattr(value, "run", None), Run):
        value = getattr(value, "run")  # noqa: B009  # of a model; typed as object here
    return to_path(value, argument)


def to_text(value: object, argument: str) -> str | None:
    """A text or path as text, or None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return str(value)
    raise RequestError(f"{argument} = {short(value)}: expected a text or a path.")


def to_sources(value: object, argument: str) -> dict[str, Any]:
    """A data source or several places, as settings of [data]; empty for None."""
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    texts = [to_text(item, argument) for item in value] if several else [to_text(value, argument)]  # type: ignore[attr-defined]
    if texts == [None]:
        return {}
    if not texts or None in texts:
        raise RequestError(f"{argument} = {short(value)}: expected a data source, or several paths.")
    return {"source": texts[0], "also": tuple(texts[1:])}


def to_name(value: object, argument: str) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{argument} = {short(value)}: expected a name.")
    return value


def to_choice(value: object, argument: str, choices: Sequence[object]) -> Any:
    if value not in choices:
        raise RequestError(f"{argument} = {short(value)}: expected {' or '.join(map(repr, choices))}.")
    return value


def to_whole(value: object, argument: str, *, least: int, most: int | None = None) -> int:
    """A whole number, numpy's too; no text and no truth value."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        until = f" to {most}" if most is not None else ""
        raise RequestError(f"{argument} = {short(value)}: expected a whole number from {least}{until}.")
    return number


def to_size(value: object, argument: str, *, least: int, most: int) -> int | tuple[int, int] | None:
    """Of pictures: a number of pixels, height and width, or a text such as 48x80; None stays None."""
    try:
        found: int | tuple[int, int] | None = PictureSize(least, most).read(value)
    except ValueError as error:
        raise RequestError(f"{argument} = {short(value)}: {error}.") from None
    return found


def to_number(value: object, argument: str, *, above: float = -math.inf) -> float:
    """A finite number."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or not number > above:
        what = f"a number above {above:g}" if above > -math.inf else "a finite number"
        raise RequestError(f"{argument} = {short(value)}: expected {what}.")
    return number


def one_length(**lengths: object) -> None:
    """kimg, steps and epochs state the same thing."""
    stated = [f"{name}=" for name, value in lengths.items() if value is not None]
    if len(stated) > 1:
        raise RequestError(f"{' and '.join(stated)} both state the length; give one.")


def to_shares(value: object) -> dict[Path, float]:
    """Runs by their shares; empty for None. Raises RequestError for what is no mapping of numbers."""
    try:
        given = {} if value is None else dict(value)  # type: ignore[call-overload]
        if any(isinstance(share, bool) for share in given.values()):
            raise TypeError
        return {to_path(path, "blend"): float(share) for path, share in given.items()}
    except (TypeError, ValueError):
        raise RequestError(f"blend = {short(value)}: expected runs by shares, {{'runs/psnr': 0.3}}.") from None


def to_switch(value: object) -> str | None:
    """`compile` as the settings have it. Raises RequestError for what is no truth value."""
    return None if value is None else "on" if to_choice(value, "compile", (True, False)) else "off"
