"""Pictures on disk: decoded once before training and held in memory, or decoded again when they are asked for.

Every item is read once before training, so that a damaged one is left out now and does not end it in hour ten. Of
streams, which are too long for that, a sample is read, to know what there is and how much of it is damaged; an item
that turns out to be unreadable later is replaced by the next that is not, which is the same in each epoch and after a
resume.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NotRequired, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.cache import Cache, NewEntry, find, key_of
from ganzoo.data.decoding import UnreadableFileError
from ganzoo.data.reading import Reading, read_in_threads, thread_count
from ganzoo.data.report import PictureReport
from ganzoo.data.rules import FileFacts
from ganzoo.errors import DataError, one_line, printable
from ganzoo.progress import Progress

if TYPE_CHECKING:
    from ganzoo.data.source import Notify

_LOOKED_AT = 1000  # of those that are not held
_NOTICE_SECONDS = 0.2

_TAKEN = np.zeros(0, dtype=np.uint8)  # stands for pixels that are held already

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class StoreSettings(TypedDict):
    """What a store is told besides its items; see `PictureStore`."""

    name: Callable[[Any], str]
    where: str
    memory_gb: float
    unreadable: float
    report: PictureReport
    notify: Notify
    stream: NotRequired[bool]
    check: NotRequired[Callable[[], None]]


class PictureStore(Generic[ItemT]):
    """What `read` makes of each item, as one array per item, all of one shape.

    read: (items, whether their digests are wanted) -> one Reading of each, with pixels of `shape`.
    name: of an item, for messages. where: the place, for messages.
    memory_gb: arrays are held when all of them take no more. unreadable: the share of items that may be. stream:
    only a sample is read first.
    kept: the indices of the items that there are pictures of, in order. digests: of their bytes, (N, 8) uint8; None
    where not all were read.
    Raises DataError when none can be read, or too few.
    """

    def __init__(
        self,
        items: Sequence[ItemT],
        read: Callable[[Sequence[ItemT], bool], Iterable[Reading]],
        *,
        shape: tuple[int, ...],
        name: Callable[[ItemT], str],
        where: str,
        memory_gb: float,
        unreadable: float,
        report: PictureReport,
        notify: Notify,
        stream: bool = False,
        cache: Cache | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._read, self._name, self._where = read, name, where
        self._stream = stream
        self._most_unreadable = unreadable
        self._notify = notify
        self._pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="ganzoo-pictures")
        self._lock, self._replaced = threading.Lock(), dict[int, int]()
        self.digests: NDArray[np.uint8] | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self.in_memory = len(items) * int(np.prod(shape)) <= memory_gb * 2**30
        if cache is not None:
            self._through_cache(cache, items, shape, report)
        else:
            if self.in_memory:
                self._pixels = np.empty((len(items), *shape), dtype=np.uint8)
            every = self.in_memory or not stream or len(items) <= _LOOKED_AT
            self._first_reading(items, range(len(items)) if every else _spread(len(items)), report)
            self._check()
            if not every:
                self.kept, self.digests = np.arange(len(items), dtype=np.int64), None
        self._items = [items[int(index)] for index in self.kept] if len(self.kept) < len(items) else items
        if self._pixels is not None:
            self._pixels = self._pixels[: len(self.kept)]
        report.count = len(self.kept)

    def _through_cache(
        self, cache: Cache, items: Sequence[ItemT], shape: tuple[int, ...], report: PictureReport
    ) -> None:
        """The pixels as another run has kept them, or else for other runs to use."""
        digests = np.zeros((len(items), 8), dtype=np.uint8)
        hashes = read_in_threads(self._pool, partial(map, cache.digest), items)
        for index, digest in enumerate(self._shown(hashes, len(items))):
            digests[index] = np.frombuffer(digest, dtype=np.uint8)
        key = key_of(digests, {**cache.recipe, "shape": list(shape)})
        entry = find(cache.folder, key, shape, len(items))
        if entry is None:
            new = NewEntry(cache.folder, key, shape, len(items))
            try:
                self._pixels = new.pixels
                self._first_reading(items, range(len(items)), report)
                self._check()
                if self.digests is not None and not np.array_equal(self.digests, digests[self.kept]):
                    raise DataError(
                        f"{self._where}: files changed while they were read.",
                        hint="Start again when they are all there.",
                    )
                self._pixels = new.finish(self.kept, report)
            except BaseException:
                new.discard()
                raise
        else:
            self._pixels, self.kept = entry.pixels, entry.kept
            report.take(entry.report)
            self._check_share(report, len(items))
        self.digests = digests[self.kept]
        if self.in_memory:
            self._pixels = np.array(self._pixels)

    def __len__(self) -> int:
        return len(self._items)

    def contents(self, size: Callable[[ItemT], int]) -> NDArray[np.uint64]:
        """Of each kept item a number that changes with it: of all of its bytes, or else of how many there are."""
        if self.digests is not None:
            return self.digests.view(np.uint64)[:, 0]
        return np.array([size(item) for item in self._items], dtype=np.uint64)

    def fetch(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(N, *shape). Raises DataError where too many turn out to be unreadable."""
        if self._pixels is not None:
            return self._pixels[indices]
        chosen = [self._end_of(int(index)) for index in indices]
        chunk = max(1, min(32, -(-len(chosen) // thread_count())))
        readings = read_in_threads(self._pool, self._again, [self._items[index] for index in chosen], chunk=chunk)
        return np.stack([self._pixels_of(index, reading) for index, reading in zip(chosen, readings, strict=True)])

    def _again(self, items: Sequence[ItemT]) -> Iterable[Reading]:
        return self._read(items, False)

    def shown(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which items `fetch` has given for these: of a stream another, where one cannot be read."""
        if not self._replaced:
            return indices
        return np.array([self._end_of(int(index)) for index in indices], dtype=np.int64)

    def _end_of(self, index: int) -> int:
        while index in self._replaced:
            index = self._replaced[index]
        return index

    def _pixels_of(self, index: int, reading: Reading) -> NDArray[np.uint8]:
        """Of an item, or of the next that can be read."""
        if not self._stream and reading.pixels is None:
            file, reason = self._told(self._items[index], reading.error)
            raise DataError(
                f"{self._where}: {file} could be read when training began and cannot any more: {reason}",
                hint="Put it back and go on with --resume.",
            )
        while reading.pixels is None:
            with self._lock:
                if index not in self._replaced:
                    file, reason = self._told(self._items[index], reading.error)
                    self._replaced[index] = (index + 1) % len(self._items)
                    self._notify(f"{file} cannot be read, the next is shown in its place: {reason}")
                    self._check_replaced(file, reason)
            index = self._replaced[index]
            (reading,) = self._again([self._items[index]])
        return reading.pixels

    def _check_replaced(self, file: str, reason: str) -> None:
        bad = len(self._replaced)
        if bad > self._most_unreadable * len(self._items) or bad == len(self._items):
            raise DataError(
                f"{self._where}: {bad:,} of {len(self._items):,} pictures cannot be read, the last {file}: {reason}",
                hint="Put them back and go on with --resume; or let more be left out: data.unreadable.",
            )

    def _first_reading(self, items: Sequence[ItemT], chosen: Sequence[int], report: PictureReport) -> None:
        """Finds which of the chosen can be read, fills the report, and what is held. Raises DataError for too few."""
        pixels, last = self._pixels, -1

        def read(positions: Sequence[int]) -> Iterator[Reading]:
            """The thread that has decoded a picture puts it where it belongs: one thread for all would be late."""
            readings = self._read([items[chosen[position]] for position in positions], True)
            for position, reading in zip(positions, readings, strict=True):
                if reading.pixels is None:
                    yield reading
                    continue
                if pixels is not None:
                    pixels[position] = reading.pixels
                yield reading._replace(pixels=_TAKEN)

        good, digests, facts = list[int](), list[bytes](), list[FileFacts]()
        readings = read_in_threads(self._pool, read, range(len(chosen)))
        for position, reading in enumerate(self._shown(readings, len(chosen))):
            if reading.pixels is None:
                report.add_unreadable(*self._told(items[chosen[position]], reading.error))
                continue
            last += 1
            if last != position and pixels is not None:
                pixels[last] = pixels[position]  # of those before, some cannot be read
            good.append(chosen[position])
            digests.append(reading.digest)
            facts += reading.facts
        for one, count in Counter(facts).items():
            report.add(one, count)
        self.digests = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 8)
        report.copies = len(good) - len(np.unique(self.digests.view(np.uint64)))
        self.kept = np.array(good, dtype=np.int64)
        self._check_share(report, len(chosen), sample=len(chosen) < len(items))

    def _shown(self, results: Iterable[ResultT], count: int) -> Iterator[ResultT]:
        """The results as they come, and how far they are to whoever listens."""
        update, began, told = getattr(self._notify, "update", None), time.monotonic(), 0.0
        for done, result in enumerate(results, start=1):
            yield result
            now = time.monotonic()
            if update is not None and now - told > _NOTICE_SECONDS and now - began > _NOTICE_SECONDS:
                told, left = now, (now - began) / done * (count - done)
                update(Progress(done=done, total=count, unit="pictures", seconds_left=left))

    def _check_share(self, report: PictureReport, of: int, *, sample: bool = False) -> None:
        """Raises DataError where more cannot be read than may be."""
        bad, of_all = report.left_out["unreadable"], " that were looked at" if sample else ""
        if bad <= self._most_unreadable * of and bad < of:
            return
        reasons = "; ".join(f"{file}: {reason}" for file, reason in report.unreadable[:3])
        more = f"; and {bad - 3:,} more" if bad > 3 else ""
        if bad == of:
            raise DataError(
                f"None of the {of:,} picture files in {self._where}{of_all} can be read: {reasons}{more}",
                hint=_remedy(report.unreadable),
            )
        raise DataError(
            f"{bad:,} of the {of:,} picture files in {self._where}{of_all} cannot be read, more than "
            f"{self._most_unreadable:.0%}: {reasons}{more}",
            hint=f"Mend them or take them out; or let them be left out: --set data.unreadable={_share(bad, of)}",
        )

    def _told(self, item: ItemT, error: BaseException | None) -> tuple[str, str]:
        """The file that cannot be read, and why."""
        assert error is not None
        if isinstance(error, UnreadableFileError):
            return printable(error.name), one_line(error.reason, limit=160)
        return printable(self._name(item)), one_line(error, limit=160)


def _spread(count: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, _LOOKED_AT).astype(int)).tolist()  # type: ignore[no-any-return]


def _share(bad: int, of: int) -> str:
    """The least share of two digits that lets so many be left out."""
    return f"{math.ceil(100 * bad / of) / 100:.2f}"


def _remedy(unreadable: Sequence[tuple[str, str]]) -> str:
    """What to do where nothing can be read: what the files lack may be a setting or a library and not a copy."""
    reasons = " ".join(reason for _, reason in unreadable)
    if "data.scale" in reasons:
        return "State what is black and white for all of them: --set data.scale=minmax, or two numbers."
    if "pip install" in reasons:
        return "Install what they want, or convert them."
    if "path to a file elsewhere" in reasons:
        return "In datasets: save_to_disk keeps the pictures inside; of parquet, embed them before to_parquet."
    return "Open one of them in a viewer; re-save or re-download what is damaged."
