"""One file for each seed, however many: painted, encoded and written as they come, and a table of them.

FOLDER/
  seed00042-cat.png    the seed, and the class where the generator takes one
  pictures.csv         file, seed, class and its name, of each
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import RequestError, one_line, short
from ganzoo.progress import Progress, ProgressListener
from ganzoo.sampling.graphs import GraphSet
from ganzoo.sampling.names import check_place
from ganzoo.sampling.noise import InputChoices, drawn_classes, paint_batches
from ganzoo.sampling.pictures import PixelValues

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS = ("png", "webp", "jpg")
TABLE = "pictures.csv"
_HEADINGS = ("file", "seed", "class", "name")
_OPTIONS: dict[str, dict[str, Any]] = {"webp": {"lossless": True, "method": 2}, "jpg": {"quality": 95}}
_MOST_LETTERS = 40
_TOLD_SECONDS = 0.2


def write_each(
    source: GraphSet,
    seeds: Sequence[int],
    folder: Path,
    *,
    kind: str = "png",
    choices: InputChoices | None = None,
    painted: Callable[[], Iterator[PixelValues]] | None = None,
    progress: ProgressListener,
) -> Path:
    """Write a file for each seed, and the table, whose path is given back. painted: in place of what the seeds paint.

    What is there under the same names is written over, if it is a picture. An interrupt leaves the files so far, and
    the table of them. Raises RequestError for a kind, label or place that will not do, GanzooError for a picture that
    is not finite.
    """
    if kind not in KINDS:
        raise RequestError(f"kind = {short(kind)}: expected {', '.join(KINDS)}.")
    choices = choices or InputChoices()
    table, names = folder / TABLE, _Names(source, seeds, choices, kind)
    kept = _kept_rows(table, names, len(seeds))
    _check_files(folder, names, len(seeds), ours=table.exists())
    batches = painted() if painted is not None else paint_batches(source, seeds, choices)
    done = _Count()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with _Encoders(kind) as encoders:
                _write(batches, names, folder, encoders, done, len(seeds), progress)
        except KeyboardInterrupt:
            _write_table(table, [*kept, *(names.row(number) for number in range(done.count))])
            progress.say(f"interrupted: {done.count:,} of {len(seeds):,} pictures are in {folder}")
            raise
        _write_table(table, itertools.chain(kept, (names.row(number) for number in range(done.count))))
    except (OSError, ValueError) as error:
        raise RequestError(f"{folder} cannot be written: {one_line(error)}") from None
    return table


def _write(
    batches: Iterator[PixelValues],
    names: _Names,
    folder: Path,
    encoders: _Encoders,
    done: _Count,
    count: int,
    progress: ProgressListener,
) -> None:
    """done: grows by those whose files are on the way. Nothing is kept of each: there may be very many."""
    began = told = time.monotonic()
    for batch in batches:
        for pixels in batch.to_uint8():
            encoders.add(folder / names.row(done.count)[0], pixels)
            done.count += 1
        if time.monotonic() - told > _TOLD_SECONDS or done.count == count:
            told = time.monotonic()
            left = (told - began) / done.count * (count - done.count)
            values = {"status": "painting"}
            progress.update(Progress(done=done.count, total=count, unit="pictures", seconds_left=left, values=values))
    encoders.finish()


def _write_table(table: Path, rows: Iterable[Sequence[object]]) -> None:
    with files.written_beside(table) as partial, partial.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerow(_HEADINGS)
        csv.writer(lines).writerows(rows)


class _Count:
    def __init__(self) -> None:
        self.count = 0


class _Names:
    """The row of the table, and with it the file's name, of each seed."""

    def __init__(self, source: GraphSet, seeds: Sequence[int], choices: InputChoices, kind: str) -> None:
        self._seeds = seeds
        self._kind = kind
        self._digits = max(5, len(str(max(seeds))))
        drawn = drawn_classes(source, seeds, choices)
        self._classes = [index for index, _ in drawn]
        self._names = dict(drawn)
        if len({self.row(number)[0] for number in range(len(seeds))}) < len(seeds):
            raise RequestError("A seed is named twice, with the same class; their files would have one name.")

    def row(self, number: int) -> tuple[str, int, object, str]:
        seed = self._seeds[number]
        index: object = self._classes[number] if self._classes else ""
        name = self._names[self._classes[number]] if self._classes else ""
        label = f"-{_file_part(name or str(index))}" if self._classes else ""
        return f"seed{seed:0{self._digits}}{label}.{self._kind}", seed, index, name


def _file_part(name: str) -> str:
    """A name of a stranger's as a part of a file's."""
    plain = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in name)
    return plain[:_MOST_LETTERS].strip(".") or "_"


class _Encoders:
    """Threads that encode and write, with a queue that holds no more than they can take: memory stays flat."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        count = min(8, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="encoder")
        self._most = 4 * count
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> _Encoders:
        return self

    def __exit__(self, *_: object) -> None:
        while self._waiting:
            with contextlib.suppress(Exception):  # told by `add` or `finish`, or it was interrupted
                self._waiting.popleft().result()
        self._pool.shutdown()

    def add(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        """Raises what an earlier one met."""
        while len(self._waiting) >= self._most:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._write, path, pixels))

    def finish(self) -> None:
        """Wait for all. Raises what one met."""
        while self._waiting:
            self._waiting.popleft().result()

    def _write(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        from PIL import Image

        from ganzoo.data.pictures import save_image

        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        save_image(image, path, durable=False, **_OPTIONS.get(self._kind, {}))


def _kept_rows(table: Path, names: _Names, count: int) -> list[list[str]]:
    """Rows of a table that is there, of files that stay as they are. Raises RequestError for another's table."""
    if table.is_symlink() or (table.exists() and not table.is_file()):
        raise RequestError(f"{table} is there, and is no table of ganzoo's.", hint="Choose another -o.")
    if not table.exists() or not table.stat().st_size:
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        if tuple(next(rows, ())) != _HEADINGS:
            raise RequestError(f"{table} is there, and is no table of ganzoo's.", hint="Choose another -o.")
        new = {names.row(number)[0] for number in range(count)}
        return [row for row in rows if len(row) == len(_HEADINGS) and row[0] not in new and _is_there(table, row[0])]


def _is_there(table: Path, name: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return files.child(table.parent, name).is_file()
    return False


def _check_files(folder: Path, names: _Names, count: int, *, ours: bool) -> None:
    """Before anything is painted: raises RequestError for a name that is taken by what may not be written over.

    ours: the folder has a table of ours; without one, pictures that do not say that they are are somebody's.
    """
    from ganzoo.data.pictures import is_picture

    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is no folder.", hint="Choose another -o.")
    there = {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
    for name in (names.row(number)[0] for number in range(count)) if there else ():
        if name in there:
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise RequestError(f"{path} is there, and is no picture.", hint="Choose another -o, or remove it.")
            check_place(path)
            if not ours and not is_picture(path, ours=True):
                raise RequestError(f"{path} is there, and was not painted here.", hint="Choose another -o.")
