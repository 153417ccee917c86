"""Decoded pictures kept in a folder for other runs, by what is in their files and what was made of them.

FOLDER/pictures-KEY/
  pixels.npy     (N, ...) uint8, mapped into memory by whoever uses it
  kept.npy       which of the files they are
  report.json    what was found when they were read

The key is a hash of the bytes of all files, in their order, and of the settings: moved or renamed files meet the same
entry, a changed one another. An entry is written beside its name and renamed, so that two runs at once are no harm.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from ganzoo import files
from ganzoo.data.report import PictureReport
from ganzoo.errors import DataError, one_line

_FORMAT = 1  # changes when pixels become others from the same file and settings
_STALE_SECONDS = 86_400
_NOTHING = np.zeros(0, dtype=np.uint8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """Where decoded pictures are kept. recipe: JSON values of what is made of an item, besides its shape. digest: of
    the bytes of an item, zeros for what cannot be read."""

    folder: Path
    recipe: Mapping[str, Any]
    digest: Callable[[Any], bytes]


class Entry(NamedTuple):
    pixels: NDArray[np.uint8]
    kept: NDArray[np.int64]
    report: PictureReport


def key_of(digests: NDArray[np.uint8], recipe: Mapping[str, Any]) -> str:
    """digests: of the files' bytes, (N, 8). recipe: JSON values of what is made of them."""
    made = json.dumps({"format": _FORMAT, "pillow": PIL.__version__, **recipe}, sort_keys=True)
    return hashlib.sha256(made.encode() + np.ascontiguousarray(digests).tobytes()).hexdigest()[:40]


def find(folder: Path, key: str, shape: tuple[int, ...], count: int) -> Entry | None:
    """None where there is no such entry, or a damaged one. count: of the files that it is of."""
    place = folder / f"pictures-{key}"
    try:
        report = PictureReport.from_json(files.read_json(place / "report.json"))
        pixels = np.load(place / "pixels.npy", mmap_mode="r", allow_pickle=False)
        kept = np.array(np.load(place / "kept.npy", allow_pickle=False))
        sound = pixels.dtype == np.uint8 and kept.dtype == np.int64 and kept.ndim == 1 and len(kept) > 0
        sound = sound and pixels.shape == (len(kept), *shape) and kept[0] >= 0 and kept[-1] < count
        sound = sound and bool((np.diff(kept) > 0).all())
    except Exception:  # whatever a stranger, or a crash, has put there
        return None
    return Entry(pixels, kept, report) if sound else None


class NewEntry:
    """Room for the pixels of an entry, mapped from a file. `finish` gives it its name; one that never is, is removed.

    Raises DataError where the folder cannot be written.
    """

    def __init__(self, folder: Path, key: str, shape: tuple[int, ...], count: int) -> None:
        self._folder, self._key, self._count = folder, key, count
        self._place = folder / f".partial-{secrets.token_hex(6)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._remove_stale()
            self._place.mkdir()
            self.pixels: NDArray[np.uint8] = np.lib.format.open_memmap(
                self._place / "pixels.npy", mode="w+", dtype=np.uint8, shape=(count, *shape)
            )
            _reserve(self._place / "pixels.npy")
        except (OSError, ValueError) as error:
            self.discard()
            raise DataError(
                f"data.cache = {str(folder)!r} cannot be written: {one_line(error)}", hint="Another folder, or none."
            ) from None

    def finish(self, kept: NDArray[np.int64], report: PictureReport) -> NDArray[np.uint8]:
        """The pixels of what was kept, from the finished entry."""
        shape = self.pixels.shape[1:]
        try:
            whole: Any = self.pixels
            whole.flush()
            if len(kept) < len(whole):
                self._cut(len(kept))
            files.write_bytes(self._place / "kept.npy", npy_bytes(kept))
            files.write_text(self._place / "report.json", json.dumps(report.to_json()))
            files.sync(self._place / "pixels.npy")
            place = self._folder / f"pictures-{self._key}"
            if place.exists() and find(self._folder, self._key, shape, self._count) is None:
                files.remove_tree(place)  # it is damaged
            with contextlib.suppress(OSError):  # another run was first, and its pixels are the same
                self._place.rename(place)
        except OSError as error:
            raise DataError(f"data.cache = {str(self._folder)!r} cannot be written: {one_line(error)}") from None
        finally:
            self.discard()
        entry = find(self._folder, self._key, shape, self._count)
        if entry is None:
            raise DataError(f"What was written to data.cache = {str(self._folder)!r} cannot be read back.")
        return entry.pixels

    def discard(self) -> None:
        self.pixels = _NOTHING
        with contextlib.suppress(OSError):
            if self._place.exists():
                files.remove_tree(self._place)

    def _cut(self, count: int) -> None:
        """The header of an array says how many rows there are; those of what could not be read are left out."""
        shape = (count, *self.pixels.shape[1:])
        fewer = np.lib.format.open_memmap(self._place / "fewer.npy", mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, count, 1024):
            fewer[start : start + 1024] = self.pixels[start : min(start + 1024, count)]
        fewer.flush()
        (self._place / "fewer.npy").replace(self._place / "pixels.npy")

    def _remove_stale(self) -> None:
        for item in self._folder.glob(".partial-*"):
            with contextlib.suppress(OSError):
                if time.time() - item.stat().st_mtime > _STALE_SECONDS:
                    files.remove_tree(item)


def _reserve(path: Path) -> None:
    """All of a file's room on its disk: what a mapped file has no room for later ends the process by a signal.

    Raises OSError where there is not enough.
    """
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def npy_bytes(values: NDArray[Any]) -> bytes:
    """An array as a file that numpy loads."""
    content = io.BytesIO()
    np.save(content, values, allow_pickle=False)
    return content.getvalue()
