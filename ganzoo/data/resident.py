"""A source held on the device as uint8, so that a step costs no copy of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.source import DataSource

_CHUNK = 1024


class Resident:
    """The pictures of a source in memory, on `device`. Only the indices travel.

    Raises torch.OutOfMemoryError when they do not fit.
    """

    def __init__(self, source: DataSource, device: torch.device) -> None:
        self.info = source.info
        self.description = source.description
        self.lengths = source.lengths
        self.in_memory = True
        self._device = device
        self._sides = [_everything(source, side, device) for side in range(len(source.lengths))]

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        chosen = [torch.from_numpy(side).to(self._device, non_blocking=True) for side in indices]
        rows = [batch.map(itemgetter(at)) for batch, at in zip(self._sides, chosen, strict=True)]
        first, last = rows[0], rows[-1]
        if isinstance(first, Pair) and isinstance(last, Pair):
            return Pair(source=first.source, target=last.target)
        return first


def fits(source: DataSource, gigabytes: float) -> bool:
    """Whether the pictures of a source in memory take at most so many GiB."""
    pixels = source.info.channels * source.info.size**2
    return source.in_memory and sum(source.lengths) * pixels <= gigabytes * 2**30


def _everything(source: DataSource, side: int, device: torch.device) -> Batch | Pair:
    """All pictures of one side; another side's rows are whatever its first pictures are."""
    length = source.lengths[side]
    parts: list[Batch | Pair] = []
    for start in range(0, length, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, length))
        indices = [rows if other == side else rows % count for other, count in enumerate(source.lengths)]
        parts.append(source.fetch(indices).map(lambda tensor: tensor.to(device)))
    names = [
        name for name in ("real", "label", "source", "target") if isinstance(getattr(parts[0], name, None), Tensor)
    ]
    whole = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return Batch(**whole) if isinstance(parts[0], Batch) else Pair(**whole)
