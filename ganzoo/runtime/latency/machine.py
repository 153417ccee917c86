"""The record of the machine a result comes from. No host name, user or path is in it."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ganzoo.runtime.providers.provider import installed_runtimes

_GPU_FACTS = (
    "index", "name", "uuid", "driver_version", "memory.total", "power.limit", "clocks.max.sm", "clocks.max.memory",
)  # fmt: skip
_GPU_STATE = (
    "clocks.sm", "clocks.mem", "power.draw", "temperature.gpu", "memory.used", "utilization.gpu",
    "clocks_event_reasons.active",
)  # fmt: skip


_OLDER = {"clocks_event_reasons.active": "clocks_throttle_reasons.active"}
"""Names of drivers before 535."""


def record() -> dict[str, Any]:
    """Processor, memory, versions. Fields that a system does not tell are null."""
    import numpy

    from ganzoo.runtime.ort import onnxruntime

    return {
        "cpu": _cpu_name(),
        "logical_cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "onnxruntime_build": _runtime_package(),
        "numpy": numpy.__version__,
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
    }


def gpu_record(device: int) -> dict[str, Any] | None:
    """What does not change of one GPU; its UUID only as a hash. None without nvidia-smi."""
    facts = _query(_GPU_FACTS, device)
    if facts is not None:
        facts["uuid_sha256"] = hashlib.sha256(str(facts.pop("uuid")).encode()).hexdigest()[:16]
    return facts


def gpu_state(device: int) -> dict[str, Any] | None:
    """Clocks, power, temperature, throttle reasons and other processes of one GPU, now."""
    state = _query(_GPU_STATE, device)
    if state is not None:
        listed = _smi(["--query-compute-apps=pid", "--format=csv,noheader", f"--id={device}"])
        state["processes"] = len((listed or "").split())
    return state


def gpu_memory(device: int) -> int | None:
    """Bytes in use of one GPU, of all processes; None where nothing tells."""
    row = _row(("memory.used",), device)
    with contextlib.suppress(TypeError, ValueError):
        return int(float(row[0]) * 2**20) if row else None
    return None


def _query(fields: tuple[str, ...], device: int) -> dict[str, Any] | None:
    """Fields by name; None where this driver does not know one. None in all when there is no nvidia-smi."""
    row = _row(fields, device)
    if row is not None:
        return dict(zip(fields, row, strict=True))
    # One name that a driver does not know spoils the whole answer: each is asked for alone, by its old name too.
    found = {field: _row((field,), device) or _row((_OLDER.get(field, field),), device) for field in fields}
    return {field: one[0] if one else None for field, one in found.items()} if any(found.values()) else None


def _row(fields: tuple[str, ...], device: int) -> list[str] | None:
    text = _smi([f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", f"--id={device}"])
    rows = list(csv.reader((text or "").splitlines(), skipinitialspace=True))
    return rows[0] if len(rows) == 1 and len(rows[0]) == len(fields) else None


def _smi(arguments: list[str]) -> str | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout
    return None


def _cpu_name() -> str | None:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


def _memory_bytes() -> int | None:
    with contextlib.suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _runtime_package() -> str:
    """Which distribution of ONNX Runtime is installed; two of them overwrite each other."""
    from importlib import metadata

    found = [f"{name} {metadata.version(name)}" for name in installed_runtimes()]
    return ", ".join(found) or f"unknown ({sys.platform})"


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None
