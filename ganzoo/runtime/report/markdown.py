"""The summary of results as tables of Markdown, for a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.runtime.comparison.render import cell
from ganzoo.runtime.report.data import rows_of
from ganzoo.runtime.report.page import with_interval

HEADINGS = ("model", "load", "provider", "device", "median ms", "p99", "pictures/s", "state")


def markdown(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A row for each case, in order of model, device and load."""
    rows = sorted(
        rows_of(documents, names), key=lambda row: (row["model"], row["device"], row["provider"], row["batch"])
    )
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for row in rows:
        load = ", ".join(filter(None, (row["shapes"], row["settings"], row["rate_text"])))
        noise = ", noisy" if row["verdict"] == "noisy" else ""
        cells = (
            row["model"], load, row["provider"], row["device"], with_interval(row["median"] or [None] * 3),
            with_interval(row["p99"] or [None] * 3), with_interval(row["throughput"] or [None] * 3),
            row["state"] + noise,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cell(str(one)) for one in cells)} |")
    return "\n".join(lines) + "\n"
