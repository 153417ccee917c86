"""Temporary folders that are gone when their process is, also when it ends without its last rites."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
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


@contextlib.contextmanager
def ended_like_interrupted() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP end the work as Ctrl-C does, so that temporary folders go with it.

    A signal that is ignored stays ignored: nohup and shells ask for that, of SIGHUP and of a background job's SIGINT.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a Ctrl-C is ignored there, not this one
        signal.raise_signal(signal.SIGINT)  # as the terminal would: who runs plugins tells it from theirs

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *numbers)}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: one that was not set from Python
                signal.signal(number, handler)


def remove_scratch() -> None:
    """For a process that is about to end without its last rites."""
    for folder in list(_scratch):
        remove_tree(folder)
