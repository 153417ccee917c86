"""Labels of picture files: from the folders that they lie in, from a dataset.json, from a table (CSV).

A class is an index below the number of classes, in the order of their names: numbers by size, texts by alphabet. A row
of several numbers is a vector condition.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import files
from ganzoo.config import DataConfig
from ganzoo.data.finding import Collection
from ganzoo.datainfo import Condition
from ganzoo.errors import DataError, RequestError, did_you_mean, first_few, printable, shell_word

FOLDERS = "folders"
_MOST_BYTES = 2**28  # of a table
_MOST_CLASSES = 100_000

Label = int | str | tuple[float, ...]


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
        given = _by_folder(collection)
    else:
        given, names = _by_table(collection, options)
    return settled(collection, given, options, names)


def settled(
    collection: Collection, given: Sequence[Label | None], options: DataConfig, names: Sequence[str] = ()
) -> Labels:
    """Of one label for each file, or None; files without are taken out of the collection, if that is stated.

    names: see `as_labels`. Raises as `label` does.
    """
    without = [index for index, one in enumerate(given) if one is None]
    if len(without) == len(given):
        raise RequestError(f"No picture of {collection.where} has a label{_by(options)}.", hint=_HINT)
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


_HINT = "data.labels=folders takes sub-folders as classes; data.labels=FILE.csv or dataset.json a table of them."


def as_labels(given: Sequence[Label], where: str, names: Sequence[str] = ()) -> Labels:
    """Of one label for each picture. names: of the numbers of vectors, or of the classes 0, 1, ...

    Raises DataError for labels of several kinds.
    """
    if all(isinstance(one, tuple) for one in given):
        return _vectors(given, where, names)  # type: ignore[arg-type]
    if any(isinstance(one, tuple) for one in given):
        raise DataError(f"{where} has labels that are classes and labels that are lists of numbers.")
    if all(isinstance(one, int) for one in given):
        numbers = np.array(given, dtype=np.int64)
        size = max(len(names), int(numbers.max()) + 1)
        if numbers.min() < 0 or size > _MOST_CLASSES:
            raise DataError(
                f"{where} has the classes {numbers.min()} to {numbers.max()}; expected 0 to {_MOST_CLASSES:,} at most."
            )
        named = (*names, *map(str, range(len(names), size))) if names else ()
        return Labels(Condition(kind="class", size=size, names=named), numbers)
    texts = [str(one) for one in given]
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
    if len(lengths) != 1:
        raise DataError(f"{where} has labels of {first_few(sorted(map(str, lengths)))} numbers; expected one length.")
    values = np.array(given, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{where} has labels that are not finite numbers.")
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 1, high + 1
    condition = Condition(kind="vector", size=values.shape[1], names=tuple(names), low=low, high=high)
    return Labels(condition, values)


def _by_folder(collection: Collection) -> list[Label | None]:
    """The first folder below those that all pictures share; of several places, the place of pictures at its top."""
    several = len(collection.containers) > 1
    found: list[Label | None] = []
    for file in collection.files:
        rest = file.name[len(collection.root) :]
        if "/" in rest:
            found.append(rest.split("/")[0])
        else:
            found.append(PurePosixPath(Path(file.container.where).stem).name if several else None)
    return found


def looks_labelled(collection: Collection) -> str:
    """What data.labels could be: the folders of pictures that have some, or a dataset.json; "" for nothing."""
    for container in collection.containers:
        if table := next((name for name in container.names if name.split("/")[-1] == "dataset.json"), ""):
            return table
    folders = Counter(
        name.split("/")[0] for file in collection.files if "/" in (name := file.name[len(collection.root) :])
    )
    return FOLDERS if len(folders) > 1 and folders.total() >= 0.9 * len(collection.files) else ""


def _by_table(collection: Collection, options: DataConfig) -> tuple[list[Label | None], list[str]]:
    """Of each file its label, and the names of the numbers of vectors."""
    text, base = _table_text(collection, options.labels)
    names: list[str] = []
    if options.labels.lower().endswith(".json"):
        rows = _json_rows(text, options.labels)
    else:
        rows, names = _csv_rows(text, options.labels, options.label_columns, collection)
    return _matched(collection, rows, base), names


def _table_text(collection: Collection, name: str) -> tuple[str, str]:
    """The text of a table, and the folder in the container that its names are relative to."""
    if not name.lower().endswith((".json", ".csv", ".tsv", ".txt")):
        raise RequestError(f"data.labels = {name!r}: expected folders, or a file .json, .csv or .tsv.", hint=_HINT)
    for container in collection.containers:
        for candidate in (name, f"{collection.root}{name}"):
            if candidate in container.names:
                folder, slash, _ = candidate.rpartition("/")
                return _decoded(container.read(candidate), name), f"{folder}{slash}"
    try:
        return _decoded(files.read_bytes(Path(name).expanduser(), most=_MOST_BYTES), name), ""
    except OSError:
        tables = [
            n for one in collection.containers for n in one.names if n.lower().endswith((".json", ".csv", ".tsv"))
        ]
        raise RequestError(
            f"There is no {name!r} in {collection.where}, nor here.{did_you_mean(name, tables)}"
            + (f" There is {first_few(tables)}." if tables else ""),
            hint=_HINT,
        ) from None


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name} is no text in UTF-8.", hint="Save it as UTF-8.") from None


def _json_rows(text: str, name: str) -> dict[str, Label]:
    """`{"labels": [[file, label], ...]}` as the tools of StyleGAN write it, or `{file: label}`."""
    try:
        whole = files.parse_json(text)
    except ValueError as error:
        raise DataError(f"{name} is no JSON: {error}") from None
    rows = whole.get("labels", whole) if isinstance(whole, dict) else whole
    if rows is None:
        raise DataError(f"{name} says that there are no labels.", hint="It was written without; leave data.labels out.")
    pairs: Any = rows.items() if isinstance(rows, dict) else rows
    found: dict[str, Label] = {}
    try:
        for file, value in pairs:
            if isinstance(value, list):
                found[str(file)] = tuple(float(number) for number in value)
            elif isinstance(value, bool) or not isinstance(value, int | str):
                raise TypeError(value)
            else:
                found[str(file)] = value
    except (TypeError, ValueError):
        raise DataError(
            f'{name} is no table of labels: expected {{"labels": [["file.png", 3], ...]}}, a class or a list of '
            "numbers for each file."
        ) from None
    return found


def _csv_rows(text: str, name: str, columns: str, collection: Collection) -> tuple[dict[str, Label], list[str]]:
    """Of a table whose first column is the file: one more column is the class, several are numbers, with their names.

    columns: which, by name, if not all. A column of that stands alone and has numbers with a point is a vector of one.
    """
    dialect: Any = csv.excel_tab if "\t" in text.split("\n", 1)[0] else csv.excel
    if dialect is csv.excel and ";" in (head := text.split("\n", 1)[0]) and "," not in head:
        dialect = type("semicolons", (csv.excel,), {"delimiter": ";"})
    rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    if not rows or min(map(len, rows)) < 2:
        raise DataError(f"{name}: expected a file and its label in each row.", hint="For example: cat1.jpg,cat")
    files_of = {file.name.rpartition("/")[2] for file in collection.files}
    headed = rows[0][0].rpartition("/")[2] not in files_of
    heading = [cell.strip() for cell in rows[0]] if headed else [f"column {n}" for n in range(len(rows[0]))]
    if ragged := next((number for number, row in enumerate(rows) if len(row) != len(rows[0])), None):
        raise DataError(f"{name}: row {ragged + 1} has {len(rows[ragged])} cells, the first {len(rows[0])}.")
    chosen = list(range(1, len(heading)))
    if columns:
        wanted = [one.strip() for one in columns.split(",")]
        if unknown := [one for one in wanted if one not in heading[1:]]:
            raise RequestError(
                f"{name} has no column {unknown[0]!r}.{did_you_mean(unknown[0], heading[1:])} "
                f"It has {first_few(heading[1:])}.",
                hint="data.label_columns=NAME,NAME",
            )
        chosen = [heading.index(one, 1) for one in wanted]
    body = rows[1:] if headed else rows
    vector = len(chosen) > 1 or any("." in row[chosen[0]] and _is_number(row[chosen[0]]) for row in body)
    found: dict[str, Label] = {}
    for number, row in enumerate(body, start=1 + headed):
        cells = [row[place].strip() for place in chosen]
        if not vector:
            if cells[0]:
                found[row[0].strip()] = cells[0]
            continue
        if not all(map(_is_number, cells)):
            raise DataError(
                f"{name}: row {number} has {first_few(cells)}; several columns are numbers, all of them.",
                hint=f"Choose one for classes: --set {shell_word(f'data.label_columns={heading[1]}')}",
            )
        found[row[0].strip()] = tuple(map(float, cells))
    return found, [heading[place] for place in chosen] if vector and headed else []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _matched(collection: Collection, rows: Mapping[str, Label], base: str) -> list[Label | None]:
    """Of each file, the row of its path; or of its name, where that says which is meant."""
    by_name: dict[str, Label | None] = {}
    for path, value in rows.items():
        name = path.replace("\\", "/").rpartition("/")[2]
        by_name[name] = None if name in by_name else value
    names = Counter(file.name.rpartition("/")[2] for file in collection.files)
    found: list[Label | None] = []
    used = 0
    for file in collection.files:
        name = file.name.rpartition("/")[2]
        below = file.name.removeprefix(base)
        paths = (below, file.name, file.name[len(collection.root) :])
        one: Label | None = next((rows[path] for path in paths if path in rows), None)
        if one is None and names[name] == 1:
            one = by_name.get(name)
        used += one is not None
        found.append(one)
    if used < len(rows):
        collection.notices.append(f"{len(rows) - used:,} of {len(rows):,} labels are of no picture that is read")
    return found
