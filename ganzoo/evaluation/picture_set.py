"""Pictures that are painted or read when they are asked for. Importing this needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 50
"""Pictures at once, whatever the number of processes, so that their number does not show in the last bits."""


class PictureChunk(NamedTuple):
    """pixels: (n, C, H, W) uint8. labels: (n,) int64, or None."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None


class PictureSet(Protocol):
    """count: how many pictures. title: what is being done, for a bar."""

    @property
    def count(self) -> int: ...

    @property
    def title(self) -> str: ...

    def read(self, start: int, stop: int) -> PictureChunk:
        """Those from start to stop. Raises what making or reading them raises."""
        ...
