"""What a result must hold: its schema, and numbers that agree with each other."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo.runtime.latency.samples import decode
from ganzoo.runtime.latency.scenarios import SCENARIOS

STATES = ("ok", "failed", "unchecked", "invalid")
_QUANTILES = ("median", "p90", "p99", "p99.9")


@functools.cache
def _schema() -> Callable[[Mapping[str, Any]], Any]:
    """The published schema as a function that raises ValueError."""
    import fastjsonschema

    text = Path(__file__).with_name("result.schema.json").read_text(encoding="utf-8")
    check: Callable[[Mapping[str, Any]], Any] = fastjsonschema.compile(json.loads(text), use_default=False)
    return check


def check_document(document: Mapping[str, Any]) -> None:
    """Raises ValueError that says what cannot be: against the schema, and numbers that do not agree."""
    protocol = document["protocol"]
    if protocol["scenario"] not in SCENARIOS:
        raise ValueError(f"there is no scenario {protocol['scenario']!r}")
    if (protocol["rates"] or protocol["objective"]) and protocol["scenario"] != "server":
        raise ValueError(f"it has a rate, and its scenario is {protocol['scenario']}")
    for path, value in _numbers(document["cases"], "cases"):
        if not math.isfinite(value) or (value < 0 and not path.endswith(("snr_db", "error"))):
            raise ValueError(f"{path} is {value}")
    for number, case in enumerate(document["cases"]):
        try:
            _check_case(case, protocol)
        except ValueError as error:
            raise ValueError(f"case {number}: {error}") from None
    _schema()(document)


def _check_case(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> None:
    if case["state"] not in STATES:
        raise ValueError(f"its state is {case['state']!r}")
    if case["rate"] is not None and protocol["scenario"] != "server":
        raise ValueError(f"it has a rate, and its scenario is {protocol['scenario']}")
    if case["state"] == "ok" and not case["processes"]:
        raise ValueError("it is ok, and nothing was measured")
    for kind, latency in (case["latency_ms"] or {}).items():
        if latency is None:
            continue
        known = [latency[name]["value"] for name in _QUANTILES[1:] if latency[name] is not None]
        if known != sorted(known) or latency["least"] > latency["largest"]:
            raise ValueError(f"the quantiles of {kind} are out of order")
        if not latency["least"] <= latency["mean"] <= latency["largest"] * (1 + 1e-9):
            raise ValueError(f"the mean of {kind} is beyond its least or largest")
        for name in _QUANTILES:
            _check_figure(latency[name], f"{name} of {kind}")
        count = sum(len(decode(process["series"][kind]["samples"])) for process in case["processes"])
        if count != latency["count"]:
            raise ValueError(f"{kind} has {count} samples and says {latency['count']}")


def _check_figure(figure: Mapping[str, Any] | None, what: str) -> None:
    if figure is None or figure["low"] is None:
        return
    if not figure["low"] * (1 - 1e-9) <= figure["value"] <= figure["high"] * (1 + 1e-9):
        raise ValueError(f"the interval of {what} does not hold it")


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield path, float(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, f"{path}.{index}")
