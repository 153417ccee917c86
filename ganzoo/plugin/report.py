"""What became of each installed plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["loaded", "broken", "disabled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginReport:
    """What became of one entry point.

    status: `loaded`, `broken` (see `problem`) or `disabled` (not on the GANZOO_PLUGINS list).
    api: the contract version it states, None when it was not read.
    offers: names it offered by kind, those of a broken plugin included as far as known.
    problem: one line; empty unless broken. notice: that it offers nothing, or what it does that a later version will
        not take, as far as loading it has shown.
    """

    distribution: str
    version: str
    entry_point: str
    status: Status
    api: int | None = None
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    notice: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all kinds."""
        return tuple(name for names in self.offers.values() for name in names)

    @property
    def title(self) -> str:
        """`ganzoo-dcgan 0.1.0`."""
        return f"{self.distribution} {self.version}".strip()

    def to_json(self) -> dict[str, Any]:
        """The same as plain values, the kinds beside the rest."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "entry_point": self.entry_point,
            "status": self.status,
            "api": self.api,
            **{kind: list(names) for kind, names in self.offers.items()},
            "problem": self.problem,
            "notice": self.notice,
        }

    def to_problem(self) -> dict[str, str]:
        """What `ganzoo list --json` prints of one that is broken."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "entry_point": self.entry_point,
            "reason": self.problem,
        }
