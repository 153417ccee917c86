"""Pictures of a data source as a set to be judged, or to be judged against."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzoo.data.crops import pictures_of
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource
from ganzoo.datainfo import Domain, height_and_width, size_text
from ganzoo.evaluation.picture_set import PictureChunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.config import DataConfig

_NOT_PIXELS = (
    "source", "also", "target", "memory_gb", "device_memory_gb", "cache", "flip", "turn", "balance", "unreadable",
    "labels", "label_columns", "unlabelled", "size", "channels", "source_size", "source_channels",
)  # fmt: skip


class SourcePictures:
    """Some pictures of a source. domain: which of a pair. indices: which, (n,); all if None."""

    def __init__(
        self, source: DataSource, *, domain: Domain = "real", indices: NDArray[np.int64] | None = None, title: str = ""
    ) -> None:
        self.source, self.domain, self.title = source, domain, title or f"reading {domain} pictures"
        side = 0 if domain != "target" or len(source.lengths) == 1 else 1
        self.available = source.lengths[side]
        self.indices = np.arange(self.available) if indices is None else indices
        self.count = len(self.indices)
        self._pixels_hash = ""
        facts = facts_of(source)
        self.facts = facts[side] if side < len(facts) else None

    def read(self, start: int, stop: int) -> PictureChunk:
        chosen = self.indices[start:stop]
        rows = [chosen % length for length in self.source.lengths]
        batch = self.source.fetch(rows)
        label: Any = getattr(batch, "label", None)
        pixels: NDArray[np.uint8] = pictures_of(batch)[self.domain].cpu().numpy()
        if label is None or label.ndim != 1:
            return PictureChunk(pixels, None)
        return PictureChunk(pixels, label.cpu().numpy())

    def labels(self) -> NDArray[np.int64] | None:
        """Of the chosen pictures (n,), where they are of classes and the source says so without reading them."""
        condition = self.source.info.condition
        if condition is None or condition.kind != "class":
            return None
        if self.facts is not None and self.facts.labels is not None and self.facts.labels.ndim == 1:
            found: NDArray[np.int64] = self.facts.labels[self.indices]
            return found
        parts = [self.read(start, min(start + 1000, self.count)).labels for start in range(0, self.count, 1000)]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) and known else None

    def contents(self) -> str:
        """A hash of the bytes of the chosen files, in whatever order; empty without files, or if not all were read."""
        if self.facts is None or not self.facts.whole or self.facts.contents is None:
            return ""
        chosen = np.sort(self.facts.contents[self.indices]).astype("<u8")  # other names, another order, the same set
        return hashlib.sha256(chosen.tobytes()).hexdigest()[:32]

    def identity(self) -> str:
        """What tells these pictures from others: of their files, or else of their pixels; empty where neither is."""
        return self.contents() or self.pixels_hash()

    def labels_hash(self) -> str:
        """Of the labels in their order; empty without classes."""
        labels = self.labels()
        return "" if labels is None else hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()[:32]

    def order_hash(self) -> str:
        """Of the files in their order, by which their features are kept."""
        if self.facts is None or not self.facts.whole or self.facts.contents is None:
            return self.pixels_hash()
        return hashlib.sha256(self.facts.contents[self.indices].astype("<u8").tobytes()).hexdigest()[:32]

    def pixels_hash(self) -> str:
        """A hash of the chosen pixels, of a source that has them in memory; empty of another."""
        if not self.source.in_memory or self._pixels_hash:
            return self._pixels_hash
        hashed = hashlib.sha256()
        for start in range(0, self.count, 500):
            hashed.update(np.ascontiguousarray(self.read(start, min(start + 500, self.count)).pixels).tobytes())
        self._pixels_hash = hashed.hexdigest()[:32]
        return self._pixels_hash

    def formats(self) -> str:
        """`PNG` or `JPEG and PNG`: of its files; `in memory` where there are none."""
        found: Counter[str] = self.facts.report.formats if self.facts is not None else Counter()
        return " and ".join(sorted(found)) or "in memory"

    def shape(self) -> str:
        picture = self.source.info.pictures[self.domain]
        return f"{picture.channels}x{size_text(picture.height, picture.width)}"


def pixel_settings(options: DataConfig) -> Mapping[str, Any]:
    """The settings of [data] that decide about pixels; where the pictures lie does not, and their shape and their
    contents are known otherwise."""
    kept = {item.name for item in dataclasses.fields(options)} - set(_NOT_PIXELS)
    found = {name: getattr(options, name) for name in sorted(kept)}
    if options.load_size is not None:
        found["load_size"] = size_text(*height_and_width(options.load_size))
    return found


def evenly(available: int, count: int) -> NDArray[np.int64]:
    """`count` indices of so many, evenly spaced; all of them for 0."""
    if not count or count >= available:
        return np.arange(available)
    return np.linspace(0, available - 1, count).astype(np.int64)
