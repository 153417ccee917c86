"""`ganzoo watch`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from ganzoo.cli.common import echo, is_unicode, json_option, print_json


@click.command("watch")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="PAGE.html", help="Write a page of its curves.")
@click.option("--every", type=click.FloatRange(1), default=5.0, show_default=True, metavar="SECONDS", help="How often.")
@click.option("--once", is_flag=True, help="Show it as it is now, and stop; so it is where there is no terminal.")
@json_option
def command(run: Path, out: Path | None, every: float, once: bool, as_json: bool) -> None:
    """Show how a training is going, from another terminal.

    \b
    ganzoo watch runs/photos
    ganzoo watch runs/photos -o photos.html       # curves and last samples in one file, without a network

    It ends when the training does; Ctrl-C ends it and not the training.
    """
    from rich.console import Console

    from ganzoo.api.watch import panel, run_status, watch_page

    console, unicode = Console(), is_unicode(sys.stdout)
    status = run_status(run)
    if as_json:
        print_json(status.to_json())
        return
    if out is not None:
        watch_page(run, out)
        echo(f"page        {out}")
        if once or status.state != "running":
            return
    if once or status.state != "running" or not sys.stdout.isatty():
        echo("\n".join(panel(status, console.width, unicode=unicode)))
        echo(f"state    {status.state}{f': {status.problem}' if status.problem else ''}")
        return
    from rich.live import Live
    from rich.text import Text

    def shown() -> Text:
        lines = panel(status, console.width, unicode=unicode)
        by = f", by {status.holder}" if status.holder else ""
        return Text("\n".join([*lines, f"state    {status.state}{by}"]), no_wrap=True, overflow="crop")

    with Live(shown(), console=console, auto_refresh=False) as live:
        while status.state == "running":
            time.sleep(every)
            status = run_status(run)
            live.update(shown(), refresh=True)
            if out is not None:
                watch_page(run, out)
