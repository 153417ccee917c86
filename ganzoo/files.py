"""Reading and writing files so that a kill at any instant leaves the old file or the new one, and never half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A name beside `path` to write under: it takes the place of `path` when the block ends, and is gone when it fails.

    Raises OSError.
    """
    partial = beside(path)
    try:
        yield partial
        os.replace(partial, path)  # noqa: PTH105  # Path.rename refuses an existing file on Windows
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The whole file as UTF-8, beside and renamed. Raises OSError, UnicodeError."""
    with written_beside(path) as partial:
        partial.write_text(text, encoding="utf-8")


def beside(path: Path) -> Path:
    """The hidden name under which `path` is written before it is renamed."""
    return path.with_name(f".writing-{path.name}")


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a directory
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
