"""Ctrl-C and SIGTERM as a request to finish the step and save."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """Whether the user asked for the end. The first signal asks; a second one ends the program."""

    def __init__(self) -> None:
        self.made = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.made:
            raise KeyboardInterrupt
        self.made = True  # nothing is printed here: a handler may interrupt another print

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals inside; elsewhere they mean what they meant."""
        handled = [signal.SIGINT, signal.SIGTERM]
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
