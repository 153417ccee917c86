"""How warm a device is, and waiting until it is cool: what follows upon a hot run is slower than what begins cold."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from ganzoo.errors import BenchError
from ganzoo.runtime.devices.meter import DeviceLostError, Meter
from ganzoo.runtime.providers.table import find_provider

_ZONES = Path("/sys/class/thermal")
_OF_PROCESSORS = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc_thermal", "k10temp", "acpitz")
_PAUSE_SECONDS = 0.5


def read(meter: Meter | None, provider: str) -> float | None:
    """Degrees Celsius now, of the device of a provider or else of the processor; None where nothing tells."""
    if meter is not None:
        with contextlib.suppress(DeviceLostError):  # what runs there next says so
            return meter.read().celsius
    return None if find_provider(provider).maker == "nvidia" else of_processor()


def of_processor() -> float | None:
    """Degrees Celsius of the processor, by the kernel's thermal zones; None where there are none."""
    found: dict[str, float] = {}
    for zone in sorted(_ZONES.glob("thermal_zone*")):
        with contextlib.suppress(OSError, ValueError):
            kind = (zone / "type").read_text(encoding="utf-8").strip()
            degrees = int((zone / "temp").read_text(encoding="utf-8")) / 1000
            found[kind] = max(degrees, found.get(kind, 0.0))
    return next((found[kind] for kind in _OF_PROCESSORS if kind in found), None)


def check(meter: Meter | None, provider: str) -> None:
    """Raises BenchError where no temperature can be read."""
    if read(meter, provider) is None:
        raise BenchError(
            f"--cool-to: this machine does not tell how warm the device of {provider} is.",
            hint="Leave it out; --idle lets a device rest between calls.",
        )


def wait(meter: Meter | None, provider: str, degrees: float, *, seconds: float) -> float | None:
    """Until the device is no warmer, so long at most. Returns how warm it then is."""
    deadline = time.monotonic() + seconds
    while (now := read(meter, provider)) is not None and now > degrees and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return now
