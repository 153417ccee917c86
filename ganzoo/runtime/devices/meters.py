"""Which meter tells of a provider's device, and what a result says of it."""

from __future__ import annotations

from typing import Any

from ganzoo.errors import BenchError
from ganzoo.runtime.devices import nvml
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.meter import DeviceLostError, Meter
from ganzoo.runtime.devices.sysfs import SysfsMeter


def find_meter(maker: str, device: Device | None) -> Meter | None:
    """maker: as the provider declares it. None for a device that nothing tells of.

    Raises BenchError for one that is not there any more.
    """
    if device is None:
        return None
    if maker == "nvidia" and device.uuid and nvml.is_installed():
        try:
            return nvml.NvmlMeter(device)
        except DeviceLostError as error:
            raise BenchError(f"The device {device.key} ({device.name}) was lost: {error}.") from None
    if maker in ("amd", "intel") and device.bus:
        return SysfsMeter(device, maker)
    return None


_NO_FACTS = dict.fromkeys(
    (
        "driver", "driver_cuda", "capability", "power_limit_watts", "usual_limit_watts", "most_mhz", "most_memory_mhz",
        "pcie", "ecc", "persistence",
    )
)  # fmt: skip


def record_of(device: Device, meter: Meter | None, *, provider: str, locked_mhz: int | None = None) -> dict[str, Any]:
    """What a result says of a device on which cases ran; null for what nothing tells."""
    facts = {**_NO_FACTS, **(meter.facts() if meter is not None else {})}
    return {
        **device.to_json(),
        "provider": provider,
        "memory_bytes": device.memory_bytes,
        **facts,
        "locked_mhz": locked_mhz,
    }
