"""Zip and tar archives as containers. Nothing is unpacked, no link in them is followed.

A tar is read in place by an index of its members; one that is compressed as a whole is expanded once, into a temporary
file without a name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.data.containers import MOST_BYTES, Container, is_shown, order_key
from ganzoo.errors import DataError, one_line
from ganzoo.files import open_regular

_EXPANDS = 100  # pictures hardly do; zeros do a thousandfold
_CHUNK = 2**20
_FREE = 2**24  # bytes to which anything may expand: a picture of one shade does so many times
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


def open_archive(path: Path) -> Container:
    """Raises DataError for a file that is neither zip nor tar, or a damaged one."""
    try:
        with open_regular(path) as file:
            head = file.read(512)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return Zip(path)
        if any(head.startswith(magic) for magic in _COMPRESSED) or head[257:262] == b"ustar" or _is_old_tar(head):
            return Tar(path)
    except (
        OSError,
        ValueError,
        EOFError,
        tarfile.TarError,
        zipfile.BadZipFile,
        lzma.LZMAError,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise DataError(
            f"{path} cannot be read as an archive: {one_line(error)}", hint="Is it whole? Copy or download it anew."
        ) from None
    raise DataError(
        f"{path} is a file; expected a folder of pictures, or a zip or tar of them.",
        hint="A parquet file is read as hf:FILE."
        if path.suffix == ".parquet"
        else "A single picture wants a folder of its own. Of other archives (rar, 7z, zst) unpack them first.",
    )


class Zip:
    """A zip archive; of two members of one name the last counts, as for whoever unpacks it."""

    kind = "zip"

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.left_out: list[str] = []
        self._zip = zipfile.ZipFile(path)
        members = {
            info.filename: info for info in self._zip.infolist() if _is_shown(info.filename) and not info.is_dir()
        }
        links = {name for name, info in members.items() if (info.external_attr >> 16) & 0o170000 == 0o120000}
        self.left_out += [f"{name} is a link in an archive" for name in sorted(links)]
        self._members = {name: info for name, info in members.items() if name not in links}
        self.names: Sequence[str] = sorted(self._members, key=order_key)

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        info = self._members[name]
        if info.flag_bits & 0x1:
            raise ValueError("it is encrypted with a password")
        if info.file_size > MOST_BYTES:
            raise ValueError(f"it has {info.file_size:,} bytes; {MOST_BYTES:,} are the most")
        if info.file_size > _EXPANDS * info.compress_size + _FREE:
            raise ValueError(f"it expands to more than {_EXPANDS} times its size")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is packed by another method than deflate, which could expand without bound")
        with self._zip.open(info) as file:
            content = file.read(info.file_size)  # with a number it does not expand more than that
            if file.read(1) or len(content) < info.file_size:
                raise ValueError("the archive says another size than it has")
        return content

    def size(self, name: str) -> int:
        return self._members[name].file_size


class Tar:
    """A tar archive. Its regular members are read where they lie."""

    kind = "tar"

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.left_out: list[str] = []
        self._file, self._lock = _expanded(path), threading.Lock()
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        places: dict[str, tuple[int, int]] = {}
        with tarfile.open(fileobj=self._file, mode="r:") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not _is_shown(name) or member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    self.left_out.append(f"{name} is a link, or no regular file, in an archive")
                elif member.offset_data + member.size > size:
                    raise ValueError(f"it ends within {name}")
                else:
                    places[name] = member.offset_data, member.size
            end = tar.offset
        self._check_end(end)
        self.places = places
        self.names: Sequence[str] = sorted(places, key=order_key)

    def _check_end(self, end: int) -> None:
        """Raises ValueError for an archive that is cut, or damaged in the middle: tarfile ends there without a word."""
        self._file.seek(max(0, end - tarfile.BLOCKSIZE))
        rest = self._file.read(_CHUNK)
        if not rest.endswith(bytes(tarfile.BLOCKSIZE)) or rest[tarfile.BLOCKSIZE :].strip(b"\0"):
            raise ValueError("it has no end where its members end: it is cut off, or damaged there")

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        offset, size = self.places[name]
        if size > MOST_BYTES:
            raise ValueError(f"it has {size:,} bytes; {MOST_BYTES:,} are the most")
        with self._lock:
            self._file.seek(offset)
            content = self._file.read(size)
        if len(content) < size:
            raise ValueError("the archive has become shorter")
        return content

    def size(self, name: str) -> int:
        return self.places[name][1]


def _is_shown(name: str) -> bool:
    parts = [part for part in name.split("/") if part]
    return bool(parts) and all(is_shown(part) or part in (".", "..") for part in parts)


def _is_old_tar(head: bytes) -> bool:
    """A header of before ustar has nothing but its own checksum."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _expanded(path: Path) -> BinaryIO:
    """The tar itself, or what it is compressed from. Raises ValueError for what grows beyond measure."""
    file = open_regular(path)
    head = file.read(6)
    file.seek(0)
    opener = next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None)
    if opener is None:
        return file
    most, total = _EXPANDS * os.fstat(file.fileno()).st_size + _CHUNK, 0
    whole = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the archive
    with file, opener(file) as source:
        while part := source.read(_CHUNK):
            total += len(part)
            if total > most:
                raise ValueError(f"it expands to more than {_EXPANDS} times its size")
            whole.write(part)
    whole.seek(0)
    return whole
