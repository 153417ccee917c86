"""What an architecture is shown: pictures, pairs, or two domains. Sources are put together to give it that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganzoo.architecture import Architecture, Batch, ImageToImage, Pair
from ganzoo.config import DataConfig
from ganzoo.data.source import DataSource, Notify, locate, open_source
from ganzoo.errors import DataError, RequestError
from ganzoo.plugin.registry import Registry

Kind = Literal["pictures", "pairs", "domains"]
"""Batches; Pairs whose source and target show the same thing; Pairs of two sides that are shuffled on their own."""

_BARE_PATH: dict[Kind, str] = {"pictures": "folder", "pairs": "pairs", "domains": "folder"}


def kind_wanted(architecture: type[Architecture]) -> Kind:
    if not issubclass(architecture, ImageToImage):
        return "pictures"
    return "pairs" if architecture.paired else "domains"


def kind_of(source: DataSource) -> Kind:
    """What a source gives. Fetches one picture of each side."""
    first = source.fetch([np.zeros(1, dtype=np.int64)] * len(source.lengths))
    if isinstance(first, Batch):
        return "pictures"
    return "pairs" if len(source.lengths) == 1 else "domains"


def with_whole_paths(options: DataConfig, kind: Kind, registry: Registry) -> DataConfig:
    """Source and target as texts that mean the same from anywhere. Raises RequestError for a name nobody offers."""
    if kind == "pictures" and options.target:
        raise RequestError(
            f"--target {options.target!r} is for translation between two domains, and this architecture paints from "
            "noise.",
            hint="`ganzoo list` shows the task of each.",
        )
    if kind == "pictures" and options.swap:
        raise RequestError("data.swap exchanges source and target, and this architecture paints from noise.")
    source = locate(options.source, registry, bare_path=_BARE_PATH[kind]).text
    target = locate(options.target, registry, bare_path="folder").text if options.target else ""
    if kind == "pairs" and target:
        if source.startswith("folder:"):
            source = f"pairs:{source.removeprefix('folder:')}"
        if not (source.startswith("pairs:") and target.startswith("folder:")):
            raise RequestError(
                f"Pairs are matched by file name, so source and target are folders; got {source!r} and {target!r}.",
                hint="--data A --target B, two paths.",
            )
    return dataclasses.replace(options, source=source, target=target)


def open_kind(options: DataConfig, kind: Kind, registry: Registry, *, notify: Notify) -> DataSource:
    """A source that gives what is wanted, from the settings that `with_whole_paths` made.

    Raises RequestError for data of another kind, and what `open_source` raises.
    """
    if kind == "domains" and options.target:
        parts = [
            open_source(
                dataclasses.replace(options, source=text, target="", memory_gb=options.memory_gb / 2),
                registry,
                notify=notify,
            )
            for text in (options.source, options.target)
        ]
        for text, part in zip((options.source, options.target), parts, strict=True):
            if kind_of(part) != "pictures":
                raise RequestError(
                    f"{text!r} gives {_NAMES[kind_of(part)]} by itself, and cannot be one of two domains.",
                    hint=f"--data {text}, without --target.",
                )
        source: DataSource = TwoDomains(*parts)
    else:
        source = open_source(options, registry, notify=notify)
        found = kind_of(source)
        if kind == "domains" and found == "pairs":
            source = Unpaired(source)
        elif found != kind:
            raise RequestError(_mismatch(options.source, found, kind), hint=_HINTS[kind])
    return Swapped(source) if options.swap and kind != "pictures" else source


_NAMES: dict[Kind, str] = {
    "pictures": "pictures of one domain",
    "pairs": "pairs of pictures",
    "domains": "two domains whose pictures do not correspond",
}
_HINTS: dict[Kind, str] = {
    "pictures": "--data takes a folder of pictures, or a source such as digits.",
    "domains": "Name the other domain: --data A --target B, two folders; or try --data digits-neon.",
    "pairs": "--data takes a folder of pictures side by side; --data A --target B two folders with equal names; "
    "or try --data digits-outline.",
}


def _mismatch(text: str, found: Kind, wanted: Kind) -> str:
    return f"{text!r} gives {_NAMES[found]}, and this architecture learns from {_NAMES[wanted]}."


class TwoDomains:
    """Two sources of pictures as the two sides of an unpaired one. Raises DataError when their shapes differ."""

    def __init__(self, source: DataSource, target: DataSource) -> None:
        shapes = [(part.info.channels, part.info.size, part.info.size) for part in (source, target)]
        if shapes[0] != shapes[1]:
            first, second = ("x".join(map(str, shape)) for shape in shapes)
            raise DataError(
                f"The source gives pictures of {first} and the target of {second}.",
                hint="State what both shall be: --set data.size=N --set data.channels=3",
            )
        self._parts = (source, target)
        self.info = dataclasses.replace(source.info, classes=0)
        self.description = f"{source.description} and {target.description}"
        self.lengths: tuple[int, ...] = (*source.lengths, *target.lengths)
        self.in_memory = source.in_memory and target.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        first, second = (part.fetch([side]) for part, side in zip(self._parts, indices, strict=True))
        assert isinstance(first, Batch) and isinstance(second, Batch)
        return Pair(source=first.real, target=second.real)


class Unpaired:
    """A source of pairs whose two sides are shuffled on their own."""

    def __init__(self, pairs: DataSource) -> None:
        self._pairs = pairs
        self.info = pairs.info
        self.description = f"{pairs.description}, unpaired"
        self.lengths: tuple[int, ...] = pairs.lengths * 2
        self.in_memory = pairs.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        sources, targets = (self._pairs.fetch([side]) for side in indices)
        assert isinstance(sources, Pair) and isinstance(targets, Pair)
        return Pair(source=sources.source, target=targets.target)


class Swapped:
    """Source and target exchanged."""

    def __init__(self, source: DataSource) -> None:
        self._inner = source
        self.info = source.info
        self.description = f"{source.description}, source and target exchanged"
        self.lengths: tuple[int, ...] = source.lengths[::-1]
        self.in_memory = source.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Pair:
        pair = self._inner.fetch(indices[::-1])
        assert isinstance(pair, Pair)
        return Pair(source=pair.target, target=pair.source)
