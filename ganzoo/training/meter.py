"""The mean of a number that a device computes at every step."""

from __future__ import annotations

import torch
from torch import Tensor

_MOST_KEPT = 1_000


class Meter:
    """The mean of scalars on the device. Kept in a list: adding up at every step costs a kernel for each."""

    def __init__(self) -> None:
        self._values: list[Tensor] = []
        self._total: Tensor | float = 0.0
        self._count = 0

    def add(self, value: Tensor) -> None:
        self._values.append(value)
        if len(self._values) == _MOST_KEPT:
            self._fold()

    def mean(self) -> Tensor:
        self._fold()
        return torch.as_tensor(self._total / self._count)

    def _fold(self) -> None:
        if self._values:
            self._total = self._total + torch.stack(self._values).double().sum()
            self._count += len(self._values)
            self._values.clear()
