"""What is drawn for the pictures of a step: a function of (seed, key, step, row), of the rows of a global batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ganzoo.keys import derive_key


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """seed: of the run. key: of reals that a phase has to itself; "" for the shared ones. batch_size: of the global
    batch. rows: which rows of it are wanted here; None for all.
    """

    seed: int
    step: int
    batch_size: int
    key: str = ""
    rows: NDArray[np.int64] | None = None

    def of(self, row: int, purpose: str) -> RandomState:
        """The generator of one of the wanted rows. Its streams are frozen for good."""
        number = row if self.rows is None else int(self.rows[row])
        key = derive_key(self.seed, purpose, self.key, self.step, number)
        return RandomState([key & 0xFFFFFFFF, key >> 32])

    def places(self, purpose: str = "part") -> NDArray[np.float64]:
        """(rows, 2) from 0 up to 1: where a part is taken, down and across."""
        count = self.batch_size if self.rows is None else len(self.rows)
        return np.stack([self.of(row, purpose).uniform(size=2) for row in range(count)])
