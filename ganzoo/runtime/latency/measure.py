"""Timing one session on one set of inputs: warm up until it settles, then a closed loop.

Closed loop: the next run begins when the last one ended, so the numbers are latencies of an
otherwise idle model, not latencies under load.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

WINDOW_RUNS = 20
WINDOW_SECONDS = 0.2
SETTLED_WITHIN = 0.02
LONGEST_WARM_UP_SECONDS = 30.0
DISTURBED_SHARE = 0.01
"""A sample is disturbed when its thread waited for a processor for more than this share of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How long a measurement may take.

    seconds: for warm-up and samples together. samples: enough of them.
    """

    seconds: float
    samples: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Timed runs.

    warm_up_runs, warm_up_seconds, settled: how the warm-up went.
    samples_ms: all of them in order. disturbed: by the scheduler, sample by sample; None where the
    system does not tell.
    """

    warm_up_runs: int
    warm_up_seconds: float
    settled: bool
    samples_ms: list[float]
    disturbed: list[bool] | None


def host_loop(session: onnxruntime.InferenceSession, feed: Mapping[str, NDArray[Any]]) -> Callable[[], Any]:
    """A run from host arrays to host arrays, as a caller without I/O binding would do it."""
    names = [output.name for output in session.get_outputs()]
    feed = dict(feed)
    return lambda: session.run(names, feed)


def bound_loop(
    session: onnxruntime.InferenceSession, feed: Mapping[str, NDArray[Any]], device: str, device_id: int = 0
) -> Callable[[], Any]:
    """A run with inputs and outputs bound to `cpu` or `cuda` memory, outputs allocated once, synchronised."""
    from ganzoo.runtime.ort import onnxruntime

    binding = session.io_binding()
    places = []
    for name, array in feed.items():
        places.append(onnxruntime.OrtValue.ortvalue_from_numpy(array, device, device_id))
        binding.bind_ortvalue_input(name, places[-1])
    for output, value in zip(session.get_outputs(), session.run(None, dict(feed)), strict=True):
        places.append(onnxruntime.OrtValue.ortvalue_from_numpy(value, device, device_id))
        binding.bind_ortvalue_output(output.name, places[-1])

    # `places` is an argument so that it lives as long as the loop: a binding need not hold what it is bound to.
    def run(_: object = places) -> None:
        session.run_with_iobinding(binding)
        if device != "cpu":
            binding.synchronize_outputs()

    return run


def copy_loop(feed: Mapping[str, NDArray[Any]], outputs: Sequence[NDArray[Any]], device_id: int) -> Callable[[], Any]:
    """The copies alone: inputs to the device, outputs back."""
    from ganzoo.runtime.ort import onnxruntime

    there = [(onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", device_id), array) for array in feed.values()]
    back = [onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", device_id) for array in outputs]

    def run() -> None:
        for value, array in there:
            value.update_inplace(array)
        for value in back:
            value.numpy()

    return run


def measure(run: Callable[[], Any], budget: Budget) -> Series:
    """Warm up, then time runs until there are enough samples or the time is used up (but at least 3)."""
    began = time.perf_counter()
    runs, settled = _warm_up(run, min(LONGEST_WARM_UP_SECONDS, budget.seconds / 2))
    warm_up_seconds = time.perf_counter() - began
    samples_ns: list[int] = []
    waits_ns: list[int] = []
    clock = time.perf_counter_ns
    deadline = clock() + int(max(0.0, budget.seconds - warm_up_seconds) * 1e9)
    with _run_queue_wait() as waited:
        wait = waited()
        while len(samples_ns) < budget.samples and (len(samples_ns) < 3 or clock() < deadline):
            start = clock()
            run()
            samples_ns.append(clock() - start)
            before, wait = wait, waited()
            waits_ns.append(wait - before)
        known = wait >= 0
    return Series(
        warm_up_runs=runs,
        warm_up_seconds=warm_up_seconds,
        settled=settled,
        samples_ms=[round(sample / 1e6, 6) for sample in samples_ns],
        disturbed=[wait > DISTURBED_SHARE * sample for wait, sample in zip(waits_ns, samples_ns, strict=True)]
        if known
        else None,
    )


def _warm_up(run: Callable[[], Any], longest_seconds: float) -> tuple[int, bool]:
    """Run until the medians of three successive windows agree. Returns the runs made and whether they did."""
    medians: list[float] = []
    runs = 0
    deadline = time.perf_counter() + longest_seconds
    while time.perf_counter() < deadline:
        window: list[float] = []
        window_began = time.perf_counter()
        while len(window) < WINDOW_RUNS or time.perf_counter() - window_began < WINDOW_SECONDS:
            start = time.perf_counter()
            run()
            window.append(time.perf_counter() - start)
            if time.perf_counter() > deadline:
                return runs + len(window), False
        runs += len(window)
        medians.append(statistics.median(window))
        last = medians[-3:]
        if len(last) == 3 and max(last) - min(last) <= SETTLED_WITHIN * min(last):
            return runs, True
    return runs, False


@contextlib.contextmanager
def _run_queue_wait() -> Iterator[Callable[[], int]]:
    """A function that gives the nanoseconds this thread has waited for a processor, or -1 for ever."""
    try:
        file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        yield lambda: -1
        return
    try:
        yield lambda: int(os.pread(file, 64, 0).split()[1])
    finally:
        os.close(file)
