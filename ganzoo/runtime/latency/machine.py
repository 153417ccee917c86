"""The record of the machine a result comes from. No host name, user or path is in it."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

from ganzoo.runtime.providers.provider import installed_runtimes


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
