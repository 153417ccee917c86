"""Ctrl-C, SIGTERM and SIGHUP as a request to finish the step and save."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType

_IMPATIENCE_SECONDS = 1.0


class StopRequest:
    """Whether the user asked for the end. The first signal asks; a later Ctrl-C ends the program at once.

    Only that: schedulers and torchrun send the same SIGTERM twice, and the second must not cost the checkpoint.
    """

    def __init__(self) -> None:
        self.made = False
        self._when = 0.0

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.made and number == signal.SIGINT and time.monotonic() - self._when > _IMPATIENCE_SECONDS:
            raise KeyboardInterrupt
        if not self.made:
            self._when = time.monotonic()
        self.made = True  # nothing is printed here: a handler may interrupt another print

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals inside; elsewhere they mean what they meant."""
        handled = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup's wish
            handled.append(signal.SIGHUP)  # the terminal is gone
        try:
            before = {number: signal.signal(number, self._handle) for number in handled}
        except ValueError:  # not the main thread: whoever runs us there handles signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
