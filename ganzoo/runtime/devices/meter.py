"""What a device does at a moment, and how it is read ten times a second while something runs on it.

The readings are taken by the process that waits for the measurement, never by the one that measures.
"""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

HERTZ = 10.0
now_ns = time.monotonic_ns
"""A clock that all processes of a machine share."""


class DeviceLostError(Exception):
    """A device that was there is gone."""


class Reading(NamedTuple):
    """At a moment; None for what the device does not tell.

    joules: since some beginning. reasons: why the clock is what it is. busy: share of the last moments in which
    anything ran. processes: that have the device open, by number.
    """

    at_ns: int
    mhz: float | None = None
    memory_mhz: float | None = None
    watts: float | None = None
    joules: float | None = None
    celsius: float | None = None
    reasons: tuple[str, ...] | None = None
    used_bytes: int | None = None
    busy: float | None = None
    processes: tuple[int, ...] | None = None


class Meter(Protocol):
    """One device that can be read."""

    def facts(self) -> dict[str, Any]:
        """What does not change while something runs."""
        ...

    def read(self) -> Reading:
        """Now. Raises DeviceLostError for a device that is gone."""
        ...


class Watch:
    """Reads a meter ten times a second from when it is entered until it is left."""

    def __init__(self, meter: Meter | None, *, hertz: float = HERTZ) -> None:
        """meter: None for a device that nothing tells of; there are no readings then."""
        self._meter, self._pause = meter, 1 / hertz
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.readings: list[Reading] = []
        self.lost = ""

    def __enter__(self) -> Watch:
        self._read()
        if self._meter is not None and not self.lost:
            self._thread = threading.Thread(target=self._go_on, name="ganzoo-watch", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._read()

    def _go_on(self) -> None:
        due = time.monotonic()
        while not self.lost:
            due = max(due + self._pause, time.monotonic() - self._pause)  # what was late is not made up for
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            self._read()

    def _read(self) -> None:
        if self._meter is None or self.lost:
            return
        try:
            self.readings.append(self._meter.read())
        except DeviceLostError as error:
            self.lost = str(error) or "lost"
        except Exception:  # of a driver's own: a measurement does not fail by what is told beside it
            self._meter = None

    def used_bytes(self) -> int | None:
        """By how much the most that was in use is above what was in use at the beginning."""
        found = [one.used_bytes for one in self.readings if one.used_bytes is not None]
        return max(0, max(found) - found[0]) if found else None

    def window(self, began_ns: int, ended_ns: int, own: int = 0) -> dict[str, Any] | None:
        """What the device did between two moments; None without readings. own: the process that measured, which is
        not one of the others."""
        inside = [one for one in self.readings if began_ns <= one.at_ns <= ended_ns]
        if not self.readings:
            return None
        # A window shorter than the pause may hold no reading: then the one after it speaks for it.
        after = [one for one in self.readings if one.at_ns > ended_ns][:1]
        seen = inside or after or self.readings[-1:]
        return {
            "readings": len(inside),
            "mhz": _range([one.mhz for one in seen]),
            "memory_mhz": _range([one.memory_mhz for one in seen]),
            "watts": _range([one.watts for one in seen]),
            "celsius": _range([one.celsius for one in seen]),
            "joules": energy(self.readings, began_ns, ended_ns),
            "reasons": _shares([one.reasons for one in seen]),
            "busy": _mean([one.busy for one in seen]),
            "others": _others(seen, self.readings[0], own),
        }


def energy(readings: Sequence[Reading], began_ns: int, ended_ns: int) -> float | None:
    """Joules between two moments: by the device's own counter where it has one, else by its power over time. None
    where the readings do not reach around the window."""
    counted = [(one.at_ns, one.joules) for one in readings if one.joules is not None]
    if len(counted) > 1 and counted[0][0] <= began_ns and ended_ns <= counted[-1][0]:
        first, last = (_between(counted, moment) for moment in (began_ns, ended_ns))
        return max(0.0, last - first)
    powered = [(one.at_ns, one.watts) for one in readings if one.watts is not None]
    if len(powered) < 2 or powered[0][0] > began_ns or powered[-1][0] < ended_ns:
        return None
    corners = [
        (began_ns, _between(powered, began_ns)),
        *((at, watts) for at, watts in powered if began_ns < at < ended_ns),
        (ended_ns, _between(powered, ended_ns)),
    ]
    return sum(
        (one + other) / 2 * (later - earlier) / 1e9 for (earlier, one), (later, other) in itertools.pairwise(corners)
    )


def _between(points: Sequence[tuple[int, float]], moment: int) -> float:
    """Between the two points beside a moment, in a straight line."""
    place = bisect_left(points, moment, key=lambda point: point[0])
    if place == 0:
        return points[0][1]
    (before, one), (after, other) = points[place - 1], points[min(place, len(points) - 1)]
    return one if after == before else one + (other - one) * (moment - before) / (after - before)


def _range(values: Sequence[float | None]) -> list[float] | None:
    """Least, mean, largest."""
    known = [value for value in values if value is not None]
    return [min(known), round(sum(known) / len(known), 3), max(known)] if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def _shares(values: Sequence[tuple[str, ...] | None]) -> dict[str, float] | None:
    """Of the readings in which each reason was there."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    names = dict.fromkeys(name for value in known for name in value)
    return {name: round(sum(name in value for value in known) / len(known), 4) for name in names}


def _others(seen: Sequence[Reading], before: Reading, own: int) -> int | None:
    """Other processes on the device, at most. In a container the driver's numbers are the host's: there the one that
    came with the measurement is taken for its own."""
    listed = [one.processes for one in seen if one.processes is not None]
    if not listed:
        return None
    earlier = before.processes or ()
    most = 0
    for processes in listed:
        others = [pid for pid in processes if pid != own]
        if own not in processes:  # hidden by a container: one that was not there before is ours
            newer = [pid for pid in others if pid not in earlier]
            others = [pid for pid in others if pid in earlier or pid in newer[1:]]
        most = max(most, len(others))
    return most
