"""`ganzoo report`."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import echo
from ganzoo.errors import RequestError


@click.command("report")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="PAGE.html", help="The page.")
@click.option("--title", default="Latency", show_default=True, help="What it is called.")
@click.option("--markdown", is_flag=True, help="A table for a README instead, on stdout.")
def command(results: tuple[Path, ...], out: Path | None, title: str, markdown: bool) -> None:
    """Make one page of many results: which device for which latency.

    \b
    ganzoo report a100.json t4.json cpu.json -o report.html
    ganzoo report benchmarks/results/*.json --markdown

    One file without a server, a network or scripts from elsewhere: a summary, curves, every case with its validity
    and placement, what was painted, machines side by side.
    """
    from ganzoo.api.report import markdown_report, report

    if markdown == (out is not None):
        raise RequestError(
            "Say where the page goes, or take --markdown.", hint="ganzoo report RESULT.json -o report.html"
        )
    if markdown:
        echo(markdown_report(list(results)).rstrip())
    elif out is not None:
        echo(str(report(list(results), out=out, title=title)))
