"""Putting a load on open sessions, in the worker: the scenario's loop, with what the machine did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzoo.runtime.latency import disturbance
from ganzoo.runtime.latency.clock import Clock, SystemClock
from ganzoo.runtime.latency.job import Job
from ganzoo.runtime.latency.measure import warm_up
from ganzoo.runtime.latency.scenarios import Run, Series, arrivals, multi_stream, offline, server, single_stream

if TYPE_CHECKING:
    from ganzoo.runtime.latency.meeting import Appointment

_LEAST_PROBE_SECONDS = 1.0
_PROBE_SAMPLES = 20  # beyond the quantile that is looked at
_PROBES = 7
_FULL = 0.98  # of the capacity: the highest rate that is tried


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a loop gave. rate: the largest that keeps the objective, 0 for none; None where none was looked for.

    window_ns: from when to when, by the clock that all processes share.
    """

    series: Series
    warm_up_calls: int
    warm_up_seconds: float
    settled: bool
    disturbance: disturbance.Disturbance
    window_ns: tuple[int, int]
    calibration_ns: tuple[int, int]
    rate: float | None = None


def put(
    runs: Sequence[Run],
    job: Job,
    *,
    seconds: float,
    clock: Clock | None = None,
    appointment: Appointment | None = None,
) -> Measured:
    """Warm up, calibrate, and run the scenario. runs: one for each instance. appointment: with other processes."""
    clock = clock or SystemClock()
    calls, warm_seconds, settled = 0, 0.0, True
    for run in runs:
        more, took, fine = warm_up(run, clock, max(0.5, job.longest / 4) / len(runs))
        calls, warm_seconds, settled = calls + more, warm_seconds + took, settled and fine
    before = disturbance.calibrate()
    if appointment is not None:
        appointment.keep(runs)
    first, began = disturbance.read(), time.monotonic_ns()
    # Between blocks only the first and the last reading count: what happened between them is their difference.
    series, rate = _scenario(runs, job, clock, seconds)
    meanwhile = disturbance.between(first, disturbance.read())
    return Measured(
        series=series,
        warm_up_calls=calls,
        warm_up_seconds=warm_seconds,
        settled=settled,
        disturbance=meanwhile,
        window_ns=(began, time.monotonic_ns()),
        calibration_ns=(before, disturbance.calibrate()),
        rate=rate,
    )


def _scenario(runs: Sequence[Run], job: Job, clock: Clock, seconds: float) -> tuple[Series, float | None]:
    pause = int(job.pause_ms * 1e6)
    if job.mode == "capacity":
        return offline(runs, clock, seconds), None
    match job.scenario:
        case "single-stream":
            return single_stream(runs[0], clock, seconds, pause_ns=pause), None
        case "multi-stream":
            return multi_stream(runs, clock, seconds, streams=job.streams, pause_ns=pause), None
        case "offline":
            return offline(runs, clock, seconds), None
        case "server":
            if job.objective is None:
                return server(runs, clock, arrivals(job.rate, seconds, job.seed)), None
            return largest_rate(
                lambda rate, probe, seed: server(runs, clock, arrivals(rate, probe, seed)), job, seconds=seconds
            )


def largest_rate(serve: Callable[[float, float, int], Series], job: Job, *, seconds: float) -> tuple[Series, float]:
    """The largest rate that keeps the objective, by bisection below the capacity, `job.rate`, and its series.

    serve: (rate, seconds, seed) -> what happened. Each probe has enough calls for the quantile; a rate at which calls
    are left unserved does not keep it.
    """
    assert job.objective is not None
    low, high = 0.0, _FULL * job.rate
    best: Series | None = None
    last = Series()
    for number in range(_PROBES):
        rate = (low + high) / 2 if number else high
        enough = _PROBE_SAMPLES / (1 - job.objective.quantile) / rate
        last = serve(rate, max(_LEAST_PROBE_SECONDS, seconds / _PROBES, enough), job.seed + number)
        tail = np.quantile(last.samples_ns, job.objective.quantile) / 1e6 if last.samples_ns else np.inf
        if last.unserved == 0 and tail <= job.objective.limit_ms:
            low, best = rate, last
            if number == 0:
                break
        else:
            high = rate
    return best or last, low


def to_answer(measured: Measured) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain values and arrays."""
    series = measured.series
    values = {
        "calls": series.calls,
        "elapsed_ns": series.elapsed_ns,
        "unserved": series.unserved,
        "warm_up_calls": measured.warm_up_calls,
        "warm_up_seconds": measured.warm_up_seconds,
        "settled": measured.settled,
        "disturbance": disturbance.as_json(measured.disturbance),
        "window_ns": list(measured.window_ns),
        "calibration_ns": list(measured.calibration_ns),
        "rate": measured.rate,
    }
    return values, {"samples": np.array(series.samples_ns, np.int64), "late": np.array(series.late_ns, np.int64)}
