"""The clock of a measurement. Simulated ones in tests stand in its place."""

from __future__ import annotations

import time
from typing import Protocol

_SPIN_NS = 1_000_000  # before a moment: a system that sleeps comes back late by up to that


class Clock(Protocol):
    """now: nanoseconds, from any beginning."""

    def now(self) -> int: ...

    def wait_until(self, moment: int) -> None:
        """Come back at a moment, as little after it as can be; at once if it has passed."""
        ...


class SystemClock:
    """The system's, which sleeps, and spins at the end of a wait."""

    now = staticmethod(time.perf_counter_ns)

    def wait_until(self, moment: int) -> None:
        left = moment - time.perf_counter_ns()
        if left > _SPIN_NS:
            time.sleep((left - _SPIN_NS) / 1e9)
        while time.perf_counter_ns() < moment:
            time.sleep(0)  # lets other threads of this process run
