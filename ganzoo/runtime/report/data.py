"""What a page needs of results: a row for each case, and a record for each machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganzoo.runtime.comparison.limits import main_latency
from ganzoo.runtime.latency.samples import decode
from ganzoo.runtime.latency.table import case_words, device_words

_BINS = 48
_MOST_OPERATORS = 12
_KINDS = ("host_to_host", "device_resident", "copies")

Row = dict[str, Any]


def rows_of(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Row]:
    """Plain values, numbers rounded to what is shown: they are the page's size."""
    return [
        _row(case, document, name, where)
        for where, (document, name) in enumerate(zip(documents, names, strict=True))
        for case in document["cases"]
    ]


def machines_of(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Row]:
    """Of each result: on what and with what it was measured, and by which protocol."""
    found = []
    for document, name in zip(documents, names, strict=True):
        machine, protocol = document["machine"], document["protocol"]
        devices = machine["devices"]
        found.append(
            {
                "result": name,
                "date": document["date"],
                "processor": machine.get("cpu") or "unknown",
                "processors": machine.get("usable_cpus"),
                "memory": _rounded((machine.get("memory_bytes") or 0) / 2**30, 3) or None,
                "label": document["label"],
                "device": ", ".join(dict.fromkeys(device["name"] for device in devices)) or None,
                "driver": next((device["driver"] for device in devices if device.get("driver")), None),
                "system": machine.get("system"),
                "onnxruntime": machine.get("onnxruntime_build") or machine["onnxruntime"],
                "governor": machine.get("governor"),
                "scenario": protocol["scenario"],
                "precision": protocol["precision"],
                "repeats": protocol["repeats"],
                "seconds": protocol["least_seconds"],
                "took": protocol["seconds"],
            }
        )
    return found


def _row(case: Mapping[str, Any], document: Mapping[str, Any], name: str, where: int) -> Row:
    protocol, machine = document["protocol"], document["machine"]
    latency = main_latency(case) or {}
    device = device_words(case, machine)
    settings = [word for word in case_words(case) if word not in _shapes(case)]
    return {
        "result": name,
        "source": where,
        "model": case["model"]["file"],
        "shapes": ", ".join(_shapes(case)) or "-",
        "batch": case["batch"],
        "provider": case["provider"],
        "device": device,
        "settings": ", ".join(word for word in settings if word not in (case["provider"], case["rate"])),
        "precision": protocol["precision"] if protocol["precision"] != "file" else case["model"]["precision"] or "",
        "scenario": protocol["scenario"],
        "objective": protocol["objective"],
        "rate": _number_of(case["rate"], case),
        "rate_text": case["rate"],
        "state": case["state"],
        "why": case["why"],
        "verdict": case["verdict"],
        "reasons": case["reasons"],
        "ended": case["ended"],
        "figure": _figure(case["figure"]),
        "median": _figure(latency.get("median")),
        **{key: _figure(latency.get(key)) for key in ("p90", "p99", "p99.9")},
        "mean": _rounded(latency.get("mean")),
        "largest": _rounded(latency.get("largest")),
        "stalls": latency.get("stalls"),
        "throughput": _figure(latency.get("pictures_per_second")),
        "count": latency.get("count"),
        "kinds": {
            kind: _rounded(one["median"]["value"])
            for kind in _KINDS
            if (one := (case["latency_ms"] or {}).get(kind)) is not None
        },
        "nodes": case["placement"].get("nodes") or {},
        "cpu_shape_nodes": len(case["placement"].get("cpu_shape_nodes") or ()),
        "copies": case["placement"].get("copies"),
        "memory": case["peak_bytes"],
        "device_memory": case["device_bytes"],
        "energy": _figure(_in_mj(case["joules_per_picture"])),
        "slower": _figure((case["together"] or {}).get("slower")),
        "first": _rounded(max(case["first_run_ms"], default=None)),
        "session": _rounded(max(case["session_seconds"], default=None)),
        "file": case["model"]["bytes"],
        "distribution": _distribution(case),
        "operators": [
            {"operator": one["operator"], "ms": _rounded(one["ms"]), "share": _rounded(one["share"], 3)}
            for one in ((case.get("profile") or {}).get("operators") or ())[:_MOST_OPERATORS]
        ],
        "picture": case.get("picture"),
    }


def _in_mj(joules: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if joules is None else {key: value and 1000 * value for key, value in joules.items()}


def _shapes(case: Mapping[str, Any]) -> list[str]:
    return [f"{name} {'x'.join(map(str, shape)) or 'scalar'}" for name, shape in case["shapes"].items()]


def _number_of(rate: str | None, case: Mapping[str, Any]) -> float | None:
    """Calls a second: stated, or a share of what was possible; of an objective what was found."""
    if rate is None:
        return None
    if rate.endswith("%"):
        capacity = case["capacity_per_second"]
        return None if capacity is None else _rounded(float(rate[:-1]) / 100 * capacity)
    return _rounded(float(rate.removesuffix("/s")))


def _distribution(case: Mapping[str, Any]) -> dict[str, Any] | None:
    """Samples of all processes in bins of equal ratio, from the least to the largest."""
    if not case["processes"]:
        return None
    kinds = case["processes"][0]["series"]
    kind = "device_resident" if "device_resident" in kinds else "host_to_host"
    samples = np.concatenate([decode(process["series"][kind]["samples"]) for process in case["processes"]]) / 1e6
    samples = samples[samples > 0]
    if not len(samples):
        return None
    low, high = float(samples.min()), float(samples.max())
    counts, _ = np.histogram(np.log(samples), bins=_BINS, range=(np.log(low), np.log(max(high, low * 1.001))))
    return {"low": _rounded(low), "high": _rounded(max(high, low * 1.001)), "counts": counts.tolist()}


def _figure(value: Mapping[str, Any] | None) -> list[float | None] | None:
    """[value, low, high]."""
    if value is None:
        return None
    return [_rounded(value["value"]), _rounded(value["low"]), _rounded(value["high"])]


def _rounded(value: float | None, digits: int = 5) -> float | None:
    return None if value is None else float(f"{value:.{digits}g}")
