"""Parquet files as one table: a column is read when it is asked for, and one of pictures a group of rows at a time."""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo import files

_MOST_BYTES = 2**29  # of pictures that are held


class ParquetTable:
    """Files of equal columns, one after the other. Raises what pyarrow raises."""

    def __init__(self, paths: Sequence[Path]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in paths:
            files.size_of(path)  # of a regular file: others would be waited for
        self._files = [pq.ParquetFile(path, memory_map=True) for path in paths]
        self.schema = self._files[0].schema_arrow
        self.column_names: list[str] = self.schema.names
        for path, file in zip(paths, self._files, strict=True):
            if not file.schema_arrow.equals(self.schema):
                raise pa.ArrowInvalid(f"{path.name} has other columns than {paths[0].name}")

    def column(self, name: str) -> Any:
        """All of a column. Raises what pyarrow raises."""
        import pyarrow as pa

        parts = [file.read([name]).column(name) for file in self._files]
        return pa.chunked_array([chunk for part in parts for chunk in part.chunks], type=self.schema.field(name).type)

    def pictures(self, name: str) -> ParquetColumn:
        return ParquetColumn(self._files, name)


class ParquetColumn(Sequence[Any]):
    """The values of a column, by row; threads may ask at once. ends: of its groups of rows, which lie together.

    The groups asked for last are held, 512 MB of them at most, and one at least.
    """

    def __init__(self, opened: Sequence[Any], name: str) -> None:
        self._name = name
        self._groups = [(file, number) for file in opened for number in range(file.num_row_groups)]
        self.ends = list(
            itertools.accumulate(file.metadata.row_group(number).num_rows for file, number in self._groups)
        )
        self._held: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()  # a file is read by one thread at a time

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, row: Any) -> Any:
        group = bisect.bisect_right(self.ends, row)
        with self._lock:
            values = self._held.get(group)
            if values is None:
                file, number = self._groups[group]
                values = self._held[group] = _validated(file.read_row_group(number, [self._name]).column(self._name))
                while len(self._held) > 1 and sum(held.nbytes for held in self._held.values()) > _MOST_BYTES:
                    self._held.popitem(last=False)
            self._held.move_to_end(group)
        return values[row - (self.ends[group - 1] if group else 0)]


def _validated(values: Any) -> Any:
    """A column without offsets that lead out of the file; of pictures with damaged paths, the bytes alone.

    Raises ArrowInvalid.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        if not pa.types.is_struct(values.type):
            raise
        values = pc.struct_field(values, "bytes")
        values.validate(full=True)
    return values
