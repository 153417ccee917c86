"""Shared libraries of NVIDIA's that ONNX Runtime opens: found, loaded, asked.

ONNX Runtime falls back to the CPU without an exception when a library is missing, so each step is looked at before a
session is made: the driver, the provider's libraries, and those that it opens only when a kernel needs them.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import sys
from pathlib import Path

from ganzoo.runtime.providers.failures import MISSING_LIBRARY, driver_error


def cuda_major() -> str:
    """The major version of CUDA that the installed onnxruntime was built for; "" when it does not tell."""
    from ganzoo.runtime.ort import onnxruntime

    return str(getattr(onnxruntime, "cuda_version", "") or "").partition(".")[0]


def missing_libraries() -> list[str]:
    """Names of all shared libraries that the CUDA provider wants and that are not found here."""
    preload()
    return [library for library in ["libcuda.so.1", *_toolkit()] if load(library)]


def preload() -> None:
    """Load the libraries of NVIDIA's packages, unless torch has loaded its own: two versions of cuDNN do not mix."""
    from ganzoo.runtime.ort import onnxruntime

    if "torch" in sys.modules and not any(load(library) for library in _toolkit()):
        return
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()  # prints on stdout what it could not load; who loads says it better


def _toolkit() -> list[str]:
    """Libraries that the CUDA provider is linked to or opens, as Linux names them."""
    major = int(cuda_major() or 13)
    names = [f"lib{name}.so.{major}" for name in ("cudart", "cublasLt", "cublas", "nvrtc")]
    return [*names, f"libcufft.so.{major - 1}", "libcurand.so.10", "libcudnn.so.9"]


def load(library: str) -> str:
    """Load a shared library and what it needs; the loader's complaint, which names a missing one, or "".

    NVIDIA's wheels may lie in another folder than onnxruntime's (a user's own, a `--target`), where it does not look.
    """
    tried: set[str] = set()
    while True:
        try:
            ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            missing = MISSING_LIBRARY.search(str(error))
            found = _in_packages(missing[1]) if missing and missing[1] not in tried else None
            if missing is None or found is None:
                return str(error).replace(f"{Path(library).parent}/", "")
            tried.add(missing[1])
            if missing[1] == Path(library).name:
                library = str(found)
            elif complaint := load(str(found)):
                return complaint
        else:
            return ""


def _in_packages(library: str) -> Path | None:
    """Where a package `nvidia` of any folder on sys.path holds a library."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in Path(folder).glob(f"*/lib/{library}"):
            return path
    return None


def gpu_count() -> int:
    """GPUs that the driver sees; 0 where there is no driver."""
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    if load(driver) or driver_trouble(driver):
        return 0
    count = ctypes.c_int(0)
    ctypes.CDLL(driver).cuDeviceGetCount(ctypes.byref(count))
    return count.value


def driver_trouble(driver: str) -> str:
    """What keeps an installed driver from working: its own error code, or no GPU; "" when there is one."""
    cuda = ctypes.CDLL(driver)
    if code := cuda.cuInit(0):
        return f"the NVIDIA driver is installed and does not start (cuInit gives {driver_error(code)})"
    count = ctypes.c_int(0)
    if code := cuda.cuDeviceGetCount(ctypes.byref(count)):
        return f"the NVIDIA driver does not count its GPUs ({driver_error(code)})"
    return "" if count.value else "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)"
