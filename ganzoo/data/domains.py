"""What an architecture is shown: pictures, pairs, or two domains. Sources are put together to give it that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganzoo.architecture import Batch, DataKind, Pair
from ganzoo.config import DataConfig
from ganzoo.data.checked import open_source
from ganzoo.data.facts import facts_of
from ganzoo.data.prepared import is_prepared
from ganzoo.data.source import DataSource, Notify, locate
from ganzoo.data.whole import Cut, Get, PassesParts, gives_parts, parts_of
from ganzoo.datainfo import DataInfo, Domain, Picture
from ganzoo.errors import DataError, RequestError, shell_word
from ganzoo.plugin.registry import Registry

_BARE_PATH: dict[DataKind, str] = {"pictures": "folder", "pairs": "pairs", "domains": "folder"}


def kind_of(source: DataSource) -> DataKind:
    """What a source gives. Fetches one picture of each side."""
    first = source.fetch([np.zeros(1, dtype=np.int64)] * len(source.lengths))
    if isinstance(first, Batch):
        return "pictures"
    return "pairs" if len(source.lengths) == 1 else "domains"


def with_whole_paths(
    options: DataConfig, kind: DataKind, registry: Registry, notify: Notify = lambda line: None
) -> DataConfig:
    """Source and target as texts that mean the same from anywhere; of a folder with trainA and trainB, these two.

    Raises RequestError for a name nobody offers.
    """
    if kind == "pictures" and options.target:
        raise RequestError(
            f"--target {options.target!r} is for translation between two domains, and this architecture paints from "
            "noise.",
            hint="`ganzoo list` shows the task of each.",
        )
    if kind == "pictures" and options.swap:
        raise RequestError("data.swap exchanges source and target, and this architecture paints from noise.")
    if kind == "pictures" and (options.source_size or options.source_channels):
        raise RequestError(
            "data.source_size and data.source_channels are of what a translation reads, and this architecture paints "
            "from noise.",
            hint="What is painted has data.size and data.channels.",
        )
    made = kind == "pairs" and options.makes_partners
    bare_path = "folder" if made else _BARE_PATH[kind]
    source = locate(options.source, registry, bare_path=bare_path).text
    also = tuple(locate(text, registry, bare_path=bare_path).text for text in options.also)
    if strange := [text for text in (source, *also) if also and not text.startswith(("folder:", "pairs:"))]:
        raise RequestError(
            f"{strange[0]!r} cannot be read together with others; folders and archives of pictures can.",
            hint="One --data, or several paths.",
        )
    target = locate(options.target, registry, bare_path="folder").text if options.target else ""
    name, _, place = source.partition(":")
    alone = kind != "pictures" and not made and not target and not also and name in ("folder", "pairs")
    if alone and (two := two_sides(Path(place))) is not None:
        first = "pairs" if kind == "pairs" else "folder"
        source, target = f"{first}:{two[0]}", f"folder:{two[1]}"
        notify(f"{place} has {two[0].name} and {two[1].name}: source and target")
    if kind == "pairs" and target:
        if source.startswith("folder:"):
            source = f"pairs:{source.removeprefix('folder:')}"
        if not (source.startswith("pairs:") and target.startswith("folder:")):
            raise RequestError(
                f"Pairs are matched by file name, so source and target are folders; got {source!r} and {target!r}.",
                hint="--data A --target B, two paths.",
            )
    return dataclasses.replace(options, source=source, also=also, target=target)


def gives_pairs(options: DataConfig) -> bool:
    """Whether the settings name both pictures of a pair: a target, pairs, or a folder that has two for the two."""
    if options.target or options.source.startswith("pairs:"):
        return True
    return not options.also and two_sides(Path(options.source.removeprefix("folder:"))) is not None


def has_own_sizes(options: DataConfig, registry: Registry) -> bool:
    """Whether the source is files, which may be shown at their own sizes, and not pictures that were resized before."""
    located = locate(options.source, registry)
    return located.offer.qualified_name in ("ganzoo:folder", "ganzoo:pairs") and not is_prepared(Path(located.argument))


def kind_given(options: DataConfig, registry: Registry) -> DataKind:
    """What the source gives by itself. Of files it is known; another is opened for it."""
    located = locate(options.source, registry, bare_path="folder")
    name, ours = located.text.partition(":")[0], located.offer.qualified_name.startswith("ganzoo:")
    if ours and name in ("folder", "wds", "hf", "digits"):
        return "pictures"
    return kind_of(open_source(options, registry, notify=lambda line: None))


def two_sides(folder: Path) -> tuple[Path, Path] | None:
    """Of a folder that has two for the two sides of a translation, these: trainA and trainB, or A and B."""
    for first, second in (("trainA", "trainB"), ("A", "B")):
        if (folder / first).is_dir() and (folder / second).is_dir():
            return folder / first, folder / second
    return None


def open_kind(options: DataConfig, kind: DataKind, registry: Registry, *, notify: Notify) -> DataSource:
    """A source that gives what is wanted, from the settings that `with_whole_paths` made.

    options: with the sizes that pictures are opened at.
    Raises RequestError for data of another kind, and what `open_source` raises.
    """
    if options.swap and kind != "pictures":
        return Swapped(open_kind(_swapped(options), kind, registry, notify=notify))
    if kind == "domains" and options.target:
        halved = dataclasses.replace(options, memory_gb=options.memory_gb / 2, target="")
        read = dataclasses.replace(
            halved,
            size=options.size if options.source_size is None else options.source_size,
            channels=options.channels if options.source_channels is None else options.source_channels,
            source_size=None,
            source_channels=None,
        )
        painted = dataclasses.replace(halved, source=options.target, also=(), source_size=None, source_channels=None)
        parts = [open_source(part, registry, notify=notify) for part in (read, painted)]
        for text, part in zip((options.source, options.target), parts, strict=True):
            if kind_of(part) != "pictures":
                raise RequestError(
                    f"{text!r} gives {_NAMES[kind_of(part)]} by itself, and cannot be one of two domains.",
                    hint=f"--data {shell_word(text)}, without --target.",
                )
        apart = options.source_size is not None or options.source_channels is not None
        source: DataSource = TwoDomains(*parts, may_differ=apart)
    else:
        source = open_source(options, registry, notify=notify)
        found = kind_of(source)
        if kind == "domains" and found == "pairs":
            source = Unpaired(source)
        elif found != kind:
            raise RequestError(_mismatch(options.source, found, kind), hint=_HINTS[kind])
    return source


def _swapped(options: DataConfig) -> DataConfig:
    """For a source whose sides are exchanged afterwards: what is read by the networks is what it calls its target."""
    size, channels = options.size, options.channels
    return dataclasses.replace(
        options,
        swap=False,
        size=size if options.source_size is None else options.source_size,
        source_size=None if options.source_size is None else size,
        channels=channels if options.source_channels is None else options.source_channels,
        source_channels=None if options.source_channels is None else channels,
    )


_NAMES: dict[DataKind, str] = {
    "pictures": "pictures of one domain",
    "pairs": "pairs of pictures",
    "domains": "two domains whose pictures do not correspond",
}
_HINTS: dict[DataKind, str] = {
    "pictures": "--data takes a folder of pictures, or a source such as digits.",
    "domains": "Name the other domain: --data A --target B, two folders; or try --data digits-neon.",
    "pairs": "--data takes a folder of pictures side by side; --data A --target B two folders with equal names; "
    "or try --data digits-outline.",
}


def _mismatch(text: str, found: DataKind, wanted: DataKind) -> str:
    return f"{text!r} gives {_NAMES[found]}, and this architecture learns from {_NAMES[wanted]}."


class TwoDomains:
    """Two sources of pictures as the two sides of an unpaired one.

    may_differ: the user has said that they do. Raises DataError when their shapes differ and nobody has said so.
    """

    def __init__(self, source: DataSource, target: DataSource, *, may_differ: bool = False) -> None:
        pictures: dict[Domain, Picture] = {"source": source.info.picture, "target": target.info.picture}
        if pictures["source"] != pictures["target"] and not may_differ:
            raise DataError(
                f"The source gives pictures of {pictures['source']} and the target of {pictures['target']}.",
                hint="State what both shall be: --set data.size=N --set data.channels=3",
            )
        self._parts = (source, target)
        self.info = DataInfo(pictures)
        self.description = f"{source.description} and {target.description}"
        self.lengths: tuple[int, ...] = (*source.lengths, *target.lengths)
        self.in_memory = source.in_memory and target.in_memory
        sides = facts_of(source), facts_of(target)
        self.facts = (*sides[0], *sides[1]) if all(sides) else ()
        self.has_parts = any(map(gives_parts, self._parts))

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        return self.parts(indices, Cut())

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        cuts = (cut, cut.of_others())
        first, second = (
            parts_of(part, [side], one) for part, side, one in zip(self._parts, indices, cuts, strict=True)
        )
        assert isinstance(first, Batch) and isinstance(second, Batch)
        return Pair(source=first.real, target=second.real)


class Unpaired:
    """A source of pairs whose two sides are shuffled on their own."""

    def __init__(self, pairs: DataSource) -> None:
        self._pairs = pairs
        self.info = pairs.info.of("source", "target")
        self.description = f"{pairs.description}, unpaired"
        self.lengths: tuple[int, ...] = pairs.lengths * 2
        self.in_memory = pairs.in_memory
        self.facts = facts_of(pairs) * 2
        self.has_parts = gives_parts(pairs)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        return self.parts(indices, Cut())

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        cuts = (cut, cut.of_others())
        sources, targets = (parts_of(self._pairs, [side], one) for side, one in zip(indices, cuts, strict=True))
        assert isinstance(sources, Pair) and isinstance(targets, Pair)
        return Pair(source=sources.source, target=targets.target)


class Swapped(PassesParts):
    """Source and target exchanged."""

    def __init__(self, source: DataSource) -> None:
        self.inner = source
        pictures = source.info.of("source", "target").pictures
        self.info = DataInfo({"source": pictures["target"], "target": pictures["source"]}, source.info.condition)
        self.description = f"{source.description}, source and target exchanged"
        self.lengths: tuple[int, ...] = source.lengths[::-1]
        self.in_memory = source.in_memory
        self.facts = facts_of(source)[::-1]

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        return self.passed(indices, self.inner.fetch)

    def passed(self, indices: Sequence[NDArray[np.int64]], get: Get) -> Pair:
        pair = get(indices[::-1])
        assert isinstance(pair, Pair)
        return Pair(source=pair.target, target=pair.source)
