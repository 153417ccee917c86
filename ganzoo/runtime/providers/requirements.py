"""What keeps an execution provider from working here.

ONNX Runtime falls back to the CPU without an exception when a library is missing, so each step is looked at before a
session is made: the build, the driver, the provider's libraries, and those that it opens only when a kernel needs them.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import sys
from pathlib import Path

from ganzoo.errors import BenchError
from ganzoo.runtime.providers.failures import INSTALL, MISSING_LIBRARY, Explanation, driver_error, explain
from ganzoo.runtime.providers.table import check_name

_HINT = "`ganzoo doctor` shows every provider."


def what_is_missing(provider: str) -> str:
    """One clause naming what keeps a provider from working here; "" when nothing does."""
    trouble = find_trouble(provider)
    return trouble.reason if trouble is not None else ""


def require(provider: str) -> None:
    """Raises BenchError that names the missing library or driver, RequestError for an unknown provider."""
    trouble = find_trouble(provider)
    if trouble is not None:
        raise BenchError(f"The provider {provider!r} does not work here: {trouble.reason}.", hint=_remedy(trouble))


def find_trouble(provider: str) -> Explanation | None:
    """What keeps a provider from working here, and what to do; None when nothing is found."""
    from ganzoo.runtime.ort import onnxruntime

    name = check_name(provider)
    if provider == "cpu":
        return None
    if name not in onnxruntime.get_available_providers():
        return Explanation(
            reason=f"onnxruntime {onnxruntime.__version__} as installed is a build without {name}",
            remedy=f"pip uninstall --yes onnxruntime && {INSTALL}",
        )
    _preload()
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    if error := _load(driver):
        return Explanation(
            reason=f"the NVIDIA driver is not installed or not visible here ({error})",
            remedy="Install it; in a container, start it with --gpus all.",
        )
    if error := _driver_trouble(driver):
        return Explanation(reason=error, remedy="Look at nvidia-smi and CUDA_VISIBLE_DEVICES.")
    for library in _libraries(Path(onnxruntime.__file__).parent / "capi"):
        if error := _load(library):
            trouble = explain(error, cuda=cuda_major())
            reason = f"a library of the CUDA provider cannot be loaded ({trouble.reason})"
            return trouble if trouble.remedy else Explanation(reason=reason, remedy=INSTALL)
    return None


def cuda_major() -> str:
    """The major version of CUDA that the installed onnxruntime was built for; "" when it does not tell."""
    from ganzoo.runtime.ort import onnxruntime

    return str(getattr(onnxruntime, "cuda_version", "") or "").partition(".")[0]


def explain_failure(text: str) -> Explanation:
    """What a message of the installed ONNX Runtime means."""
    return explain(text, cuda=cuda_major())


def _remedy(trouble: Explanation) -> str:
    return f"{trouble.remedy}\n{_HINT}" if trouble.remedy else _HINT


def _libraries(folder: Path) -> list[str]:
    """What the CUDA provider is made of and what it opens when the first convolution comes, in order of need."""
    if sys.platform == "win32":
        return [*(str(folder / f"onnxruntime_providers_{part}.dll") for part in ("shared", "cuda")), "cudnn64_9.dll"]
    return [*(str(folder / f"libonnxruntime_providers_{part}.so") for part in ("shared", "cuda")), "libcudnn.so.9"]


def missing_libraries() -> list[str]:
    """Names of all shared libraries that the CUDA provider wants and that are not found here."""
    _preload()
    return [library for library in ["libcuda.so.1", *_toolkit()] if _load(library)]


def _preload() -> None:
    """Load the libraries of NVIDIA's packages, unless torch has loaded its own: two versions of cuDNN do not mix."""
    from ganzoo.runtime.ort import onnxruntime

    if "torch" in sys.modules and not any(_load(library) for library in _toolkit()):
        return
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()  # prints on stdout what it could not load; who loads says it better


def _toolkit() -> list[str]:
    """Libraries that the CUDA provider is linked to or opens, as Linux names them."""
    major = int(cuda_major() or 13)
    names = [f"lib{name}.so.{major}" for name in ("cudart", "cublasLt", "cublas", "nvrtc")]
    return [*names, f"libcufft.so.{major - 1}", "libcurand.so.10", "libcudnn.so.9"]


def _load(library: str) -> str:
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
            elif complaint := _load(str(found)):
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


def _driver_trouble(driver: str) -> str:
    """What keeps an installed driver from working: its own error code, or no GPU; "" when there is one."""
    cuda = ctypes.CDLL(driver)
    if code := cuda.cuInit(0):
        return f"the NVIDIA driver is installed and does not start (cuInit gives {driver_error(code)})"
    count = ctypes.c_int(0)
    if code := cuda.cuDeviceGetCount(ctypes.byref(count)):
        return f"the NVIDIA driver does not count its GPUs ({driver_error(code)})"
    return "" if count.value else "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)"
