"""Whether this machine is fit for measuring: what would disturb a measurement, looked at before one is made."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ganzoo.runtime.latency import disturbance
from ganzoo.runtime.latency.temperature import of_processor
from ganzoo.runtime.latency.verdict import CALIBRATION, OTHERS, STOLEN, WAITED

_WATCHED_SECONDS = 2.0
_CALIBRATIONS = 8
_WARM = 80.0  # degrees Celsius

_SYS = Path("/sys")
_PROC = Path("/proc")


class Check(NamedTuple):
    """state: good, bad, or unknown where this system does not tell. found: in words. remedy: what to do; "" if good."""

    name: str
    state: str
    found: str
    remedy: str = ""


def checks(*, seconds: float = _WATCHED_SECONDS) -> list[Check]:
    """All of them; they watch the machine for so long."""
    return [*_still(), *_watched(seconds)]


def _still() -> Iterator[Check]:
    """What can be read at once."""
    yield _governor()
    yield _boost()
    yield _siblings()
    yield _quota()
    yield _host()
    yield _battery()
    yield _temperature()
    yield _clock()


def _watched(seconds: float) -> Iterator[Check]:
    """What shows over a while of constant work on one processor."""
    first, took = disturbance.read(), list[int]()
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(took) < _CALIBRATIONS:
        took.append(disturbance.calibrate())
    found = disturbance.between(first, disturbance.read())
    yield _share(
        "other processes", found.others, OTHERS, "of one processor is used by others",
        "End them, or take another machine; `top` shows them.",
    )  # fmt: skip
    yield _share(
        "waiting", found.waited, WAITED, "of the time a thread waited for a processor",
        "End other processes; give a container whole processors.",
    )  # fmt: skip
    yield _share(
        "stolen time", found.stolen, STOLEN, "of one processor was taken by the host",
        "A virtual machine with neighbours: more --repeats, or another machine.",
    )  # fmt: skip
    spread = (max(took) - min(took)) / min(took)
    yield Check(
        "constant work",
        "good" if spread <= CALIBRATION else "bad",
        f"the slowest of {len(took)} times took {100 * spread:.1f}% longer than the fastest",
        "" if spread <= CALIBRATION else "Clocks move, or others work: performance mode, mains, a cool machine.",
    )


def _share(name: str, share: float | None, most: float, what: str, remedy: str) -> Check:
    if share is None:
        return Check(name, "unknown", "this system does not tell")
    good = share <= most
    return Check(name, "good" if good else "bad", f"{100 * share:.1f}% {what}", "" if good else remedy)


def _governor() -> Check:
    found = {_read(path) for path in (_SYS / "devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")} - {None}
    if not found:
        return Check("governor", "unknown", "this system does not tell (a virtual machine's host decides)")
    if found == {"performance"}:
        return Check("governor", "good", "performance")
    names = ", ".join(sorted(map(str, found)))
    return Check("governor", "bad", names, "sudo cpupower frequency-set -g performance")


def _boost() -> Check:
    """Boosted clocks depend on warmth and on what the other cores do."""
    turbo = _read(_SYS / "devices/system/cpu/intel_pstate/no_turbo")
    boost = _read(_SYS / "devices/system/cpu/cpufreq/boost")
    if turbo is None and boost is None:
        return Check("boost", "unknown", "this system does not tell")
    if turbo == "0" or boost == "1":
        return Check("boost", "bad", "on: clocks follow warmth and load", "Off for comparisons: see docs/measuring.md.")
    return Check("boost", "good", "off")


def _siblings() -> Check:
    active = _read(_SYS / "devices/system/cpu/smt/active")
    if active is None:
        return Check("hyperthreads", "unknown", "this system does not tell")
    if active == "0":
        return Check("hyperthreads", "good", "off")
    return Check(
        "hyperthreads", "bad", "two threads share a core, and each other's time",
        "State --threads as many as there are cores, not threads.",
    )  # fmt: skip


def _quota() -> Check:
    """What a control group lets this process use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _limit()
    if limit is not None and limit < usable:
        return Check(
            "processors", "bad", f"{usable} can be used, {limit:.2g} of them by a quota that pauses all threads",
            f"Give the container whole processors (--cpuset-cpus), or state --threads {max(1, int(limit))}.",
        )  # fmt: skip
    return Check("processors", "good", f"{usable} of {os.cpu_count()}, no quota below that")


def _limit() -> float | None:
    for path in (_SYS / "fs/cgroup/cpu.max", _SYS / "fs/cgroup/cpu/cpu.cfs_quota_us"):
        text = (_read(path) or "").split()
        with contextlib.suppress(ValueError, IndexError, ZeroDivisionError):
            if path.name == "cpu.max":
                return float(text[0]) / float(text[1])
            period = float(_read(path.with_name("cpu.cfs_period_us")) or 0)
            return float(text[0]) / period if float(text[0]) > 0 else None
    return None


def _host() -> Check:
    flags = next((line for line in (_read(_PROC / "cpuinfo") or "").splitlines() if line.startswith("flags")), "")
    if not flags:
        return Check("virtual machine", "unknown", "this system does not tell")
    if "hypervisor" in flags.split():
        return Check(
            "virtual machine", "bad", "this is one: neighbours and the host's clocks are not seen",
            "More --repeats, at several times of the day.",
        )  # fmt: skip
    return Check("virtual machine", "good", "this is none")


def _battery() -> Check:
    states = [_read(path) for path in (_SYS / "class/power_supply").glob("*/status")]
    if "Discharging" in states:
        return Check("power", "bad", "from a battery", "Plug it in.")
    return Check("power", "good", "from the mains" if states else "no battery")


def _temperature() -> Check:
    warm = of_processor()
    if warm is None:
        return Check("temperature", "unknown", "this system does not tell")
    if warm > _WARM:
        return Check("temperature", "bad", f"{warm:.0f} degrees Celsius", "Let it cool; --cool-to 60 waits for it.")
    return Check("temperature", "good", f"{warm:.0f} degrees Celsius")


def _clock() -> Check:
    steps = []
    for _ in range(1000):
        first = time.perf_counter_ns()
        steps.append(time.perf_counter_ns() - first)
    cost = sorted(steps)[len(steps) // 2]
    good = cost <= 1000
    return Check("clock", "good" if good else "bad", f"one reading takes {cost} ns",
                 "" if good else "A slow clock source: see current_clocksource in /sys.")  # fmt: skip


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
