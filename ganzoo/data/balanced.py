"""Classes of unequal size, each shown equally often; and no classes where there are some."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganzoo.architecture import Batch, Pair
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.data.whole import Get, PassesParts
from ganzoo.datainfo import DataInfo
from ganzoo.errors import RequestError

_CHUNK = 1024


class Balanced(PassesParts):
    """A source whose epoch shows each class as often as the largest one has pictures; those of others come again.

    Which picture an index means is a function of the index alone, so that nothing has to be saved for a resume.
    Raises RequestError for a source without classes.
    """

    def __init__(self, source: DataSource) -> None:
        condition = source.info.condition
        if condition is None or condition.kind != "class":
            raise RequestError(
                "data.balance shows classes equally often, and the pictures have none.",
                hint="--set data.labels=folders, or a table; see `ganzoo data info SOURCE`.",
            )
        labels = _labels_of(source)
        order = np.argsort(labels, kind="stable")
        self._members = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)  # of each class that is there
        self.inner = source
        self.info = source.info
        self.description = f"{source.description}, classes balanced"
        self.lengths: tuple[int, ...] = (len(self._members) * max(map(len, self._members)),)
        self.in_memory = source.in_memory
        self.facts = tuple(one.without_rows() for one in facts_of(source))

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        return self.passed(indices, self.inner.fetch)

    def passed(self, indices: Sequence[NDArray[np.int64]], get: Get) -> Batch | Pair:
        return get(self._meant(indices))

    def _meant(self, indices: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        turns, classes = np.divmod(indices[0], len(self._members))
        chosen = [
            self._members[which][turn % len(self._members[which])] for turn, which in zip(turns, classes, strict=True)
        ]
        return [np.array(chosen, dtype=np.int64)]


class Unlabelled(PassesParts):
    """A source whose labels nobody wants."""

    def __init__(self, source: DataSource) -> None:
        self.inner = source
        self.info = DataInfo(source.info.pictures)
        self.description = f"{source.description}, without labels"
        self.lengths = source.lengths
        self.in_memory = source.in_memory
        self.facts = tuple(dataclasses.replace(one, labels=None) for one in facts_of(source))

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        return self.passed(indices, self.inner.fetch)

    def passed(self, indices: Sequence[NDArray[np.int64]], get: Get) -> Batch | Pair:
        batch = get(indices)
        return Batch(real=batch.real) if isinstance(batch, Batch) else batch


def _labels_of(source: DataSource) -> NDArray[np.int64]:
    facts = facts_of(source)
    if facts and facts[0].labels is not None:
        return facts[0].labels
    found = []
    for start in range(0, source.lengths[0], _CHUNK):
        batch = source.fetch([np.arange(start, min(start + _CHUNK, source.lengths[0]), dtype=np.int64)])
        assert isinstance(batch, Batch) and batch.label is not None
        found.append(batch.label.numpy())
    return np.concatenate(found)
