"""How warm a device is, and waiting until it is cool: what follows upon a hot run is slower than what begins cold."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from ganzoo.errors import BenchError
from ganzoo.runtime.latency import machine
from ganzoo.runtime.providers.table import find_provider

_ZONES = Path("/sys/class/thermal")
_OF_PROCESSORS = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc_thermal", "k10temp", "acpitz")
_PAUSE_SECONDS = 0.5


def read(provider: str, device: int) -> float | None:
    """Degrees Celsius now, of the device of a provider or else of the processor; None where nothing tells."""
    if find_provider(provider).maker == "nvidia":
        state = machine.gpu_state(device) or {}
        with contextlib.suppress(TypeError, ValueError):
            return float(state["temperature.gpu"])
        return None
    return of_processor()


def of_processor() -> float | None:
    """Degrees Celsius of the processor, by the kernel's thermal zones; None where there are none."""
    found: dict[str, float] = {}
    for zone in sorted(_ZONES.glob("thermal_zone*")):
        with contextlib.suppress(OSError, ValueError):
            kind = (zone / "type").read_text(encoding="utf-8").strip()
            degrees = int((zone / "temp").read_text(encoding="utf-8")) / 1000
            found[kind] = max(degrees, found.get(kind, 0.0))
    return next((found[kind] for kind in _OF_PROCESSORS if kind in found), None)


def check(provider: str, device: int) -> None:
    """Raises BenchError where no temperature can be read."""
    if read(provider, device) is None:
        raise BenchError(
            f"--cool-to: this machine does not tell how warm the device of {provider} is.",
            hint="Leave it out; --idle lets a device rest between calls.",
        )


def wait(provider: str, device: int, degrees: float, *, seconds: float) -> float | None:
    """Until the device is no warmer, so long at most. Returns how warm it then is."""
    deadline = time.monotonic() + seconds
    while (now := read(provider, device)) is not None and now > degrees and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return now
