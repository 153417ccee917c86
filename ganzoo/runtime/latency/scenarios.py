"""The loops of the four scenarios, under MLPerf's names. A loop runs in the worker, on a clock that tests can replace.

single-stream: the next call begins when the last has ended. multi-stream: a query is several calls, and ends with the
last of them. server: calls arrive by a Poisson process, whether or not the last has ended, and are timed from when they
were meant to arrive. offline: all there is to do is there; pictures are counted over time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ganzoo.runtime.latency.clock import Clock

Scenario = Literal["single-stream", "multi-stream", "server", "offline"]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)

Run = Callable[[], Any]

_BLOCK_NS = 100_000_000
_LEAST_SAMPLES = 3
_OVERTIME = 2  # a server that is behind is waited for so many times as long as calls arrive


@dataclass(slots=True)
class Series:
    """Timed queries. samples_ns: their latencies in order. calls: runs of the model. elapsed_ns: of all of them, gaps
    left out. late_ns: of a server, how much later than it could each call began. unserved: calls that arrived and were
    not begun."""

    samples_ns: list[int] = field(default_factory=list)
    calls: int = 0
    elapsed_ns: int = 0
    late_ns: list[int] = field(default_factory=list)
    unserved: int = 0


def single_stream(
    run: Run, clock: Clock, seconds: float, *, pause_ns: int = 0, between: Callable[[], None] = lambda: None
) -> Series:
    """Calls one after the other, three at least. pause_ns: before each. between: called between blocks of 0.1 s."""
    now, samples = clock.now, list[int]()
    deadline = now() + int(seconds * 1e9)
    elapsed = 0
    while True:
        block_ends = now() + _BLOCK_NS
        while True:
            if pause_ns:
                clock.wait_until(now() + pause_ns)
            start = now()
            run()
            end = now()
            samples.append(end - start)
            if end >= block_ends or end >= deadline:
                break
        between()
        if now() >= deadline and len(samples) >= _LEAST_SAMPLES:
            break
    elapsed = sum(samples)
    return Series(samples_ns=samples, calls=len(samples), elapsed_ns=elapsed)


def multi_stream(
    runs: Sequence[Run],
    clock: Clock,
    seconds: float,
    *,
    streams: int,
    pause_ns: int = 0,
    between: Callable[[], None] = lambda: None,
) -> Series:
    """Queries of `streams` calls each, shared among instances; a query's latency is until its last call has ended."""
    with _Crew(runs) as crew:
        series = single_stream(lambda: crew.work(streams), clock, seconds, pause_ns=pause_ns, between=between)
    series.calls = streams * len(series.samples_ns)
    return series


def offline(runs: Sequence[Run], clock: Clock, seconds: float, *, between: Callable[[], None] = lambda: None) -> Series:
    """Instances that each call without a pause; elapsed_ns is the time of all of them together, from first to last."""
    if len(runs) == 1:
        began = clock.now()
        series = single_stream(runs[0], clock, seconds)
        series.elapsed_ns = clock.now() - began
        between()
        return series
    begun, deadline, lock = clock.now(), clock.now() + int(seconds * 1e9), threading.Lock()
    series = Series()

    def work(run: Run) -> None:
        own = list[int]()
        while len(own) < _LEAST_SAMPLES or clock.now() < deadline:
            start = clock.now()
            run()
            own.append(clock.now() - start)
        with lock:
            series.samples_ns += own

    _in_threads([lambda run=run: work(run) for run in runs])  # type: ignore[misc]
    series.calls, series.elapsed_ns = len(series.samples_ns), clock.now() - begun
    between()
    return series


def server(
    runs: Sequence[Run], clock: Clock, arrivals_ns: NDArray[np.int64], *, between: Callable[[], None] = lambda: None
) -> Series:
    """Calls that arrive at stated moments and are begun in their order, each by the first instance that is free.

    arrivals_ns: from the beginning, in order. A call's latency is from its arrival to its end. When the last has
    arrived, those that wait are served as long again, and then counted as unserved.
    """
    if len(arrivals_ns) == 0:
        return Series()
    begun = clock.now()
    limit = begun + _OVERTIME * int(arrivals_ns[-1]) + 1_000_000_000
    calls, lock, series = iter([begun + due for due in arrivals_ns.tolist()]), threading.Lock(), Series()

    def work(run: Run) -> None:
        free = clock.now()
        while True:
            with lock:  # who holds it waits for the next arrival; who is free later waits for the one after
                due = next(calls, None)
                if due is None:
                    return
                clock.wait_until(due)
            start = clock.now()
            if start > limit:
                with lock:
                    series.unserved += 1 + sum(1 for _ in calls)
                return
            run()
            end = clock.now()
            with lock:
                series.samples_ns.append(end - due)
                series.late_ns.append(start - max(due, free))
            free = end

    if len(runs) == 1:
        work(runs[0])
    else:
        _in_threads([lambda run=run: work(run) for run in runs])  # type: ignore[misc]
    series.calls, series.elapsed_ns = len(series.samples_ns), clock.now() - begun
    between()
    return series


def arrivals(rate: float, seconds: float, seed: int) -> NDArray[np.int64]:
    """Moments of a Poisson process in nanoseconds, below `seconds`. rate: a second."""
    random = np.random.Generator(np.random.PCG64(seed))
    moments, last = list[NDArray[np.float64]](), 0.0
    while last < seconds:
        gaps = random.exponential(1 / rate, size=max(16, int(rate * (seconds - last) * 1.2)))
        moments.append(last + np.cumsum(gaps))
        last = float(moments[-1][-1])
    whole = np.concatenate(moments)
    return (whole[whole < seconds] * 1e9).astype(np.int64)


class _Crew:
    """Threads that share calls among instances; one instance works without a thread."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._left, self._lock = 0, threading.Lock()
        self._begin, self._done = threading.Barrier(len(runs)), threading.Barrier(len(runs))
        self._over = False
        self._errors: list[BaseException] = []

    def __enter__(self) -> _Crew:
        self._threads = [threading.Thread(target=self._serve, args=(run,), daemon=True) for run in self._runs[1:]]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        if self._threads:
            self._begin.wait()
            for thread in self._threads:
                thread.join()

    def work(self, calls: int) -> None:
        """So many calls, shared; back when the last has ended. Raises what a call raises."""
        if not self._threads:
            for _ in range(calls):
                self._runs[0]()
            return
        self._left = calls
        self._begin.wait()
        self._share(self._runs[0])
        self._done.wait()
        if self._errors:
            raise self._errors[0]

    def _serve(self, run: Run) -> None:
        while True:
            self._begin.wait()
            if self._over:
                return
            self._share(run)
            self._done.wait()

    def _share(self, run: Run) -> None:
        try:
            while True:
                with self._lock:
                    if self._left == 0:
                        return
                    self._left -= 1
                run()
        except BaseException as error:
            self._errors.append(error)


def _in_threads(works: Sequence[Callable[[], None]]) -> None:
    """All of them at once; raises what the first to fail raised."""
    errors = list[BaseException]()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
