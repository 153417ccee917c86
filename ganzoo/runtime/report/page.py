"""The page: its head with a policy that lets nothing in, a summary, curves, all cases, machines, pictures.

What comes from a result is text: escaped here, and set as text by the page's script, whose hash is the only one that
the policy allows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ganzoo.errors import printable
from ganzoo.runtime.latency.table import number
from ganzoo.runtime.report.data import Row, machines_of, rows_of
from ganzoo.runtime.report.summary import Best, best_of
from ganzoo.version import __version__

_HERE = Path(__file__).parent

_COLUMNS = (
    ("model", "model", "wide"), ("shapes", "shapes", ""),
    ("scenario", "scenario", ""), ("rate_text", "rate", ""), ("provider", "provider", ""),
    ("device", "device", "wide"), ("settings", "settings", "wide"), ("state", "state", ""),
    ("median", "median ms", "number"),
    ("p90", "p90", "number"), ("p99", "p99", "number"), ("p99.9", "p99.9", "number"), ("mean", "mean", "number"),
    ("largest", "largest", "number"), ("throughput", "pictures/s", "number"), ("memory", "memory MB", "number"),
    ("first", "first ms", "number"), ("placement", "runs on", "wide"), ("result", "result", "wide"),
)  # fmt: skip

_ON_DEVICES = (
    ("device_memory", "device MB", "number"), ("energy", "mJ a picture", "number"),
    ("slower", "beside others", "number"),
)  # fmt: skip
"""Columns that are there where a device tells of them."""

_MOST_UNFOLDED = 12

_CHARTS = (
    ("batch-chart", "Latency against batch"),
    ("throughput-chart", "Throughput against latency"),
    ("rate-chart", "Rate against tail, of servers"),
)


def page(documents: Sequence[Mapping[str, Any]], names: Sequence[str], *, title: str = "Latency") -> str:
    """One HTML document of results and their names. title: what it is called, of the user's."""
    rows = rows_of(documents, names)
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    data = [{key: value for key, value in row.items() if key not in ("picture", "reasons", "why")} for row in rows]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title>",
        f"<style>{style}</style></head><body>",
        '<a class="skip" href="#cases-part">To the table of all cases</a>',
        f"<header><h1>{_text(title)}</h1>{_counts(rows, documents)}</header><main>",
        *_summary(rows),
        *_curves(rows),
        *_table(rows),
        *_trouble(rows),
        *_pictures(rows),
        *_machines(documents, names),
        f'</main><footer class="soft"><p>Made by ganzoo {__version__}. Intervals are of 95%. A number that is noisy or '
        "cut says so beside it; what was invalid or failed is not ranked.</p></footer>",
        f'<script type="application/json" id="rows">{_embedded(data)}</script>',
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _text(value: object) -> str:
    """Of a stranger, as text in a page: escaped, and without what is not printable."""
    return escape(printable(str(value)))


def _embedded(value: object) -> str:
    """JSON in a script element, which a `</script>` or `<!--` in a name must not end."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _counts(rows: Sequence[Row], documents: Sequence[Mapping[str, Any]]) -> str:
    states = Counter(row["state"] for row in rows)
    noisy = sum(row["verdict"] == "noisy" for row in rows)
    dates = sorted({str(document["date"]) for document in documents})
    facts = {
        "results": len(documents),
        "cases": len(rows),
        **dict(sorted(states.items())),
        "noisy": noisy,
        "measured": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
    }
    items = (f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts.items())
    return f'<dl class="counts">{"".join(items)}</dl>'


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    yield '<section aria-labelledby="summary"><h2 id="summary">Which device for which latency</h2>'
    found = best_of(rows)
    if not found:
        yield "<p>No case was measured that can be ranked.</p></section>"
        return
    yield (
        "<p>Of each model and load the fastest, and those whose interval reaches into its own: between them the "
        "numbers do not tell.</p>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Summary"><table><thead><tr>'
        '<th scope="col" class="wide">model and load</th><th scope="col" class="wide">fastest</th>'
        '<th scope="col" class="number">figure</th><th scope="col" class="wide">not told apart from it</th>'
        '<th scope="col" class="wide">most pictures a second</th></tr></thead><tbody>'
    )
    yield from map(_best_row, found)
    yield "</tbody></table></div></section>"


def _best_row(one: Best) -> str:
    near = "; ".join(one.near) or "-"
    return (
        f'<tr><th scope="row" class="wide">{_text(one.load)}</th><td class="wide">{_text(one.where)}</td>'
        f'<td class="number">{_text(one.figure)}</td><td class="wide">{_text(near)}</td>'
        f'<td class="wide">{_text(one.throughput)}</td></tr>'
    )


def _curves(rows: Sequence[Row]) -> Iterator[str]:
    models = sorted({row["model"] for row in rows})
    options = "".join(f'<option value="{_text(model)}">{_text(model)}</option>' for model in models)
    yield (
        '<section aria-labelledby="curves"><h2 id="curves">Curves</h2>'
        "<noscript><p>Curves are drawn by a script of this page; the table below has all numbers.</p></noscript>"
        f'<div class="controls"><label>model<select id="model"><option value="">all</option>{options}</select></label>'
        '<label>one case<select id="which"></select></label></div><div class="charts">'
    )
    for name, title in _CHARTS:
        yield _chart(name, title)
    yield _chart("distribution-chart", "Samples of the one case")
    yield _chart("operators-chart", "Time by operator, of the one case")
    yield "</div></section>"


def _chart(name: str, title: str) -> str:
    return (
        f'<figure id="{name}" data-name="{title}" hidden><figcaption>{title}</figcaption><div class="plot"></div>'
        '<ul class="legend"></ul></figure>'
    )


def _table(rows: Sequence[Row]) -> Iterator[str]:
    there = [column for column in _ON_DEVICES if any(row[column[0]] is not None for row in rows)]
    columns = (*_COLUMNS[:-2], *there, *_COLUMNS[-2:])
    states = sorted({row["state"] for row in rows})
    options = "".join(f"<option>{_text(state)}</option>" for state in states)
    yield (
        '<section id="cases-part" aria-labelledby="all"><h2 id="all">All cases</h2><div class="controls">'
        '<label>words that must be there<input id="filter" type="search" autocomplete="off"></label>'
        f'<label>state<select id="state"><option value="">any</option>{options}</select></label>'
        '<span id="count" role="status" aria-live="polite" class="soft"></span></div>'
        '<div class="scroll tall" tabindex="0" role="region" aria-label="All cases">'
        '<table id="cases" class="sorts"><caption>A click on a heading sorts.</caption><thead><tr>'
    )
    yield "".join(
        f'<th scope="col" class="{kind}"><button type="button">{_text(heading)}</button></th>'
        for _, heading, kind in columns
    )
    yield "</tr></thead><tbody>"
    for row in rows:
        cells = "".join(_cell(row, key, kind) for key, _, kind in columns)
        yield f'<tr data-state="{_text(row["state"])}">{cells}</tr>'
    yield "</tbody></table></div></section>"


def _cell(row: Row, key: str, kind: str) -> str:
    if key == "state":
        words = [row["state"], *([row["verdict"]] if row["verdict"] in ("noisy", "invalid") else [])]
        words += ["cut"] if row["ended"] == "cut" else []
        tags = "".join(f'<span class="tag {_text(word)}">{_text(word)}</span> ' for word in dict.fromkeys(words))
        return f"<td>{tags}</td>"
    value, text = _shown(row, key)
    order = "" if value is None else f' data-value="{_text(value)}"'
    return f'<td class="{kind}"{order}>{_text(text)}</td>'


def _shown(row: Row, key: str) -> tuple[Any, str]:
    """What a cell is sorted by (None: by its text), and what it shows."""
    value = row["nodes"] if key == "placement" else row[key]
    if key == "placement":
        names = ", ".join(f"{name.removesuffix('ExecutionProvider')} {count}" for name, count in value.items())
        more = [f"{row['cpu_shape_nodes']} shape nodes on CPU"] if row["cpu_shape_nodes"] else []
        more += [f"{row['copies']} copies"] if row["copies"] else []
        return None, ", ".join([names, *more]) or "-"
    if key in ("memory", "device_memory"):
        return value, "-" if value is None else f"{value / 1e6:,.0f}"
    if isinstance(value, list):
        return value[0], with_interval(value)
    if isinstance(value, float | int):
        return value, number(float(value))
    return None, str(value) if value else "-"


def with_interval(figure: Sequence[float | None]) -> str:
    """`4.31 ±1.2%`, of a value and its ends."""
    value, low, high = figure
    if value is None:
        return "-"
    if not low or not high or not value:
        return number(value)
    return f"{number(value)} ±{50 * (high - low) / value:.1f}%"


def _trouble(rows: Sequence[Row]) -> Iterator[str]:
    """Why what failed did, and what made others noisy."""
    lines = [(row, row["why"]) for row in rows if row["state"] != "ok" and row["why"]]
    lines += [(row, "; ".join(row["reasons"])) for row in rows if row["reasons"]]
    if not lines:
        return
    unfolded = " open" if len(lines) <= _MOST_UNFOLDED else ""
    yield (
        '<section aria-labelledby="trouble"><h2 id="trouble">What to know before believing them</h2>'
        f"<details{unfolded}><summary>{len(lines)} remarks</summary><ul>"
    )
    for row, why in lines:
        keys = ("model", "shapes", "rate_text", "provider", "settings", "result")
        title = ", ".join(row[key] for key in keys if row[key] and row[key] != "-")
        what = row["verdict"] if row["reasons"] else row["state"]
        yield f"<li>{_text(title)}: <strong>{_text(what)}</strong>: {_text(why)}</li>"
    yield "</ul></details></section>"


def _pictures(rows: Sequence[Row]) -> Iterator[str]:
    """What the measured sessions painted, once of each model and place."""
    seen: dict[tuple[str, str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["median"][0] if row["median"] else math.inf):
        if row["picture"]:
            seen.setdefault((row["model"], row["provider"], row["device"]), row)
    if not seen:
        return
    yield (
        '<section aria-labelledby="pictures"><h2 id="pictures">What they painted</h2>'
        "<p>Outputs of the sessions that were measured.</p><div class='pictures'>"
    )
    for (model, provider, device), row in seen.items():
        figure = f"{number(row['median'][0])} ms at batch {row['batch']}" if row["median"] else row["state"]
        words = f"{model}, {provider} on {device}: {figure}"
        yield (
            f'<figure><img alt="Painted by {_text(words)}" src="data:image/png;base64,{_base64(row["picture"])}">'
            f"<figcaption>{_text(words)}</figcaption></figure>"
        )
    yield "</div></section>"


def _base64(text: str) -> str:
    """Of a result: decoded and encoded again, so that it is base64 and nothing else."""
    return base64.b64encode(base64.b64decode(text, validate=True)).decode()


def _machines(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    found = machines_of(documents, names)
    keys = [key for key in found[0] if any(one[key] is not None for one in found)]
    yield (
        '<section aria-labelledby="machines"><h2 id="machines">Machines and protocols</h2>'
        '<div class="scroll tall" tabindex="0" role="region" aria-label="Machines"><table class="sorts"><thead><tr>'
    )
    yield "".join(f'<th scope="col"><button type="button">{_text(key)}</button></th>' for key in keys)
    yield "</tr></thead><tbody>"
    for one in found:
        cells = ("-" if one[key] is None else one[key] for key in keys)
        yield f"<tr>{''.join(f'<td class=wide>{_text(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div></section>"
