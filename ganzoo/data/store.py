"""Pictures on disk that are read once before training, and held in memory when they fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.decoding import UnreadableFileError
from ganzoo.errors import DataError, first_few, one_line, printable

if TYPE_CHECKING:
    from ganzoo.data.source import Notify

_THREADS = 8  # Pillow releases the lock while it decodes
_NOTICE_SECONDS = 10.0

ItemT = TypeVar("ItemT")


class PictureStore(Generic[ItemT]):
    """What `read` makes of each item, as one array per item, all of one shape.

    Every item is read once, so that an unreadable one is reported now and not in hour ten; those are left out.
    read: item -> uint8 array of `shape`. name: of an item, for messages. where: the place, for messages.
    memory_gb: arrays are kept when all of them take no more.
    Raises DataError when none can be read.
    """

    def __init__(
        self,
        items: Sequence[ItemT],
        read: Callable[[ItemT], NDArray[np.uint8]],
        *,
        shape: tuple[int, ...],
        name: Callable[[ItemT], str],
        where: str,
        memory_gb: float,
        notify: Notify,
    ) -> None:
        self._read = read
        self._name = name
        self._where = where
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ganzoo-pictures")
        pixels: NDArray[np.uint8] | None = None
        if len(items) * int(np.prod(shape)) <= memory_gb * 2**30:
            pixels = np.empty((len(items), *shape), dtype=np.uint8)
        readable: list[ItemT] = []
        bad: list[str] = []
        for index, result in enumerate(self._read_all(items, notify)):
            if isinstance(result, BaseException):
                bad.append(": ".join(self._told(items[index], result)))
                continue
            if pixels is not None:
                pixels[len(readable)] = result
            readable.append(items[index])
        reasons = first_few(bad, separator="; ")
        if not readable:
            raise DataError(
                f"None of the {len(items)} picture files in {where} can be read: {reasons}",
                hint="Open one of them in a viewer; re-save or re-download what is damaged.",
            )
        if bad:
            notify(f"{len(bad)} of {len(items)} pictures cannot be read and are left out: {reasons}")
        self._items = readable
        self._pixels = None if pixels is None else pixels[: len(readable)]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def in_memory(self) -> bool:
        return self._pixels is not None

    def fetch(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(N, *shape). Raises DataError for one that has become unreadable."""
        if self._pixels is not None:
            return self._pixels[indices]
        pictures = []
        chosen = [self._items[index] for index in indices]
        for item, result in zip(chosen, self._pool.map(self._try_read, chosen), strict=True):
            if isinstance(result, BaseException):
                file, reason = self._told(item, result)
                raise DataError(
                    f"{self._where}: {file} could be read when training began and cannot any more: {reason}",
                    hint="Put it back and go on with --resume.",
                )
            pictures.append(result)
        return np.stack(pictures)

    def _told(self, item: ItemT, error: BaseException) -> tuple[str, str]:
        """The file that cannot be read, and why."""
        if isinstance(error, UnreadableFileError):
            return printable(error.name), one_line(error.reason, limit=120)
        return printable(self._name(item)), one_line(error, limit=120)

    def _read_all(self, items: Sequence[ItemT], notify: Notify) -> Iterator[NDArray[np.uint8] | BaseException]:
        told = time.monotonic()
        for done, result in enumerate(self._pool.map(self._try_read, items), start=1):
            if time.monotonic() - told > _NOTICE_SECONDS:
                told = time.monotonic()
                notify(f"read {done:,} of {len(items):,} pictures")
            yield result

    def _try_read(self, item: ItemT) -> NDArray[np.uint8] | BaseException:
        try:
            return self._read(item)
        except Exception as error:  # damaged files make decoders raise anything: struct, zlib, index errors
            return error
