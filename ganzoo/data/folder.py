"""A folder of pictures as a data source."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data.pictures import read_picture
from ganzoo.errors import DataError, nearest, one_line
from ganzoo.specs import DataInfo

if TYPE_CHECKING:
    from ganzoo.architecture import Batch
    from ganzoo.data.source import Notify

_NAMED = 5  # unreadable files named in a message; the rest are counted
_THREADS = 8  # Pillow releases the lock while it decodes
_NOTICE_SECONDS = 10.0


def open_folder(argument: str, options: DataConfig, *, notify: Notify) -> FolderSource:
    """The data source `folder:PATH`, or just PATH.

    Every picture is decoded once before training, so that an unreadable one is reported now and not in
    hour ten. Raises DataError for a folder that is not there, is empty or has no readable picture.
    """
    return FolderSource(Path(argument), options, notify=notify)


class FolderSource:
    """The pictures below a folder, in order of path; unreadable ones are left out and reported."""

    def __init__(self, folder: Path, options: DataConfig, *, notify: Notify) -> None:
        self._options = options
        self.info = DataInfo(channels=options.channels or 3, size=options.size or 64)
        files = _find(folder, notify)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ganzoo-pictures")
        bytes_each = self.info.channels * self.info.size**2
        self._pixels: NDArray[np.uint8] | None = None
        pixels = None
        if len(files) * bytes_each <= options.memory_gb * 2**30:
            pixels = np.empty((len(files), self.info.channels, self.info.size, self.info.size), dtype=np.uint8)
        readable: list[Path] = []
        bad: list[tuple[Path, BaseException]] = []
        for index, result in enumerate(self._read_all(files, notify)):
            if isinstance(result, BaseException):
                bad.append((files[index], result))
                continue
            if pixels is not None:
                pixels[len(readable)] = result
            readable.append(files[index])
        reasons = "; ".join(f"{_relative(path, folder)}: {one_line(error, limit=120)}" for path, error in bad[:_NAMED])
        more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        if not readable:
            raise DataError(
                f"None of the {len(files)} picture files in {folder} can be read: {reasons}{more}",
                hint="Open one of them in a viewer; re-save or re-download what is damaged.",
            )
        if bad:
            notify(f"{len(bad)} of {len(files)} pictures cannot be read and are left out: {reasons}{more}")
        self._files = readable
        if pixels is not None:
            self._pixels = pixels[: len(readable)]
        self.description = f"folder, {len(readable)} pictures"
        self.lengths: tuple[int, ...] = (len(readable),)
        self.in_memory = pixels is not None

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch:
        import torch

        from ganzoo.architecture import Batch

        if self._pixels is not None:
            return Batch(real=torch.from_numpy(self._pixels[indices[0]]))
        pictures = []
        chosen = [self._files[index] for index in indices[0]]
        for path, result in zip(chosen, self._pool.map(self._try_read, chosen), strict=True):
            if isinstance(result, BaseException):
                raise DataError(
                    f"{path} could be read when training began and cannot any more: {one_line(result)}",
                    hint="Put it back and go on with --resume.",
                )
            pictures.append(result)
        return Batch(real=torch.from_numpy(np.stack(pictures)))

    def _read_all(self, files: Sequence[Path], notify: Notify) -> Iterator[NDArray[np.uint8] | BaseException]:
        told = time.monotonic()
        for done, result in enumerate(self._pool.map(self._try_read, files), start=1):
            if time.monotonic() - told > _NOTICE_SECONDS:
                told = time.monotonic()
                notify(f"read {done:,} of {len(files):,} pictures")
            yield result

    def _try_read(self, path: Path) -> NDArray[np.uint8] | BaseException:
        options = self._options
        try:
            return read_picture(
                path, size=self.info.size, channels=self.info.channels, resize=options.resize, fit=options.fit
            )
        except Exception as error:  # damaged files make decoders raise anything: struct, zlib, index errors
            return error


def _find(folder: Path, notify: Notify) -> list[Path]:
    """Files with a suffix that Pillow knows, in order of path, hidden ones left out."""
    if not folder.exists():
        beside = [item.name for item in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise DataError(
            f"There is no folder {folder}.{nearest(folder.name, beside)}",
            hint="--data takes a folder of pictures, or a built-in source such as digits.",
        )
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; expected a folder of pictures.", hint="Unpack archives first.")
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    found, others = [], 0
    for base, folders, names in os.walk(folder, onerror=lambda error: notify(f"left out: {error}")):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in suffixes:
                found.append(Path(base, name))
            else:
                others += 1
    if not found:
        raise DataError(
            f"{folder} has no pictures: {others} other file{'' if others == 1 else 's'} and none that ends in "
            f".png, .jpg, .webp, .tif, .bmp or another suffix of a picture.",
            hint="Check the path, and that the pictures have their suffix.",
        )
    return found


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))
