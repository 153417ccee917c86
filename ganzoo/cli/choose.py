"""`ganzoo choose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.errors import GateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganzoo.api.types import Candidate


@click.command("choose")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--max", "most", metavar="WHAT", help="What there is to be most of: throughput...")
@click.option("--min", "least", metavar="WHAT", help="What there is to be least of: median, p99, memory...")
@click.option("--where", multiple=True, metavar="LIMIT", help="What must be kept: 'p99<20ms'; repeat.")
@json_option
def command(
    results: tuple[Path, ...], most: str | None, least: str | None, where: tuple[str, ...], as_json: bool
) -> None:
    """Say which model, device and settings to ship.

    \b
    ganzoo choose *.json --max throughput --where 'p99<20ms' --where 'device_memory<2GB'
    ganzoo choose sweep.json --min median

    Of all cases that keep the limits for sure the best, those that the numbers do not tell from it, and those that
    nothing beats in everything asked for; with the command that measures the best again. Exit status 3 where none keeps
    the limits.
    """
    from ganzoo.api.choose import choose

    found = choose(list(results), most=most, least=least, where=where)
    if as_json:
        print_json(found.to_json())
    elif found.best is not None:
        rows = [_row("best", found.best), *_rows("not told from it", found.near)]
        rest = [one for one in found.front if one not in (found.best, *found.near)]
        rows += [*_rows("front", rest), *_rows("may keep the limits", found.undecided)]
        echo(table(["", "case", "where", f"{found.quantity}{found.unit}"], rows, wrap="case"))
        echo(f"again: {found.best.command}")
    if found.best is None:
        unsure = f" Of the first: {'; '.join(found.undecided[0].said)}." if found.undecided else ""
        counts = ", ".join(f"{text}: {count} do not" for text, count in found.refused.items()) or "all are undecided"
        raise GateError(f"No case keeps the limits for sure ({counts}); {len(found.undecided)} may.{unsure}")


def _rows(name: str, several: Sequence[Candidate]) -> list[list[str]]:
    return [_row(name, one) for one in several]


def _row(name: str, one: Candidate) -> list[str]:
    value, low, high = one.value
    return [name, one.title, one.where, f"{value:.4g}" + (f" ({low:.4g} to {high:.4g})" if low and high else "")]
