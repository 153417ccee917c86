"""A Hugging Face dataset on disk as a data source: `hf:PATH`, what `save_to_disk` wrote, or parquet files.

It is read with pyarrow alone: no code of a dataset is run, nothing is downloaded, and no path in it is followed.
"""

from __future__ import annotations

import bisect
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ganzoo import files
from ganzoo.config import DataConfig
from ganzoo.data.containers import MOST_BYTES, PictureFile
from ganzoo.data.finding import ALL, Collection
from ganzoo.data.folder import FilesSource
from ganzoo.data.label_tables import Label
from ganzoo.data.labels import settled
from ganzoo.data.parquet import ParquetTable
from ganzoo.errors import DataError, RequestError, did_you_mean, first_few, one_line, shell_word

if TYPE_CHECKING:
    from ganzoo.data.source import Notify

_TRAIN = ("train", "training")
_SPLITS = ("train", "training", "validation", "valid", "val", "test", "dev", "eval")


def open_dataset(argument: str, options: DataConfig, *, notify: Notify) -> FilesSource:
    """The data source `hf:PATH`. data.split: of a dataset with several; `train` if not stated. data.labels: a column;
    the one of classes if there is one and nobody states it.

    Raises RequestError where pyarrow is missing, DataError for a folder that is no dataset or is damaged.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise RequestError(
            "A Hugging Face dataset is read with pyarrow, which is not installed.", hint="pip install 'ganzoo[hf]'"
        ) from None
    path = Path(argument)
    try:
        table, features = _table(path, options.split, notify)
        column = _picture_column(table, features, path)
        values = table.pictures(column)
        if not len(values):
            raise ValueError("it has no rows")
        rows = Rows(values, str(path))
        given, names = _labels(table, features, column, options, path)
        hints = () if given is not None or options.labels else tuple(_hints(table, features, column))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        pa.ArrowException,
    ) as error:
        raise DataError(
            f"{path} cannot be read as a Hugging Face dataset: {one_line(error)}",
            hint="hf:PATH takes a folder that `save_to_disk` made, a parquet file, or a folder of them.",
        ) from None
    collection = Collection([PictureFile(rows, name) for name in rows.names], [rows], "", Counter())
    labels = None if given is None else settled(collection, given, options, names)
    return FilesSource(
        collection,
        labels,
        options,
        notify=notify,
        lies_in=lambda file: bisect.bisect_right(values.ends, int(file.name)),
        stream=True,
        hints=hints,
    )


class Saved:
    """What `save_to_disk` wrote, mapped from its files."""

    def __init__(self, parts: Sequence[Any]) -> None:
        import pyarrow as pa

        self._table = pa.concat_tables(parts)
        self._ends = list(itertools.accumulate(len(part) for part in parts))
        self.schema = self._table.schema
        self.column_names: list[str] = self._table.column_names

    def column(self, name: str) -> Any:
        return self._table.column(name)

    def pictures(self, name: str) -> SavedColumn:
        values = self._table.column(name)
        values.validate(full=True)  # or else an offset could lead out of the file
        return SavedColumn(values, self._ends)


@dataclass(frozen=True, slots=True)
class SavedColumn:
    """ends: of the rows that lie together, in one file."""

    values: Any
    ends: Sequence[int]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: Any) -> Any:
        return self.values[row]


class Rows:
    """The pictures of a column as files, named by their row."""

    kind = "hugging face dataset"

    def __init__(self, column: Any, where: str) -> None:
        self._column = column
        self.where = where
        self.left_out: list[str] = []
        self.names: Sequence[str] = [f"{row:08}" for row in range(len(column))]

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        value = self._column[int(name)].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if content is None and isinstance(value, dict) and value.get("path"):
            raise ValueError(
                "it is a path to a file elsewhere, which is not followed: save it with the pictures inside"
            )
        if not isinstance(content, bytes):
            raise ValueError("the row has no picture")
        if len(content) > MOST_BYTES:
            raise ValueError(f"it has {len(content):,} bytes; {MOST_BYTES:,} are the most")
        return content

    def size(self, name: str) -> int:
        try:
            return len(self.read(name))
        except ValueError:
            return 0


def _table(path: Path, split: str, notify: Notify) -> tuple[Saved | ParquetTable, dict[str, Any]]:
    """One split, and what is said of its columns."""
    if path.is_file():
        return _parquet([path])
    if (path / "dataset_dict.json").is_file():
        splits = [str(name) for name in files.read_json(path / "dataset_dict.json")["splits"]]
        if not splits or any(Path(name).name != name for name in splits):
            raise ValueError(f"its splits are {splits!r}")
        if split == ALL:
            whole = [_saved(path / name) for name in splits]
            return Saved([part for parts, _ in whole for part in parts]), whole[0][1]
        path = path / _split(splits, split, path, notify)
    if (path / "state.json").is_file():
        parts, features = _saved(path)
        return Saved(parts), features
    found = sorted(item for item in path.rglob("*.parquet") if item.is_file())
    by_split = {name: [file for file in found if _named(file, path, name)] for name in _SPLITS}
    present = [name for name, of_it in by_split.items() if of_it]
    if split != ALL and (len(present) > 1 or (split and present)):
        found = by_split[_split(present, split, path, notify)]
    if not found:
        raise ValueError("it has neither state.json nor parquet files")
    return _parquet(found)


def _named(file: Path, root: Path, split: str) -> bool:
    *folders, last = file.relative_to(root).parts
    return split in folders or re.split(r"[-_.]", last)[0] == split


def _split(splits: Sequence[str], asked: str, path: Path, notify: Notify) -> str:
    if asked and asked not in splits:
        raise RequestError(
            f"{path} has no split {asked!r}.{did_you_mean(asked, splits)} It has {first_few(splits)}.",
            hint="data.split=NAME, one of them.",
        )
    chosen = asked or next((name for name in _TRAIN if name in splits), splits[0])
    if len(splits) > 1:
        notify(f"{path} has {' and '.join(splits)}: {chosen} is read (--set data.split=NAME reads another)")
    return chosen


def _saved(path: Path) -> tuple[list[Any], dict[str, Any]]:
    import pyarrow as pa

    state, info = files.read_json(path / "state.json"), files.read_json(path / "dataset_info.json")
    parts = []
    for entry in state["_data_files"]:
        name = str(entry["filename"])
        if Path(name).name != name:
            raise ValueError(f"it names a file elsewhere: {name}")
        files.size_of(path / name)
        source = pa.memory_map(str(path / name))
        try:
            parts.append(pa.ipc.open_stream(source).read_all())
        except pa.ArrowInvalid:
            parts.append(pa.ipc.open_file(source).read_all())
    return parts, dict(info.get("features") or {})


def _parquet(found: Sequence[Path]) -> tuple[ParquetTable, dict[str, Any]]:
    table = ParquetTable(found)
    said = (table.schema.metadata or {}).get(b"huggingface")
    features = json.loads(said)["info"]["features"] if said else {}
    return table, dict(features)


def _picture_column(table: Any, features: dict[str, Any], path: Path) -> str:
    told = [name for name, kind in features.items() if isinstance(kind, dict) and kind.get("_type") == "Image"]
    held = [field.name for field in table.schema if _holds_bytes(field.type)]
    found = [name for name in told if name in table.column_names] or held
    if not found:
        raise DataError(f"{path} has no column of pictures. It has {first_few(table.column_names)}.")
    return next((name for name in ("image", "img", "picture") if name in found), found[0])


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _labels(
    table: Any, features: dict[str, Any], pictures: str, options: DataConfig, path: Path
) -> tuple[list[Label | None] | None, Sequence[str]]:
    """One for each row, and the names of classes."""
    named = {
        name: kind for name, kind in features.items() if isinstance(kind, dict) and kind.get("_type") == "ClassLabel"
    }
    asked = options.labels
    if asked == "none" or (not asked and len(named) != 1):
        return None, ()
    column = asked or next(iter(named))
    if column not in table.column_names or column == pictures:
        others = [name for name in table.column_names if name != pictures]
        raise RequestError(
            f"{path} has no column {column!r} of labels.{did_you_mean(column, others)} It has {first_few(others)}.",
            hint=f"--set {shell_word(f'data.labels={(*named, *others)[0]}')}" if named or others else "",
        )
    values = table.column(column)
    values.validate(full=True)
    names = [str(name) for name in named[column].get("names") or ()] if column in named else []
    return [_label(value) for value in values.to_pylist()], names


def _hints(table: Any, features: dict[str, Any], pictures: str) -> Iterator[str]:
    """What data.labels could be: columns of classes, or else of texts and numbers that are named so."""
    kinds = {name: kind.get("_type") for name, kind in features.items() if isinstance(kind, dict)}
    found = [name for name in table.column_names if kinds.get(name) == "ClassLabel"]
    for name in found or [one for one in table.column_names if one != pictures and ("label" in one or "class" in one)]:
        yield f"data.labels={name}"


def _label(value: Any) -> Label | None:
    if isinstance(value, list):
        try:
            return tuple(float(number) for number in value)
        except (TypeError, ValueError):
            raise DataError(f"A label is {value!r:.80}: expected numbers.") from None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return (value,)
    if isinstance(value, int):
        return value if value >= 0 else None  # -1 stands for none
    return value if isinstance(value, str) else None
