"""A case and what became of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganzoo.runtime.latency.plan import Case


class Running:
    """One case of a sweep that runs. index: its place. model: what a result says of the file."""

    def __init__(self, case: Case, index: int, model: dict[str, Any]) -> None:
        self.case, self.index, self.model = case, index, model
        self.processes: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {}
        self.capacity: float | None = None
        self.profile: dict[str, Any] | None = None
        self.picture: str | None = None
        self.written: tuple[object, dict[str, Any]] | None = None

    def state(self, check: object) -> object:
        """What changes whenever the case in the result does."""
        return (
            len(self.processes),
            id(self.profile),
            self.picture,
            self.capacity,
            id(check),
            id(self.case.error),
            bool(self.facts),
        )

    def is_smallest(self, alive: Sequence[Running]) -> bool:
        """Of the cases of its model and provider that have not failed: its outputs are compared, for all of them."""
        place = (self.case.path, self.case.provider)
        others = [each.case for each in alive if (each.case.path, each.case.provider) == place]
        return self.case.elements == min(case.elements for case in others)
