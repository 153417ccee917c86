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
from typing import IO, Any, TextIO

from ganzoo.errors import GanzooError
from ganzoo.quiet import switch_off_telemetry

_lock = threading.RLock()
_turned: dict[int, list[TextIO]] = {}  # by thread: where its stdout goes now, the last of them
_known: set[int] = set()  # threads that there were when the first stdout was turned


class _Turned(io.TextIOBase):
    """sys.stdout while some thread's output goes elsewhere; that of other threads goes where it went.

    A thread that began since is taken for one that the code inside has started.
    """

    def __init__(self, usual: TextIO) -> None:
        self.usual = usual

    def _target(self) -> TextIO:
        here = threading.get_ident()
        if here in _turned:
            return _turned[here][-1]
        if here in _known or not _turned:
            return self.usual
        return next(reversed(_turned.values()))[-1]

    def write(self, text: str, /) -> int:
        return self._target().write(text)

    def flush(self) -> None:
        self._target().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)

    def fileno(self) -> int:
        return self.usual.fileno()

    def isatty(self) -> bool:
        return self.usual.isatty()


@contextlib.contextmanager
def stdout_to(target: TextIO) -> Iterator[None]:
    """What this thread prints inside goes to `target`. Whoever leaves last puts stdout back."""
    here = threading.get_ident()
    with _lock:
        if not _turned:
            _known.clear()
            _known.update(thread.ident for thread in threading.enumerate() if thread.ident is not None)
            sys.stdout = _Turned(sys.stdout)
        _turned.setdefault(here, []).append(target)
        turned = sys.stdout
    try:
        yield
    finally:
        with _lock:
            targets = _turned[here]
            targets.reverse()
            targets.remove(target)  # the newest of equals
            targets.reverse()
            if not targets:
                del _turned[here]
            usual = turned.usual if isinstance(turned, _Turned) else turned
            sys.stdout = turned if _turned else usual


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


def end_results() -> None:
    """Before the process ends: what is printed from here on, by what plugins left for the end, is no result."""
    if isinstance(sys.stdout, _Results):
        sys.stdout.flush()
        sys.stdout = sys.stderr


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

    _process = os.getpid()

    def write(self, text: str, /) -> int:
        if os.getpid() != self._process or threading.current_thread() is not threading.main_thread():
            return sys.stderr.write(text)  # of a child or a thread that a plugin started: results are the main one's
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


@contextlib.contextmanager
def descriptor_to(number: int, target: IO[bytes]) -> Iterator[None]:
    """What the whole process writes to a file descriptor inside goes to `target`; libraries in C know no other."""
    kept = os.dup(number)
    try:
        os.dup2(target.fileno(), number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
