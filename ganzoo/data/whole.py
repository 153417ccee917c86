"""Pictures at their own size, of which parts are shown: nothing is resized.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.reading import Reading, read_in_threads, thread_count
from ganzoo.data.report import PictureReport
from ganzoo.data.store import PictureStore
from ganzoo.datainfo import Picture
from ganzoo.errors import DataError
from ganzoo.progress import wants_advice

if TYPE_CHECKING:
    from ganzoo.architecture import Batch, Pair
    from ganzoo.data.source import DataSource, Notify

ItemT = TypeVar("ItemT")
Get = Callable[[Sequence[NDArray[np.int64]]], "Batch | Pair"]

Whole = tuple[NDArray[np.uint8], ...]
"""The pictures of one item, (C, H, W) each: one, or the two of a pair."""

_KEPT_AT_HAND = 8  # pictures that were decoded last, where not all are held


@dataclass(frozen=True, slots=True)
class Cut:
    """Where parts are taken. places: (N, 2) from 0 up to 1, of the room down and across; None for the middle.

    margin: pixels more on each side, mirrored where a picture ends. step: parts begin at multiples of it.
    others: places of the second of two sides that do not correspond.
    """

    places: NDArray[np.float64] | None = None
    margin: int = 0
    step: int = 1
    others: NDArray[np.float64] | None = None

    def of_others(self) -> Cut:
        """The same for the second of two sides that do not correspond."""
        return dataclasses.replace(self, places=self.others)

    def at(self, row: int) -> tuple[float, float]:
        return (0.5, 0.5) if self.places is None else (float(self.places[row, 0]), float(self.places[row, 1]))


class GivesParts(Protocol):
    """A source whose pictures have sizes of their own, `has_parts`. Its `fetch` gives the middle of each.

    One of two sides that do not correspond has no `whole`.
    """

    has_parts: bool

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Batch | Pair:
        """A part of each, of the size that `info` says and the margin."""
        ...

    def whole(self, index: int) -> Batch | Pair:
        """All of one picture, or pair: (1, C, H, W)."""
        ...


def gives_parts(source: object) -> TypeGuard[GivesParts]:
    """Whether it has pictures at their own sizes."""
    return getattr(source, "has_parts", False) is True


def parts_of(source: DataSource, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Batch | Pair:
    """Parts, or of a source whose pictures have one size, these."""
    return source.parts(indices, cut) if gives_parts(source) else source.fetch(indices)


class PassesParts:
    """Of a source that passes on another's pictures: its parts and whole pictures come from there as well.

    inner: the other.
    """

    inner: DataSource

    @property
    def has_parts(self) -> bool:
        return gives_parts(self.inner)

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Batch | Pair:
        """See `GivesParts`."""
        return self.passed(indices, lambda originals: parts_of(self.inner, originals, cut))

    def whole(self, index: int) -> Batch | Pair:
        """See `GivesParts`."""
        return self.passed([np.array([index])], lambda originals: self._whole(int(originals[0][0])))

    def _whole(self, index: int) -> Batch | Pair:
        inner = self.inner
        return inner.whole(index) if gives_parts(inner) else inner.fetch([np.array([index])])

    def passed(self, indices: Sequence[NDArray[np.int64]], get: Get) -> Batch | Pair:
        """What becomes of the other's pictures. get: its pictures by their indices there."""
        return get(indices)


class WholeStore(PictureStore[ItemT]):
    """Whole pictures, held in memory while all of them take no more than `memory_gb`, or else decoded again.

    read: (items, whether their digests are wanted) -> of each a Reading without pixels, and its pictures.
    likes: of each picture of an item, the size of a part; the first may be so many times smaller or larger.
    """

    def __init__(
        self,
        items: Sequence[ItemT],
        read: Callable[[Sequence[ItemT], bool], Iterator[tuple[Reading, Whole]]],
        *,
        likes: Sequence[Picture],
        name: Callable[[ItemT], str],
        where: str,
        memory_gb: float,
        unreadable: float,
        report: PictureReport,
        notify: Notify,
        stream: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._likes = likes
        self._read_whole = read
        self._held: dict[int, Whole] | None = {}
        self._recent: OrderedDict[int, Whole] = OrderedDict()
        self._guard = threading.Lock()
        bytes_held, most = 0, memory_gb * 2**30

        def take(some: Sequence[ItemT], hashed: bool) -> Iterator[Reading]:
            nonlocal bytes_held
            for item, (reading, pictures) in zip(some, read(some, hashed), strict=True):
                with self._guard:
                    bytes_held += sum(picture.nbytes for picture in pictures)
                    if bytes_held > most:
                        self._held = None
                    if self._held is not None and reading.pixels is not None:
                        self._held[id(item)] = pictures
                yield reading

        super().__init__(
            items, take, shape=(0,), name=name, where=where, memory_gb=memory_gb, unreadable=unreadable,
            report=report, notify=notify, stream=stream, check=check,
        )  # fmt: skip
        self.in_memory = self._held is not None and not stream
        small = sum(
            n for (height, width), n in report.sizes.items() if height < likes[-1].height or width < likes[-1].width
        )
        if small and wants_advice(notify):
            notify(
                f"warning: {small:,} of {report.sizes.total():,} pictures are smaller than the parts that are shown; "
                "their borders are mirrored"
            )

    def fetch(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The middle of each first picture."""
        return self.parts(indices, Cut())[0]

    def parts(self, indices: NDArray[np.int64], cut: Cut) -> list[NDArray[np.uint8]]:
        """Of each picture of an item (N, C, H, W). Raises DataError for one that cannot be read any more."""
        rows = []
        for row, pictures in enumerate(self._pictures(indices)):
            rows.append(_cut(pictures, self._likes, cut, cut.at(row)))
        return [np.stack(side) for side in zip(*rows, strict=True)]

    def whole(self, index: int) -> Whole:
        """All of an item. Raises as `parts`."""
        return next(self._pictures(np.array([index])))

    def _pictures(self, indices: NDArray[np.int64]) -> Iterator[Whole]:
        chosen = [int(index) for index in indices]
        held = self._held
        if held is not None:
            return (held[id(self._items[index])] for index in chosen)
        with self._guard:
            at_hand = {index: self._recent[index] for index in chosen if index in self._recent}
        missing = [index for index in dict.fromkeys(chosen) if index not in at_hand]

        def again(some: Sequence[int]) -> Iterator[tuple[int, Reading, Whole]]:
            for index, (reading, pictures) in zip(
                some, self._read_whole([self._items[index] for index in some], False), strict=True
            ):
                yield index, reading, pictures

        chunk = max(1, -(-len(missing) // thread_count()))
        for index, reading, pictures in read_in_threads(self._pool, again, missing, chunk=chunk):
            if reading.pixels is None:
                file, reason = self._told(self._items[index], reading.error)
                raise DataError(
                    f"{self._where}: {file} could be read when training began and cannot any more: {reason}",
                    hint="Put it back and go on with --resume.",
                )
            at_hand[index] = pictures
        with self._guard:
            for index in missing[-_KEPT_AT_HAND:]:
                self._recent[index] = at_hand[index]
            while len(self._recent) > _KEPT_AT_HAND:
                self._recent.popitem(last=False)
        return (at_hand[index] for index in chosen)


def _cut(pictures: Whole, likes: Sequence[Picture], cut: Cut, place: tuple[float, float]) -> list[NDArray[np.uint8]]:
    """The same place of each; of a picture that is so many times as large, that many times as far."""
    base = min(range(len(likes)), key=lambda side: likes[side].height)
    parts = []
    for picture, like in zip(pictures, likes, strict=True):
        scale = like.height // likes[base].height
        edges = []
        for axis, (side, small) in enumerate(
            ((like.height, likes[base].height), (like.width, likes[base].width)), start=1
        ):
            step = cut.step if len(pictures) == 1 else 1
            room = max(0, pictures[base].shape[axis] - small) // step
            edges.append((int(place[axis - 1] * (room + 1)) * step * scale, side))
        parts.append(_part(picture, edges, cut.margin * (scale if len(pictures) > 1 else 1)))
    return parts


def _part(picture: NDArray[np.uint8], edges: Sequence[tuple[int, int]], margin: int) -> NDArray[np.uint8]:
    """edges: where it begins and how long it is, down and across. Beyond the picture it is mirrored."""
    taken, padding = [slice(None)], [(0, 0)]
    for (begin, long), side in zip(edges, picture.shape[1:], strict=True):
        first, last = begin - margin, begin + long + margin
        taken.append(slice(max(0, first), min(side, last)))
        padding.append((max(0, -first), max(0, last - side)))
    part = picture[tuple(taken)]
    return np.pad(part, padding, mode="reflect") if any(any(pair) for pair in padding) else part
