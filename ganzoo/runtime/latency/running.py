"""A case and what became of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo.runtime.latency.plan import Case


class Running:
    """One case of a sweep that runs. index: its place. model: what a result says of the file.

    together: processes that ran at once with those of other devices. beside: on how many devices.
    """

    def __init__(self, case: Case, index: int, model: dict[str, Any]) -> None:
        self.case, self.index, self.model = case, index, model
        self.processes: list[dict[str, Any]] = []
        self.together: list[dict[str, Any]] = []
        self.beside = 0
        self.facts: dict[str, Any] = {}
        self.capacity: float | None = None
        self.profile: dict[str, Any] | None = None
        self.picture: str | None = None
        self.written: tuple[object, dict[str, Any]] | None = None

    def state(self, check: object) -> object:
        """What changes whenever the case in the result does."""
        return (
            len(self.processes),
            len(self.together),
            id(self.profile),
            self.picture,
            self.capacity,
            id(check),
            id(self.case.error),
            bool(self.facts),
        )

    def is_smallest(self, alive: Sequence[Running]) -> bool:
        """Of the cases of its place that have not failed: its outputs are compared, for all of them."""
        return self.case.elements == min(each.case.elements for each in alive if each.place == self.place)

    @property
    def place(self) -> tuple[Path, str, str]:
        """Model, provider and device: where outputs are compared once."""
        device = self.case.device
        return self.case.path, self.case.provider, device.key if device is not None else ""
