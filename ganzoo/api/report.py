"""One page of many results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_path, to_text
from ganzoo.api.compare import open_results
from ganzoo.errors import RequestError, one_line

if TYPE_CHECKING:
    from ganzoo.runtime.latency.result import BenchResult


def report(
    results: Path | str | BenchResult | Sequence[Path | str | BenchResult],
    *others: Path | str | BenchResult,
    out: Path | str,
    title: str = "Latency",
) -> Path:
    """Write one HTML page of results, which needs no server and no network: which device for which latency, curves,
    every case with its validity and placement, machines side by side. Needs no torch and no ONNX Runtime.

    results: what `bench` gave or wrote. out: the page. Raises RequestError for what cannot be read or written.
    """
    from ganzoo.files import check_output, write_text
    from ganzoo.runtime.report.page import page

    documents, names = open_results(results, others)
    place = to_path(out, "out")
    files = [*results, *others] if isinstance(results, list | tuple) else [results, *others]
    check_output(place, [to_path(one, "results") for one in files if isinstance(one, str | Path)])
    if place.is_file() and not _is_page(place):
        raise RequestError(f"{place} is there, and ganzoo did not write it.", hint="Choose another -o, or remove it.")
    try:
        write_text(place, page(documents, names, title=to_text(title, "title") or "Latency"))
    except OSError as error:
        raise RequestError(f"{place} cannot be written: {one_line(error)}") from None
    return place


def markdown_report(results: Any, *others: Any) -> str:
    """The summary of results as a table of Markdown. Raises RequestError."""
    from ganzoo.runtime.report.markdown import markdown

    documents, names = open_results(results, others)
    return markdown(documents, names)


def _is_page(place: Path) -> bool:
    """Whether a file begins as a page of ours does, or is empty."""
    with place.open("rb") as file:
        beginning = file.read(200)
    return not beginning or (beginning.startswith(b"<!doctype html>") and b"Content-Security-Policy" in beginning)
