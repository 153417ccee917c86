"""What a case is, and the pictures that cases are made of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 16, 24
WHITE, BLACK, MIDDLE = (255, 255, 255), (0, 0, 0), (128, 128, 128)

Pixels = NDArray[np.uint8]
"""(H, W, 3) or (H, W)."""


@dataclass(frozen=True)
class Refused:
    """DataError, whose text has these words; `a|b`: one of the two, in whatever case."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Some:
    """In whatever order: each of `must` once, and of `may` what there is, at most `times` times."""

    must: tuple[Pixels, ...]
    may: tuple[Pixels, ...] = ()
    times: int = 1


@dataclass(frozen=True)
class Either:
    """One of several; a case where the rules leave a choice."""

    choices: tuple[Truth, ...]


Truth = Pixels | list[Pixels] | Refused | Some | Either
"""One picture, several in order of path, or another of the above."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """make: fills an empty folder, and says what is to be opened where that is not the folder.

    expect: the truth, or how it is had of what was made.
    said: words, each in a line of what is notified. unsaid: in none.
    within: levels that a pixel may be off by. needs: modules without which the case is skipped.
    size: to open with; the size of the truth if not stated.
    loose: words that are ours to choose: a failure may be the test's.
    """

    name: str
    make: Callable[[Path], Path | None]
    expect: Truth | Callable[[Path], Truth]
    options: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    within: int = 1
    needs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    loose: bool = False


def alone(
    name: str, file: str, data: Callable[[], bytes], expect: Truth | Callable[[Path], Truth], **more: Any
) -> Case:
    """A file that is alone in its folder. A refused one is refused by name."""

    def make(folder: Path) -> None:
        (folder / file).write_bytes(data())

    if isinstance(expect, Refused):
        expect = Refused((file, *expect.words))
    if callable(expect):
        truth = expect
        return Case(name=name, make=make, expect=lambda folder: truth(folder / file), **more)
    return Case(name=name, make=make, expect=expect, **more)


def exact(name: str, file: str, data: Callable[[], bytes], expect: Truth, **more: Any) -> Case:
    """`alone`, where each level is what it was."""
    return alone(name, file, data, expect, within=0, **more)


def right_or_refused(truth: Truth | Callable[[Path], Truth]) -> Callable[[Path], Truth]:
    return lambda path: Either((truth(path) if callable(truth) else truth, Refused()))


def colour(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """A smooth gradient with a little noise, different in each channel and no two alike."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width]
    start = random.randint(20, 60, size=3)
    slopes = np.stack([x / width * 150, y / height * 150, 150 - (x + y) / (height + width) * 140], 2)
    return np.asarray(np.clip(start + slopes + random.randint(-12, 13, size=slopes.shape), 0, 255), dtype=np.uint8)


def grey(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    return np.ascontiguousarray(colour(seed + 1000, height, width)[:, :, 0])


def opacity() -> Pixels:
    """Of a picture: from clear on the left to opaque, both included."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.asarray(np.clip(x * 14 - 28 + y, 0, 255), dtype=np.uint8)


def deep(picture: Pixels, bits: int = 16, seed: int = 5) -> NDArray[np.uint16]:
    """The same of more bits a channel, with something in the lower ones."""
    noise = np.random.RandomState(seed).rand(*picture.shape)
    return np.asarray((picture + noise) / 256 * (2**bits - 1), dtype=np.uint16)


def scaled(values: NDArray[Any], high: float = 65535, low: float = 0) -> Pixels:
    """Linear, low to 0 and high to 255, rounded and clipped."""
    levels = (values.astype(np.float64) - low) * 255 / (high - low)
    return np.asarray(np.clip(np.floor(levels + 0.5), 0, 255), dtype=np.uint8)


def over(picture: NDArray[Any], alpha: NDArray[Any], background: tuple[int, ...] = WHITE, most: float = 255) -> Pixels:
    """Laid on a background; most: the value that is white in `picture`, and opaque in `alpha`."""
    share = alpha.astype(np.float64) / most
    under = np.asarray(background, dtype=np.float64)
    if picture.ndim == 3:
        share = share[:, :, None]
    else:
        under = under[0]
    return np.asarray(np.floor(picture / most * 255 * share + under * (1 - share) + 0.5), dtype=np.uint8)


def saved(pixels: NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:
    """By Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def good(number: int) -> Pixels:
    """A picture that is as it should be, another for each number."""
    return colour(100 + number)


def put(folder: Path, names: Iterable[str], start: int = 0) -> list[Pixels]:
    """Good pictures as PNG under these names; their folders are made."""
    pictures = []
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(good(number), "PNG"))
        pictures.append(good(number))
    return pictures


def thirty(folder: Path) -> list[Pixels]:
    """As many as one that is unreadable may lie among."""
    return put(folder, [f"good{number:02}.png" for number in range(30)])


GOOD = [good(number) for number in range(30)]
LEFT_OUT = ("left out|unreadable|cannot be read",)
"""How it may be said."""


def walked(name: str) -> list[tuple[bool, str]]:
    """Sorts paths as a walk meets them: the files of a folder before its sub-folders."""
    *folders, last = name.split("/")
    return [*((True, folder) for folder in folders), (False, last)]
