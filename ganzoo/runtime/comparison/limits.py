"""Limits that users state: `p99<20ms`, `throughput>100`, `memory<2GB`; of one scenario: `server:p99<20ms`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ganzoo.errors import RequestError, did_you_mean, short
from ganzoo.runtime.latency.scenarios import SCENARIOS
from ganzoo.runtime.latency.stats import Figure

Kept = Literal["kept", "broken", "undecided"]

_LIMIT = re.compile(
    r"(?:(?P<scenario>[a-z-]+):)?(?P<name>[a-z0-9_.]+)\s*(?P<sign><=?|>=?)\s*(?P<value>\d+(?:\.\d+)?(?:e-?\d+)?)\s*(?P<unit>[a-zA-Z/%]*)"
)
_UNITS = {
    "time": {"": 1.0, "us": 1e-3, "ms": 1.0, "s": 1e3},
    "memory": {"": 1.0, "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "rate": {"": 1.0, "/s": 1.0},
    "energy": {"": 1.0, "mJ": 1.0, "J": 1e3},
}


class Quantity(NamedTuple):
    """What can be limited. kind: of its unit; times are in ms, memory in bytes, energy in mJ. read: of a case; None
    where it was not measured."""

    kind: str
    read: Callable[[Mapping[str, Any]], Figure | None]


def _latency(name: str) -> Callable[[Mapping[str, Any]], Figure | None]:
    def read(case: Mapping[str, Any]) -> Figure | None:
        latency = main_latency(case)
        value = None if latency is None else latency[name]
        if value is None:
            return None
        return Figure(**value) if isinstance(value, Mapping) else Figure(value)

    return read


def _plain(read: Callable[[Mapping[str, Any]], float | None]) -> Callable[[Mapping[str, Any]], Figure | None]:
    def figure(case: Mapping[str, Any]) -> Figure | None:
        value = read(case)
        return None if value is None else Figure(float(value))

    return figure


def main_latency(case: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Of the kind that a case is judged by; None where nothing was measured."""
    latency = case["latency_ms"] or {}
    found: Mapping[str, Any] | None = latency.get("device_resident") or latency.get("host_to_host")
    return found


def _energy(case: Mapping[str, Any]) -> Figure | None:
    """Of the device, mJ a picture."""
    joules = case["joules_per_picture"]
    if joules is None:
        return None
    low, high = joules["low"], joules["high"]
    return Figure(1000 * joules["value"], None if low is None else 1000 * low, None if high is None else 1000 * high)


def _slower(case: Mapping[str, Any]) -> Figure | None:
    """Beside the same on other devices, over alone."""
    found = (case["together"] or {}).get("slower")
    return found and Figure(**found)


QUANTITIES = {
    **{name: Quantity("time", _latency(name)) for name in ("median", "p90", "p99", "p99.9", "mean", "largest")},
    "p50": Quantity("time", _latency("median")),
    "throughput": Quantity("rate", _latency("pictures_per_second")),
    "memory": Quantity("memory", _plain(lambda case: case["peak_bytes"])),
    "device_memory": Quantity("memory", _plain(lambda case: case["device_bytes"])),
    "energy": Quantity("energy", _energy),
    "slower": Quantity("rate", _slower),
    "file": Quantity("memory", _plain(lambda case: case["model"]["bytes"])),
    "first": Quantity("time", _plain(lambda case: max(case["first_run_ms"], default=None))),
    "session": Quantity("time", _plain(lambda case: max((1e3 * one for one in case["session_seconds"]), default=None))),
    "error": Quantity("rate", _plain(lambda case: (case["output_check"] or {}).get("error"))),
}


_WITH_INTERVAL = ("median", "p50", "p90", "p99", "p99.9", "throughput")
UNITS = {"time": " ms", "memory": " bytes", "rate": "", "energy": " mJ"}


class Limit(NamedTuple):
    """text: as it was typed. scenario: of which alone; "" for any. upper: the value must be below."""

    text: str
    scenario: str
    name: str
    upper: bool
    value: float

    def holds(self, case: Mapping[str, Any], scenario: str) -> tuple[Kept, str]:
        """Whether a case keeps it, and in words what it has. One whose interval holds the limit is undecided."""
        if self.scenario and self.scenario != scenario:
            return "kept", ""
        found = QUANTITIES[self.name].read(case)
        if found is None:
            return "undecided", f"{self.name} was not measured, or the samples do not carry it"
        kind = QUANTITIES[self.name].kind
        unit, scale = (" MB", 1e-6) if kind == "memory" else (UNITS[kind], 1.0)
        value = f"{self.name} is {scale * found.value:.4g}{unit}"
        if (found.low is None or found.high is None) and self.name in _WITH_INTERVAL:
            return "undecided", f"{value} in one process, which has no interval"
        low, high = (found.value, found.value) if found.low is None or found.high is None else (found.low, found.high)
        said = value + ("" if low == high else f" ({scale * low:.4g} to {scale * high:.4g})")
        best, worst = (low, high) if self.upper else (high, low)

        def inside(value: float) -> bool:
            return value < self.value if self.upper else value > self.value

        return ("kept" if inside(worst) else "undecided" if inside(best) else "broken"), said


def check_scenarios(limits: Iterable[Limit], scenarios: Iterable[str]) -> None:
    """Raises RequestError for a limit of a scenario that no result is of: it would hold of nothing."""
    known = sorted(set(scenarios))
    for limit in limits:
        if limit.scenario and limit.scenario not in known:
            raise RequestError(
                f"The limit {short(limit.text)} is of the scenario {limit.scenario}, and the results are of "
                f"{', '.join(known)}."
            )


def parse_limit(text: str) -> Limit:
    """Raises RequestError for what is none."""
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise RequestError(
            f"The limit {short(text)}: expected NAME<VALUE or NAME>VALUE, such as p99<20ms.",
            hint=f"Names: {', '.join(QUANTITIES)}; of one scenario: server:p99<20ms",
        )
    name, scenario, unit = match["name"], match["scenario"] or "", match["unit"]
    if name not in QUANTITIES:
        raise RequestError(
            f"There is no quantity {name!r}.{did_you_mean(name, QUANTITIES)} Names: {', '.join(QUANTITIES)}."
        )
    if scenario and scenario not in SCENARIOS:
        raise RequestError(f"There is no scenario {scenario!r}.{did_you_mean(scenario, SCENARIOS)}")
    if not math.isfinite(float(match["value"])):
        raise RequestError(f"The limit {short(text)}: expected a finite number.")
    units = _UNITS[QUANTITIES[name].kind]
    if unit not in units:
        raise RequestError(f"The limit {short(text)}: {name} is in {', '.join(filter(None, units))}, not {unit!r}.")
    return Limit(text.strip(), scenario, name, match["sign"].startswith("<"), float(match["value"]) * units[unit])
