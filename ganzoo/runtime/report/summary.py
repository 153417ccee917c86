"""Which device, provider and settings are the fastest of each model and load, and which are not told apart from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ganzoo.runtime.latency.table import number
from ganzoo.runtime.report.data import Row

_MOST_NEAR = 5


class Best(NamedTuple):
    """load: model, shapes, scenario. where: it runs. figure: with its interval. near: of the others those whose
    interval reaches into it. throughput: the most pictures a second, and where."""

    load: str
    where: str
    figure: str
    near: list[str]
    throughput: str


def best_of(rows: Sequence[Row]) -> list[Best]:
    """A line for each model and load, of cases that are ok or unchecked."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["state"] in ("ok", "unchecked") and row["figure"] is not None:
            key = (row["model"], row["shapes"], row["scenario"], row["rate_text"] or "", row["objective"] or "")
            groups.setdefault(key, []).append(row)
    return [_best(key, several) for key, several in groups.items()]


def _best(key: tuple[str, ...], several: Sequence[Row]) -> Best:
    more = several[0]["scenario"] == "offline" or several[0]["objective"] is not None
    ordered = sorted(several, key=lambda row: -row["figure"][0] if more else row["figure"][0])
    first = ordered[0]
    near = [row for row in ordered[1:] if _reaches(row, first, more)]
    shown = [where(row, several) for row in near[:_MOST_NEAR]]
    shown += [f"and {len(near) - _MOST_NEAR} more"] if len(near) > _MOST_NEAR else []
    fed = [row for row in several if row["throughput"] is not None and row["throughput"][0]]
    most = max(fed, key=lambda row: float(row["throughput"][0]), default=None)
    scenario = "" if key[2] == "single-stream" else key[2]
    return Best(
        load=", ".join(filter(None, (key[0], key[1] if key[1] != "-" else "", scenario, key[3], key[4]))),
        where=where(first, several),
        figure=_figure(first, more),
        near=shown,
        throughput="-" if most is None else f"{number(most['throughput'][0])} on {where(most, several)}",
    )


def where(row: Row, several: Sequence[Row]) -> str:
    """Device and provider, and of the rest what tells it from the others."""
    parts = [str(row["device"]), str(row["provider"])]
    parts += [str(row[key]) for key in ("settings", "precision") if row[key] and _differ(several, key)]
    if _differ(several, "result") and not _differ(several, "device"):
        parts.append(str(row["result"]))
    return ", ".join(parts)


def _differ(several: Sequence[Row], key: str) -> bool:
    return len({row[key] for row in several}) > 1


def _reaches(row: Row, first: Row, more: bool) -> bool:
    """Whether the interval of a row touches that of the best."""
    (value, low, high), (best, best_low, best_high) = row["figure"], first["figure"]
    if more:
        return bool((high or value) >= (best_low or best))
    return bool((low or value) <= (best_high or best))


def _figure(row: Row, more: bool) -> str:
    value, low, high = row["figure"]
    unit = "a second" if more else "ms"
    width = f" ±{50 * (high - low) / value:.1f}%" if low and high and value else ""
    return f"{number(value)}{width} {unit}"
