"""The result document and the table printed from it. The schema is result.schema.json beside this file."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import PluginError, RequestError, one_line
from ganzoo.runtime.latency import machine
from ganzoo.runtime.providers.requirements import versions_of
from ganzoo.version import __version__

if TYPE_CHECKING:
    from ganzoo.runtime.latency.request import Request

FORMAT = 2
BAD_STATES = ("failed", "invalid")
_BEGINNING = re.compile(rb'\{\s*"format": \d+,\s*"ganzoo": |$')  # of a result, or of an empty file
_MOST_BYTES = 2**30


def protocol_of(request: Request, devices: Iterable[str], *, seconds: float) -> dict[str, Any]:
    """The settings that make numbers comparable. devices: labels of those that cases have. seconds: what it took."""
    load = request.load
    return {
        "scenario": load.scenario,
        "rates": [str(rate) for rate in load.rates],
        "objective": None if load.objective is None else str(load.objective),
        "streams": load.streams if load.scenario == "multi-stream" else None,
        "instances": load.instances,
        "pause_ms": load.pause_ms,
        "rotate_mb": load.rotate,
        "devices": sorted(set(devices)) if request.devices else [],
        "together": request.together,
        "lock_clocks": request.lock_clocks,
        "libraries": [path.name for path in request.libraries],
        "cool_to": request.cool_to,
        "precision": request.precision,
        "check": request.check,
        "seed": request.seed,
        "repeats": request.repeats,
        "least_seconds": request.least_seconds,
        "within": request.within,
        "max_seconds": request.max_seconds,
        "seconds": round(seconds, 1),
    }


def document_of(
    request: Request, cases: Sequence[Mapping[str, Any]], *, seconds: float, devices: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The whole result: protocol, machine, cases. devices: what is said of those on which cases ran."""
    return {
        "format": FORMAT,
        "ganzoo": __version__,
        "label": request.label,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "protocol": protocol_of(request, _labels(cases), seconds=seconds),
        "machine": {
            **machine.record(),
            "providers": {name: _versions(name) for name in request.axes.providers},
            "devices": list(devices),
        },
        "cases": list(cases),
    }


def _labels(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of devices; a UUID that was typed is in no result."""
    return [case["device"]["label"] for case in cases if case["device"] is not None]


def _versions(provider: str) -> dict[str, str]:
    """A plugin's that cannot say them costs no measurement."""
    with contextlib.suppress(PluginError):
        return versions_of(provider)
    return {}


def check_place(out: Path, inputs: Iterable[Path] = ()) -> None:
    """Raises RequestError for a result's place that is an input, or holds something else than a result."""
    if not out.parent.is_dir():
        raise RequestError(f"There is no directory {out.parent} for {out.name}.")
    files.check_output(out, inputs)
    if out.exists() and not out.is_file():
        raise RequestError(f"{out} is no plain file; --json prints a result.", hint="ganzoo bench MODEL --json | ...")
    if not os.access(out.parent, os.W_OK):
        raise RequestError(f"{out} cannot be written: its folder does not let.", hint="Choose another -o.")
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), files.open_regular(out) as file:
        if not _BEGINNING.match(file.read(100)):
            raise RequestError(
                f"{out} is there, and ganzoo bench did not write it.", hint="Choose another -o, or remove it."
            )


def is_result(path: Path) -> bool:
    """Whether a file begins as one that holds a result."""
    try:
        with files.open_regular(path) as file:
            return _BEGINNING.match(file.read(100)) is not None and path.stat().st_size > 0
    except OSError:
        return False


class BenchResult:
    """What was measured. document: plain values as in result.schema.json, every sample among them.

    written: files that hold it. hints: of cases by number, what to type next with the folders of who measured, which
    the document does not have.
    """

    def __init__(self, document: dict[str, Any], hints: Mapping[int, str] | None = None) -> None:
        self.document, self.hints = document, dict(hints or {})
        self.written: list[Path] = []

    @property
    def cases(self) -> list[dict[str, Any]]:
        """One for each model, settings, shapes and rate."""
        cases: list[dict[str, Any]] = self.document["cases"]
        return cases

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Cases whose state is failed or invalid; `why` says why."""
        return [case for case in self.cases if case["state"] in BAD_STATES]

    def median_ms(self, case: int = 0, kind: str | None = None) -> float:
        """Of a case. kind: host_to_host, device_resident or copies; the one that it is judged by if not stated.

        Raises RequestError where that was not measured.
        """
        found = self.cases[case]
        latency = found["latency_ms"] or {}
        one = latency.get(kind) if kind else latency.get("device_resident") or latency.get("host_to_host")
        if one is None:
            raise RequestError(
                f"Case {case} has no {kind or 'latency'}: it is {found['state']}. {found['why']}".strip()
            )
        return float(one["median"]["value"])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells: one row for each case and kind of latency."""
        from ganzoo.runtime.latency.table import rows

        return rows(self.document)

    def notes(self) -> list[str]:
        """What the table has no room for: why a case failed, what was noisy, stalls, the largest rate."""
        from ganzoo.runtime.latency.table import notes

        return list(notes(self.document))

    def profiles(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Where the time goes, of each case that was profiled: a line, headings, cells."""
        from ganzoo.runtime.latency.table import profiles

        return list(profiles(self.document))

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

    @classmethod
    def load(cls, path: Path | str) -> BenchResult:
        """A result from its file; one of format 1 is brought to format 2.

        Raises RequestError for a file that is none, is damaged, or says what cannot be.
        """
        from ganzoo.runtime.latency.older import upgraded
        from ganzoo.runtime.latency.sound import check_document

        place = Path(path)
        try:
            document = files.as_object(files.parse_json(files.read_bytes(place, most=_MOST_BYTES).decode()))
            if document.get("format") == 1:
                document = upgraded(document)
            if document.get("format") != FORMAT:
                raise ValueError(f"its format is {document.get('format')!r}; this ganzoo reads 1 and {FORMAT}")
            check_document(document)
        except FileNotFoundError:
            raise RequestError(f"There is no file {place}.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise RequestError(
                f"{place} cannot be read as a result of a measurement: {one_line(error)}",
                hint="A result is what `ganzoo bench MODEL -o RESULT.json` writes.",
            ) from None
        return cls(document)

    def __repr__(self) -> str:
        headings, cells = self.table()
        lines = [headings, *cells]
        widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )
