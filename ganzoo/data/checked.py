"""A data source held to what it declares, so that a picture of another kind is a sentence and not a traceback."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.config import DataConfig
from ganzoo.data.crops import pictures_of
from ganzoo.data.facts import facts_of
from ganzoo.data.source import DataSource, Notify, locate
from ganzoo.data.whole import Cut, gives_parts, parts_of
from ganzoo.datainfo import DataInfo
from ganzoo.errors import DataError, GanzooError, RequestError, one_line
from ganzoo.plugin.call import call_plugin, expect, is_strict, load_object
from ganzoo.plugin.registry import Registry

_LABELS = {"class": torch.int64, "vector": torch.float32}


def open_source(options: DataConfig, registry: Registry, *, notify: Notify) -> CheckedSource:
    """The source that `options.source` names.

    Raises RequestError for a name nobody offers, DataError when its pictures cannot be read,
    PluginError when a plugin's source is broken.
    """
    located = locate(options.source, registry)
    offer = located.offer
    factory = load_object(offer.spec.implementation, offer=offer)
    failed = f"The data source {offer.maker} failed"
    source: DataSource = call_plugin(factory, located.argument, options, notify=notify, failed=failed, kind=DataError)
    lacking = [name for name in ("info", "description", "lengths", "in_memory", "fetch") if not hasattr(source, name)]
    if lacking:
        raise DataError(
            f"{offer.spec.implementation} of {offer.distribution} gave a {type(source).__name__} without "
            f"{', '.join(lacking)}.",
            hint="See DataSource in ganzoo.data.source.",
        )
    expect(source, DataSource, offer.spec.implementation, offer, DataError)
    if options.fit == "part" and not gives_parts(source):
        raise RequestError(
            f"data.fit = 'part' is for folders and archives, and {options.source!r} gives pictures of one size.",
            hint="--set data.fit=crop, or --data FOLDER.",
        )
    return CheckedSource(source, offer.maker)


class CheckedSource:
    """What another source gives, each batch compared with its `info`.

    maker: who offers it, for messages. Its first and last picture are fetched at once.
    Raises DataError for pictures that are no uint8 or of another shape than declared, labels that do not fit the
    condition, and whatever the source itself raises.
    """

    def __init__(self, source: DataSource, maker: str) -> None:
        self._source = source
        self._maker = maker
        try:
            info, lengths, description = source.info, source.lengths, source.description
        except GanzooError:
            raise
        except Exception as error:  # of a property
            raise self._error(f"failed: {one_line(error)}") from error
        if not isinstance(description, str):
            raise self._error(f"says description = {description!r}: expected one line of text")
        if not isinstance(info, DataInfo):
            raise self._error(f"says info = {info!r}, which is no DataInfo")
        sides = [*lengths] if isinstance(lengths, tuple | list) else []
        if len(sides) not in (1, 2) or not all(
            isinstance(side, int | np.integer) and 0 < side < 2**40 for side in sides
        ):
            raise self._error(f"says lengths = {lengths!r}: expected a tuple of how many pictures each side has")
        self.info = info
        self.description = description
        self.lengths: tuple[int, ...] = tuple(int(side) for side in sides)
        self.in_memory = source.in_memory
        self.facts = facts_of(source)
        self.has_parts = gives_parts(source)
        ends = [np.unique([0, length - 1]).astype(np.int64) for length in self.lengths]
        # One at a time: those of unequal size cannot be put together.
        for row in range(min(len(side) for side in ends)):
            first = self._given([side[row : row + 1] for side in ends])
            if row == 0 and isinstance(first, Pair):
                self.info = info.of("source", "target")
            self._check(first, [side[row : row + 1] for side in ends])

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        batch = self._given(indices)
        self._check(batch, indices)
        return batch

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Batch | Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        return self._called(lambda: parts_of(self._source, indices, cut))

    def whole(self, index: int) -> Batch | Pair:
        """See `ganzoo.data.whole.GivesParts`."""
        source = self._source
        return self._called(lambda: source.whole(index) if gives_parts(source) else source.fetch([np.array([index])]))

    def _given(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        return self._called(lambda: self._source.fetch(indices))

    def _called(self, get: Callable[[], Batch | Pair]) -> Batch | Pair:
        try:
            batch = get()
        except GanzooError:
            raise
        except Exception as error:
            if is_strict():
                raise
            raise self._error(f"failed: {one_line(error)}") from error
        if not isinstance(batch, Batch | Pair):
            raise self._error(f"gave a {type(batch).__name__}; expected a Batch or a Pair of ganzoo.architecture")
        return batch

    def _check(self, batch: Batch | Pair, indices: Sequence[NDArray[np.int64]]) -> None:
        for domain, images in pictures_of(batch).items():
            index = indices[-1 if domain == "target" else 0]
            if domain not in self.info.pictures:
                raise self._error(f"gives pictures of {domain!r} and declares {self.info}")
            expected = self.info.pictures[domain]
            if not isinstance(images, Tensor):
                raise self._error(f"gives {domain} as a {type(images).__name__}; expected one tensor (N, C, H, W)")
            if images.dtype != torch.uint8:
                raise self._error(
                    f"gives {domain} pixels of {_dtype(images)}; expected uint8, 0 to 255",
                    hint="Scale them in the source: (pixels * 255).round().clip(0, 255).astype(numpy.uint8), for "
                    "values from 0 to 1. What 16-bit values mean, only the source knows.",
                )
            if tuple(images.shape) != (len(index), *expected.shape):
                given = "x".join(map(str, images.shape))
                raise self._error(
                    f"gives {domain} pictures of {given} at index {_shown(index)}, and declares "
                    f"{len(index)}x{expected}: all pictures of a source have one size",
                    hint="ganzoo.data.pictures.fitted makes them fit; `options.picture(default)` says which size.",
                )
        if isinstance(batch, Batch):
            self._check_labels(batch.label, indices[0])

    def _check_labels(self, label: Tensor | None, index: NDArray[np.int64]) -> None:
        condition = self.info.condition
        if condition is None:
            return
        if not isinstance(label, Tensor):
            gives = "no labels" if label is None else f"labels as a {type(label).__name__}; expected a tensor"
            raise self._error(f"declares {condition} and gives {gives} at index {_shown(index)}")
        expected = (len(index), condition.size) if condition.kind == "vector" else (len(index),)
        if tuple(label.shape) != expected or label.dtype != _LABELS[condition.kind]:
            raise self._error(
                f"declares {condition}, and gives labels of {_dtype(label)} {list(label.shape)}; expected "
                f"{_LABELS[condition.kind]} {list(expected)}".replace("torch.", "")
            )
        if condition.kind == "class":
            low, high = label.aminmax()
            if low < 0 or high >= condition.size:
                wrong = int(((label < 0) | (label >= condition.size)).nonzero()[0])
                raise self._error(
                    f"declares {condition}, and gives the label {int(label[wrong])} at index {index[wrong]}; expected "
                    f"0 to {condition.size - 1}"
                )
        else:
            margin = 1e-5 * (condition.high - condition.low)
            outside = ~((label >= condition.low - margin) & (label <= condition.high + margin))  # a NaN too
            if outside.any():
                row, column = outside.nonzero()[0].tolist()
                raise self._error(
                    f"declares {condition} from {condition.low:g} to {condition.high:g}, and gives "
                    f"{float(label[row, column]):g} as number {column} at index {index[row]}"
                )

    def _error(self, what: str, hint: str = "") -> DataError:
        return DataError(f"The data source {self._maker} {what}.", hint=hint or "Tell the authors of the source.")


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _shown(index: NDArray[np.int64]) -> str:
    return ", ".join(map(str, index[:3].tolist())) + (", ..." if len(index) > 3 else "")
