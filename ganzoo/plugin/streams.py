"""stdin, stdout and stderr: results alone on stdout, and no work lost because somebody does not listen.

Python code prints through `sys.stdout`, which can be turned; a library written in C, or a process that a plugin starts,
writes to file descriptor 1 itself. So the command line keeps a copy of it for results, and descriptor 1 becomes stderr.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from ganzoo.errors import GanzooError
from ganzoo.quiet import switch_off_telemetry

_lock = threading.RLock()
_targets: list[TextIO] = []  # where stdout goes now, the last of them
_usual: list[TextIO] = []  # sys.stdout as it was before the first


@contextlib.contextmanager
def stdout_to(target: TextIO) -> Iterator[None]:
    """What is printed inside goes to `target`. For several threads at once: whoever leaves last puts stdout back."""
    with _lock:
        if not _targets:
            _usual[:] = [sys.stdout]
        _targets.append(target)
        sys.stdout = target
    try:
        yield
    finally:
        with _lock:
            _targets.reverse()
            _targets.remove(target)  # the newest of equals
            _targets.reverse()
            sys.stdout = _targets[-1] if _targets else _usual[0]


def own_process() -> None:
    """For a process that is the command line; elsewhere streams are the caller's. Telemetry is off, stdout for results.

    A closed descriptor is opened on nothing, lest the next file get its number and be printed into.
    """
    switch_off_telemetry()
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        _open_if_closed(number, flags)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _Messages(2, like=sys.stderr)
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        if sys.stdout is not None:
            sys.stdout.flush()
        results = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = _Results(results, like=sys.stdout)


def _open_if_closed(number: int, flags: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        os.dup2(opened, number)
        if opened != number:
            os.close(opened)
        os.set_inheritable(number, True)


class _Stream(io.TextIOWrapper):
    """Text on a file descriptor. What its encoding does not have is escaped."""

    def __init__(self, descriptor: int, *, like: TextIO | None) -> None:
        super().__init__(
            io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False)),
            encoding=getattr(like, "encoding", None) or "utf-8",
            errors="backslashreplace",
            line_buffering=True,
            write_through=True,
        )
        self.descriptor = descriptor


class _Messages(_Stream):
    """stderr. Nobody is left to be told that it is full, or closed."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError, ValueError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().flush()


class _Results(_Stream):
    """stdout."""

    def write(self, text: str, /) -> int:
        with self._told():
            return super().write(text)

    def flush(self) -> None:
        with self._told():
            super().flush()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Raises GanzooError where nobody takes the result; once, as the rest then goes nowhere."""
        try:
            yield
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.descriptor)
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):  # `ganzoo list | head`
                raise
            raise GanzooError(f"The result cannot be written to stdout: {error.strerror or error}.") from None
