"""What is written beside and on pictures: seeds, classes, names of stations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ganzoo.sampling.graphs import GraphSet
from ganzoo.sampling.noise import InputChoices, class_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.sampling.walks import Frames


def captions_of(source: GraphSet, seeds: Sequence[int], choices: InputChoices) -> list[str]:
    """`seed 3`, and the class where one is stated."""
    classes = class_names(source, choices.label, len(seeds)) or [""] * len(seeds)
    return [f"seed {seed} {name}".rstrip() for seed, name in zip(seeds, classes, strict=True)]


def film_frames(parts: Iterable[Frames], *, captions: bool) -> Iterator[NDArray[np.uint8]]:
    """The frames of a walk, (H, W, C) uint8; with captions the name of its station is on each."""
    from ganzoo.data.sheets import with_caption

    for part in parts:
        for pixels, name in zip(part.pictures.to_uint8(), part.names, strict=True):
            yield with_caption(pixels, name) if captions else pixels
