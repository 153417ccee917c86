"""Labels of picture files: from the folders that they lie in, from a dataset.json, from a table (CSV).

A class is an index below the number of classes, in the order of their names: numbers by size, texts by alphabet. A row
of several numbers is a vector condition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.config import DataConfig
from ganzoo.data.containers import Container
from ganzoo.data.finding import ALL, Collection, is_split
from ganzoo.data.label_tables import LABELS_HINT, Label, by_table
from ganzoo.datainfo import Condition
from ganzoo.errors import DataError, RequestError, first_few, printable

FOLDERS = "folders"
_MOST_CLASSES = 100_000


@dataclass(frozen=True, slots=True)
class Labels:
    """Of the files of a collection. values: (N,) int64 of classes, (N, K) float32 of vectors. counts: of each class."""

    condition: Condition
    values: NDArray[Any]

    def counts(self, kept: NDArray[np.int64]) -> dict[str, int]:
        """Pictures of each class, by name; empty for vectors."""
        if self.condition.kind == "vector":
            return {}
        found = np.bincount(self.values[kept], minlength=self.condition.size)
        names = self.condition.names or tuple(map(str, range(self.condition.size)))
        return {name: int(count) for name, count in zip(names, found, strict=True)}


def label(collection: Collection, options: DataConfig) -> Labels:
    """The labels that `options.labels` names. Pictures without are taken out of the collection, if that is stated.

    Raises RequestError for labels that are not there, DataError for damaged tables, for pictures without a label unless
    `options.unlabelled` is `leave-out`.
    """
    names: list[str] = []
    if options.labels == FOLDERS:
        given = _by_folder(collection, options)
    else:
        given, names = by_table(collection, options.labels, options.label_columns)
    return settled(collection, given, options, names)


def settled(
    collection: Collection, given: Sequence[Label | None], options: DataConfig, names: Sequence[str] = ()
) -> Labels:
    """Of one label for each file, or None; files without are taken out of the collection, if that is stated.

    names: see `as_labels`. Raises as `label` does.
    """
    without = [index for index, one in enumerate(given) if one is None]
    if len(without) == len(given):
        raise RequestError(f"No picture of {collection.where} has a label{_by(options)}.", hint=LABELS_HINT)
    if without:
        named = first_few([printable(collection.name(collection.files[index])) for index in without])
        if options.unlabelled != "leave-out":
            raise DataError(
                f"{len(without):,} of {len(given):,} pictures of {collection.where} have no label{_by(options)}: "
                f"{named}",
                hint="Label them or take them out; or train without them: --set data.unlabelled=leave-out",
            )
        collection.left_out["without a label"] += len(without)
        collection.files = [file for file, one in zip(collection.files, given, strict=True) if one is not None]
    return as_labels([one for one in given if one is not None], collection.where, names)


def _by(options: DataConfig) -> str:
    return f" by {options.labels!r}" if options.labels else ""


def as_labels(given: Sequence[Label], where: str, names: Sequence[str] = ()) -> Labels:
    """Of one label for each picture. names: of the numbers of vectors, or of the classes 0, 1, ...

    Raises DataError for labels of several kinds.
    """
    if all(isinstance(one, tuple) for one in given):
        return _vectors(given, where, names)  # type: ignore[arg-type]
    if any(isinstance(one, tuple) for one in given):
        raise DataError(f"{where} has labels that are classes and labels that are lists of numbers.")
    if all(isinstance(one, int) for one in given):
        whole = [one for one in given if isinstance(one, int)]
        low, high = min(whole), max(whole)
        if low < 0 or high >= _MOST_CLASSES:
            raise DataError(f"{where} has the classes {low} to {high}; expected 0 to {_MOST_CLASSES:,} at most.")
        numbers = np.array(whole, dtype=np.int64)
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise DataError(f"{where} has {len(twice):,} names that several classes share: {first_few(twice)}.")
        size = max(len(names), int(numbers.max()) + 1)
        named = (*names, *map(str, range(len(names), size))) if names else ()
        return Labels(Condition(kind="class", size=size, names=named), numbers)
    texts = [as_text(str(one)) for one in given]
    classes = sorted(set(texts), key=_natural)
    places = {name: index for index, name in enumerate(classes)}
    if len(classes) > _MOST_CLASSES:
        raise DataError(f"{where} has {len(classes):,} classes; {_MOST_CLASSES:,} are the most.")
    values = np.array([places[text] for text in texts], dtype=np.int64)
    return Labels(Condition(kind="class", size=len(classes), names=tuple(classes)), values)


def _natural(name: str) -> tuple[int, float, str]:
    """Numbers by size, before texts by alphabet."""
    return (0, float(name), name) if name.isascii() and name.isdecimal() else (1, 0.0, name)


def _vectors(given: Sequence[tuple[float, ...]], where: str, names: Sequence[str]) -> Labels:
    lengths = {len(one) for one in given}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"{where} has labels of {first_few(sorted(map(str, lengths)))} numbers; expected one length.")
    values = np.array(given, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{where} has labels that are not finite numbers.")
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 1, high + 1
    condition = Condition(kind="vector", size=values.shape[1], names=tuple(names), low=low, high=high)
    return Labels(condition, values)


def _by_folder(collection: Collection, options: DataConfig) -> list[Label | None]:
    """The first folder below those that all pictures share; of several places, the place of pictures at its top.

    Where all splits are read together, the class is below the split.
    """
    several = len(collection.containers) > 1
    found: list[Label | None] = []
    for file in collection.files:
        folders = file.name[len(collection.root) :].split("/")[:-1]
        if options.split == ALL and folders and is_split(folders[0]):
            folders = folders[1:]
        if folders:
            found.append(as_text(folders[0]))
        else:
            found.append(as_text(_place_name(file.container)) if several else None)
    return found


def _place_name(container: Container) -> str:
    """Of a folder its name, of an archive that without its suffix."""
    path = Path(container.where)
    return path.name if container.kind == "folder" else path.name.split(".")[0]


def as_text(name: str) -> str:
    """A name that is no Unicode with a sign for what cannot be written."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def looks_labelled(collection: Collection) -> str:
    """What data.labels could be: the folders of pictures that have some, or a dataset.json; "" for nothing."""
    for container in collection.containers:
        if table := next((name for name in container.names if name.split("/")[-1] == "dataset.json"), ""):
            return table
    folders = Counter(
        name.split("/")[0] for file in collection.files if "/" in (name := file.name[len(collection.root) :])
    )
    return FOLDERS if len(folders) > 1 and folders.total() >= 0.9 * len(collection.files) else ""
