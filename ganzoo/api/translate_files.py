"""Translating files and folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ganzoo.api.arguments import to_paths, to_whole
from ganzoo.progress import ProgressListener, listener
from ganzoo.sampling.enlarging import Tiling
from ganzoo.sampling.model import Model
from ganzoo.sampling.stated import stated_size
from ganzoo.sampling.translate_files import TranslateRequest
from ganzoo.scratch import ended_like_interrupted


def translate_files(
    model: Model,
    inputs: Sequence[Path | str] = (),
    *,
    out: Path | str,
    direction: str | None = None,
    size: int | tuple[int, int] | str | None = None,
    count: int | None = None,
    columns: int | None = None,
    values: Mapping[str, float | Sequence[float]] | None = None,
    pictures: Mapping[str, Path | str | Sequence[Path | str]] | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    progress: ProgressListener | None = None,
) -> str:
    """Translate one file to one, many to a folder, or many to a grid; one line about what was written.

    inputs: files and folders; empty: the pictures that the run learnt from. out: a picture file, or a folder.
    direction: by name; the first if None. size: pixels to make them first, a number or height and width.
    count, columns: of a grid. values: of inputs besides the picture, by name.
    pictures: of a translation that takes others, {"style": "wave.jpg"}, or several, of which each is painted with.
    tile: pixels of a side of the tiles that a picture is cut into; 0 for whole pictures, None for tiles of 512 where a
        picture is large. overlap: of a tile's surroundings, on each side; None for what the network needs, up to 32.

    Raises RequestError for a request that does not fit, DataError for pictures that cannot be read.
    """
    request = TranslateRequest(
        inputs=tuple(Path(item) for item in inputs),
        out=Path(out),
        direction=direction,
        size=stated_size(size),
        count=count,
        columns=columns,
        values=values or {},
        further={name: tuple(to_paths(given, "pictures")) for name, given in (pictures or {}).items()},
        tiling=Tiling(
            tile=None if tile is None else to_whole(tile, "tile", least=0),
            overlap=None if overlap is None else to_whole(overlap, "overlap", least=0),
        ),
        progress=listener(progress),
    )
    with ended_like_interrupted():  # what is painted lies in temporary files
        return model.translate_files(request)
