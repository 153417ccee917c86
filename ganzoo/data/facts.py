"""What is known of the pictures of a source besides their pixels; a source may say it, wrappers pass it on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.report import PictureReport


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFacts:
    """Of one side of a source. report: what was read. prints: (N, 2) uint64, of each picture its name's and its
    content's hash, in their order; empty where there are no files. whole: the contents' hashes are of whole files, not
    of their sizes. labels: as a batch has them, (N,) or (N, K). groups: how many pictures lie together, one after the
    other, as in shards; empty: there are no such groups. hints: settings that suggest themselves.
    names, contents: of each picture in its order, where there are files. shown: of rows that have been fetched those
    that were shown for them, in a stream whose damaged pictures give way to the next; None: all as they are.
    """

    report: PictureReport
    prints: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.uint64))
    whole: bool = True
    labels: NDArray[Any] | None = None
    groups: tuple[int, ...] = ()
    hints: tuple[str, ...] = ()
    names: Sequence[str] = ()
    contents: NDArray[np.uint64] | None = None
    shown: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None

    def without_rows(self) -> PictureFacts:
        """The same, for a source whose rows are others."""
        return dataclasses.replace(self, groups=(), labels=None, names=(), contents=None, shown=None)

    def to_record(self) -> dict[str, Any]:
        """For the record of a run."""
        return {
            **self.report.to_json(),
            "names": _hash(self.prints[:, 0]),
            "contents": _hash(self.prints),
            "contents_of": "whole files" if self.whole else "sizes",
        }


def facts_of(source: object) -> tuple[PictureFacts, ...]:
    """What a source says of its sides; empty for one that says nothing."""
    facts = getattr(source, "facts", ())
    return facts if isinstance(facts, tuple) and all(isinstance(one, PictureFacts) for one in facts) else ()


def prints_of(
    names: Sequence[str], contents: NDArray[np.uint64], labels: NDArray[Any] | None = None
) -> NDArray[np.uint64]:
    """(N, 2), in the order of the pictures. contents: (N,). The second of a name is another than the first.

    labels: of each picture, (N,) or (N, K); a picture with another label counts as another.
    """
    seen: dict[str, int] = {}
    hashed = []
    for name in names:
        again = seen[name] = seen.get(name, -1) + 1
        hashed.append(_number(f"{name}\0{again}" if again else name))
    if labels is not None:
        rows = np.ascontiguousarray(labels)
        contents = contents ^ np.array([_number(row.tobytes()) for row in rows], dtype=np.uint64)
    return np.stack([np.array(hashed, dtype=np.uint64), contents], 1)


def _number(value: str | bytes) -> int:
    content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _hash(values: NDArray[np.uint64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).astype("<u8").tobytes()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two sets of pictures: how many are new, gone, and of the same name with another content or label. turned: they
    are the same in another order."""

    added: int
    gone: int
    changed: int
    turned: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.changed or self.turned)

    def __str__(self) -> str:
        parts = (("added", self.added), ("gone", self.gone), ("changed", self.changed))
        told = ", ".join(f"{count:,} {word}" for word, count in parts if count)
        return told or ("the same pictures in another order" if self.turned else "none")


def difference(before: NDArray[np.uint64], now: NDArray[np.uint64], *, contents: bool = True) -> Difference:
    """By name. contents: whether those of both can be compared."""
    both, first, second = np.intersect1d(before[:, 0], now[:, 0], return_indices=True)
    changed = int((before[first, 1] != now[second, 1]).sum()) if contents else 0
    found = Difference(len(now) - len(both), len(before) - len(both), changed)
    return found or Difference(0, 0, 0, turned=not np.array_equal(before[:, 0], now[:, 0]))
