"""Holding a GPU's clock still while it is measured, and letting it go in any case.

A process of its own locks, waits until its parent closes the pipe or is gone, and unlocks: whatever ends the parent,
SIGKILL among it, the clock is free again.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ganzoo.errors import BenchError, RequestError, short
from ganzoo.runtime.devices import nvml
from ganzoo.runtime.devices.device import Device

_SECONDS = 20
_SM = 1


def mhz_of(device: Device, asked: str) -> int:
    """The clock that is meant: a number of MHz, or `base`, `most`. Raises RequestError, BenchError."""
    handle = nvml.ask("nvmlDeviceGetHandleByUUID", device.uuid) if device.uuid and nvml.is_installed() else None
    if handle is None or device.slice:
        raise BenchError(
            f"--lock-clocks: the clock of {device.name} cannot be locked from here.",
            hint="It takes an NVIDIA GPU that is not cut in slices, and the package nvidia-ml-py.",
        )
    most = nvml.ask("nvmlDeviceGetMaxClockInfo", handle, _SM)
    if asked == "base":
        found = nvml.ask("nvmlDeviceGetDefaultApplicationsClock", handle, 0)  # NVML_CLOCK_GRAPHICS
        found = nvml.ask("nvmlDeviceGetApplicationsClock", handle, 0) if found is None else found
        if found is None:
            raise BenchError(
                f"--lock-clocks base: the driver does not tell the base clock of {device.name}.",
                hint="State a number of MHz: nvidia-smi -q -d SUPPORTED_CLOCKS lists them.",
            )
        return int(found)
    if asked == "most" and most is not None:
        return int(most)
    if not (asked.isascii() and asked.isdecimal()) or not 0 < int(asked) <= (most or 10_000):
        raise RequestError(
            f"--lock-clocks {short(asked)}: expected base, most, or MHz{f' up to {most}' if most else ''}."
        )
    return int(asked)


@contextlib.contextmanager
def locked(clocks: Sequence[tuple[Device, int]]) -> Iterator[None]:
    """The clocks of devices held at so many MHz inside. Raises BenchError where that is not allowed."""
    if not clocks:
        yield
        return
    words = [word for device, mhz in clocks for word in (device.uuid, str(mhz))]
    keeper = subprocess.Popen(
        [sys.executable, "-m", "ganzoo.runtime.devices.clocks", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert keeper.stdin is not None and keeper.stdout is not None
    try:
        answer = keeper.stdout.readline().strip()
        if answer != "locked":
            raise BenchError(
                f"--lock-clocks: {answer or 'the clocks could not be locked'}.",
                hint="It takes an administrator: sudo nvidia-smi --lock-gpu-clocks=MHZ, and --reset-gpu-clocks after.",
            )
        yield
    finally:
        keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(_SECONDS)
        keeper.stdout.close()


def main(words: Sequence[str]) -> None:
    """The keeper: `UUID MHZ ...`."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.SIG_IGN)  # the end is the closed pipe, which a parent's end is too
    held: list[Any] = []
    try:
        for uuid, mhz in zip(words[::2], words[1::2], strict=True):
            if problem := _lock(uuid, int(mhz), held):
                _answer(problem)
                return
        _answer("locked")
        with contextlib.suppress(OSError):
            sys.stdin.read()
    finally:
        for handle in held:
            for _ in range(3):  # a driver that is busy: once more
                try:
                    nvml.reset_clock(handle)
                except Exception:
                    time.sleep(0.2)
                else:
                    break


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _lock(uuid: str, mhz: int, held: list[Any]) -> str:
    """What kept it from being locked; "" for nothing."""
    handle = nvml.ask("nvmlDeviceGetHandleByUUID", uuid) if nvml.is_installed() else None
    if handle is None:
        return "a device is not there any more"
    try:
        nvml.lock_clock(handle, mhz)
    except Exception as error:
        return " ".join(str(error).split())
    held.append(handle)
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
