"""Names of files that pictures are written to, and whether what is there may be written over."""

from __future__ import annotations

import os
from pathlib import Path

from ganzoo.errors import RequestError


def to_place(path: object) -> Path:
    """A path. Raises RequestError for what is none."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise RequestError(f"{path!r} is no path.", hint="For example grid.png")
    return Path(path)


def ends_like_a_picture(path: Path) -> bool:
    """Whether Pillow can write a picture under this name."""
    from PIL import Image

    return Image.registered_extensions().get(path.suffix.lower()) in Image.SAVE


def check_picture_name(path: Path) -> None:
    """Raises RequestError."""
    if not ends_like_a_picture(path):
        raise RequestError(
            f"{path.name} does not end like a picture.",
            hint="For example grid.png; a film is walk.mp4; into a folder goes a file each, with --each.",
        )


def check_place(path: Path) -> None:
    """Raises RequestError for a file that is there and is no picture."""
    from PIL import Image as Pillow

    from ganzoo.data.pictures import is_picture

    readable = Pillow.registered_extensions().get(path.suffix.lower()) in Pillow.OPEN
    if readable and path.is_file() and path.stat().st_size and not is_picture(path):
        raise RequestError(f"{path} is there, and is no picture.", hint="Choose another -o, or remove it.")
