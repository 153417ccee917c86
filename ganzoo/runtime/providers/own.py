"""The providers that ganzoo brings itself."""

from __future__ import annotations

from ganzoo.plugin.specs import ProviderSpec

_HERE = "ganzoo.runtime.providers"


def providers() -> list[ProviderSpec]:
    """Those that a release of ONNX Runtime can have."""
    return [
        ProviderSpec(
            name="cpu", summary="Any processor, ONNX Runtime's own kernels.", implementation=f"{_HERE}.cpu:CPU"
        ),
        ProviderSpec(name="cuda", summary="NVIDIA's GPUs.", implementation=f"{_HERE}.nvidia:CUDA"),
        ProviderSpec(
            name="tensorrt",
            summary="NVIDIA's GPUs, by engines that TensorRT builds.",
            implementation=f"{_HERE}.nvidia:TensorRT",
        ),
        ProviderSpec(
            name="openvino",
            summary="Intel's processors, GPUs and NPUs; other x86 processors.",
            implementation=f"{_HERE}.openvino:OpenVINO",
        ),
        ProviderSpec(name="directml", summary="Any GPU of Windows.", implementation=f"{_HERE}.others:DirectML"),
        ProviderSpec(name="coreml", summary="Apple's devices.", implementation=f"{_HERE}.others:CoreML"),
        ProviderSpec(name="webgpu", summary="Any GPU, through WebGPU.", implementation=f"{_HERE}.others:WebGPU"),
        ProviderSpec(name="migraphx", summary="AMD's GPUs.", implementation=f"{_HERE}.others:MIGraphX"),
        ProviderSpec(name="qnn", summary="Qualcomm's processors and NPUs.", implementation=f"{_HERE}.others:QNN"),
        ProviderSpec(
            name="xnnpack", summary="ARM and x86 processors, XNNPACK's kernels.", implementation=f"{_HERE}.cpu:XNNPACK"
        ),
    ]
