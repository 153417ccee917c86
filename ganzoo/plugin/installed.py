"""A spec and who offers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

SpecT = TypeVar("SpecT")

SCRIPT = "__main__"
"""The distribution of what a script or notebook registered by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledSpec(Generic[SpecT]):
    """A spec and the distribution that offers it."""

    spec: SpecT
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """What users type."""
        return str(self.spec.name)  # type: ignore[attr-defined]  # every spec has one

    @property
    def qualified_name(self) -> str:
        """`distribution:name`, which is unique."""
        return f"{self.distribution}:{self.name}"

    @property
    def maker(self) -> str:
        """`'dcgan' of ganzoo-dcgan 0.1.0`, for messages."""
        return f"{self.name!r} of {self.distribution} {self.version}".strip()
