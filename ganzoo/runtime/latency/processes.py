"""What one process measured, as a result keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganzoo.runtime.devices.meter import Watch
from ganzoo.runtime.latency.process import Answer
from ganzoo.runtime.latency.samples import encode

_KEYS = (
    "session_seconds",
    "first_run_ms",
    "peak_bytes",
    "feeds",
    "fed_bytes",
    "not_finite",
    "outputs_sha256",
    "runs_differ_by",
)


def process_json(answer: Answer, watch: Watch) -> dict[str, Any]:
    """All samples are inside. watch: of its device meanwhile."""
    content, series = answer.content or {}, {}
    for kind, values in content["series"].items():
        samples, late = answer.arrays[f"{kind}.samples"], answer.arrays[f"{kind}.late"]
        began, ended = values["window_ns"]
        series[kind] = {
            **{key: value for key, value in values.items() if key != "window_ns"},
            "median_ms": float(np.median(samples)) / 1e6 if len(samples) else None,
            "late_p99_ms": float(np.quantile(late, 0.99)) / 1e6 if len(late) else None,
            "device": watch.window(began, ended, answer.pid),
            "samples": encode(samples),
        }
    return {**{key: content[key] for key in _KEYS}, "device_bytes": watch.used_bytes(), "series": series}


def process_windows(answer: Answer) -> tuple[int, int]:
    """From when to when it measured, in ns of the clock that all processes share."""
    windows = [values["window_ns"] for values in (answer.content or {})["series"].values()]
    return min(began for began, _ in windows), max(ended for _, ended in windows)
