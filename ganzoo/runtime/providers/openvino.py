"""Intel's OpenVINO: processors, GPUs and NPUs of Intel's, and other x86 processors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.sysfs import list_cards
from ganzoo.runtime.providers.failures import Explanation, explain
from ganzoo.runtime.providers.libraries import load
from ganzoo.runtime.providers.provider import SWITCH, TEXT, WHOLE, Provider, choice

_CLAUSE = re.compile(r"\[OpenVINO(?:-EP)?\] *(.+?)(?:\n|$)")


class OpenVINO(Provider):
    """f32 unless another precision is asked for: of itself it computes in halves where the device is faster with them.

    Its devices are CPU, GPU or GPU.0, GPU.1, and NPU; several at once by `--option openvino.device_type=AUTO:GPU,CPU`.
    """

    name = "openvino"
    ort_name = "OpenVINOExecutionProvider"
    packages = ("onnxruntime-openvino",)
    options: ClassVar = {
        "device_type": TEXT,
        "device_id": TEXT,
        "precision": choice("FP32", "FP16", "ACCURACY"),
        "num_of_threads": WHOLE,
        "num_streams": WHOLE,
        "cache_dir": TEXT,
        "load_config": TEXT,
        "model_priority": choice("LOW", "MEDIUM", "HIGH", "DEFAULT"),
        "enable_opencl_throttling": SWITCH,
        "enable_qdq_optimizer": SWITCH,
        "disable_dynamic_shapes": SWITCH,
        "enable_causallm": SWITCH,
        "reshape_input": TEXT,
        "layout": TEXT,
    }
    always: ClassVar = {"precision": "FP32"}
    device_option = "device_type"
    maker = "intel"
    precisions: ClassVar = {"fp16": {"precision": "FP16"}}
    compiles = True
    tried = "Linux, x86-64, device CPU"

    def find_trouble(self) -> Explanation | None:
        from ganzoo.runtime.ort import onnxruntime

        if (trouble := super().find_trouble()) is not None:
            return trouble
        folder = Path(onnxruntime.__file__).parent / "capi"
        library = folder / "libonnxruntime_providers_openvino.so"
        if library.exists() and (error := load(str(library))):
            return Explanation(reason=explain(error).reason, remedy=f"Install it anew: {self.how_to_install()}")
        return None

    def explain(self, text: str) -> Explanation:
        """The clause after [OpenVINO]."""
        if (clause := _CLAUSE.search(text)) is not None:
            return Explanation(
                reason=explain(clause[1]).reason.rstrip("."), remedy="`ganzoo doctor` lists its devices."
            )
        return explain(text)

    def devices(self) -> Sequence[Device]:
        """As ONNX Runtime's own list has them; the processor is always among them, and is the first."""
        from ganzoo.runtime.ort import onnxruntime

        kinds = [str(one.device.type).rpartition(".")[2] for one in _ep_devices(onnxruntime, self.ort_name)]
        names = [name for kind in ("GPU", "NPU") for name in _numbered(kind, kinds.count(kind))]
        cards = list_cards("intel")
        buses = {name: card.bus for name, card in zip((one for one in names if one[:3] == "GPU"), cards, strict=False)}
        return tuple(
            Device(name=name, number=number, label=name, bus=buses.get(name, ""))
            for number, name in enumerate(("CPU", *names))
        )

    def device_value(self, number: int) -> str:
        """OpenVINO's devices have names."""
        found = self.devices()
        return found[number].name if number < len(found) else f"GPU.{number}"

    def versions(self) -> Mapping[str, str]:
        from ganzoo.runtime.ort import onnxruntime

        folder = Path(onnxruntime.__file__).parent / "capi"
        found = sorted(path.name.partition(".so.")[2] for path in folder.glob("libopenvino.so.*.*"))
        return {"openvino": found[-1]} if found else {}


def _numbered(kind: str, count: int) -> list[str]:
    """`GPU`, or `GPU.0`, `GPU.1` where there are several."""
    return [kind] if count == 1 else [f"{kind}.{place}" for place in range(count)]


def _ep_devices(onnxruntime: Any, name: str) -> Sequence[Any]:
    """Of a provider that registered its devices with ONNX Runtime; those of before 1.22 have no such list."""
    ask = getattr(onnxruntime, "get_ep_devices", None)
    return [one for one in ask() if one.ep_name == name] if ask is not None else []
