"""Whether a file can be written as a picture, asked before anything is painted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganzoo import files


def check_picture_name(path: Path | str) -> None:
    """Raises RequestError for a name that does not end like a picture."""
    from ganzoo.sampling import names

    names.check_picture_name(Path(path))


def check_film_name(path: Path | str) -> None:
    """Raises RequestError for a name that ends like nothing that moves."""
    from ganzoo.sampling import video

    video.check_film_name(Path(path))


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Raises RequestError for an output that is one of the inputs, or lies in a folder of them under such a name, or is
    named twice."""
    stated = [path for path in outputs if path is not None]
    for number, path in enumerate(stated):
        for given in inputs:
            there = [given / path.name] if given.is_dir() else [given]
            files.check_output(path, there)
        files.check_output(path, stated[:number])


def check_latents_place(path: Path) -> None:
    """Raises RequestError for a file that is there and holds no latents."""
    from ganzoo.sampling import array_file, latents

    array_file.check_arrays_place(path, latents.KIND)


def check_directions_place(path: Path) -> None:
    """Raises RequestError for a file that is there and holds no directions."""
    from ganzoo.sampling import array_file, directions

    array_file.check_arrays_place(path, directions.KIND)
