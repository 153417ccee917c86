"""What a result must hold: its schema, and numbers that agree with each other."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.runtime.latency.samples import MOST, decode
from ganzoo.runtime.latency.scenarios import SCENARIOS

STATES = ("ok", "failed", "unchecked", "invalid")
_SLACK = 100_000  # samples beyond what is said, before they are not even unpacked
_MOST_VALUE = 1e19  # of anything that is measured: nanoseconds of three centuries
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
        if not abs(value) < _MOST_VALUE or (value < 0 and not path.endswith(("snr_db", "error"))):
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
        _check_samples(case["processes"], kind, latency)


def _check_samples(processes: Sequence[Mapping[str, Any]], kind: str, latency: Mapping[str, Any]) -> None:
    """That samples are as many as are said, and what is said of them is so."""
    count, least, largest, total = 0, math.inf, 0.0, 0.0
    for process in processes:
        series = process["series"][kind]
        if latency["count"] > MOST:
            raise ValueError(f"{kind} says that it has {latency['count']} samples")
        samples = decode(series["samples"], most=latency["count"] + _SLACK) / 1e6
        if not len(samples):
            continue
        count += len(samples)
        least, largest = min(least, float(samples.min())), max(largest, float(samples.max()))
        total += float(samples.sum())
        if not _near(float(np.median(samples)), series["median_ms"]):
            raise ValueError(f"the median of a process is not that of its samples of {kind}")
    if count != latency["count"]:
        raise ValueError(f"{kind} has {count} samples and says {latency['count']}")
    said = (latency["least"], latency["largest"], latency["mean"])
    if count and not all(map(_near, (least, largest, total / count), said)):
        raise ValueError(f"what is said of {kind} is not what its samples are")


def _near(one: float, other: float | None) -> bool:
    return other is not None and math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


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
