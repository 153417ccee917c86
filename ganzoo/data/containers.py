"""Where picture files lie: below a folder, in an archive, in shards. A file is named and opened the same way in each.

Names are relative, with `/`, in the order in which a walk meets them: the files of a folder before its sub-folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ganzoo.errors import one_line
from ganzoo.files import open_regular

MOST_BYTES = 2**28
"""Of one picture file. A larger one is damage, or a bomb."""


class Container(Protocol):
    """Files by name. where: for messages. kind: folder, zip, tar. left_out: what cannot be listed, in words."""

    where: str
    kind: str
    left_out: list[str]

    @property
    def names(self) -> Sequence[str]:
        """Of regular files that are not hidden."""
        ...

    def open(self, name: str) -> BinaryIO:
        """At its beginning, seekable. Threads may ask at once. Raises OSError, ValueError, and what archives raise."""
        ...

    def read(self, name: str) -> bytes:
        """The whole file, of at most `MOST_BYTES`. Raises as `open`, ValueError for a larger one."""
        ...

    def size(self, name: str) -> int:
        """In bytes; 0 for what is gone."""
        ...


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One file of a container."""

    container: Container
    name: str

    def open(self) -> BinaryIO:
        return self.container.open(self.name)

    def read(self) -> bytes:
        return self.container.read(self.name)

    def __str__(self) -> str:
        return self.name


class Folder:
    """The files below a folder. Links to folders are followed; each folder is read once, so that a loop ends."""

    kind = "folder"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self.left_out: list[str] = []
        self.names: Sequence[str] = list(self._walk(str(path), "", set()))

    def open(self, name: str) -> BinaryIO:
        return open_regular(Path(f"{self.where}/{name}"))

    def read(self, name: str) -> bytes:
        descriptor = os.open(f"{self.where}/{name}", _READ)
        try:
            content = _whole(descriptor, name)
        finally:
            os.close(descriptor)
        return content

    def size(self, name: str) -> int:
        try:
            return Path(self.where, name).stat().st_size
        except OSError:
            return 0

    def _walk(self, folder: str, prefix: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        try:
            found = Path(folder).stat()
            if (found.st_dev, found.st_ino) in seen:
                self.left_out.append(f"{prefix.rstrip('/')} is a link to a folder that is read already")
                return
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(folder) as entries:
                listed = sorted((entry for entry in entries if is_shown(entry.name)), key=lambda entry: entry.name)
        except OSError as error:
            self.left_out.append(one_line(error))
            return
        folders = []
        for entry in listed:
            try:
                if entry.is_file():
                    yield prefix + entry.name
                elif entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_symlink():
                    self.left_out.append(f"{prefix}{entry.name} is a link to what is not there")
                else:
                    self.left_out.append(f"{prefix}{entry.name} is no regular file")
            except OSError as error:
                self.left_out.append(one_line(error))
        if folders and prefix.count("/") >= _DEEPEST:
            self.left_out.append(f"{prefix[:40]}... is nested more than {_DEEPEST} deep")
            folders = []
        for name in folders:
            yield from self._walk(f"{folder}/{name}", f"{prefix}{name}/", seen)


_DEEPEST = 200
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _whole(descriptor: int, name: str) -> bytes:
    """Of a regular file; nothing waits for the other end of a pipe. Raises OSError, ValueError."""
    import stat

    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{name} is no regular file")
    if found.st_size > MOST_BYTES:
        raise ValueError(f"it has {found.st_size:,} bytes; {MOST_BYTES:,} are the most")
    parts, left = [], found.st_size
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def is_shown(name: str) -> bool:
    """Whether a file or folder is meant to be seen: not hidden, and none of what systems leave in folders."""
    return not name.startswith(".") and name not in ("__MACOSX", "Thumbs.db", "desktop.ini")


def order_key(name: str) -> list[tuple[bool, str]]:
    """Sorts names as a walk meets them: the files of a folder before its sub-folders, each by name."""
    *folders, last = name.split("/")
    return [*((True, folder) for folder in folders), (False, last)]
