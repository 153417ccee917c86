"""Who lies near whom in feature space, block by block, so that no matrix of all distances is held.

Shapes: N and M rows, D numbers; k neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.feature_set import FeatureSet

_BLOCK_NUMBERS = 2**22  # of a block of distances
_ROUNDING = 1e-13


class Block(NamedTuple):
    """Squared distances of some rows to all others: (n, M). start: of the rows."""

    start: int
    squares: NDArray[np.float64]


def distance_blocks(rows: FeatureSet, others: FeatureSet) -> Iterator[Block]:
    """All squared distances, a block of rows after the other."""
    import numpy as np

    size = max(1, min(1024, _BLOCK_NUMBERS // max(1, others.count)))
    norms = np.concatenate([(part.astype(np.float64) ** 2).sum(1) for part in others.chunks()])
    for start in range(0, rows.count, size):
        mine = rows.rows(start, start + size).astype(np.float64)
        squares = np.empty((len(mine), others.count))
        column = 0
        for part in others.chunks():
            squares[:, column : column + len(part)] = mine @ part.astype(np.float64).T
            column += len(part)
        squares *= -2
        both = (mine**2).sum(1)[:, None] + norms
        squares += both
        both *= _ROUNDING
        squares[squares < both] = 0.0  # the same picture; else rounding would decide who is nearer
        yield Block(start, squares)


def radii(features: FeatureSet, k: int) -> NDArray[np.float64]:
    """Squared distance of each row to its k-th neighbour among the others: (N,)."""
    import numpy as np

    found = np.empty(features.count)
    for start, squares in distance_blocks(features, features):
        rows = np.arange(len(squares))
        squares[rows, start + rows] = -1.0  # itself
        found[start : start + len(squares)] = np.partition(squares, k, axis=1)[:, k]
    return found


def to_another(features: FeatureSet) -> NDArray[np.float64]:
    """Squared distance of each row to the nearest that is another than it, (N,): a row that is there twice is not
    another. Infinite where all are the same."""
    import numpy as np

    found = np.empty(features.count)
    for start, squares in distance_blocks(features, features):
        squares[squares == 0] = np.inf
        found[start : start + len(squares)] = squares.min(1)
    return found


class Nearest(NamedTuple):
    """Of each row the nearest of the others: its row (N,), and the squared distance (N,)."""

    rows: NDArray[np.int64]
    squares: NDArray[np.float64]


def nearest(rows: FeatureSet, others: FeatureSet) -> Nearest:
    """The nearest of `others` to each row."""
    import numpy as np

    index, found = np.empty(rows.count, dtype=np.int64), np.empty(rows.count)
    for start, squares in distance_blocks(rows, others):
        best = squares.argmin(1)
        index[start : start + len(best)] = best
        found[start : start + len(best)] = squares[np.arange(len(best)), best]
    return Nearest(index, found)
