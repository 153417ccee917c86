"""NVIDIA's GPUs as the driver's management library tells of them, through the package nvidia-ml-py.

What a driver or a board does not tell is None; a GPU that fell off its bus is an error of its own.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ganzoo.errors import BenchError, printable
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.meter import DeviceLostError, Reading, now_ns

_SM, _MEMORY = 1, 2  # NVML_CLOCK_*
_TEMPERATURE = 0  # NVML_TEMPERATURE_GPU

REASONS = {
    0x1: "idle",
    0x2: "applications clocks",
    0x4: "power cap",
    0x8: "hardware slow-down",
    0x10: "sync boost",
    0x20: "software thermal",
    0x40: "hardware thermal",
    0x80: "power brake",
    0x100: "display clocks",
}
"""Why clocks are what they are, by the bits of nvmlDeviceGetCurrentClocksEventReasons (NVML API reference)."""


@functools.cache
def _library() -> Any:
    """The initialised library; None where the package or the driver is not there."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def is_installed() -> bool:
    """Whether the library answers here."""
    return _library() is not None


def ask(name: str, *arguments: Any) -> Any:
    """What a function of the library gives; None where driver or board do not tell.

    Raises DeviceLostError for a device that is gone.
    """
    library = _library()
    function: Callable[..., Any] | None = getattr(library, name, None)
    if function is None:
        return None
    try:
        found = function(*arguments)
    except library.NVMLError as error:
        lost = (getattr(library, "NVML_ERROR_GPU_IS_LOST", 15), getattr(library, "NVML_ERROR_RESET_REQUIRED", 16))
        if getattr(error, "value", None) in lost:
            raise DeviceLostError(str(error)) from None
        return None
    return found.decode(errors="replace") if isinstance(found, bytes) else found


def lock_clock(handle: Any, mhz: int) -> None:
    """Raises the library's own error where that is not allowed."""
    _library().nvmlDeviceSetGpuLockedClocks(handle, mhz, mhz)


def reset_clock(handle: Any) -> None:
    """As it is when nobody has locked it. Raises the library's own error."""
    _library().nvmlDeviceResetGpuLockedClocks(handle)


def list_gpus() -> list[Device]:
    """GPUs and slices that a process here may use; none without the library.

    Labels are the driver's numbers (by bus), `0:1` for a slice; under CUDA_VISIBLE_DEVICES places in it, as CUDA counts
    what is left. One that is lost is listed, and fails when it is measured.
    """
    found: dict[str, Device] = {}
    for device in _all():  # a UUID means one device, however often it is told
        found.setdefault(device.uuid or device.label, device)
    visible = _visible(list(found.values()))
    masked = "CUDA_VISIBLE_DEVICES" in os.environ
    return [
        replace(device, number=number, label=str(number) if masked else device.label)
        for number, device in enumerate(visible)
    ]


def _all() -> Iterator[Device]:
    for number in range(ask("nvmlDeviceGetCount") or 0):
        try:
            handle = ask("nvmlDeviceGetHandleByIndex", number)
            mode = ask("nvmlDeviceGetMigMode", handle) or (0, 0)
            if mode[0]:  # CUDA then sees its slices alone
                yield from list(_slices(handle, number))
            elif handle is not None:
                yield _device(handle, number, str(number), bus=_bus(handle))
        except DeviceLostError:
            yield Device(name="NVIDIA GPU that is lost", number=number, label=str(number), uuid=f"lost-{number}")


def _slices(gpu: Any, number: int) -> Iterator[Device]:
    for place in range(ask("nvmlDeviceGetMaxMigDeviceCount", gpu) or 0):
        handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", gpu, place)
        if handle is not None:
            name = str(ask("nvmlDeviceGetName", handle) or ask("nvmlDeviceGetName", gpu) or "NVIDIA GPU")
            whole, _, profile = name.partition(" MIG ")
            yield _device(handle, number, f"{number}:{place}", name=whole, profile=profile or _profile(handle),
                          bus=_bus(gpu))  # fmt: skip


def _profile(handle: Any) -> str:
    """Of a slice whose name does not tell it: compute slices and memory."""
    attributes = ask("nvmlDeviceGetAttributes", handle)
    if attributes is None:
        return "unknown"
    return f"{attributes.gpuInstanceSliceCount}g.{round(attributes.memorySizeMB / 1024)}gb"


def _device(handle: Any, number: int, label: str, *, bus: str, name: str = "", profile: str = "") -> Device:
    memory = ask("nvmlDeviceGetMemoryInfo", handle)
    plain = name or str(ask("nvmlDeviceGetName", handle) or "NVIDIA GPU")
    return Device(
        name=_plain(f"{plain} MIG {profile}" if profile else plain),
        number=number,
        label=label,
        uuid=str(ask("nvmlDeviceGetUUID", handle) or ""),
        memory_bytes=None if memory is None else int(memory.total),
        slice=profile,
        bus=bus,
    )


def _plain(name: str) -> str:
    """On one printable line, of a driver that says something else."""
    return printable(name).replace("/", " ").replace("\\", " ").strip()[:150] or "NVIDIA GPU"


def _bus(handle: Any) -> str:
    found = ask("nvmlDeviceGetPciInfo", handle)
    bus = getattr(found, "busId", "")
    return bus.decode(errors="replace") if isinstance(bus, bytes) else str(bus)


def _visible(devices: list[Device]) -> list[Device]:
    """Of all devices those that CUDA_VISIBLE_DEVICES lets through, in its order; it ends at the first that is none."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    if stated is None:
        return devices
    found: list[Device] = []
    for text in filter(None, (part.strip() for part in stated.split(","))):
        if text.isdecimal():
            meant = [one for one in devices if one.label == text or one.label.startswith(f"{text}:")][:1]
        else:
            meant = [one for one in devices if one.uuid.lower().startswith(text.lower())]
        if len(meant) != 1 or meant[0] in found:
            break
        found += meant
    return found


class NvmlMeter:
    """One GPU, or one slice: what the board tells of a slice's GPU is that of the whole."""

    def __init__(self, device: Device) -> None:
        """Raises BenchError where the device is not there any more."""
        self._slice = bool(device.slice)
        self._handle = ask("nvmlDeviceGetHandleByUUID", device.uuid)
        self._board = ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", self._handle) if self._slice else self._handle
        if self._handle is None or self._board is None:
            raise BenchError(f"The device {device.key} ({device.name}) is not there any more.")

    def facts(self) -> dict[str, Any]:
        """What does not change while something runs."""
        board = self._board
        limit, usual = (
            ask("nvmlDeviceGetEnforcedPowerLimit", board),
            ask("nvmlDeviceGetPowerManagementDefaultLimit", board),
        )
        cuda = ask("nvmlSystemGetCudaDriverVersion")
        capability = ask("nvmlDeviceGetCudaComputeCapability", board)
        ecc, persistent = ask("nvmlDeviceGetCurrentEccMode", board), ask("nvmlDeviceGetPersistenceMode", board)
        return {
            "driver": ask("nvmlSystemGetDriverVersion"),
            "driver_cuda": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
            "capability": None if capability is None else ".".join(map(str, capability)),
            "power_limit_watts": None if limit is None else limit / 1000,
            "usual_limit_watts": None if usual is None else usual / 1000,
            "most_mhz": ask("nvmlDeviceGetMaxClockInfo", board, _SM),
            "most_memory_mhz": ask("nvmlDeviceGetMaxClockInfo", board, _MEMORY),
            "pcie": self._link(),
            "ecc": None if ecc is None else bool(ecc[0]),
            "persistence": None if persistent is None else bool(persistent),
        }

    def _link(self) -> str | None:
        """`gen 4 of 5, x16 of 16`: a GPU that rests goes down by itself; a slot that is too narrow does not go up."""
        found = [
            ask(f"nvmlDeviceGet{which}PcieLink{what}", self._board)
            for what in ("Generation", "Width")
            for which in ("Curr", "Max")
        ]
        return None if None in found else "gen {} of {}, x{} of {}".format(*found)

    def read(self) -> Reading:
        """Now. Raises DeviceLostError for a device that is gone."""
        board = self._board
        watts, joules = ask("nvmlDeviceGetPowerUsage", board), ask("nvmlDeviceGetTotalEnergyConsumption", board)
        bits = ask("nvmlDeviceGetCurrentClocksEventReasons", board)
        bits = ask("nvmlDeviceGetCurrentClocksThrottleReasons", board) if bits is None else bits  # before driver 535
        memory, rates = ask("nvmlDeviceGetMemoryInfo", self._handle), ask("nvmlDeviceGetUtilizationRates", board)
        processes = ask("nvmlDeviceGetComputeRunningProcesses", self._handle)
        return Reading(
            at_ns=now_ns(),
            mhz=ask("nvmlDeviceGetClockInfo", board, _SM),
            memory_mhz=ask("nvmlDeviceGetClockInfo", board, _MEMORY),
            watts=None if watts is None else watts / 1000,
            # Of a slice's GPU: its neighbours' too, so that it cannot be shared out among pictures.
            joules=None if joules is None or self._slice else joules / 1000,
            celsius=ask("nvmlDeviceGetTemperature", board, _TEMPERATURE),
            reasons=None if bits is None else tuple(name for bit, name in REASONS.items() if bits & bit),
            used_bytes=None if memory is None else int(memory.used),
            busy=None if rates is None else rates.gpu / 100,
            processes=None if processes is None else tuple(one.pid for one in processes),
        )
