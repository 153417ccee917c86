"""Which device and which precision a training uses."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from typing import Any

import torch

from ganzoo.errors import RequestError
from ganzoo.version import __version__


def select_device(name: str, *, local_rank: int | None = None) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:N` to a device that is there.

    local_rank: of this process among several on the machine, which is then the GPU's number.
    Raises RequestError that says what is missing.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"There is no device {name!r}; expected auto, cpu, cuda or cuda:N.")
    if device.type == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise RequestError(
            f"Device {name!r} was asked for, but torch {torch.__version__} ({build}) finds no usable GPU.",
            hint="`ganzoo doctor` says what is missing; --device cpu works everywhere.",
        )
    index, count = device.index or local_rank or 0, torch.cuda.device_count()
    if index >= count:
        raise RequestError(f"Device {name!r} was asked for; this machine has {count}: cuda:0 to cuda:{count - 1}.")
    return torch.device("cuda", index)


def use_bf16(precision: str, device: torch.device) -> bool:
    """Whether autocast to bf16 is on. There is no fp16 training: its range is too small for a GAN.

    Raises RequestError for bf16 on a GPU that has none.
    """
    if precision == "fp32":
        return False
    if device.type == "cpu":
        return precision == "bf16"
    able = torch.cuda.get_device_capability(device) >= (8, 0)
    if precision == "bf16" and not able:
        raise RequestError(
            f"{torch.cuda.get_device_name(device)} has no bf16 (compute 8.0 or newer is needed).",
            hint="Use --precision fp32.",
        )
    return able


@contextlib.contextmanager
def backends(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """torch's global switches and generators, as training wants them and back."""
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    strict, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    try:
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.benchmark = not deterministic
        with torch.random.fork_rng(devices=[device.index or 0]), torch.cuda.device(device):
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.backends.cudnn.benchmark = benchmark


def machine_facts() -> dict[str, Any]:
    """What a run's record says of where it is trained."""
    return {
        "ganzoo": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
    }


def lacks_deterministic_kernel(error: BaseException) -> bool:
    """Whether torch refused an operator because of `--deterministic`."""
    return isinstance(error, RuntimeError) and "does not have a deterministic implementation" in str(error)
