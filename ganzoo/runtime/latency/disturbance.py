"""What the machine did meanwhile: counters that are read between blocks of calls, and a kernel of constant work.

One reading costs some microseconds for each thread, so that none is taken inside a timed call. Counters that a system
does not have are None.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_WORK = bytes(2**20)
_ROUNDS = 9
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Counters(NamedTuple):
    """Seconds since some beginning. at: the clock. waited: of all threads of this process, for a processor. stolen: by
    the host of a virtual machine, of all processors. throttled: by the control group. busy: all processors together.
    own: processor time of this process. mhz: the mean of the processors now."""

    at: float
    own: float
    waited: float | None = None
    stolen: float | None = None
    throttled: float | None = None
    busy: float | None = None
    mhz: float | None = None


class Disturbance(NamedTuple):
    """Of a stretch of time, as shares of it: of the process's time in `waited`, of one processor's in the others.

    others: processor time of other processes. mhz: at its end.
    """

    seconds: float
    waited: float | None
    stolen: float | None
    throttled: float | None
    others: float | None
    mhz: float | None


def read() -> Counters:
    """Now."""
    times = os.times()
    stolen, busy = _processors()
    return Counters(
        at=time.perf_counter(),
        own=times.user + times.system,
        waited=_waited(),
        stolen=stolen,
        throttled=_throttled(),
        busy=busy,
        mhz=_mhz(),
    )


def between(first: Counters, last: Counters) -> Disturbance:
    """What happened from one reading to another."""
    seconds = max(last.at - first.at, 1e-9)
    others = _apart(first.busy, last.busy)
    if others is not None:
        others = max(0.0, others - (last.own - first.own))

    def share(amount: float | None) -> float | None:
        return None if amount is None else amount / seconds

    return Disturbance(
        seconds=seconds,
        waited=share(_apart(first.waited, last.waited)),
        stolen=share(_apart(first.stolen, last.stolen)),
        throttled=share(_apart(first.throttled, last.throttled)),
        others=share(others),
        mhz=last.mhz,
    )


def calibrate() -> int:
    """Nanoseconds that constant work takes on one processor: the median of nine times a hash of a megabyte."""
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter_ns()
        hashlib.sha256(_WORK).digest()
        took.append(time.perf_counter_ns() - began)
    return int(statistics.median(took))


def _apart(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else max(0.0, last - first)


def _waited() -> float | None:
    """Of threads that are there now; one that ended takes its time along, which a measurement's do not."""
    total, found = 0, False
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                total += int((task / "schedstat").read_bytes().split()[1])
                found = True
    return total / 1e9 if found else None


def _processors() -> tuple[float | None, float | None]:
    """Stolen and busy seconds of all processors."""
    with contextlib.suppress(OSError, ValueError, IndexError), Path("/proc/stat").open("rb") as file:
        user, nice, system, _, _, irq, soft, stolen = map(int, file.readline().split()[1:9])
        return stolen / _TICK, (user + nice + system + irq + soft) / _TICK
    return None, None


def _throttled() -> float | None:
    for path, key, unit in (
        ("/sys/fs/cgroup/cpu.stat", b"throttled_usec", 1e6),
        ("/sys/fs/cgroup/cpu/cpu.stat", b"throttled_time", 1e9),
    ):
        with contextlib.suppress(OSError, ValueError, IndexError):
            facts = dict(line.split()[:2] for line in Path(path).read_bytes().splitlines())
            if key in facts:
                return int(facts[key]) / unit
    return None


def _mhz() -> float | None:
    """Of the processors that this process may use, where the system tells; virtual machines often do not."""
    found = []
    for number in sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ():
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/sys/devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq").read_text()
            found.append(int(text) / 1000)
    return statistics.mean(found) if found else None


def as_json(disturbance: Disturbance) -> Mapping[str, Any]:
    return {key: None if value is None else round(value, 6) for key, value in disturbance._asdict().items()}
