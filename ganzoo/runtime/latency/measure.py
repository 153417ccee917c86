"""A session's calls as loops want them, and the warm-up before."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.runtime.latency.clock import Clock
from ganzoo.runtime.values import has_odd_types, to_value

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from ganzoo.runtime.latency.scenarios import Run

WINDOW_RUNS = 20
WINDOW_SECONDS = 0.2
SETTLED_WITHIN = 0.02
LONGEST_WARM_UP_SECONDS = 30.0

Feed = Mapping[str, "NDArray[Any]"]


def host_loop(session: onnxruntime.InferenceSession, feed: Feed) -> Run:
    """A run from host arrays to host arrays, as a caller without I/O binding would do it."""
    names = [output.name for output in session.get_outputs()]
    if has_odd_types(session):
        values = {name: to_value(array) for name, array in feed.items()}
        return lambda: session.run_with_ort_values(names, values)
    feed = dict(feed)
    return lambda: session.run(names, feed)


def bound_loop(
    session: onnxruntime.InferenceSession,
    feed: Feed,
    outputs: Sequence[NDArray[Any]],
    device: str = "cpu",
    device_id: int = 0,
) -> Run:
    """A run with inputs and outputs bound to memory of the host or of a device, outputs allocated once, synchronised.

    outputs: of one run, for their shapes.
    """
    from ganzoo.runtime.ort import onnxruntime

    binding = session.io_binding()
    places = []
    for name, array in feed.items():
        places.append(onnxruntime.OrtValue.ortvalue_from_numpy(array, device, device_id))
        binding.bind_ortvalue_input(name, places[-1])
    for output, value in zip(session.get_outputs(), outputs, strict=True):
        places.append(onnxruntime.OrtValue.ortvalue_from_numpy(value, device, device_id))
        binding.bind_ortvalue_output(output.name, places[-1])
    if device == "cpu":
        call = session.run_with_iobinding
        # `places` is an argument so that it lives as long as the loop: a binding need not hold what it is bound to.
        return lambda _=places: call(binding)  # type: ignore[misc]

    def run(_: object = places) -> None:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return run


def copy_loop(feed: Feed, outputs: Sequence[NDArray[Any]], device: str, device_id: int) -> Run:
    """The copies alone: inputs to the device, outputs back."""
    from ganzoo.runtime.ort import onnxruntime

    there = [(onnxruntime.OrtValue.ortvalue_from_numpy(array, device, device_id), array) for array in feed.values()]
    back = [onnxruntime.OrtValue.ortvalue_from_numpy(array, device, device_id) for array in outputs]

    def run() -> None:
        for value, array in there:
            value.update_inplace(array)
        for value in back:
            value.numpy()

    return run


def in_turn(runs: Sequence[Run]) -> Run:
    """The next of several at each call."""
    if len(runs) == 1:
        return runs[0]
    turns: Iterator[Callable[[], Any]] = itertools.cycle(runs)
    return lambda: next(turns)()  # noqa: PLW0108 - another at each call


def warm_up(run: Run, clock: Clock, longest_seconds: float) -> tuple[int, float, bool]:
    """Run until the medians of three successive windows agree. Returns calls, seconds, and whether they did."""
    medians = list[float]()
    calls, began = 0, clock.now()
    deadline = began + int(min(longest_seconds, LONGEST_WARM_UP_SECONDS) * 1e9)
    while clock.now() < deadline:
        window, window_began = list[int](), clock.now()
        while len(window) < WINDOW_RUNS or clock.now() - window_began < WINDOW_SECONDS * 1e9:
            start = clock.now()
            run()
            window.append(clock.now() - start)
            if clock.now() > deadline:
                return calls + len(window), (clock.now() - began) / 1e9, False
        calls += len(window)
        medians.append(statistics.median(window))
        last = medians[-3:]
        if len(last) == 3 and max(last) - min(last) <= SETTLED_WITHIN * min(last):
            return calls, (clock.now() - began) / 1e9, True
    return calls, (clock.now() - began) / 1e9, False
