"""A result of format 1 brought to format 2: its samples are kept, what it did not measure is null."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganzoo.runtime.latency.figures import KINDS, latency_json
from ganzoo.runtime.latency.samples import encode
from ganzoo.runtime.latency.stats import across


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Raises KeyError, TypeError, ValueError for a damaged one."""
    protocol = document["protocol"]
    return {
        **document,
        "format": 2,
        "label": None,
        "machine": _machine(document["machine"]),
        "protocol": {
            "scenario": "single-stream",
            "rates": [],
            "objective": None,
            "streams": None,
            "instances": 1,
            "pause_ms": 0.0,
            "rotate_mb": 0.0,
            "devices": [] if protocol["device"] is None else [str(protocol["device"])],
            "together": False,
            "lock_clocks": None,
            "precision": protocol["precision"],
            "libraries": [],
            "cool_to": None,
            "check": "auto",
            "seed": 0,
            "repeats": protocol["repeats"],
            "least_seconds": 0.0,
            "within": 0.02,
            "max_seconds": protocol["seconds"],
            "seconds": protocol["seconds"],
        },
        "cases": [_case(case, protocol, document["machine"]) for case in document["cases"]],
    }


def _machine(machine: dict[str, Any]) -> dict[str, Any]:
    """What nvidia-smi told of a GPU, by the names that a device has now."""
    gpu = machine.get("gpu")
    rest = {key: value for key, value in machine.items() if key not in ("gpu", "gpu_states")}
    return {
        **rest,
        "devices": [] if gpu is None else [{**_device(gpu), "provider": "cuda", "driver": gpu.get("driver_version")}],
    }


def _device(gpu: dict[str, Any]) -> dict[str, Any]:
    label = str(gpu.get("index") or 0)
    return {"label": label, "name": gpu["name"], "uuid_sha256": gpu.get("uuid_sha256"), "slice": None}


def _case(case: dict[str, Any], protocol: dict[str, Any], machine: dict[str, Any]) -> dict[str, Any]:
    processes = [_process(case, number) for number in range(len(case["session_seconds"]))]
    kind = "device_resident" if case["latency_ms"]["device_resident"] else "host_to_host"
    figure = across([process["series"][kind]["median_ms"] for process in processes])
    check = case["output_check"]
    return {
        "state": check["status"],
        "why": check["why"] if check["status"] != "ok" else "",
        "hint": "",
        "verdict": None,
        "reasons": [],
        "ended": None,
        "model": {**case["model"], "bytes": None},
        "shapes": case["shapes"],
        "inputs": {},
        "batch": case["batch"],
        "provider": protocol["provider"],
        "device": _device(machine["gpu"]) if machine.get("gpu") and protocol["provider"] != "cpu" else None,
        "settings": {
            "threads": protocol["threads"],
            "inter_op": None,
            "optimize": "all",
            "spin": True,
            "options": {},
            "libraries": [],
        },
        "rate": None,
        "capacity_per_second": None,
        "figure": figure._asdict(),
        "latency_ms": {name: latency_json(processes, name, case["batch"]) for name in KINDS},
        "placement": {**case["placement"], "bound": True, "replayed": None},
        "provider_options": case["provider_options"],
        "output_check": {
            "state": check["status"],
            "why": check["why"],
            "error": check["error"],
            "bound": check["bound"],
            "snr_db": None,
        },
        "repeatable": None,
        "profile": None,
        "picture": None,
        "build_seconds": None,
        "session_seconds": case["session_seconds"],
        "first_run_ms": case["first_run_ms"],
        "peak_bytes": case["peak_bytes"],
        "device_bytes": None,
        "joules_per_picture": None,
        "together": None,
        "processes": processes,
    }


def _process(case: dict[str, Any], number: int) -> dict[str, Any]:
    series = {}
    for kind, latency in case["latency_ms"].items():
        if latency is None:
            continue
        samples = np.round(np.array(latency["samples_ms"][number], dtype=np.float64) * 1e6).astype(np.int64)
        series[kind] = {
            "calls": len(samples),
            "elapsed_ns": int(samples.sum()),
            "unserved": 0,
            "warm_up_calls": latency["warm_up_runs"][number],
            "warm_up_seconds": latency["warm_up_seconds"][number],
            "settled": latency["settled"],
            "disturbance": dict.fromkeys(("seconds", "waited", "stolen", "throttled", "others", "mhz")),
            "calibration_ns": None,
            "rate": None,
            "median_ms": float(np.median(samples)) / 1e6,
            "late_p99_ms": None,
            "device": None,
            "samples": encode(samples),
        }
    return {
        "session_seconds": case["session_seconds"][number],
        "first_run_ms": case["first_run_ms"][number],
        "peak_bytes": case["peak_bytes"],
        "device_bytes": None,
        "feeds": 1,
        "fed_bytes": None,
        "not_finite": None,
        "outputs_sha256": None,
        "runs_differ_by": None,
        "celsius": None,
        "round": None,
        "series": series,
    }
