"""A management library of GPUs that are not there: what it answers is in the file that FAKE_NVML names.

Names, units and errors are those of NVIDIA's (NVML API reference, nvml.h); numbers of boards are of their data sheets,
the UUID of a slice that of the MIG user guide. Clocks that are locked and freed go to a log beside the file.
"""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

NVML_ERROR_NOT_SUPPORTED, NVML_ERROR_NO_PERMISSION, NVML_ERROR_NOT_FOUND = 3, 4, 6
NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED = 15, 16
_TEXTS = {3: "Not Supported", 4: "Insufficient Permissions", 6: "Not Found", 15: "GPU is lost"}
_BEGAN = time.monotonic()


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(_TEXTS.get(value, f"error {value}"))
        self.value = value


def _place():
    return Path(os.environ["FAKE_NVML"])


def _state():
    return json.loads(_place().read_text())


def _gpu(handle):
    gpu = _state()["gpus"][handle[0]]
    if gpu.get("lost_file") and Path(gpu["lost_file"]).exists():
        raise NVMLError(NVML_ERROR_GPU_IS_LOST)
    return gpu


def _told(handle, key):
    value = _gpu(handle).get(key)
    if value is None or len(handle) > 1:  # a slice has no clock, power or temperature of its own
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return value


def nvmlInit():
    if "FAKE_NVML" not in os.environ:
        raise NVMLError(9)


def nvmlSystemGetDriverVersion():
    return b"580.65.06"


def nvmlSystemGetCudaDriverVersion():
    return 13000


def nvmlDeviceGetCount():
    return len(_state()["gpus"])


def nvmlDeviceGetHandleByIndex(number):
    return (number,)


def nvmlDeviceGetHandleByUUID(uuid):
    for number, gpu in enumerate(_state()["gpus"]):
        if gpu["uuid"] == uuid:
            return (number,)
        for place, one in enumerate(gpu.get("slices", [])):
            if one["uuid"] == uuid:
                return (number, place)
    raise NVMLError(NVML_ERROR_NOT_FOUND)


def nvmlDeviceGetName(handle):
    gpu = _gpu(handle)
    return gpu["name"] if len(handle) == 1 else f"{gpu['name']} MIG {gpu['slices'][handle[1]]['profile']}"


def nvmlDeviceGetUUID(handle):
    gpu = _gpu(handle)
    return gpu["uuid"] if len(handle) == 1 else gpu["slices"][handle[1]]["uuid"]


def nvmlDeviceGetPciInfo(handle):
    return SimpleNamespace(busId=f"00000000:{handle[0] + 1:02X}:00.0".encode())


def nvmlDeviceGetMemoryInfo(handle):
    gpu = _gpu(handle)
    one = gpu if len(handle) == 1 else gpu["slices"][handle[1]]
    return SimpleNamespace(total=one["memory"], used=one["memory"] // 100 + int(1e6 * (time.monotonic() - _BEGAN)))


def nvmlDeviceGetMigMode(handle):
    if "slices" not in _gpu(handle) and not _gpu(handle).get("can_slice"):
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return [int("slices" in _gpu(handle))] * 2


def nvmlDeviceGetMaxMigDeviceCount(handle):
    return 7 if "slices" in _gpu(handle) else 0


def nvmlDeviceGetMigDeviceHandleByIndex(handle, place):
    if place >= len(_gpu(handle)["slices"]):
        raise NVMLError(NVML_ERROR_NOT_FOUND)
    return (*handle, place)


def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle):
    return handle[:1]


def nvmlDeviceGetCudaComputeCapability(handle):
    return tuple(_gpu(handle)["capability"])


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return _told(handle, "limit_mw")


def nvmlDeviceGetPowerManagementDefaultLimit(handle):
    return _told(handle, "limit_mw")


def nvmlDeviceGetMaxClockInfo(handle, kind):
    return _told(handle, {1: "most_mhz", 2: "most_memory_mhz"}[kind])


def nvmlDeviceGetDefaultApplicationsClock(handle, kind):
    return _told(handle, "base_mhz")


def nvmlDeviceGetClockInfo(handle, kind):
    values = _told(handle, {1: "mhz", 2: "memory_mhz"}[kind])
    if isinstance(values, list):  # one after the other, ten a second
        return values[int(10 * (time.monotonic() - _BEGAN)) % len(values)]
    return values


def nvmlDeviceGetPowerUsage(handle):
    return _told(handle, "power_mw")


def nvmlDeviceGetTotalEnergyConsumption(handle):
    if not _gpu(handle).get("counts_energy", True):
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return int(_told(handle, "power_mw") * time.monotonic())


def nvmlDeviceGetTemperature(handle, sensor):
    return _told(handle, "celsius")


def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    return _told(handle, "reasons")


def nvmlDeviceGetCurrentClocksEventReasons(handle):
    if _state().get("old_driver"):
        raise NVMLError(13)  # a function that this driver does not have
    return _told(handle, "reasons")


def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=_told(handle, "busy"), memory=0)


def nvmlDeviceGetComputeRunningProcesses(handle):
    return [SimpleNamespace(pid=pid) for pid in _gpu(handle).get("processes", [])]


def nvmlDeviceGetCurrentEccMode(handle):
    return [1, 1]


def nvmlDeviceGetPersistenceMode(handle):
    return 1


def nvmlDeviceGetCurrPcieLinkGeneration(handle):
    return 5


def nvmlDeviceGetMaxPcieLinkGeneration(handle):
    return 5


def nvmlDeviceGetCurrPcieLinkWidth(handle):
    return 8


def nvmlDeviceGetMaxPcieLinkWidth(handle):
    return 16


def _log(line):
    with _place().with_suffix(".log").open("a") as file:
        file.write(line + "\n")


def nvmlDeviceSetGpuLockedClocks(handle, least, most):
    if not _state().get("administrator"):
        raise NVMLError(NVML_ERROR_NO_PERMISSION)
    _log(f"lock {handle[0]} {least} {most}")


def nvmlDeviceResetGpuLockedClocks(handle):
    _log(f"free {handle[0]}")
