"""The page of a training: where it stands, its curves, its last samples, what changed on the way.

One document without scripts, whose policy lets nothing in; what comes from a run is text, and escaped. It may be made
while the training runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.errors import RequestError, one_line
from ganzoo.evaluation.curves import curve
from ganzoo.evaluation.page import POLICY, figure, text
from ganzoo.progress import clock
from ganzoo.runs.metrics import ENOUGH, records_of
from ganzoo.runs.status import AUGMENTATION, RunStatus, read_status
from ganzoo.version import __version__

_MARK = '<meta name="generator" content="ganzoo watch">'
_MOST_POINTS = 400  # of a curve, which is so many pixels wide
_GRIDS = 2
_STYLE = ".pictures { grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }"
_WARNINGS = 20


def write_training_page(run: Path, out: Path) -> Path:
    """Write the page of a run. Raises RequestError when it cannot be written, or something else is there."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"{out.name} does not end like a page.", hint="For example -o training.html")
    with contextlib.suppress(OSError, ValueError):
        if (
            out.is_file()
            and out.stat().st_size
            and _MARK not in files.read_text(out, most=2**30, errors="replace")[:2000]
        ):
            raise RequestError(f"{out} is there, and is no page of `ganzoo watch`.", hint="Choose another -o.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(out, training_page(run))
    except (OSError, ValueError) as error:
        raise RequestError(f"{out} cannot be written: {one_line(error)}") from None
    return out


def training_page(run: Path) -> str:
    """One HTML document."""
    status = read_status(run)
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    records: list[dict[str, Any]] = []
    with contextlib.suppress(OSError):
        records = records_of(run, most_bytes=ENOUGH)
    title = f"{run.name}: {status.architecture or 'a training'}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        _MARK,
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{style}{_STYLE}</style></head><body>",
        f"<header><h1>{text(title)}</h1>{_standing(status)}</header><main>",
        *_samples(run),
        *_curves(records),
        *_changes(run),
        *_said(run),
        f'</main><footer class="soft"><p>Made by ganzoo {__version__}.</p></footer>',
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _standing(status: RunStatus) -> str:
    facts = [status.state + (f" ({status.problem})" if status.problem else "")]
    if status.holder:
        facts.append(f"by {status.holder}")
    if status.target_steps:
        facts.append(f"{status.kimg:,.1f} of {status.target_kimg:,.1f} kimg, step {status.steps:,}")
    if status.images_per_second is not None:
        facts.append(f"{status.images_per_second:,.1f} images/s")
    if status.seconds:
        facts.append(f"{clock(status.seconds)} so far")
    if status.seconds_left is not None:
        facts.append(f"{clock(status.seconds_left)} left")
    if status.best is not None:
        facts.append(f"best {status.score_name} {status.best[1]:.4g} at {status.best[0]:,.1f} kimg")
    return f'<p class="soft">{text("; ".join(facts))}</p>'


def _curves(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = dict.fromkeys(name for record in records for name in record if "." in name)
    groups = {"Scores": [], "Augmentation": [], "Losses and statistics": []}  # type: dict[str, list[str]]
    for name in names:
        rest = "Augmentation" if name.rpartition(".")[2] in AUGMENTATION else "Losses and statistics"
        groups["Scores" if name.startswith("score.") else rest].append(name)
    groups["Speed"] = ["images_per_second"]
    for title, shown in groups.items():
        drawn = [(name, curve(_points(records, name), across="kimg", up=name)) for name in shown]
        if any(svg for _, svg in drawn):
            yield f"<h2>{title}</h2><div class=pictures>"
            for name, svg in drawn:
                if svg:
                    yield f"<figure>{svg}<figcaption>{text(name)}</figcaption></figure>"
            yield "</div>"


def _points(records: Sequence[Mapping[str, Any]], name: str) -> list[tuple[object, object]]:
    """Of a curve: means of as many lines as make one point."""
    known = [
        (float(record["kimg"]), float(record[name]))
        for record in records
        if _is_number(record.get(name)) and _is_number(record.get("kimg"))
    ]
    step = -(-len(known) // _MOST_POINTS) or 1
    parts = [known[start : start + step] for start in range(0, len(known), step)]
    return [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts]


def _samples(run: Path) -> Iterator[str]:
    from PIL import Image

    grids = sorted((run / "samples").glob("step-*.png"))[-_GRIDS:]
    shown = [*reversed(grids), run / "samples" / "reals.png"]
    found = []
    for path in shown:
        # What a training is about to rename, or a stranger put there, is left out.
        with contextlib.suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            place = files.check_inside(path, run, reading=True)
            if files.is_regular(place):
                with Image.open(place) as image:
                    found.append(figure(image.convert("RGB"), path.stem))
    if found:
        yield "<h2>Samples</h2><div class=pictures>"
        yield from found
        yield "</div>"


def _changes(run: Path) -> Iterator[str]:
    """Every resume and fork, and what it changed."""
    rows: list[tuple[str, str]] = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        record = files.read_json(files.check_inside(run / "record.json", run, reading=True))
        if isinstance(origin := record.get("fork_of"), dict):
            rows.append((f"fork of {origin['run']} at step {origin['step']}", _words(origin.get("changed", {}))))
        for entry in record.get("resumes", []):
            rows.append((f"resumed at step {entry['step']}", _words(entry.get("changed", {}))))
    if rows:
        yield "<h2>On the way</h2><div class=scroll><table>"
        yield from (f"<tr><td>{text(what)}</td><td class=wide>{text(changed)}</td></tr>" for what, changed in rows)
        yield "</table></div>"


def _words(changed: Mapping[str, Any]) -> str:
    said = []
    for name, value in changed.items():
        both = isinstance(value, dict) and {"from", "to"} <= set(value)
        said.append(f"{name} from {value['from']} to {value['to']}" if both else f"{name}: {value}")
    return ", ".join(said) or "nothing changed"


def _said(run: Path) -> Iterator[str]:
    """What the training warned of, from its log."""
    with contextlib.suppress(OSError, ValueError):
        lines = files.lines_of(files.check_inside(run / "log.txt", run, reading=True))
        if warnings := [line for line in lines if "warning: " in line][-_WARNINGS:]:
            yield "<h2>Warnings</h2><ul>"
            yield from (f"<li>{text(line)}</li>" for line in warnings)
            yield "</ul>"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
