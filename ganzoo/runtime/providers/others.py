"""Providers of other makers' devices, from ONNX Runtime's documents. Nobody of ganzoo has run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.sysfs import list_cards
from ganzoo.runtime.providers.provider import SWITCH, TEXT, WHOLE, Option, Provider, choice


class DirectML(Provider):
    """Any GPU of Windows. It runs without memory patterns and one operator after the other."""

    name = "directml"
    ort_name = "DmlExecutionProvider"
    packages = ("onnxruntime-directml",)
    options: ClassVar = {
        "device_id": WHOLE,
        "performance_preference": choice("default", "high_performance", "minimum_power"),
        "device_filter": choice("gpu", "npu", "any"),
        "disable_metacommands": SWITCH,
        "enable_graph_capture": SWITCH,
    }
    device_option = "device_id"
    graph_option = "enable_graph_capture"

    def attach(self, session_options: object, options: object) -> list[tuple[str, dict[str, str]]]:
        session_options.enable_mem_pattern = False  # type: ignore[attr-defined]  # it refuses a session with them
        return [(self.ort_name, dict(options))]  # type: ignore[call-overload]


class CoreML(Provider):
    """Apple's processors, GPUs and neural engine; macOS wheels of onnxruntime have it."""

    name = "coreml"
    ort_name = "CoreMLExecutionProvider"
    packages = ("onnxruntime",)
    options: ClassVar = {
        "ModelFormat": choice("NeuralNetwork", "MLProgram"),
        "MLComputeUnits": choice("ALL", "CPUOnly", "CPUAndGPU", "CPUAndNeuralEngine"),
        "RequireStaticInputShapes": SWITCH,
        "EnableOnSubgraphs": SWITCH,
        "SpecializationStrategy": choice("Default", "FastPrediction"),
        "ProfileComputePlan": SWITCH,
        "AllowLowPrecisionAccumulationOnGPU": SWITCH,
        "ModelCacheDirectory": TEXT,
    }
    compiles = True
    always: ClassVar = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}

    def devices(self) -> Sequence[Device]:
        return (Device(name="ALL"),)


class WebGPU(Provider):
    """Any GPU, through WebGPU (Dawn)."""

    name = "webgpu"
    ort_name = "WebGpuExecutionProvider"
    packages = ("onnxruntime-webgpu",)
    options: ClassVar = {
        "deviceId": WHOLE,
        "dawnBackendType": choice("D3D12", "Vulkan", "Metal"),
        "enableGraphCapture": SWITCH,
        "powerPreference": choice("low-power", "high-performance"),
        "preferredLayout": choice("NCHW", "NHWC"),
        "storageBufferCacheMode": choice("disabled", "lazyRelease", "simple", "bucket"),
        "validationMode": choice("disabled", "wgpuOnly", "basic", "full"),
        "forceCpuNodeNames": TEXT,
        "enablePIXCapture": SWITCH,
    }
    graph_option = "enableGraphCapture"


class MIGraphX(Provider):
    """AMD's GPUs."""

    name = "migraphx"
    ort_name = "MIGraphXExecutionProvider"
    packages = ("onnxruntime-migraphx",)
    options: ClassVar = {
        "device_id": WHOLE,
        "migraphx_fp16_enable": SWITCH,
        "migraphx_bf16_enable": SWITCH,
        "migraphx_fp8_enable": SWITCH,
        "migraphx_int8_enable": SWITCH,
        "migraphx_int8_calibration_table_name": TEXT,
        "migraphx_use_native_calibration_table": SWITCH,
        "migraphx_int8_use_native_calibration_table": SWITCH,
        "migraphx_model_cache_dir": TEXT,
        "migraphx_exhaustive_tune": SWITCH,
        "migraphx_mem_limit": WHOLE,
        "migraphx_arena_extend_strategy": choice("kNextPowerOfTwo", "kSameAsRequested"),
    }
    precisions: ClassVar = {
        "fp16": {"migraphx_fp16_enable": "1"},
        "bf16": {"migraphx_bf16_enable": "1"},
        "int8": {"migraphx_int8_enable": "1"},
    }
    device_option = "device_id"
    compiles = True
    build_options: ClassVar = {"migraphx_model_cache_dir": "{folder}"}
    maker = "amd"

    def devices(self) -> Sequence[Device]:
        """As the kernel lists them, by bus."""
        return list_cards("amd")


class QNN(Provider):
    """Qualcomm's processors and NPUs."""

    name = "qnn"
    ort_name = "QNNExecutionProvider"
    packages = ("onnxruntime-qnn",)
    options: ClassVar = {
        "backend_type": choice("cpu", "gpu", "htp", "saver", "ir"),
        "backend_path": Option(runs_code=True),
        "device_id": WHOLE,
        "profiling_level": choice("off", "basic", "detailed", "optrace"),
        "profiling_file_path": TEXT,
        "rpc_control_latency": WHOLE,
        "vtcm_mb": WHOLE,
        "htp_performance_mode": choice(
            "default", "burst", "balanced", "high_performance", "high_power_saver", "low_balanced", "low_power_saver",
            "power_saver", "extreme_power_saver", "sustained_high_performance",
        ),
        "htp_graph_finalization_optimization_mode": choice("0", "1", "2", "3"),
        "htp_arch": choice("0", "68", "69", "73", "75", "81"),
        "soc_model": WHOLE,
        "qnn_context_priority": choice("low", "normal", "normal_high", "high"),
        "enable_htp_fp16_precision": SWITCH,
        "offload_graph_io_quantization": SWITCH,
        "enable_htp_spill_fill_buffer": SWITCH,
        "enable_htp_shared_memory_allocator": SWITCH,
        "dump_json_qnn_graph": SWITCH,
        "json_qnn_graph_dir": TEXT,
        "qnn_saver_path": TEXT,
    }  # fmt: skip
    compiles = True
    always: ClassVar = {"backend_type": "htp"}
    precisions: ClassVar = {"fp16": {"enable_htp_fp16_precision": "1"}}
    device_option = "device_id"
