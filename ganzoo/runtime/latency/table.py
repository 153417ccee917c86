"""A result as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.errors import printable
from ganzoo.runtime.latency.verdict import OVERLAP

HEADINGS = [
    "model", "case", "latency", "median ms", "p90", "p99", "p99.9", "mean", "largest", "pictures/s", "first ms",
    "state",
]  # fmt: skip


def rows(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: one row for each case and kind of latency."""
    cells, load = [], load_words(document["protocol"])
    for case in document["cases"]:
        kinds = {kind: one for kind, one in (case["latency_ms"] or {}).items() if one is not None}
        for kind, latency in kinds.items():
            cells.append(_row(case, kind, latency, load))
        if not kinds:
            cells.append([case["model"]["file"], ", ".join(case_words(case)) or "-", *["-"] * 9, _state(case)])
    return HEADINGS, cells


def load_words(protocol: Mapping[str, Any]) -> list[str]:
    """The scenario, where it is not the usual one."""
    words = [protocol["scenario"]] if protocol["scenario"] != "single-stream" else []
    words += [f"streams={protocol['streams']}"] if protocol["streams"] else []
    words += [f"instances={protocol['instances']}"] if protocol["instances"] != 1 else []
    return [*words, *([protocol["objective"]] if protocol["objective"] else [])]


def _row(case: Mapping[str, Any], kind: str, latency: Mapping[str, Any], load: Sequence[str]) -> list[str]:
    pictures = latency["pictures_per_second"]
    return [
        case["model"]["file"],
        ", ".join([*case_words(case), *load]) or "-",
        kind.replace("_", " "),
        with_interval(latency["median"]),
        *(number(latency[name] and latency[name]["value"]) for name in ("p90", "p99", "p99.9")),
        number(latency["mean"]),
        number(latency["largest"]),
        with_interval(pictures) if pictures else "-",
        number(max(case["first_run_ms"])),
        _state(case),
    ]


def device_words(case: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """On what a case ran: its device, with the label where the machine has several of the name, or the processor."""
    device = case["device"]
    if device is None or device["name"] == "CPU":
        return str(machine.get("cpu") or "unknown processor")
    alike = [one for one in machine["devices"] if one["name"] == device["name"]]
    return f"{device['name']} ({device['label']})" if len(alike) > 1 else str(device["name"])


def case_words(case: Mapping[str, Any]) -> Iterator[str]:
    """Shapes, and what of the settings is not usual."""
    yield from (f"{name} {'x'.join(map(str, shape)) or 'scalar'}" for name, shape in case["shapes"].items())
    settings = case["settings"]
    yield from [case["provider"]] if case["provider"] != "cpu" else []
    if case["device"] is not None and case["device"]["label"] not in ("0", "CPU"):
        yield f"device={case['device']['label']}"
    yield from (f"{key}={settings[key]}" for key in ("threads", "inter_op") if settings[key])
    yield from [f"optimize={settings['optimize']}"] if settings["optimize"] != "all" else []
    yield from [] if settings["spin"] else ["spin=off"]
    yield from (f"{key}={value}" for key, value in settings["options"].items())
    if case["rate"]:
        yield case["rate"]


def _state(case: Mapping[str, Any]) -> str:
    parts = [case["state"]] if case["state"] != "ok" else []
    if case["verdict"] == "noisy":
        parts.append("noisy")
    if case["ended"]:
        parts.append(case["ended"])
    if case["placement"]["bound"] is False:
        parts.append("unbound")
    if case["placement"]["copies"]:
        parts.append(f"{case['placement']['copies']} copies")
    return ", ".join(parts) or "ok"


def notes(document: Mapping[str, Any]) -> Iterator[str]:  # noqa: PLR0912 - a remark each
    """Lines on what the table has no room for: why a case failed, what was noisy, stalls, the largest rate."""
    for case in document["cases"]:
        title = printable(f"{case['model']['file']} {', '.join(case_words(case))}".strip())
        if case["state"] in ("failed", "invalid"):
            yield f"{title}: {case['state']}: {case['why']}"
        if drawn := [f"{name} {how}" for name, how in case["inputs"].items() if how not in ("file", "described")]:
            yield f"{title}: inputs are made up: {', '.join(drawn)} (--fill, --input)"
        if case["reasons"]:
            yield f"{title}: {case['verdict']}: {'; '.join(case['reasons'])}"
        if (again := case["repeatable"]) and again["runs_differ_by"]:
            yield f"{title}: two runs of one input differ by {again['runs_differ_by']:.3g}"
        elif again and again["results"] > 1:
            yield f"{title}: one input gave {again['results']} results in {len(case['processes'])} processes"
        first = case["processes"][0] if case["processes"] else {}
        if first.get("not_finite"):
            yield f"{title}: {100 * first['not_finite']:.3g}% of the numbers that it gave are NaN or infinite"
        if (wanted := document["protocol"]["rotate_mb"]) and first.get("fed_bytes", 0) < 0.9 * wanted * 2**20:
            yield (
                f"{title}: inputs of {first.get('fed_bytes', 0) / 2**20:.3g} MB are gone through, not {wanted:g}: "
                f"{first['feeds']:,} are the most"
            )
        if case["build_seconds"] is not None:
            yield f"{title}: the first session took {number(case['build_seconds'])} s, building what the others find"
        if case["capacity_per_second"]:
            yield f"{title}: {number(case['capacity_per_second'])} calls a second are possible"
        if document["protocol"]["objective"] and case["figure"]:
            yield f"{title}: {document['protocol']['objective']} is kept up to {with_interval(case['figure'])} a second"
        if (energy := case["joules_per_picture"]) is not None:
            millis = {key: value and 1000 * value for key, value in energy.items()}
            yield f"{title}: {with_interval(millis)} mJ a picture, of the device"
        if (together := case["together"]) is not None and together["slower"] is not None:
            yield (
                f"{title}: beside {_count(together['devices'] - 1, 'other device')} it takes "
                f"{number(together['slower']['value'])} times as long{_interval(together['slower'])}"
            )
            if together["overlap"] < OVERLAP:
                yield f"{title}: all were at work together in {100 * together['overlap']:.0f}% of the time alone"
        if document["protocol"].get("together") and case["device"] is not None and together is None:
            yield f"{title}: it was not measured together with others"
        for kind, latency in (case["latency_ms"] or {}).items():
            if latency is not None and latency["stalls"] and document["protocol"]["scenario"] != "server":
                yield (
                    f"{title}, {kind.replace('_', ' ')}: {latency['stalls']:,} stalls of ten medians and more, "
                    f"{number(latency['stalled'])} ms together"
                )


def profiles(document: Mapping[str, Any]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Of each case that has one: a line, headings and cells; the operators, and the nodes that take most."""
    for case in document["cases"]:
        found = case["profile"]
        if found is None:
            continue
        title = printable(f"{case['model']['file']} {', '.join(case_words(case))}".strip())
        yield (
            f"{title}: {number(found['nodes_ms'])} ms in nodes of {number(found['run_ms'])} ms a run, with the "
            f"profiler on; this machine's own product reaches {number(found['matmul_gflops'])} GFLOP/s, its copy "
            f"{number(found['copy_gbytes'])} GB/s",
            ["operator or node", "nodes", "ms", "share", "GFLOP/s", "of product", "GB/s", "of copy"],
            [
                *(_profile_row(row["operator"], row) for row in found["operators"]),
                *(
                    _profile_row(f"  {row['name'] or '-'} ({row['operator']})", row)
                    for row in found["nodes"][:_MOST_NODES]
                ),
            ],
        )


_MOST_NODES = 10


def _profile_row(name: str, row: Mapping[str, Any]) -> list[str]:
    shares = [None if row[key] is None else f"{100 * row[key]:.0f}%" for key in ("of_matmul", "of_copy")]
    return [
        name, str(row["count"]), number(row["ms"]), f"{100 * row['share']:.1f}%", number(row["gflops"]),
        shares[0] or "-", number(row["gbytes"]), shares[1] or "-",
    ]  # fmt: skip


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _interval(figure: Mapping[str, Any]) -> str:
    return "" if figure["low"] is None else f" ({number(figure['low'])} to {number(figure['high'])})"


def number(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}" if value >= 0.1 or value == 0 else f"{value:.3g}"


def with_interval(figure: Mapping[str, Any]) -> str:
    """`4.31 ±1.2%`: half of the interval's width."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if low is None or high is None or not low:
        return number(value)
    return f"{number(value)} ±{50 * (high - low) / value:.1f}%"
