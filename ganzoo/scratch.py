"""Temporary folders that are gone when their process is, also when it ends without its last rites."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ganzoo.files import remove_tree

_scratch: set[Path] = set()


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A folder of the system's for temporary files, which is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        _scratch.add(Path(folder))
        try:
            yield Path(folder)
        finally:
            _scratch.discard(Path(folder))


def remove_scratch() -> None:
    """For a process that is about to end without its last rites."""
    for folder in list(_scratch):
        remove_tree(folder)
