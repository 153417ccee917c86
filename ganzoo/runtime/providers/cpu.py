"""Providers that run on the processor, by ONNX Runtime's own kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.providers.provider import SWITCH, WHOLE, Provider


class CPU(Provider):
    """The default provider; every build has it."""

    name = "cpu"
    ort_name = "CPUExecutionProvider"
    packages = ("onnxruntime", "onnxruntime-gpu")
    options: ClassVar = {"use_arena": SWITCH}
    tried = "Linux, x86-64"

    def devices(self) -> Sequence[Device]:
        return (Device(name="CPU"),)


class XNNPACK(Provider):
    """Google's kernels for ARM, WebAssembly and x86."""

    name = "xnnpack"
    ort_name = "XnnpackExecutionProvider"
    options: ClassVar = {"intra_op_num_threads": WHOLE}

    def devices(self) -> Sequence[Device]:
        return (Device(name="CPU"),)
