"""The one place that reads and writes files of strangers and for them.

Reading: regular files alone, because a named pipe waits for ever and a device has no end; and no more than expected.
Writing: beside, synced, renamed, so that a full disk, an interrupt or a kill leaves the old file or the new one; with
the mode that the umask says; inside a run through no link, because a run may be somebody else's.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
import tomllib
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, printable

MOST_TEXT_BYTES = 8 * 2**20
"""Of a JSON file, whose values take up to 24 times that. A proof of many outputs has some hundred kilobytes."""

MOST_TOML_BYTES = 2**18
"""Of a configuration. tomllib takes long over what is long and odd."""

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_MOST_DIGITS = 20  # of 64 bits
_PARTIAL = ".writing-"
_OURS = re.compile(r"\.writing-([0-9a-f]{8}(\.[^.]*)?|(config\.toml|record\.json|metrics\.jsonl))")  # the last: before
_STALE_SECONDS = 86_400.0


def size_of(path: Path) -> int:
    """Bytes of a regular file. Raises OSError for what is none, before it is opened."""
    found = path.stat()
    _check_regular(path, found)
    return found.st_size


def is_regular(path: Path) -> bool:
    """Whether there is a file of this name, itself or through a link."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def open_regular(path: Path) -> BufferedReader:
    """A regular file to read. Raises OSError; nothing waits for the other end of a pipe."""
    size_of(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(descriptor, "rb")
    try:
        _check_regular(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


def read_bytes(path: Path, *, most: int) -> bytes:
    """The whole file, of at most so many bytes. Raises OSError, ValueError for one that is larger."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content


def read_text(path: Path, *, most: int = MOST_TEXT_BYTES, errors: str = "strict") -> str:
    """UTF-8. Raises OSError, ValueError."""
    return read_bytes(path, most=most).decode("utf-8", errors)


def lines_of(path: Path) -> Iterator[str]:
    """The whole lines of a text, without their ends; one that is longer than a text may be ends it. Raises OSError."""
    with open_regular(path) as file:
        while (line := file.readline(MOST_TEXT_BYTES)).endswith(b"\n"):
            yield line.decode("utf-8", "replace").rstrip("\r\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises OSError, ValueError for anything else."""
    return as_object(parse_json(read_text(path)))


def parse_json(text: str) -> Any:
    """Raises ValueError, for values that are nested too deep and for numbers of thousands of digits too."""
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _whole(text: str) -> int:
    """Raises ValueError for a number that no other language would read, and that has no float."""
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"it has a number of {len(text):,} digits")
    return int(text)


def as_object(value: Any) -> dict[str, Any]:
    """Raises ValueError for a JSON value that is no object."""
    if not isinstance(value, dict):
        raise ValueError(f"it holds {_json_kind(value)}; expected an object")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Raises OSError, ValueError."""
    return parse_toml(read_text(path, most=MOST_TOML_BYTES))


def parse_toml(text: str) -> dict[str, Any]:
    """Raises ValueError, for values that are nested too deep and for numbers of thousands of digits too."""
    try:
        values = tomllib.loads(text)
        _check_numbers(values)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return values


def _check_numbers(value: Any) -> None:
    """Raises ValueError for a whole number beyond what TOML has: 64 bits."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item)
    elif isinstance(value, int) and value.bit_length() > 63:
        raise ValueError("it has a number of more than 64 bits")


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def written_beside(path: Path, *, within: Path | None = None, durable: bool = True) -> Iterator[Path]:
    """A name beside `path` to write under: it takes the place of `path` when the block ends, and is gone when it fails.

    within: the run that `path` is in; nothing on the way from it may be a link, nor `path` itself. Elsewhere a link
    is the user's own, and what it names is written. durable: have it on the disk before it takes that place; one of
    fifty thousand need not wait. Raises OSError, for what exists and is no regular file too.
    """
    target = _target(path, within)
    partial = target.with_name(f"{_PARTIAL}{secrets.token_hex(4)}{target.suffix[:16]}")
    _remove_stale(target.parent)
    created = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
    os.close(created)
    try:
        yield partial
        if durable:
            sync(partial)
        os.replace(partial, target)  # noqa: PTH105  # Path.rename refuses an existing file on Windows
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    if durable:
        sync(target.parent)


def write_bytes(path: Path, content: bytes, *, within: Path | None = None) -> None:
    """As `write_text`. Raises OSError."""
    with written_beside(path, within=within) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str, *, within: Path | None = None) -> None:
    """The whole file as UTF-8, see `written_beside`. Raises OSError, UnicodeError."""
    with written_beside(path, within=within) as partial:
        partial.write_text(text, encoding="utf-8")


def open_to_append(path: Path, *, within: Path) -> Any:
    """A text file of a run, to add lines to. Raises OSError for one that is a link."""
    check_inside(path, within)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o666)
    return os.fdopen(descriptor, "a", encoding="utf-8")


def check_inside(path: Path, within: Path, *, reading: bool = False) -> Path:
    """`path`, which is below `within`: reached through no link, nor a link itself, nor a second name of a file.

    reading: links that stay inside are followed. Raises OSError that names the link, or the name that leaves.
    """
    try:
        parts = path.relative_to(within).parts
    except ValueError:
        parts = ("..",)
    if ".." in parts or any("\0" in part for part in parts):
        raise OSError(f"{str(path)!r} leaves {within}")
    if reading:
        if not path.resolve().is_relative_to(within.resolve()):
            raise OSError(f"{path} is a link that leaves {within}")
        return path
    place = within
    for part in parts:
        place = place / part
        try:
            found = place.lstat()
        except FileNotFoundError:
            break
        if stat.S_ISLNK(found.st_mode):
            raise OSError(f"{place} is a symbolic link, and nothing is written through links in a run")
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            raise OSError(f"{place} is a hard link, a file that has another name too; nothing is written over it")
        if place != path and not stat.S_ISDIR(found.st_mode):
            raise OSError(f"{place} is {_kind(found)}; expected a directory")
    return path


def child(folder: Path, name: str) -> Path:
    """`folder / name` of a name that is one: not empty, not `..`, no folder in it. Raises ValueError."""
    if not name or name in (".", "..") or any(sign in name for sign in ("/", "\\", "\0")):
        raise ValueError(f"{name!r} is no name of a file")
    return folder / name


def check_output(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Raises RequestError for a place that is one of the inputs, or that no file can take."""
    try:
        if path.exists() or path.is_symlink():
            _target(path, None)
    except (OSError, ValueError) as error:
        raise RequestError(f"{printable(str(path))} cannot be written: {error}.", hint="Choose another -o.") from None
    for given in inputs:
        if same_file(path, given):
            raise RequestError(f"{path} is what is to be read; it is not written over.", hint="Choose another -o.")


def same_file(one: Path, other: Path) -> bool:
    """Whether both names mean one file, through links too."""
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:
        return False


def remove_tree(path: Path) -> None:
    """A folder with all that is in it, or a link itself and not what it names. As good as it goes."""
    with contextlib.suppress(OSError):
        if path.is_symlink() or path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)


def remove_partial(folder: Path) -> None:
    """Files that a kill left half-written in a folder, whose only writer is the caller."""
    for item in folder.glob(f"{_PARTIAL}*"):
        if _OURS.fullmatch(item.name):
            remove_tree(item)


def beside(path: Path) -> Path:
    """The hidden name under which a directory is written before it is renamed."""
    return path.with_name(f"{_PARTIAL}{path.name}")


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a directory
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _target(path: Path, within: Path | None) -> Path:
    """Where a file goes. Raises OSError for a place that is taken by what is no file, or may not be written."""
    target = path.resolve() if within is None else check_inside(path, within)
    with contextlib.suppress(FileNotFoundError):
        found = target.stat()
        _check_regular(target, found)
        if not os.access(target, os.W_OK):
            raise PermissionError(f"{target} may not be written")
    return target


@functools.cache
def _remove_stale(folder: Path) -> None:
    """What a kill left half-written a day ago; once for each folder that a process writes into."""
    with contextlib.suppress(OSError):
        for item in folder.glob(f"{_PARTIAL}*"):
            ours = _OURS.fullmatch(item.name) and item.is_file() and not item.is_symlink()
            if ours and time.time() - item.stat().st_mtime > _STALE_SECONDS:
                item.unlink()


def _check_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{path} is {_kind(found)}; expected a file")


def _kind(found: os.stat_result) -> str:
    return next((kind for test, kind in _KINDS if test(found.st_mode)), "a file")


def _json_kind(value: Any) -> str:
    kinds = {type(None): "null", list: "a list", str: "a text", bool: "a truth value"}
    return kinds.get(type(value), "a number")
