"""Several processes that begin at one moment: each says that it is ready, and is told when.

Until then each goes on with its calls, unmeasured, so that no device rests and clocks down while it waits for others.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

READY = b"ready\n"
_AHEAD_NS = 20_000_000  # the moment is told so long before it comes


class Meeting:
    """In the process that asked: who is expected, and who is ready. tell: hands a line to the worker of a number."""

    def __init__(self, expected: int, tell: Callable[[int, bytes], None]) -> None:
        self._expected, self._ready = set(range(expected)), set[int]()
        self._lock, self._tell = threading.Lock(), tell

    def arrive(self, number: int) -> None:
        """One is ready."""
        with self._lock:
            self._ready.add(number)
            self._begin()

    def leave(self, number: int) -> None:
        """One has ended: the others do not wait for it."""
        with self._lock:
            self._expected.discard(number)
            self._begin()

    def _begin(self) -> None:
        if self._ready and self._ready >= self._expected:
            moment = time.monotonic_ns() + _AHEAD_NS
            for number in self._ready & self._expected:
                self._tell(number, b"go %d\n" % moment)
            self._ready.clear()


class Appointment:
    """In the process that measures. out: where it answers."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._moments, self._begun = out, queue.SimpleQueue[int](), b""

    def told(self, content: bytes) -> None:
        """What came from the one that asked."""
        *lines, self._begun = (self._begun + content).split(b"\n")
        for line in lines:
            self._moments.put(int(line.split()[1]))

    def keep(self, runs: Sequence[Callable[[], Any]]) -> None:
        """Come back at the common moment, calling meanwhile."""
        self._out.write(READY)
        self._out.flush()
        moment: int | None = None
        while moment is None or time.monotonic_ns() < moment:
            for run in runs:
                run()
            if moment is None and not self._moments.empty():
                moment = self._moments.get()
