"""Pictures that look the same, though their files differ: saved again, resized a little, brighter.

A picture is reduced to 9 x 8 grey pixels; each bit of its hash says whether a pixel is brighter than its right
neighbour. Where hashes differ in few bits, 16 x 16 pixels decide, brightness and contrast left out of account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MOST_BITS = 3
_BANDS = 4  # of 16 bits: hashes that differ in three bits agree in one of them
_CROWD = 2000  # pictures in a band that are compared with each other
_SIDE = 16
_MOST_DIFFERENT = 0.15  # root mean square, of pixels whose spread is 1


def look_of(pixels: NDArray[np.uint8]) -> tuple[np.uint64, NDArray[np.float16]]:
    """64 bits, and (768,) pixels of mean 0 and spread 1, of one picture (C, H, W)."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    grey = image.convert("L")
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    thumbnail = np.asarray(image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)).astype(np.float32).ravel()
    thumbnail = (thumbnail - thumbnail.mean()) / max(float(thumbnail.std()), 1.0)
    return np.packbits(bits).view(np.uint64)[0], thumbnail.astype(np.float16)


def alike(hashes: NDArray[np.uint64], thumbnails: NDArray[np.float16]) -> list[list[int]]:
    """Groups of pictures that look like the first of the group, the larger groups first; each is in one at most.

    hashes: (N,). thumbnails: (N, 768). Pictures of one shade, whose hash says nothing, are in none.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    taken: set[int] = set()
    for first, other in sorted(set(_candidates(hashes))):
        if first in taken or other in taken:
            continue
        apart = thumbnails[first].astype(np.float32) - thumbnails[other]
        if float(np.sqrt((apart**2).mean())) <= _MOST_DIFFERENT:
            groups[first].append(other)
            taken.add(other)
    return sorted(([first, *others] for first, others in groups.items()), key=len, reverse=True)


def _candidates(hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs of indices, the smaller first, whose hashes differ in few bits."""
    bands = hashes.view(np.uint16).reshape(len(hashes), _BANDS)
    for band in range(_BANDS):
        crowds = defaultdict(list)
        for index, value in enumerate(bands[:, band].tolist()):
            if hashes[index]:
                crowds[value].append(index)
        for members in crowds.values():
            yield from _near(hashes, members[:_CROWD])


def _near(hashes: NDArray[np.uint64], members: Sequence[int]) -> Iterator[tuple[int, int]]:
    chosen = hashes[list(members)]
    for at, index in enumerate(members[:-1]):
        differing = chosen[at + 1 :] ^ chosen[at]
        bits = np.unpackbits(differing.view(np.uint8).reshape(len(differing), 8), axis=1).sum(1)
        for other in np.flatnonzero(bits <= _MOST_BITS).tolist():
            yield index, members[at + 1 + other]
