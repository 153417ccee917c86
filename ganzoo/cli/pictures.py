"""Pictures out of the command line: names that can be written, and grids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted:
    """pixels: (N, C, H, W) in [low, high]."""

    pixels: NDArray[Any]
    low: float
    high: float


def ends_like_a_picture(path: Path) -> bool:
    """Whether Pillow can write a picture under this name."""
    from PIL import Image

    return Image.registered_extensions().get(path.suffix.lower()) in Image.SAVE


def write_grid(painted: Painted, out: Path, columns: int | None) -> None:
    """Raises RequestError when `out` cannot be written, or does not end like a picture."""
    from ganzoo.data.pictures import grid, to_uint8

    check_picture_name(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        grid(to_uint8(painted.pixels, low=painted.low, high=painted.high), columns=columns).save(out)
    except (OSError, ValueError) as error:
        raise RequestError(f"{out} cannot be written: {one_line(error)}") from None


def write_animation(parts: Iterable[Painted], out: Path, fps: float) -> int:
    """The pictures of all parts one after the other, endlessly; how many there are.

    Raises RequestError when `out` cannot be written, or does not end like pictures that move.
    """
    from PIL import Image

    from ganzoo.data.pictures import grid, to_uint8

    kind = Image.registered_extensions().get(out.suffix.lower())
    if kind not in Image.SAVE_ALL or kind in ("PDF", "TIFF", "MPO"):
        raise RequestError(
            f"{out.name} does not end like pictures that move.", hint="For example -o walk.webp or walk.gif"
        )
    frames = [grid(picture[None]) for part in parts for picture in to_uint8(part.pixels, low=part.low, high=part.high)]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        frames[0].save(out, save_all=True, append_images=frames[1:], duration=1000 / fps, loop=0)
    except (OSError, ValueError) as error:
        raise RequestError(f"{out} cannot be written: {one_line(error)}") from None
    return len(frames)


def check_picture_name(out: Path) -> None:
    """Raises RequestError."""
    if not ends_like_a_picture(out):
        raise RequestError(f"{out.name} does not end like a picture.", hint="For example -o grid.png")
