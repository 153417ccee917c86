"""ONNX Runtime's execution providers: which there are, and what keeps one from working here.

ONNX Runtime falls back to the CPU without an exception when a library is missing, so each step is looked at before a
session is made: the build, the driver, the provider's libraries, and those that it opens only when a kernel needs them.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from pathlib import Path

from ganzoo.errors import BenchError, RequestError, nearest
from ganzoo.provider_failures import INSTALL, Explanation, driver_error, explain

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

_HINT = "`ganzoo doctor` shows every provider."


def check_name(provider: str) -> str:
    """ONNX Runtime's name of a provider. Raises RequestError for one that ganzoo does not know."""
    if provider not in PROVIDERS:
        raise RequestError(
            f"There is no provider {provider!r}.{nearest(provider, PROVIDERS)} Providers: {', '.join(PROVIDERS)}."
        )
    return PROVIDERS[provider]


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
    import onnxruntime

    name = check_name(provider)
    if provider == "cpu":
        return None
    if name not in onnxruntime.get_available_providers():
        return Explanation(
            reason=f"onnxruntime {onnxruntime.__version__} as installed is a build without {name}",
            remedy=f"pip uninstall onnxruntime, then {INSTALL}",
        )
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()  # prints on stdout what it could not load; the loads below say it better
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
    import onnxruntime

    return str(getattr(onnxruntime, "cuda_version", "") or "").partition(".")[0]


def explain_failure(text: str) -> Explanation:
    """What a message of the installed ONNX Runtime means."""
    trouble = explain(text, cuda=cuda_major())
    return Explanation(reason=trouble.reason, remedy=_remedy(trouble))


def _remedy(trouble: Explanation) -> str:
    return f"{trouble.remedy} {_HINT}" if trouble.remedy else _HINT


def _libraries(folder: Path) -> list[str]:
    """What the CUDA provider is made of and what it opens when the first convolution comes, in order of need."""
    if sys.platform == "win32":
        return [*(str(folder / f"onnxruntime_providers_{part}.dll") for part in ("shared", "cuda")), "cudnn64_9.dll"]
    return [*(str(folder / f"libonnxruntime_providers_{part}.so") for part in ("shared", "cuda")), "libcudnn.so.9"]


def _load(library: str) -> str:
    """Load a shared library; the loader's complaint, which names the missing one, or ""."""
    try:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return str(error).replace(f"{Path(library).parent}/", "")
    return ""


def _driver_trouble(driver: str) -> str:
    """What keeps an installed driver from working: its own error code, or no GPU; "" when there is one."""
    cuda = ctypes.CDLL(driver)
    if code := cuda.cuInit(0):
        return f"the NVIDIA driver is installed and does not start (cuInit gives {driver_error(code)})"
    count = ctypes.c_int(0)
    if code := cuda.cuDeviceGetCount(ctypes.byref(count)):
        return f"the NVIDIA driver does not count its GPUs ({driver_error(code)})"
    return "" if count.value else "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)"
