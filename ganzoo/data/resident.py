"""A source held on the device as uint8, so that a step costs no copy of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.nn import to_device

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
        self.facts = facts_of(source)
        self._device = device
        whole = [_everything(source, side, device) for side in range(len(source.lengths))]
        # An unpaired source has a second side, and only its targets are of use.
        self._tensors = {**whole[-1], **({"source": whole[0]["source"]} if len(whole) > 1 else {})}

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        chosen = [to_device(torch.from_numpy(side), self._device) for side in indices]
        rows = {
            name: tensor.index_select(0, chosen[-1 if name == "target" else 0])
            for name, tensor in self._tensors.items()
        }
        return Pair(**rows) if "target" in rows else Batch(**rows)


def fits(source: DataSource, gigabytes: float) -> bool:
    """Whether the pictures of a source in memory take at most so many GiB."""
    if not source.in_memory:
        return False
    pixels = [picture.pixels for picture in source.info.pictures.values()]
    if len(source.lengths) == len(pixels):
        return sum(count * size for count, size in zip(source.lengths, pixels, strict=True)) <= gigabytes * 2**30
    return source.lengths[0] * sum(pixels) <= gigabytes * 2**30  # a paired row has two


def _everything(source: DataSource, side: int, device: torch.device) -> dict[str, Tensor]:
    """The tensors of a batch with all pictures of one side; of an unpaired source the other side's are left out."""
    length, unpaired = source.lengths[side], len(source.lengths) > 1
    parts: dict[str, list[Tensor]] = {}
    for start in range(0, length, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, length))
        batch = source.fetch([rows if other == side else rows % count for other, count in enumerate(source.lengths)])
        names = ("real", "label") if isinstance(batch, Batch) else ("source", "target")
        for name in (names[side],) if unpaired else names:
            tensor = getattr(batch, name)
            if tensor is not None:
                parts.setdefault(name, []).append(tensor.to(device))
    return {name: torch.cat(tensors) for name, tensors in parts.items()}
