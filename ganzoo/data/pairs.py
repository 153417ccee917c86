"""Pairs of pictures that show the same thing: two folders with equal names, or two pictures side by side in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data.cache import Cache
from ganzoo.data.decoding import opened_pictures
from ganzoo.data.facts import PictureFacts, prints_of
from ganzoo.data.finding import Collection, collect
from ganzoo.data.folder import DEFAULT
from ganzoo.data.matching import Files, matched
from ganzoo.data.pictures import Region, central_region, fitted, pixels_of
from ganzoo.data.prepared import PreparedSource, is_prepared
from ganzoo.data.reading import Held, Reading, cache_of, digest_of, file_digest, rules_of
from ganzoo.data.report import PictureReport
from ganzoo.data.rules import FileFacts, Rules
from ganzoo.data.store import PictureStore, StoreSettings
from ganzoo.data.whole import Cut, Whole, WholeStore
from ganzoo.datainfo import DataInfo, Picture
from ganzoo.errors import DataError, RequestError, first_few
from ganzoo.progress import augments, status_of, wants_advice

if TYPE_CHECKING:
    from ganzoo.architecture import Pair
    from ganzoo.data.source import Notify


Halves = tuple[Image.Image, Image.Image]
Opener = Callable[[Sequence[Held], Sequence[int], Rules, "list[FileFacts]"], AbstractContextManager[Halves]]


def open_pairs(argument: str, options: DataConfig, *, notify: Notify) -> PairsSource | PreparedSource:
    """The data source `pairs:FOLDER`, for paired translation; an archive will do too.

    With `options.target`, another folder, a file's partner has the same path and name below it, whatever its suffix.
    Without, each file holds source and target side by side, each half as wide as the file.
    Partners have one size; where `options.source_size` says that the source is so many times smaller or larger, they
    have one shape. Raises DataError for others, for partners that are missing, and for what `folder` raises it.
    """
    if options.labels not in ("", "none"):
        raise RequestError(f"data.labels = {options.labels!r}: pairs have no labels.")
    if is_prepared(Path(argument)) and not options.target and not options.also:
        return PreparedSource(Path(argument), options)
    kind = WholePairsSource if options.fit == "part" else PairsSource
    if not options.target:
        paths = [Path(argument), *(Path(text.removeprefix("folder:").removeprefix("pairs:")) for text in options.also)]
        collection = collect(paths, options.split)
        return kind([(file,) for file in collection.files], _halves, collection, "side by side", options, notify)
    if options.also:
        raise RequestError(
            "Pairs in two folders are one source and one target; several of each cannot be matched.",
            hint="Put the sources into one folder and the targets into another.",
        )
    places = [Path(argument), Path(options.target.removeprefix("folder:"))]
    sides = [collect([place], options.split) for place in places]
    both = Collection(sides[0].files, [*sides[0].containers, *sides[1].containers], sides[0].root)
    for side in sides:
        both.left_out.update(side.left_out)
        both.notices += side.notices
    return kind(matched(*sides), _both, both, "in two folders", options, notify)


class PairsSource:
    """Pairs, in order of path; those that cannot be read are left out and reported.

    pairs: one tuple of files for each. read: makes source and target of one, of so many channels each, at their own
    sizes.
    """

    def __init__(
        self,
        pairs: Sequence[Files],
        read: Opener,
        collection: Collection,
        how: str,
        options: DataConfig,
        notify: Notify,
    ) -> None:
        likes = [options.picture(DEFAULT, domain) for domain in ("source", "target")]
        self.info = DataInfo({"source": likes[0], "target": likes[1]})
        alike = likes[0].shape[1:] == likes[1].shape[1:]
        misfits = list[str]()
        rules = rules_of(options)
        for line in collection.notices:
            notify(line)

        def read_pair(files: Files, hashed: bool) -> tuple[Reading, Whole]:
            facts = list[FileFacts]()
            try:
                held = [Held(name, file.read()) for name, file in zip(_names(files), files, strict=True)]
                digest = digest_of(*[one.content for one in held]) if hashed else bytes(8)
                with read(held, [like.channels for like in likes], rules, facts) as halves:
                    if not self._correspond(halves, likes):
                        sizes = [f"{half.width}x{half.height}" for half in halves]
                        misfits.append(f"{files[0].name} is {sizes[0]} and its partner {sizes[1]}")
                    pixels, whole = self._taken(halves, likes, options)
                    return Reading(pixels, tuple(facts), digest), whole
            except Exception as error:  # damaged files make decoders raise anything
                return Reading(None, error=error), ()

        def check() -> None:
            if misfits:
                some = first_few(misfits, separator="; ")
                raise DataError(
                    f"Of {len(misfits)} of {len(pairs)} pairs {self._misfit(likes)}: {some}",
                    hint="Resize one of each, so that the same place shows the same thing; or take them out."
                    + (" Where the source shall be smaller or larger: --set data.source_size=N." if alike else ""),
                )

        report = PictureReport(what="pairs", left_out=collection.left_out)
        settings: StoreSettings = {
            "name": lambda files: files[0].name,
            "where": collection.containers[0].where,
            "memory_gb": options.memory_gb,
            "unreadable": options.unreadable,
            "report": report,
            "notify": notify,
            "check": check,
        }
        cache = cache_of(options, lambda files: file_digest(*files), pairs=how, alike=alike)
        self._store = self._open_store(pairs, read_pair, likes, cache, settings)
        self.description = f"{len(self._store)} pairs {how}"
        self.lengths: tuple[int, ...] = (len(self._store),)
        self.in_memory = self._store.in_memory
        names = [pairs[int(index)][0].name[len(collection.root) :] for index in self._store.kept]
        prints = prints_of(names, self._store.contents(lambda files: sum(f.container.size(f.name) for f in files)))
        self.facts = (PictureFacts(report=report, prints=prints, whole=self._store.digests is not None, names=names),)
        status_of(notify)(report.line())
        if how == "side by side" and (narrow := sum(n for (h, w), n in report.sizes.items() if w < 1.5 * h)):
            notify(
                f"warning: {narrow:,} of {len(pairs):,} files are not nearly twice as wide as high, and are cut into a "
                "left half (source) and a right half (target); of two folders: --data SOURCES --target TARGETS"
            )
        for line in (
            report.advice(likes[1], options.fit if options.target else "none", augments=augments(notify))
            if wants_advice(notify)
            else ()
        ):
            notify(line)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        import torch

        from ganzoo.architecture import Pair

        first, second = self.info.pictures["source"], self.info.pictures["target"]
        both = torch.from_numpy(self._store.fetch(indices[0]))  # (N, pixels of both)
        return Pair(
            source=both[:, : first.pixels].reshape(-1, *first.shape),
            target=both[:, first.pixels :].reshape(-1, *second.shape),
        )

    @staticmethod
    def _correspond(halves: Halves, likes: Sequence[Picture]) -> bool:
        return _correspond(halves, likes[0].shape[1:] == likes[1].shape[1:])

    @staticmethod
    def _misfit(likes: Sequence[Picture]) -> str:
        alike = likes[0].shape[1:] == likes[1].shape[1:]
        return f"the pictures differ in {'size' if alike else 'shape'}"

    @staticmethod
    def _taken(halves: Halves, likes: Sequence[Picture], options: DataConfig) -> tuple[NDArray[np.uint8], Whole]:
        """What is kept of a pair that was read: an array of the shape of all pairs, or whole pictures."""
        return np.concatenate([side.ravel() for side in _fitted(halves, likes, options)]), ()

    def _open_store(
        self,
        pairs: Sequence[Files],
        read: Callable[[Files, bool], tuple[Reading, Whole]],
        likes: Sequence[Picture],
        cache: Cache | None,
        settings: StoreSettings,
    ) -> PictureStore[Files]:
        def read_pairs(some: Sequence[Files], hashed: bool) -> Iterator[Reading]:
            return (read(files, hashed)[0] for files in some)

        shape = (sum(like.pixels for like in likes),)
        return PictureStore(pairs, read_pairs, shape=shape, cache=cache, **settings)


class WholePairsSource(PairsSource):
    """Pairs at their own sizes, of which corresponding parts are shown.

    The larger picture of a pair is exactly so many times as large as the smaller, but for what is left at its right
    and lower border.
    """

    has_parts = True
    _store: WholeStore[Files]

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        return self.parts(indices, Cut())

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        return _pair(self._store.parts(indices[0], cut))

    def whole(self, index: int) -> Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        return _pair([picture[None] for picture in self._store.whole(index)])

    @staticmethod
    def _correspond(halves: Halves, likes: Sequence[Picture]) -> bool:
        scales = _times(likes)
        sides = [(half.height // scale, half.width // scale) for half, scale in zip(halves, scales, strict=True)]
        return sides[0] == sides[1] and min(sides[0]) > 0

    @staticmethod
    def _misfit(likes: Sequence[Picture]) -> str:
        first, second = _times(likes)
        if second > first:
            return f"the target is not {second // first} times as large as the source"
        return f"the source is not {first // second} times as large as the target"

    @staticmethod
    def _taken(halves: Halves, likes: Sequence[Picture], options: DataConfig) -> tuple[NDArray[np.uint8], Whole]:
        whole = []
        for half, scale in zip(halves, _times(likes), strict=True):
            pixels = pixels_of(half)
            whole.append(pixels[:, : pixels.shape[1] // scale * scale, : pixels.shape[2] // scale * scale])
        return np.zeros(0, dtype=np.uint8), tuple(whole)

    def _open_store(
        self,
        pairs: Sequence[Files],
        read: Callable[[Files, bool], tuple[Reading, Whole]],
        likes: Sequence[Picture],
        cache: Cache | None,
        settings: StoreSettings,
    ) -> WholeStore[Files]:
        def read_pairs(some: Sequence[Files], hashed: bool) -> Iterator[tuple[Reading, Whole]]:
            return (read(files, hashed) for files in some)

        return WholeStore(pairs, read_pairs, likes=likes, **settings)


def _times(likes: Sequence[Picture]) -> tuple[int, int]:
    """Of source and target: how many times as large it is as the smaller of the two."""
    least = min(like.height for like in likes)
    return likes[0].height // least, likes[1].height // least


def _pair(sides: Sequence[NDArray[np.uint8]]) -> Pair:
    import torch

    from ganzoo.architecture import Pair

    first, second = (torch.from_numpy(np.ascontiguousarray(side)) for side in sides)
    return Pair(source=first, target=second)


def _fitted(halves: Halves, likes: Sequence[Picture], options: DataConfig) -> Iterator[NDArray[np.uint8]]:
    for half, like, region in zip(halves, likes, _same_place(halves, likes), strict=True):
        yield fitted(
            half,
            height=like.height,
            width=like.width,
            resize=options.resize,
            fit=options.fit,
            region=region,
            background=options.background,
        )


def _names(files: Files) -> list[str]:
    """Of a pair: the first below its folder, its partner with its own."""
    return [files[0].name, *(f"{file.container.where}/{file.name}" for file in files[1:])]


@contextlib.contextmanager
def _both(files: Sequence[Held], channels: Sequence[int], rules: Rules, facts: list[FileFacts]) -> Iterator[Halves]:
    with opened_pictures(files, channels, rules=rules, facts=facts) as (first, second):
        yield first, second


@contextlib.contextmanager
def _halves(files: Sequence[Held], channels: Sequence[int], rules: Rules, facts: list[FileFacts]) -> Iterator[Halves]:
    with opened_pictures(files[:1], [max(channels)], rules=rules, facts=facts) as (image,):
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
