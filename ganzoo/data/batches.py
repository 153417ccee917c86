"""Which pictures a step sees, and fetching them ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ganzoo.architecture.step import derive_key

if TYPE_CHECKING:
    from ganzoo.architecture import Batch, Pair
    from ganzoo.data.source import DataSource


class Order:
    """The order of the pictures, a pure function of (seed, step): each epoch is a shuffle of its own.

    Step n shows positions n * batch_size to (n + 1) * batch_size of the endless concatenation of
    epochs, so a batch may span two. Nothing needs saving for a resume.
    """

    def __init__(self, *, seed: int, batch_size: int, lengths: Sequence[int]) -> None:
        self._seed = seed
        self._batch_size = batch_size
        self._lengths = tuple(lengths)
        self._shuffle = lru_cache(maxsize=2 * len(self._lengths))(self._make_shuffle)

    def indices(self, step: int) -> tuple[NDArray[np.int64], ...]:
        """For each side, the indices of this step's pictures: (batch_size,) int64."""
        positions = np.arange(step * self._batch_size, (step + 1) * self._batch_size)
        sides = []
        for side, length in enumerate(self._lengths):
            epochs, offsets = np.divmod(positions, length)
            chosen = np.empty_like(positions)
            for epoch in np.unique(epochs):
                inside = epochs == epoch
                chosen[inside] = self._shuffle(side, int(epoch))[offsets[inside]]
            sides.append(chosen)
        return tuple(sides)

    def _make_shuffle(self, side: int, epoch: int) -> NDArray[np.int64]:
        key = derive_key(self._seed, "order", side, epoch)
        random = np.random.RandomState([key & 0xFFFFFFFF, key >> 32])  # its streams are frozen for good
        return random.permutation(self._lengths[side]).astype(np.int64)


class Prefetcher:
    """Fetches the batch of the next step while this one computes. Use as a context manager."""

    def __init__(self, source: DataSource, order: Order, *, ahead: int = 2) -> None:
        self._source = source
        self._order = order
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ganzoo-prefetch")
        self._coming: dict[int, Future[Batch | Pair]] = {}

    def batch(self, step: int) -> Batch | Pair:
        """The batch of `step`. Raises what `DataSource.fetch` raised."""
        for number in range(step, step + 1 + self._ahead):
            if number not in self._coming:
                self._coming[number] = self._pool.submit(self._fetch, number)
        return self._coming.pop(step).result()

    def _fetch(self, step: int) -> Batch | Pair:
        return self._source.fetch(self._order.indices(step))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
