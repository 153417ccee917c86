"""Which pictures a step sees, and fetching them ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.facts import facts_of
from ganzoo.keys import derive_key

if TYPE_CHECKING:
    from ganzoo.architecture import Batch, Pair, Phase, StepReals
    from ganzoo.data.arranging import Arrange
    from ganzoo.data.source import DataSource
    from ganzoo.datainfo import DataInfo


class Order:
    """The order of the pictures, a pure function of (seed, key, step): each epoch is a shuffle of its own.

    Step n shows positions n * batch_size to (n + 1) * batch_size of the endless concatenation of
    epochs, so a batch may span two. Nothing needs saving for a resume.
    key: of reals that a phase has to itself, whose steps are the phase's own; "" for the shared ones.
    groups: of each side, how many pictures lie together, as in shards. Those are shuffled by group and then within
    `BUFFER` pictures, so that what is read one after the other lies together; () for a shuffle of all.
    """

    def __init__(
        self,
        *,
        seed: int,
        batch_size: int,
        lengths: Sequence[int],
        key: str = "",
        groups: Sequence[Sequence[int]] = (),
    ) -> None:
        self._groups = groups
        self._key = (seed, "order", key) if key else (seed, "order")
        self._batch_size = batch_size
        self._lengths = tuple(lengths)
        self._shuffle = lru_cache(maxsize=2 * len(self._lengths))(self._make_shuffle)

    def indices(self, step: int) -> tuple[NDArray[np.int64], ...]:
        """For each side, the indices of this step's pictures: (batch_size,) int64."""
        return tuple(self._side(side, length, step) for side, length in enumerate(self._lengths))

    def _side(self, side: int, length: int, step: int) -> NDArray[np.int64]:
        position, end, parts = step * self._batch_size, (step + 1) * self._batch_size, []
        while position < end:
            epoch, offset = divmod(position, length)
            count = min(end - position, length - offset)
            parts.append(self._shuffle(side, epoch)[offset : offset + count])
            position += count
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _make_shuffle(self, side: int, epoch: int) -> NDArray[np.int64]:
        key = derive_key(*self._key, side, epoch)
        random = np.random.RandomState([key & 0xFFFFFFFF, key >> 32])  # its streams are frozen for good
        if side < len(self._groups) and self._groups[side]:
            return _shuffled_groups(self._groups[side], random)
        return random.permutation(self._lengths[side]).astype(np.int64)


BUFFER = 4096
"""Pictures of several groups that are mixed."""


def _shuffled_groups(groups: Sequence[int], random: np.random.RandomState) -> NDArray[np.int64]:
    """Indices group by group in a random order, each stretch of `BUFFER` of them shuffled; stretches begin anywhere."""
    ends = np.cumsum(groups)
    order = np.concatenate(
        [np.arange(ends[group] - groups[group], ends[group]) for group in random.permutation(len(groups))]
    )
    for start in range(-random.randint(BUFFER), len(order), BUFFER):
        stretch = order[max(0, start) : start + BUFFER]
        stretch[:] = random.permutation(stretch)
    return order


class Prefetcher:
    """Fetches the batch of the next step while this one computes. Use as a context manager.

    rows: which rows of a global batch are wanted here; None for all.
    arrange: makes what a step is shown of the pictures with these indices; None for the pictures themselves.
    A source in memory is asked directly: a second thread would only fight for the interpreter (measured:
    0.5 ms of a 38 ms step on two cores).
    """

    def __init__(
        self,
        source: DataSource,
        order: Order,
        *,
        rows: NDArray[np.int64] | None = None,
        arrange: Arrange | None = None,
        ahead: int = 2,
    ) -> None:
        self._source = source
        self._rows = rows
        self._arrange = arrange
        self._order = order
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ganzoo-prefetch")
        self._coming: dict[int, Future[Batch | Pair]] = {}

    def batch(self, step: int) -> Batch | Pair:
        """The batch of `step`. Raises what `DataSource.fetch` raised."""
        if self._source.in_memory:
            return self._fetch(step)
        for number in range(step, step + 1 + self._ahead):
            if number not in self._coming:
                self._coming[number] = self._pool.submit(self._fetch, number)
        return self._coming.pop(step).result()

    def _fetch(self, step: int) -> Batch | Pair:
        every = self._order.indices(step)
        indices = every if self._rows is None else tuple(side[self._rows] for side in every)
        return self._source.fetch(indices) if self._arrange is None else self._arrange(indices, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class RealsFeed:
    """The real pictures of each step: the shared batch, and those of phases that have their own. A context manager.

    phases: of the architecture. shown: what the networks see, if that is a part of larger pictures; None if not.
    rows: which rows of a global batch are wanted here; None for all. Each batch is fetched ahead by itself.
    """

    def __init__(
        self,
        source: DataSource,
        phases: Sequence[Phase],
        *,
        seed: int,
        batch_size: int,
        shown: DataInfo | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        def prefetcher(key: str) -> Prefetcher:
            groups = [one.groups for one in facts_of(source)]
            order = Order(seed=seed, batch_size=batch_size, lengths=source.lengths, key=key, groups=groups)
            return Prefetcher(source, order, rows=rows, arrange=arranging(key))

        def arranging(key: str) -> Arrange | None:
            from ganzoo.data.arranging import arrangement  # which meets torch

            return arrangement(source, shown, seed=seed, batch_size=batch_size, key=key, rows=rows)

        self._shared = prefetcher("")
        self._own = {phase.name: (phase, prefetcher(phase.name)) for phase in phases if phase.reals == "own"}

    def reals(self, step: int) -> StepReals:
        """Of a step: the shared batch, and one for each phase with its own that is due. Raises what `fetch` raised."""
        from ganzoo.architecture import StepReals

        own = {
            name: prefetcher.batch(phase.count(step))
            for name, (phase, prefetcher) in self._own.items()
            if phase.due(step)
        }
        return StepReals(self._shared.batch(step), own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: type[BaseException] | BaseException | TracebackType | None) -> None:
        for prefetcher in (self._shared, *(prefetcher for _, prefetcher in self._own.values())):
            prefetcher.__exit__(*ended)
