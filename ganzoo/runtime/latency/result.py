"""The result document and the table printed from it. The schema is result.schema.json beside this file."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import RequestError, one_line
from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.latency import machine
from ganzoo.runtime.latency.stats import PERCENTILES, percentiles
from ganzoo.version import __version__

if TYPE_CHECKING:
    from ganzoo.runtime.latency.request import Request

FORMAT = 1
_BEGINNING = re.compile(rb'\{\s*"format": \d+,\s*"ganzoo": |$')  # of a result, or of an empty file


def case_result(
    file: OnnxFile,
    shapes: Mapping[str, tuple[int, ...]],
    repeats: Sequence[Mapping[str, Any]],
    check: Mapping[str, Any],
) -> dict[str, Any]:
    """One case: the samples of all repeats pooled, and each repeat as it was."""
    batch = next((shape[0] for shape in shapes.values() if shape), 1)
    latency: dict[str, Any] = {"host_to_host": None, "device_resident": None, "copies": None}
    for name in repeats[0]["series"]:
        latency[name] = _latency([repeat["series"][name] for repeat in repeats], batch)
    first = repeats[0]
    return {
        "model": {
            "file": file.path.name,
            "sha256": file.sha256(),
            "structure_sha256": file.structure_sha256(),
            "weights_sha256": file.weights_sha256(),
            "architecture": file.metadata.get(f"{PREFIX}architecture"),
            "precision": file.metadata.get(f"{PREFIX}precision"),
        },
        "shapes": {name: list(shape) for name, shape in shapes.items()},
        "batch": batch,
        "latency_ms": latency,
        "session_seconds": [repeat["session_seconds"] for repeat in repeats],
        "first_run_ms": [repeat["first_run_ms"] for repeat in repeats],
        "peak_bytes": max((repeat["peak_bytes"] or 0 for repeat in repeats), default=0) or None,
        "placement": {
            "nodes": first["nodes"],
            "cpu_shape_nodes": first["cpu_shape_nodes"],
            "copies": first["copies"],
        },
        "provider_options": first["options"],
        "output_check": dict(check),
    }


def _latency(series: Sequence[Mapping[str, Any]], batch: int) -> dict[str, Any]:
    pooled = [sample for one in series for sample in one["samples_ms"]]
    disturbed: list[bool] | None = None
    if all(one["disturbed"] is not None for one in series):
        disturbed = [flag for one in series for flag in one["disturbed"]]
    quiet = [sample for sample, bad in zip(pooled, disturbed or [], strict=False) if not bad]
    p50 = percentiles(pooled)["p50"]
    return {
        "count": len(pooled),
        **percentiles(pooled),
        "undisturbed": {"count": len(quiet), **percentiles(quiet)} if disturbed is not None else None,
        "p50_by_repeat": [percentiles(one["samples_ms"])["p50"] for one in series],
        "images_per_second": batch / p50 * 1000 if p50 else None,
        "settled": all(one["settled"] for one in series),
        "warm_up_runs": [one["warm_up_runs"] for one in series],
        "warm_up_seconds": [one["warm_up_seconds"] for one in series],
        "samples_ms": [one["samples_ms"] for one in series],
        "disturbed": [one["disturbed"] for one in series],
    }


def result_document(
    *,
    request: Request,
    cases: Sequence[Mapping[str, Any]],
    seconds: float,
    gpu: Mapping[str, Any] | None,
    gpu_states: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole result: protocol, machine, cases."""
    return {
        "format": FORMAT,
        "ganzoo": __version__,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "protocol": {
            "load": "closed loop",
            "provider": request.provider,
            "device": request.device if request.provider != "cpu" else None,
            "precision": request.precision,
            "threads": request.threads or None,
            "repeats": request.repeats,
            "seconds": round(seconds, 1),
        },
        "machine": {**machine.record(), "gpu": gpu, "gpu_states": dict(gpu_states)},
        "cases": list(cases),
    }


def check_place(out: Path, inputs: Iterable[Path] = ()) -> None:
    """Raises RequestError for a result's place that is an input, or holds something else than a result."""
    if not out.parent.is_dir():
        raise RequestError(f"There is no directory {out.parent} for {out.name}.")
    files.check_output(out, inputs)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), files.open_regular(out) as file:
        if not _BEGINNING.match(file.read(100)):
            raise RequestError(
                f"{out} is there, and ganzoo bench did not write it.", hint="Choose another -o, or remove it."
            )


class BenchResult:
    """What was measured. document: plain values as in result.schema.json, every sample among them."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def cases(self) -> list[dict[str, Any]]:
        """One for each model and shapes."""
        cases: list[dict[str, Any]] = self.document["cases"]
        return cases

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells: one row for each case and kind of latency."""
        return rows(self.document)

    def save(self, path: Path | str) -> Path:
        """Write the whole document as JSON. Raises RequestError when it cannot be written, see `check_place`."""
        out = Path(path)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            check_place(out)
            files.write_text(out, json.dumps(self.document, indent=1) + "\n")
        except (OSError, ValueError) as error:
            raise RequestError(f"{out} cannot be written: {one_line(error)}") from None
        return out

    def __repr__(self) -> str:
        headings, cells = self.table()
        lines = [headings, *cells]
        widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def rows(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table: one row for each case and kind of latency."""
    headings = ["model", "shapes", "latency", *(f"p{q} ms" for q in PERCENTILES)]
    headings += ["images/s", "first ms", "session s", "disturbed", "notes"]
    cells = []
    for case in result["cases"]:
        for kind, latency in case["latency_ms"].items():
            if latency is not None:
                cells.append(_row(case, kind, latency))
    return headings, cells


def _row(case: Mapping[str, Any], kind: str, latency: Mapping[str, Any]) -> list[str]:
    shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in case["shapes"].items())
    quiet = latency["undisturbed"]
    share = f"{100 * (1 - quiet['count'] / latency['count']):.0f}%" if quiet else "-"
    notes = [] if latency["settled"] else ["unsettled"]
    if case["output_check"]["status"] != "ok":
        notes.append("unchecked")
    if case["placement"]["copies"]:
        notes.append(f"{case['placement']['copies']} copies")
    return [
        case["model"]["file"],
        shapes,
        kind.replace("_", " "),
        *(_number(latency[f"p{q}"]) for q in PERCENTILES),
        f"{latency['images_per_second']:,.0f}" if kind != "copies" else "-",
        _number(case["first_run_ms"][0]),
        f"{case['session_seconds'][0]:.3f}",
        share,
        ", ".join(notes) or "-",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"
