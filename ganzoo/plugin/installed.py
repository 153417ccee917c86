"""A spec and who offers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ganzoo.version import API_VERSION

SpecT = TypeVar("SpecT")

SCRIPT = "__main__"
"""The distribution of what a script or notebook registered by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledSpec(Generic[SpecT]):
    """A spec and the distribution that offers it. What the spec has can be asked for here too.

    api: the contract that the plugin was written against, its GANZOO_API.
    """

    spec: SpecT
    distribution: str
    version: str
    api: int = API_VERSION

    if not TYPE_CHECKING:  # who checks types writes `.spec.task`

        def __getattr__(self, name: str) -> object:
            """`.task` is `.spec.task`."""
            if name.startswith("__") or name == "spec":
                raise AttributeError(name)
            return getattr(self.spec, name)

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
