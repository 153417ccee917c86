"""`ganzoo runs`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import bytes_text, echo, json_option, print_json, table
from ganzoo.cli.progress import Lines
from ganzoo.errors import RequestError, shell_word

if TYPE_CHECKING:
    from ganzoo.api.types import RunEntry


@click.command("runs")
@click.argument("folder", required=False, type=click.Path(path_type=Path), default=Path())
@click.option("--prune", is_flag=True, help="Remove old checkpoints: all but the newest and the best of each run.")
@click.option("--keep", type=click.IntRange(1), help="With --prune: so many of the newest; 1 if not stated.")
@click.option("--dry-run", is_flag=True, help="With --prune: say what would go, and remove nothing.")
@json_option
def command(folder: Path, prune: bool, keep: int | None, dry_run: bool, as_json: bool) -> None:
    """List the runs in FOLDER and below it, or make room.

    \b
    ganzoo runs
    ganzoo runs runs/ --json
    ganzoo runs runs/ --prune --dry-run
    ganzoo runs runs/photos --prune --keep 2

    A run is running (its process is named), stopped, finished, imported, or broken: then it says why.
    """
    from ganzoo.api.list_runs import list_runs, prune_runs

    if prune:
        pruned = prune_runs(folder, keep=keep or 1, dry_run=dry_run, progress=Lines())
        freed = sum(item.bytes for item in pruned)
        if as_json:
            removed = [{"checkpoint": str(item.checkpoint), "bytes": item.bytes} for item in pruned]
            print_json({"dry_run": dry_run, "bytes": freed, "checkpoints": removed})
            return
        for item in pruned:
            echo(f"{'would remove' if dry_run else 'removed'}  {item.checkpoint}  {bytes_text(item.bytes)}")
        echo(f"{len(pruned)} checkpoints, {bytes_text(freed)}")
        if dry_run and pruned:
            kept = f" --keep {keep}" if keep is not None else ""
            echo(f"To remove them: ganzoo runs {shell_word(folder)} --prune{kept}")
        return
    if keep is not None or dry_run:
        raise RequestError("--keep and --dry-run go with --prune.")
    entries = list_runs(folder)
    if as_json:
        print_json({"runs": [_as_json(entry) for entry in entries]})
        return
    if not entries:
        echo(f"There are no runs in {folder} and below.", err=True)
        return
    headings = ["run", "architecture", "state", "kimg", "score", "changed", "size"]
    echo(table(headings, [_row(entry) for entry in entries], wrap="run"))
    for entry in entries:
        if entry.status.holder:
            echo(f"{entry.status.path}: trained by {entry.status.holder}")
        if entry.status.problem:
            echo(f"{entry.status.path}: {entry.status.problem}")


def _row(entry: RunEntry) -> list[str]:
    status = entry.status
    score = "-"
    if status.best is not None:
        score = f"{status.best[1]:.4g} {status.score_name.removeprefix('score.')}"
    kimg = f"{status.kimg:,.1f}" + (f" of {status.target_kimg:,.1f}" if status.target_kimg else "")
    return [
        str(status.path), status.architecture or "-", status.state, kimg, score, _age(entry.changed),
        bytes_text(entry.bytes),
    ]  # fmt: skip


def _age(changed: float) -> str:
    seconds = max(0.0, time.time() - changed)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now"


def _as_json(entry: RunEntry) -> dict[str, Any]:
    return {
        **entry.status.to_json(),
        "checkpoints": entry.checkpoints,
        "bytes": entry.bytes,
        "changed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.changed)),
    }
