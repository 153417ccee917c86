"""What a stranger's code does to the process, undone when it returns."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from ganzoo.plugin.streams import stdout_to

_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
_PATIENCE_SECONDS = 2.0
_LOOKS_SECONDS = 0.25


class Isolated:
    """`with Isolated() as guest:` around a stranger's code. What it prints goes to stderr; the recursion limit, the
    working directory, the streams, the handlers of signals and, if `filters`, those of warnings are put back behind it.

    guest.interrupted: whether a Ctrl-C came meanwhile. A KeyboardInterrupt that no signal brought is an error like
    any other.
    """

    def __init__(self, *, filters: bool = False, prints: bool = False) -> None:
        """prints: it is the caller's own code, and may print on stdout."""
        self.interrupted = False
        self._prints = prints
        self._filters = list(warnings.filters) if filters else None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if not self._prints:
            self._stack.enter_context(stdout_to(sys.stderr))
        self._streams = sys.stdin, sys.stderr
        self._recursion = sys.getrecursionlimit()
        self._folder = _folder()
        self._handlers = self._listen()
        self._timer = hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0] > 0
        self._threads = set(threading.enumerate()) if self._filters is not None else set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.getrecursionlimit() != self._recursion:
            sys.setrecursionlimit(self._recursion)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._folder is not None and self._folder != _folder():
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
        sys.stdin, sys.stderr = self._streams
        if self._filters is not None and hasattr(signal, "setitimer") and not self._timer:
            signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm of its own would end the program
        if self._filters is not None:
            _left_running.extend(thread for thread in set(threading.enumerate()) - self._threads if not thread.daemon)
        if self._filters is not None and warnings.filters != self._filters:
            with contextlib.suppress(Exception):
                warnings.filters[:] = self._filters  # type: ignore[index]  # a list, whatever it is typed as
                warnings._filters_mutated()  # type: ignore[attr-defined]  # Python's own way to say so
        self._stack.close()

    def _listen(self) -> dict[int, Any]:
        """Handlers to be put back. A Ctrl-C does what it did, and is noted."""
        if threading.current_thread() is not threading.main_thread():
            self.interrupted = False
            return {}
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, usual in before.items():
            if callable(usual):  # of SIGTERM and SIGHUP: where they end the work as a Ctrl-C does, which may be ignored
                signal.signal(number, self._noting(usual))
        return {number: handler for number, handler in before.items() if handler is not None}

    def _noting(self, usual: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], None]:
        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            usual(number, frame)

        return note


_left_running: list[threading.Thread] = []


def left_running() -> list[str]:
    """Threads that plugins started when they were imported, by name: Python would wait for them at its end."""
    return [thread.name for thread in _left_running if thread.is_alive()]


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # as text, which costs nothing
    except OSError:  # it has been removed
        return None


class Patience:
    """Says who is being waited for, once each, where that takes longer than two seconds.

    say: called with one line, in another thread.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._waiting: tuple[str, float] | None = None
        self._done = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="ganzoo-patience", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def wait_for(self, whom: str) -> None:
        self._waiting = whom, time.monotonic()

    def _watch(self) -> None:
        told = None
        while not self._done.wait(_LOOKS_SECONDS):
            waiting = self._waiting
            if waiting is not None and waiting != told and time.monotonic() - waiting[1] > _PATIENCE_SECONDS:
                told = waiting
                self._say(f"waiting for {waiting[0]}, which is being imported")
