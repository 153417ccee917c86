"""Pairs of pictures that show the same thing: two folders with equal names, or two pictures side by side in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data.decoding import opened_pictures
from ganzoo.data.finding import find_pictures
from ganzoo.data.folder import DEFAULT
from ganzoo.data.pictures import Region, central_region, fitted
from ganzoo.data.store import PictureStore
from ganzoo.datainfo import DataInfo, Picture
from ganzoo.errors import DataError, first_few

if TYPE_CHECKING:
    from ganzoo.architecture import Pair
    from ganzoo.data.source import Notify


Halves = tuple[Image.Image, Image.Image]


def open_pairs(argument: str, options: DataConfig, *, notify: Notify) -> PairsSource:
    """The data source `pairs:FOLDER`, for paired translation.

    With `options.target`, another folder, a file's partner has the same path and name below it, whatever its suffix.
    Without, each file holds source and target side by side, each half as wide as the file.
    Partners have one size; where `options.source_size` says that the source is so many times smaller or larger, they
    have one shape. Raises DataError for others, for partners that are missing, and for what `folder` raises it.
    """
    folder = Path(argument)  # options.target is `folder:PATH`
    if not options.target:
        return PairsSource(
            [(path,) for path in find_pictures(folder, notify)], _halves, folder, "side by side", options, notify
        )
    other = Path(options.target.removeprefix("folder:"))
    return PairsSource(_matched(folder, other, notify), _both, folder, "in two folders", options, notify)


class PairsSource:
    """Pairs, in order of path; those that cannot be read are left out and reported.

    files: one tuple for each pair. read: makes source and target of one, of so many channels each, at their own sizes.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, ...]],
        read: Callable[[tuple[Path, ...], Sequence[int]], AbstractContextManager[Halves]],
        folder: Path,
        how: str,
        options: DataConfig,
        notify: Notify,
    ) -> None:
        likes = [options.picture(DEFAULT, domain) for domain in ("source", "target")]
        self.info = DataInfo({"source": likes[0], "target": likes[1]})
        alike = likes[0].shape[1:] == likes[1].shape[1:]
        misfits: list[str] = []

        def read_pair(paths: tuple[Path, ...]) -> NDArray[np.uint8]:
            with read(paths, [like.channels for like in likes]) as halves:
                if not _correspond(halves, alike):
                    sizes = [f"{half.width}x{half.height}" for half in halves]
                    misfits.append(f"{paths[0].relative_to(folder)} is {sizes[0]} and its partner {sizes[1]}")
                return np.concatenate(
                    [
                        fitted(
                            half,
                            height=like.height,
                            width=like.width,
                            resize=options.resize,
                            fit=options.fit,
                            region=region,
                        ).ravel()
                        for half, like, region in zip(halves, likes, _same_place(halves, likes), strict=True)
                    ]
                )

        self._store = PictureStore(
            files,
            read_pair,
            shape=(sum(like.pixels for like in likes),),
            name=lambda paths: str(paths[0].relative_to(folder)),
            where=str(folder),
            memory_gb=options.memory_gb,
            notify=notify,
        )
        if misfits:
            raise DataError(
                f"Of {len(misfits)} of {len(files)} pairs the pictures differ in {'size' if alike else 'shape'}: "
                f"{_first(misfits)}",
                hint="Resize one of each, so that the same place shows the same thing; or take them out."
                + (" Where the source shall be smaller or larger: --set data.source_size=N." if alike else ""),
            )
        self.description = f"{len(self._store)} pairs {how}"
        self.lengths: tuple[int, ...] = (len(self._store),)
        self.in_memory = self._store.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        import torch

        from ganzoo.architecture import Pair

        first, second = self.info.pictures["source"], self.info.pictures["target"]
        both = torch.from_numpy(self._store.fetch(indices[0]))  # (N, pixels of both)
        return Pair(
            source=both[:, : first.pixels].reshape(-1, *first.shape),
            target=both[:, first.pixels :].reshape(-1, *second.shape),
        )


@contextlib.contextmanager
def _both(paths: tuple[Path, ...], channels: Sequence[int]) -> Iterator[Halves]:
    with opened_pictures(paths, channels) as (first, second):
        yield first, second


@contextlib.contextmanager
def _halves(paths: tuple[Path, ...], channels: Sequence[int]) -> Iterator[Halves]:
    with opened_pictures(paths[:1], [max(channels)]) as (image,):
        if image.width % 2:
            raise ValueError(f"it is {image.width}x{image.height}, and two pictures side by side have an even width")
        middle = image.width // 2
        parts = image.crop((0, 0, middle, image.height)), image.crop((middle, 0, image.width, image.height))
        yield parts[0].convert(_MODES[channels[0]]), parts[1].convert(_MODES[channels[1]])


def _same_place(halves: Halves, likes: Sequence[Picture]) -> list[Region]:
    """The middle of the smaller picture, in whole pixels, and what lies there in the other."""
    smaller = min(halves, key=lambda half: half.width * half.height)
    like = likes[0] if smaller is halves[0] else likes[1]
    left, top, right, bottom = central_region(smaller, height=like.height, width=like.width)
    regions = []
    for half in halves:
        across, down = half.width / smaller.width, half.height / smaller.height
        regions.append((left * across, top * down, right * across, bottom * down))
    return regions


_MODES = {1: "L", 3: "RGB"}


def _correspond(halves: Halves, alike: bool) -> bool:
    """Whether a place of one shows what that place of the other shows: of one size, or of one shape to a pixel."""
    first, second = halves
    if alike:
        return first.size == second.size
    scale = second.height / first.height
    return abs(second.width - first.width * scale) <= max(1.0, scale)


def _matched(folder: Path, other: Path, notify: Notify) -> list[tuple[Path, ...]]:
    sides = [_by_name(place, find_pictures(place, notify)) for place in (folder, other)]
    alone = [
        f"{len(names)} of {len(sides[side])} in {place} have no partner: {_first(sorted(names))}"
        for side, place in enumerate((folder, other))
        if (names := set(sides[side]) - set(sides[1 - side]))
    ]
    if alone:
        raise DataError(
            "The two folders do not match. " + "; ".join(alone),
            hint="A pair has one path and name in both folders (the suffix may differ). "
            "Pictures that do not correspond want an unpaired architecture; `ganzoo list` shows them.",
        )
    return [(path, sides[1][name]) for name, path in sides[0].items()]


def _by_name(folder: Path, paths: Sequence[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in paths:
        name = str(path.relative_to(folder).with_suffix(""))
        if name in named:
            raise DataError(
                f"{folder} has {named[name].name} and {path.name}, and it is not clear which is the partner.",
                hint="Keep one of them.",
            )
        named[name] = path
    return named


_first = partial(first_few, separator="; ")
