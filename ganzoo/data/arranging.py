"""What a step is shown of the pictures that its order names: as they are, random parts of them, or with partners."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ganzoo.architecture import Batch, Pair
from ganzoo.data.crops import RandomCrops
from ganzoo.data.degradation.source import Degraded
from ganzoo.data.draws import Draws
from ganzoo.data.source import DataSource
from ganzoo.data.whole import Cut, gives_parts
from ganzoo.datainfo import DataInfo

Arrange = Callable[[Sequence[NDArray[np.int64]], int], Batch | Pair]
"""(indices of each side, step) -> what the step is shown."""


def arrangement(
    source: DataSource,
    shown: DataInfo | None,
    *,
    seed: int,
    batch_size: int,
    key: str,
    rows: NDArray[np.int64] | None,
) -> Arrange | None:
    """None where the pictures are shown as they are. shown: what the networks see; None for all of a picture.

    seed, batch_size, key, rows: as `Draws` has them.
    """

    def draws(step: int) -> Draws:
        return Draws(seed=seed, step=step, batch_size=batch_size, key=key, rows=rows)

    if isinstance(source, Degraded):
        return lambda indices, step: source.arranged(indices, draws(step))
    if gives_parts(source):
        return lambda indices, step: source.parts(
            indices, Cut(draws(step).places(), others=draws(step).places("part of the others"))
        )
    if shown is None or shown.pictures == source.info.pictures:
        return None
    together = len(source.lengths) == 1
    crops = RandomCrops(shown.pictures, seed=seed, batch_size=batch_size, together=together, key=key)
    return lambda indices, step: crops(source.fetch(indices), step=step, rows=rows)
