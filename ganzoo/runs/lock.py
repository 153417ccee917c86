"""Who trains a run, and what marks a directory as one: the file `run.lock`.

The lock is the system's, on the open file: it ends with the process that holds it, however that ends. What is written
in the file only says who that is.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.errors import CheckpointError, RunLockedError, one_line, printable

NAME = "run.lock"


def is_run(path: Path) -> bool:
    """Whether a directory is a run: it has the marker, or, of before there was one, the config of a run."""
    with contextlib.suppress(OSError, ValueError):
        if (path / NAME).is_file() and json.loads(files.read_text(path / NAME, most=10_000))["ganzoo"] == "run":
            return True
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        run = files.read_toml(path / "config.toml")["run"]
        return all(isinstance(run[key], str) for key in ("architecture", "task", "distribution", "version"))
    return False


_PLACES = (NAME, "config.toml", "record.json", "metrics.jsonl", "log.txt", "samples", "checkpoints", "tensorboard")


def check_places(path: Path) -> None:
    """Raises CheckpointError for a run in which a link stands where something will be written."""
    for name in _PLACES:
        try:
            files.check_inside(path / name, path)
        except OSError as error:
            raise CheckpointError(
                f"The run {path} is not written: {error}.",
                hint="Copy it, links and all, and go on with the copy: cp -rL RUN COPY",
            ) from None


class RunLock:
    """Held from when it is made until `release`. Raises CheckpointError when another process trains the run."""

    def __init__(self, path: Path) -> None:
        """path: of the run, which exists."""
        self._run, self._path = path, path / NAME
        try:
            check_places(path)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise CheckpointError(f"The run directory {path} cannot be written: {one_line(error)}") from None
        try:
            if not _lock(self._file):
                raise _locked(path)
            self._sign()
        except BaseException:
            self.release()
            raise

    def _sign(self) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S %z")
        text = json.dumps({"ganzoo": "run", "pid": os.getpid(), "host": platform.node(), "since": since}) + "\n"
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text.encode(), 0) if hasattr(os, "pwrite") else os.write(self._file, text.encode())
        except OSError as error:
            raise CheckpointError(f"{self._path} cannot be written: {one_line(error)}") from None

    def check(self) -> None:
        """Raises CheckpointError when the run has been removed, moved or replaced while it was trained."""
        if self._file < 0:
            return
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.lstat(), os.fstat(self._file)):
                return
        raise CheckpointError(
            f"The run directory {self._run} was removed, moved or replaced while it was trained.",
            hint="If it was moved, go on there with --resume from the last checkpoint; else what was learnt is lost.",
        )

    @contextlib.contextmanager
    def released_on_error(self) -> Iterator[None]:
        """A traceback that somebody keeps would keep the lock too."""
        try:
            yield
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.release()


def check_unlocked(path: Path) -> None:
    """Raises RunLockedError when another process trains the run in a directory, if there is one. Leaves no trace."""
    if holder_of(path) is not None:
        raise _locked(path)


def holder_of(path: Path) -> str | None:
    """Which other process trains the run in a directory, in words; None for nobody. Leaves no trace."""
    if (path / NAME).is_file():
        for way in (os.O_RDWR, os.O_RDONLY):  # somebody else's run may be read alone
            with contextlib.suppress(OSError):
                file = os.open(path / NAME, way | getattr(os, "O_NOFOLLOW", 0))
                try:
                    return None if _lock(file) else _holder(path / NAME)
                finally:
                    os.close(file)
    return None


def _lock(file: int) -> bool:
    """False where another holds it. A file system that has no locks lets everybody in."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            os.lseek(file, 1_000_000, os.SEEK_SET)  # beyond the text, which others shall read
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _locked(path: Path) -> RunLockedError:
    return RunLockedError(
        f"{path} is being trained by {_holder(path / NAME)}.",
        hint="Wait for it, or stop it with SIGTERM: it saves, and the run can go on.",
    )


def _holder(path: Path) -> str:
    """In words, as the file has it."""
    try:
        found: dict[str, Any] = files.as_object(files.parse_json(files.read_text(path, most=10_000)))
        return printable(f"process {found['pid']} of {found['host']}, since {found['since']}")
    except (OSError, ValueError, KeyError):
        return "another process"
