"""NVIDIA's two providers: CUDA's own kernels, and engines that TensorRT builds."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ganzoo.runtime.devices import nvml
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.providers.failures import INSTALL, Explanation, explain
from ganzoo.runtime.providers.libraries import cuda_major, driver_trouble, gpu_count, load, preload
from ganzoo.runtime.providers.provider import SWITCH, TEXT, WHOLE, Option, Provider, choice


class CUDA(Provider):
    """Kernels of CUDA and cuDNN. TF32 is off unless it is asked for."""

    name = "cuda"
    ort_name = "CUDAExecutionProvider"
    packages = ("onnxruntime-gpu[cuda,cudnn]",)
    options: ClassVar = {
        "device_id": WHOLE,
        "gpu_mem_limit": WHOLE,
        "arena_extend_strategy": choice("kNextPowerOfTwo", "kSameAsRequested"),
        "cudnn_conv_algo_search": choice("EXHAUSTIVE", "HEURISTIC", "DEFAULT"),
        "cudnn_conv_use_max_workspace": SWITCH,
        "cudnn_conv1d_pad_to_nc1d": SWITCH,
        "do_copy_in_default_stream": SWITCH,
        "enable_cuda_graph": SWITCH,
        "enable_skip_layer_norm_strict_mode": SWITCH,
        "fuse_conv_bias": SWITCH,
        "prefer_nhwc": SWITCH,
        "sdpa_kernel": WHOLE,
        "tunable_op_enable": SWITCH,
        "tunable_op_tuning_enable": SWITCH,
        "tunable_op_max_tuning_duration_ms": WHOLE,
        "use_ep_level_unified_stream": SWITCH,
        "use_tf32": SWITCH,
    }
    always: ClassVar = {"use_tf32": "0"}
    precisions: ClassVar = {"tf32": {"use_tf32": "1"}}
    device_option = "device_id"
    graph_option = "enable_cuda_graph"
    memory = "cuda"
    maker = "nvidia"
    tried = "one H100, Linux"

    def find_trouble(self) -> Explanation | None:
        if (trouble := super().find_trouble()) is not None:
            return trouble
        preload()
        driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
        if error := load(driver):
            return Explanation(
                reason=f"the NVIDIA driver is not installed or not visible here ({error})",
                remedy="Install it; in a container, start it with --gpus all.",
                missing=True,
            )
        if error := driver_trouble(driver):
            return Explanation(reason=error, remedy="Look at nvidia-smi and CUDA_VISIBLE_DEVICES.")
        for library in self._libraries():
            if error := load(library):
                trouble = self.explain(error)
                reason = f"a library of the {self.name} provider cannot be loaded ({trouble.reason})"
                return trouble if trouble.remedy else Explanation(reason=reason, remedy=INSTALL)
        return None

    def explain(self, text: str) -> Explanation:
        return explain(text, cuda=cuda_major())

    def devices(self) -> Sequence[Device]:
        """With names and UUIDs where the driver's management library answers, slices of GPUs among them."""
        return nvml.list_gpus() or tuple(Device(name="NVIDIA GPU", number=number) for number in range(gpu_count()))

    def alone(self, device: Device) -> tuple[Mapping[str, str], int]:
        """By UUID, which means one device whatever the order; CUDA counts the fastest first unless told otherwise."""
        order = {"CUDA_DEVICE_ORDER": os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")}
        return ({**order, "CUDA_VISIBLE_DEVICES": device.uuid}, 0) if device.uuid else (order, device.number)

    def versions(self) -> Mapping[str, str]:
        return {"cuda": cuda_major()} if cuda_major() else {}

    def _libraries(self) -> list[str]:
        """What it is made of and what it opens when the first convolution comes, in order of need."""
        from ganzoo.runtime.ort import onnxruntime

        folder = Path(onnxruntime.__file__).parent / "capi"
        part = self.ort_name.removesuffix("ExecutionProvider").lower()
        if sys.platform == "win32":
            return [
                *(str(folder / f"onnxruntime_providers_{one}.dll") for one in ("shared", part)),
                *(["cudnn64_9.dll"] if part == "cuda" else []),
            ]
        return [
            *(str(folder / f"libonnxruntime_providers_{one}.so") for one in ("shared", part)),
            *(["libcudnn.so.9"] if part == "cuda" else []),
        ]


class TensorRT(CUDA):
    """Engines that TensorRT 10 builds for the device; the first session of a model builds, the others find it."""

    name = "tensorrt"
    ort_name = "TensorrtExecutionProvider"
    options: ClassVar = {
        "device_id": WHOLE,
        **dict.fromkeys(
            (
                "trt_auxiliary_streams", "trt_builder_optimization_level", "trt_dla_core",
                "trt_max_partition_iterations", "trt_max_workspace_size", "trt_min_subgraph_size",
                "trt_ep_context_embed_mode",
            ),
            Option(kind="whole"),
        ),
        **dict.fromkeys(
            (
                "trt_bf16_enable", "trt_build_heuristics_enable", "trt_context_memory_sharing_enable",
                "trt_cuda_graph_enable", "trt_detailed_build_log", "trt_dla_enable", "trt_dump_ep_context_model",
                "trt_dump_subgraphs", "trt_engine_cache_enable", "trt_engine_hw_compatible",
                "trt_force_sequential_engine_build", "trt_force_timing_cache", "trt_fp16_enable", "trt_int8_enable",
                "trt_int8_use_native_calibration_table", "trt_layer_norm_fp32_fallback", "trt_sparsity_enable",
                "trt_timing_cache_enable", "trt_weight_stripped_engine_enable",
            ),
            SWITCH,
        ),
        **dict.fromkeys(
            (
                "trt_engine_cache_path", "trt_engine_cache_prefix", "trt_ep_context_file_path",
                "trt_int8_calibration_table_name", "trt_onnx_model_folder_path", "trt_op_types_to_exclude",
                "trt_preview_features", "trt_profile_max_shapes", "trt_profile_min_shapes", "trt_profile_opt_shapes",
                "trt_tactic_sources", "trt_timing_cache_path",
            ),
            TEXT,
        ),
        "trt_extra_plugin_lib_paths": Option(runs_code=True),
    }  # fmt: skip
    always: ClassVar = {}
    precisions: ClassVar = {
        "fp16": {"trt_fp16_enable": "1"},
        "bf16": {"trt_bf16_enable": "1"},
        "int8": {"trt_int8_enable": "1", "trt_fp16_enable": "1"},
    }
    graph_option = "trt_cuda_graph_enable"
    build_options: ClassVar = {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": "{folder}",
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": "{folder}",
    }
    compiles = True
    tried = ""
