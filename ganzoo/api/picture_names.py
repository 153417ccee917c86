"""Whether a file can be written as a picture, asked before anything is painted."""

from __future__ import annotations

from pathlib import Path


def check_picture_name(path: Path | str) -> None:
    """Raises RequestError for a name that does not end like a picture."""
    from ganzoo.sampling import names

    names.check_picture_name(Path(path))


def check_film_name(path: Path | str) -> None:
    """Raises RequestError for a name that ends like nothing that moves."""
    from ganzoo.sampling import video

    video.check_film_name(Path(path))
