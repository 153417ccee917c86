"""What ONNX Runtime's CUDA provider says when it fails, in words a user can act on.

Its messages are C++ signatures around one clause that matters, and they name the host: `explain` keeps the clause and
says what it means. The texts it was made from, real ones, are in tests/data/provider_failures.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INSTALL = 'pip install "onnxruntime-gpu[cuda,cudnn]"'
_DRIVER = "Update the NVIDIA driver (nvidia-smi shows it), or install an onnxruntime-gpu built for an older CUDA."
_SMALLER = "Take a smaller batch or pictures, or end what else holds the GPU's memory (nvidia-smi shows it)."
_FRESH = "A GPU that other processes use, or one in a bad state: look at nvidia-smi, and try again."

_PACKAGES = {
    "cublas": "nvidia-cublas",
    "cublaslt": "nvidia-cublas",
    "cudart": "nvidia-cuda-runtime",
    "cudnn": "nvidia-cudnn-cu{major}",
    "cufft": "nvidia-cufft",
    "curand": "nvidia-curand",
    "nvrtc": "nvidia-cuda-nvrtc",
    "nvjitlink": "nvidia-nvjitlink",
    "nvinfer": "tensorrt-cu{major}==10.*",
    "nvonnxparser": "tensorrt-cu{major}==10.*",
}
"""What brings a library; from CUDA 13 on the packages of the toolkit have no suffix."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """reason: one clause, without the host's name. remedy: what to do or type next; "" when nothing is known. missing:
    what is wanted is not installed; otherwise it is, and does not work."""

    reason: str
    remedy: str = ""
    missing: bool = False


_CODES = {
    "CUDA": {
        2: ("the GPU has no memory left", _SMALLER),
        35: ("the NVIDIA driver is older than the CUDA that this onnxruntime was built for", _DRIVER),
        36: ("the NVIDIA driver is older than the CUDA that this onnxruntime was built for", _DRIVER),
        46: ("the GPU is used by another process that wants it alone, or is unavailable", _FRESH),
        98: ("this onnxruntime has no code for this GPU", "Install a newer onnxruntime-gpu."),
        100: ("no GPU can be seen", "Look at nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, at --gpus all."),
        101: ("there is no GPU of that number", "nvidia-smi lists them; --device counts from 0 and by the bus."),
        209: ("this onnxruntime has no code for this GPU", "Install a newer onnxruntime-gpu."),
        222: ("the NVIDIA driver is too old for code that is made on the way", _DRIVER),
        700: ("a kernel read memory that is not its own", "A fault of a kernel: report it with the model."),
        719: ("a kernel failed", _FRESH),
        802: ("the system of GPUs is not ready", "Start the fabric manager, or wait for it."),
        803: ("the driver's library and its kernel module are of two versions", "Restart after the driver's update."),
        804: ("the driver is too old for this GPU, and its compatibility package does not help", _DRIVER),
        999: ("the driver does not know what is wrong", _FRESH),
    },
    "CUBLAS": {
        1: ("cuBLAS cannot start: little memory, or libraries of two versions", _SMALLER),
        3: ("cuBLAS gets no memory", _SMALLER),
        8: ("cuBLAS has no code for this GPU", "Install a newer onnxruntime-gpu."),
        13: ("cuBLAS failed on the GPU", _FRESH),
    },
}
_NAMES = {
    "cudaErrorNoKernelImageForDevice": 209,
    "cudaErrorUnsupportedPtxVersion": 222,
    "cudaErrorInsufficientDriver": 35,
    "cudaErrorMemoryAllocation": 2,
    "cudaErrorNoDevice": 100,
}
_CUDNN = {
    "NOT_INITIALIZED": ("cuDNN cannot start: it fits neither this CUDA nor this driver, or memory is gone", INSTALL),
    "SUBLIBRARY_VERSION_MISMATCH": ("libraries of two versions of cuDNN are mixed", f"Leave one: {INSTALL}"),
    "SUBLIBRARY_LOADING_FAILED": ("a part of cuDNN cannot be loaded", INSTALL),
    "EXECUTION_FAILED": ("cuDNN failed on the GPU", _FRESH),
    "ALLOC_FAILED": ("cuDNN gets no memory", _SMALLER),
    "ARCH_MISMATCH": ("cuDNN has no code for this GPU", "Install a newer onnxruntime-gpu."),
    "NOT_SUPPORTED": ("cuDNN has no kernel for this operator here", "Measure it with --provider cpu."),
}
MISSING_LIBRARY = re.compile(
    r"\b(lib\w+\.so[.\d]*|\w+\.dll)\b(?=: cannot open shared object file|\"?: The specified module)"
)
_NEEDED = re.compile(r"LoadLibrary failed with error (\d+)")
_FAILURE = re.compile(r"\b(CUDA|CUBLAS|CUDNN|CUDNN_FE|CUFFT|CURAND) failure (\d{1,9}): (.*?) *(?:;|$)")
_NAMED = re.compile(r"\bCUDA error (cudaError\w+)")
_STATUS = re.compile(r"\bCUDNN_STATUS_(\w+)")
_NOISE = re.compile(
    r"; GPU=-?\d+|;? ?(?i:\bhost(?:name)?) ?[=:] ?\S{1,300}|; file=\S{1,300} .*$|\S{0,300}onnxruntime_src/\S{1,300} "
    r"|\b[A-Z]:\\\S{1,300} |std::conditional_t<.{0,200}?> |onnxruntime::CudaCall(?:\(.{0,300}?\))? |\[with .{0,300}?\] "
)
_LONGEST = 4_000  # of a text, from each end


def explain(text: str, *, cuda: str = "") -> Explanation:
    """What a message of ONNX Runtime means.

    cuda: major version that the installed onnxruntime was built for, to name packages. Texts that nothing is known of
    come back shortened, still without the host.
    """
    if len(text) > 2 * _LONGEST:  # at a space: half a word may be half of "hostname="
        text = f"{text[:_LONGEST].rpartition(' ')[0]} {text[-_LONGEST:].partition(' ')[2]}"
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if library := MISSING_LIBRARY.search(flat):
        remedy = _brings(library[1], cuda)
        return Explanation(reason=f"the library {library[1]} is missing", remedy=remedy, missing=True)
    if loading := _NEEDED.search(flat):
        reason = f"a library of the provider cannot be loaded (Windows error {loading[1]})"
        return Explanation(reason=reason, remedy=INSTALL)
    if "disable_cpu_ep_fallback" in flat or "default CPU EP" in flat:
        return Explanation(reason="some nodes have no kernel on the GPU and would run on the CPU")
    return _status(flat) or Explanation(reason=_without_noise(flat)[:300])


def _status(flat: str) -> Explanation | None:
    """A text with an error code of CUDA or of one of its libraries."""
    if "Failed to allocate memory for requested buffer" in flat:
        return _known("CUDA", 2, flat[flat.index("Failed to allocate") :])
    if named := _NAMED.search(flat):
        return _known("CUDA", _NAMES.get(named[1], -1), named[1])
    failure, status = _FAILURE.search(flat), _STATUS.search(flat)
    if failure is None:
        return None
    family, code, said = failure[1], int(failure[2]), failure[3]
    if family.startswith("CUDNN") and status is not None:
        for name, (reason, remedy) in _CUDNN.items():
            if status[1].startswith(name):
                return Explanation(reason=f"{reason} ({family} failure {code}: {status[0]})", remedy=remedy)
    return _known(family, code, said)


def _known(family: str, code: int, said: str) -> Explanation:
    reason, remedy = _CODES.get(family, {}).get(code, ("", ""))
    detail = _without_noise(said)[:120]
    shown = f"{family} failure {code}: {detail}" if code >= 0 else detail
    return Explanation(reason=f"{reason} ({shown})" if reason else shown, remedy=remedy)


def _without_noise(text: str) -> str:
    return " ".join(_NOISE.sub(" ", text).split()).strip(" ;")


def _brings(library: str, cuda: str) -> str:
    """The command that installs a library."""
    stem = re.sub(r"^lib|[\d_.].*$", "", library.lower())
    if stem in ("cuda", "nvcuda"):
        return "Install the NVIDIA driver; in a container, start it with --gpus all."
    package = _PACKAGES.get(stem, "").format(major=cuda or "13")
    if stem.startswith("nv") and "tensorrt" in package:
        return f'pip install "{package}"; its libraries must be on LD_LIBRARY_PATH'
    return f"{INSTALL}\nOr {package} alone." if package else INSTALL


def driver_error(code: int) -> str:
    """What an error of the driver's own `cuInit` means."""
    reason, _ = _CODES["CUDA"].get(code, ("", ""))
    return f"error {code}: {reason}" if reason else f"error {code}"
