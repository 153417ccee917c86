"""Results of measurements that nobody made: whole documents of format 2 from processes' medians."""

import copy

import numpy as np

from ganzoo.runtime.latency.figures import KINDS, figure_of, latency_json
from ganzoo.runtime.latency.samples import encode
from ganzoo.runtime.latency.sound import check_document


def series(median_ms, *, count=2000, seed=0, calls_ns=None):
    """Samples of one process around a median: 1% wide, in whole nanoseconds."""
    random = np.random.Generator(np.random.PCG64(seed))
    samples = np.maximum(1, np.round(median_ms * 1e6 * np.exp(0.01 * random.standard_normal(count)))).astype(np.int64)
    samples = np.round(samples * (median_ms * 1e6 / np.median(samples))).astype(np.int64)
    median_ms = float(np.median(samples)) / 1e6
    return {
        "calls": count,
        "elapsed_ns": int(calls_ns or samples.sum()),
        "unserved": 0,
        "warm_up_calls": 60,
        "warm_up_seconds": 0.6,
        "settled": True,
        "disturbance": {"seconds": 3.0, "waited": 0.0, "stolen": 0.0, "throttled": None, "others": 0.01, "mhz": None},
        "calibration_ns": [600_000, 601_000],
        "rate": None,
        "median_ms": median_ms,
        "late_p99_ms": None,
        "device": None,
        "samples": encode(samples),
    }


def device_json(name, label="0"):
    return {"label": label, "name": name, "uuid_sha256": f"{name:x<16}"[:16], "slice": None}


def case(medians, *, file="m.onnx", sha256="a" * 64, batch=1, provider="cpu", rate=None, settings=None, count=2000,
         kind="host_to_host", device=None, **more):  # fmt: skip
    """A case of processes with these medians, in ms. device: the name of the provider's."""
    processes = [
        {
            "session_seconds": 0.01, "first_run_ms": 2 * median, "peak_bytes": 10**8, "device_bytes": None, "feeds": 1,
            "fed_bytes": 32, "not_finite": 0.0,
            "outputs_sha256": "0" * 16, "runs_differ_by": 0.0, "celsius": None, "round": number,
            "series": {kind: series(median, seed=number, count=count)},
        }
        for number, median in enumerate(medians)
    ]  # fmt: skip
    figure = figure_of(processes, "single-stream", objective=False) if processes else None
    return {
        "state": "ok", "why": "", "hint": "", "verdict": "valid", "reasons": [], "ended": "converged",
        "model": {
            "file": file, "bytes": 1000, "sha256": sha256, "structure_sha256": "b" * 64, "weights_sha256": "c" * 64,
            "architecture": None, "precision": None,
        },
        "shapes": {"x": [batch, 8]}, "inputs": {"x": "normal"}, "batch": batch, "provider": provider,
        "settings": {
            "threads": None, "inter_op": None, "optimize": "all", "spin": True, "options": {}, "libraries": [],
            **(settings or {}),
        },
        "rate": rate, "capacity_per_second": None, "figure": figure and figure._asdict(),
        "latency_ms": {name: latency_json(processes, name, batch) for name in KINDS} if processes else None,
        "placement": {"nodes": {}, "cpu_shape_nodes": [], "copies": 0, "bound": True, "replayed": None},
        "provider_options": {},
        "output_check": {"state": "ok", "why": "", "error": 0.0, "bound": 1e-4, "snr_db": None},
        "repeatable": {"runs_differ_by": 0.0, "results": 1}, "profile": None, "picture": None, "build_seconds": None,
        "session_seconds": [0.01] * len(processes), "first_run_ms": [2 * median for median in medians],
        "peak_bytes": 10**8, "device_bytes": None, "device": device and device_json(device),
        "joules_per_picture": None, "together": None,
        "processes": processes,
        **more,
    }  # fmt: skip


def result(*cases, date="2026-01-01", machine=None, **protocol):
    """A whole document, checked as one that is loaded."""
    document = {
        "format": 2,
        "ganzoo": "0.1.0",
        "label": None,
        "date": date,
        "protocol": {
            "scenario": "single-stream", "rates": [], "objective": None, "streams": None, "instances": 1,
            "pause_ms": 0.0, "rotate_mb": 0.0, "devices": [], "together": False, "lock_clocks": None,
            "libraries": [], "cool_to": None, "precision": "file",
            "check": "auto", "seed": 0, "repeats": 5, "least_seconds": 3.0, "within": 0.02, "max_seconds": 120.0,
            "seconds": 60.0, **protocol,
        },
        "machine": {
            "cpu": "Some CPU", "logical_cpus": 8, "usable_cpus": 8, "memory_bytes": 2**34, "governor": "performance",
            "system": "Linux 6 x86_64", "python": "3.11.7", "onnxruntime": "1.31.1",
            "onnxruntime_build": "onnxruntime 1.31.1", "numpy": "2.0", "load_average": [0, 0, 0], "providers": {},
            "devices": _devices(cases), **(machine or {}),
        },
        "cases": copy.deepcopy(list(cases)),
    }  # fmt: skip
    check_document(document)
    return document


def _devices(cases):
    """Those on which cases ran."""
    found = {one["device"]["label"] + one["device"]["name"]: one for one in cases if one["device"]}
    return [{**one["device"], "provider": one["provider"], "driver": "590.1"} for one in found.values()]


def medians(truth, count=5, spread=0.02, seed=0):
    """Of processes that differ by a spread."""
    random = np.random.Generator(np.random.PCG64(seed))
    return [float(truth * value) for value in np.exp(spread * random.standard_normal(count))]
