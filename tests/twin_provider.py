"""A provider that runs on the processor and says that its devices are NVIDIA's: for what needs several GPUs."""

import os
import time
from pathlib import Path
from typing import ClassVar

from ganzoo import Device, Provider
from ganzoo.runtime.devices import nvml
from ganzoo.runtime.providers.provider import WHOLE


class Twin(Provider):
    """Everything that CUDA's provider does about devices, with the kernels of the processor's.

    GANZOO_TWIN_DIES names a UUID: who is to run there dies.
    """

    name = "twin"
    ort_name = "CPUExecutionProvider"
    options: ClassVar = {"device_id": WHOLE}
    device_option = "device_id"
    maker = "nvidia"
    tried = "here"

    def devices(self):
        return nvml.list_gpus() or (Device(name="Twin"),)

    def alone(self, device):
        return {"CUDA_VISIBLE_DEVICES": device.uuid}, 0

    def attach(self, session_options, options):
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        if seen and seen == os.environ.get("GANZOO_TWIN_DIES"):
            os._exit(17)
        if seen and (place := os.environ.get("GANZOO_TWIN_SAW")):
            with Path(place).open("a") as file:
                file.write(f"{seen} {time.monotonic_ns()}\n")
        return [(self.ort_name, {})]
