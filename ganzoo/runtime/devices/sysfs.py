"""AMD's and Intel's GPUs as the kernel's own files tell of them. Linux alone.

From the kernel's documents (gpu/amdgpu, ABI sysfs-driver-intel-xe-hwmon and -i915-hwmon); nobody of ganzoo has run it
on such a device.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganzoo.errors import BenchError
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.meter import DeviceLostError, Reading, now_ns

DRM = Path("/sys/class/drm")
_DRIVERS = {"amd": ("amdgpu",), "intel": ("xe", "i915")}
_CARD = re.compile(r"card\d+$")
_NAMES = {"amd": "AMD GPU", "intel": "Intel GPU"}


def list_cards(maker: str) -> list[Device]:
    """GPUs of a maker by bus, which is how their runtimes number them; none on other systems."""
    found = sorted(_cards(maker))
    return [
        Device(
            name=_text(card / "device/product_name") or f"{_NAMES[maker]} {_text(card / 'device/device')}",
            number=number,
            uuid=_uuid(card),
            memory_bytes=_number(card / "device/mem_info_vram_total"),
            bus=bus,
        )
        for number, (bus, card) in enumerate(found)
    ]  # fmt: skip


def _cards(maker: str) -> Iterator[tuple[str, Path]]:
    """(PCI address, folder)."""
    for card in DRM.glob("card*"):
        if _CARD.fullmatch(card.name) is None:  # connectors are card0-DP-1
            continue
        lines = (_text(card / "device/uevent") or "").splitlines()
        facts = dict(line.split("=", 1) for line in lines if "=" in line)
        if facts.get("DRIVER") in _DRIVERS[maker]:
            yield facts.get("PCI_SLOT_NAME", card.name), card


def _uuid(card: Path) -> str:
    """AMD's boards have a serial of their own; of others nothing tells."""
    unique = _text(card / "device/unique_id")
    return f"GPU-{unique}" if unique else ""


class SysfsMeter:
    """One GPU by the files of its driver."""

    def __init__(self, device: Device, maker: str) -> None:
        """Raises BenchError where the device is not there any more."""
        found = dict(_cards(maker)).get(device.bus)
        if found is None:
            raise BenchError(f"The device {device.key} ({device.name}) is not there any more.")
        self._card, self._maker = found, maker
        self._sensors = next(iter(sorted((found / "device/hwmon").glob("hwmon*"))), found / "device/hwmon/none")

    def facts(self) -> dict[str, Any]:
        """What does not change while something runs."""
        limit = _number(self._sensors / "power1_cap")
        limit = _number(self._sensors / "power1_max") if limit is None else limit
        usual = _number(self._sensors / "power1_cap_default")
        return {
            "driver": _text(self._card / "device/driver/module/version"),
            "driver_cuda": None,
            "capability": None,
            "power_limit_watts": None if limit is None else limit / 1e6,
            "usual_limit_watts": None if usual is None else usual / 1e6,
            "most_mhz": _number(self._card / "gt_max_freq_mhz"),
            "most_memory_mhz": None,
            "pcie": _text(self._card / "device/current_link_speed"),
            "ecc": None,
            "persistence": None,
        }

    def read(self) -> Reading:
        """Now. Raises DeviceLostError for a device that is gone."""
        if not self._card.exists():
            raise DeviceLostError("its driver does not show it any more")
        sensors = self._sensors
        watts = _number(sensors / "power1_average")
        watts = _number(sensors / "power1_input") if watts is None else watts
        joules, degrees = _number(sensors / "energy1_input"), _number(sensors / "temp1_input")
        hertz, memory = _number(sensors / "freq1_input"), _number(sensors / "freq2_input")
        actual = _number(self._card / "gt_act_freq_mhz")
        busy = _number(self._card / "device/gpu_busy_percent")
        return Reading(
            at_ns=now_ns(),
            mhz=actual if hertz is None else hertz / 1e6,
            memory_mhz=None if memory is None else memory / 1e6,
            watts=None if watts is None else watts / 1e6,
            joules=None if joules is None else joules / 1e6,
            celsius=None if degrees is None else degrees / 1e3,
            used_bytes=_number(self._card / "device/mem_info_vram_used"),
            busy=None if busy is None else busy / 100,
        )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,18}", text) else None
