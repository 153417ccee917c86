"""Tables of labels: dataset.json as the tools of StyleGAN write it, and comma-separated values.

A row is of the picture whose path it states, or ends with; a bare name is of the one picture that has it.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.data.containers import Container, PictureFile
from ganzoo.data.finding import Collection
from ganzoo.data.kinds import suffix_of, suffixes
from ganzoo.errors import DataError, RequestError, did_you_mean, first_few, one_line, printable, shell_word

LABELS_HINT = "--set data.labels=folders takes sub-folders as classes; FILE.csv or dataset.json a table of them."
_MOST_BYTES = 2**26  # of a table
_SUFFIXES = (".json", ".csv", ".tsv", ".txt")

Label = int | str | tuple[float, ...]


def by_table(collection: Collection, name: str, columns: str) -> tuple[list[Label | None], list[str]]:
    """Of each file its label, and the names of the numbers of vectors. A table in a place is of that place's pictures.

    name: of a file in the places of the pictures, or a path. columns: of a table with several, by name.
    Raises RequestError for a table that is not there, DataError for a damaged one.
    """
    if not name.lower().endswith(_SUFFIXES):
        raise RequestError(
            f"data.labels = {name!r}: expected folders, or a file .json, .csv or .tsv.", hint=LABELS_HINT
        )
    inside = {id(one): found for one in collection.containers if (found := _inside(one, collection.root, name))}
    for table in inside.values():
        collection.left_out.subtract([f"no pictures ({suffix_of(table)})"])
    collection.left_out = +collection.left_out
    if not inside:
        rows, names = _rows(_outside(collection, name), name, columns, collection.files)
        return _matched(collection, collection.files, rows, ""), names
    labels: dict[int, Label | None] = {}
    for container in collection.containers:
        if id(container) not in inside:
            continue
        own = [number for number, file in enumerate(collection.files) if file.container is container]
        chosen = [collection.files[number] for number in own]
        rows, names = _rows(_read(container, inside[id(container)]), name, columns, chosen)
        base = inside[id(container)].rpartition("/")[0]
        of_them = _matched(collection, chosen, rows, f"{base}/" if base else "")
        labels.update(zip(own, of_them, strict=True))
    return [labels.get(number) for number in range(len(collection.files))], names


def _inside(container: Container, root: str, name: str) -> str:
    """Under which name a container has a table; "" if not."""
    return next((one for one in (name, f"{root}{name}") if one in container.names), "")


def _read(container: Container, name: str) -> str:
    try:
        if container.size(name) > _MOST_BYTES:
            raise ValueError(f"it has {container.size(name):,} bytes; {_MOST_BYTES:,} are the most")
        return _decoded(container.read(name), name)
    except DataError:
        raise
    except Exception as error:  # archives raise anything
        raise DataError(f"{name} of {container.where} cannot be read: {one_line(error)}") from None


def _outside(collection: Collection, name: str) -> str:
    try:
        return _decoded(files.read_bytes(Path(name).expanduser(), most=_MOST_BYTES), name)
    except (OSError, RuntimeError) as error:
        if not isinstance(error, FileNotFoundError | RuntimeError):
            raise DataError(f"{name} cannot be read: {one_line(error)}") from None
        tables = [each for one in collection.containers for each in one.names if suffix_of(each) in _SUFFIXES[:3]]
        raise RequestError(
            f"There is no {name!r} in {collection.where}, nor here.{did_you_mean(name, tables)}"
            + (f" There is {first_few(tables)}." if tables else ""),
            hint=LABELS_HINT,
        ) from None
    except ValueError as error:
        raise DataError(f"{name} cannot be read: {one_line(error)}") from None


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name} is no text in UTF-8.", hint="Save it as UTF-8.") from None


def _rows(text: str, name: str, columns: str, pictures: Sequence[PictureFile]) -> tuple[dict[str, Label], list[str]]:
    """By path, and the names of the numbers of vectors. Raises DataError for two labels of one path."""
    pairs: Iterable[tuple[str, Label]]
    names: list[str] = []
    if name.lower().endswith(".json"):
        pairs = _json_rows(text, name)
    else:
        pairs, names = _csv_rows(text, name, columns, pictures)
    rows: dict[str, Label] = {}
    for path, label in pairs:
        if rows.setdefault(path, label) != label:
            raise DataError(f"{name} has two labels for {printable(path)!r}: {rows[path]!r} and {label!r}.")
    return rows, names


def _json_rows(text: str, name: str) -> list[tuple[str, Label]]:
    """`{"labels": [[file, label], ...]}`, or `{file: label}`."""
    try:
        whole = files.parse_json(text)
    except ValueError as error:
        raise DataError(f"{name} is no JSON: {error}") from None
    rows = whole.get("labels", whole) if isinstance(whole, dict) else whole
    if rows is None:
        raise DataError(f"{name} says that there are no labels.", hint="It was written without; leave data.labels out.")
    found: list[tuple[str, Label]] = []
    try:
        for file, value in rows.items() if isinstance(rows, dict) else rows:
            if isinstance(value, list):
                found.append((_path(str(file)), tuple(float(number) for number in value)))
            elif isinstance(value, bool) or not isinstance(value, int | str):
                raise TypeError(value)
            else:
                found.append((_path(str(file)), value))
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f'{name} is no table of labels: expected {{"labels": [["file.png", 3], ...]}}, a class or a list of '
            "numbers for each file."
        ) from None
    return found


def _csv_rows(
    text: str, name: str, columns: str, pictures: Sequence[PictureFile]
) -> tuple[list[tuple[str, Label]], list[str]]:
    """Of a table whose first column is the file: one more column is the class, several are numbers, with their names.

    columns: which, by name, if not all. One that stands alone and has numbers with a point is a vector of one.
    """
    rows = _cells(text, name)
    here = {file.name.rpartition("/")[2] for file in pictures}
    first = _path(rows[0][0]).rpartition("/")[2]
    headed = first not in here and suffix_of(first) not in suffixes()
    heading = [cell.strip() for cell in rows[0]] if headed else [f"column {n}" for n in range(len(rows[0]))]
    body, first_row = (rows[1:], 2) if headed else (rows, 1)
    chosen = list(range(1, len(heading)))
    if columns:
        wanted = [one.strip() for one in columns.split(",")]
        if unknown := [one for one in wanted if one not in heading[1:]]:
            raise RequestError(
                f"{name} has no column {unknown[0]!r}.{did_you_mean(unknown[0], heading[1:])} "
                f"It has {first_few(heading[1:])}.",
                hint="--set data.label_columns=NAME,NAME",
            )
        chosen = [heading.index(one, 1) for one in wanted]
    cells = [row[chosen[0]].strip() for row in body if row[chosen[0]].strip()]
    if len(chosen) > 1 or (all(map(_is_number, cells)) and any("." in cell for cell in cells)):
        _check_numbers(body, first_row, chosen, heading, name)
        numbers = [(_path(row[0]), tuple(float(row[place]) for place in chosen)) for row in body]
        return [*numbers], [heading[place] for place in chosen] if headed else []
    return [(_path(row[0]), cell) for row in body if (cell := row[chosen[0]].strip())], []


def _cells(text: str, name: str) -> list[list[str]]:
    """Raises DataError for a table whose rows are unequal, or have one cell."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    dialect: Any = csv.excel_tab if "\t" in lines[0] else csv.excel
    if dialect is csv.excel and ";" in lines[0] and "," not in lines[0]:
        dialect = type("semicolons", (csv.excel,), {"delimiter": ";"})
    try:
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), dialect) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{name} is no table: {one_line(error)}") from None
    if not rows or min(map(len, rows)) < 2:
        raise DataError(f"{name}: expected a file and its label in each row.", hint="For example: cat1.jpg,cat")
    if ragged := next((number for number, row in enumerate(rows) if len(row) != len(rows[0])), None):
        raise DataError(f"{name}: row {ragged + 1} has {len(rows[ragged])} cells, the first {len(rows[0])}.")
    return rows


def _check_numbers(
    body: Sequence[Sequence[str]], first: int, chosen: Sequence[int], heading: Sequence[str], name: str
) -> None:
    """Raises DataError where several columns are asked for and one is no numbers."""
    for number, row in enumerate(body, start=first):
        texts = [place for place in chosen if not _is_number(row[place])]
        if texts:
            others = [heading[place] for place in chosen if place not in texts]
            text = f"data.label_columns={heading[texts[0]]}"
            rest = f"data.label_columns={','.join(others)}"
            raise DataError(
                f"{name}: row {number} has {printable(row[texts[0]])!r} in the column {heading[texts[0]]!r}, and "
                "several columns are numbers.",
                hint=f"For its classes: --set {shell_word(text)}"
                + (f"; for the numbers: --set {shell_word(rest)}" if others else ""),
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _path(text: str) -> str:
    return text.strip().replace("\\", "/").removeprefix("./")


def _matched(
    collection: Collection, pictures: Sequence[PictureFile], rows: Mapping[str, Label], base: str
) -> list[Label | None]:
    """Of each picture, the row of its path below `base` or its place; or else the one that its path ends with."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_name[row.rpartition("/")[2]].append(row)
    same: dict[str, int] = defaultdict(int)
    for file in pictures:
        same[file.name.rpartition("/")[2]] += 1
    found: list[Label | None] = []
    used, ambiguous = set[str](), 0
    for file in pictures:
        last = file.name.rpartition("/")[2]
        exact = (file.name.removeprefix(base), file.name, file.name[len(collection.root) :])
        ends = [path for path in by_name.get(last, ()) if f"/{file.name}".endswith(f"/{path}")]
        path: str | None = next((one for one in exact if one in rows), max(ends, key=len, default=None))
        if path == last and same[last] > 1 and path not in exact:
            ambiguous, path = ambiguous + 1, None
        found.append(None if path is None else rows[path])
        used.update([] if path is None else [path])
    if ambiguous:
        collection.notices.append(f"{ambiguous:,} pictures share their name with others; a label has to state the path")
    if unused := [path for path in rows if path not in used]:
        named = first_few([printable(path) for path in unused[:4]])
        collection.notices.append(f"{len(unused):,} of {len(rows):,} labels are of no picture that is read: {named}")
    return found
