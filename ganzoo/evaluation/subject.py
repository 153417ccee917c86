"""What is judged: whoever paints, translates, or has painted pictures. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ganzoo.evaluation.metric import Latents
from ganzoo.evaluation.picture_set import PictureSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Partners = Callable[[], Iterator[tuple["NDArray[np.uint8]", "NDArray[np.uint8]"]]]


class Subject(Protocol):
    """facts: what it is, for the record: kind, name, architecture; no path. settings: of the protocol: count, labels,
    values. repeats: whether other seeds paint other pictures. partners, way_back: see `Evidence`; None without.
    history: lines of the metrics of its training."""

    @property
    def history(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def facts(self) -> Mapping[str, Any]: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def repeats(self) -> bool: ...

    @property
    def partners(self) -> Partners | None: ...

    @property
    def way_back(self) -> Partners | None: ...

    def painted(self, first_seed: int) -> PictureSet:
        """The pictures to judge. first_seed: of the first; each has its own."""
        ...

    def latents(self) -> Latents | None:
        """The generator from its latents; None for what has none."""
        ...

    def walk(self) -> NDArray[np.uint8] | None:
        """Some pictures on a way through its latents, (N, C, H, W); None for what has none."""
        ...
