"""Whether a file can be written as a picture, asked before anything is painted."""

from __future__ import annotations

from pathlib import Path


def check_picture_name(path: Path | str, *, moves: bool = False) -> None:
    """moves: pictures that move. Raises RequestError for a name that does not end like that."""
    from ganzoo.sampling import pictures

    pictures.check_picture_name(Path(path))
    if moves:
        pictures.check_animation_name(Path(path))
