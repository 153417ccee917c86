"""What is written beside and on pictures: seeds, classes, names of stations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ganzoo.errors import first_few
from ganzoo.sampling.graphs import GraphSet
from ganzoo.sampling.noise import InputChoices, class_names

_READABLE = 128  # pixels of the shorter side, at least, where something is written on a picture

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
            if not captions:
                yield pixels
                continue
            times = max(1, -(-_READABLE // min(pixels.shape[:2])))  # small pictures pixel by pixel, to be read
            yield with_caption(pixels.repeat(times, 0).repeat(times, 1), name)


def seeds_in_words(seeds: Sequence[int]) -> str:
    """`seeds 3`, `seeds 0 to 7`, or of others than neighbours `seeds 3, 14, 15 and 2 more`."""
    first, last = seeds[0], seeds[-1]
    neighbours = last - first == len(seeds) - 1 and list(seeds) == list(range(first, last + 1))
    if neighbours and len(seeds) > 1:
        return f"seeds {first} to {last}"
    return f"seeds {first_few([str(seed) for seed in seeds], 8)}"
