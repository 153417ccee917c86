"""`ganzoo data`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.errors import first_few, printable, shell_word

_SHOWN = 5  # groups of pictures that are alike


@click.group("data")
def command() -> None:
    """Look at pictures before training, or prepare them once.

    \b
    ganzoo data info photos/ --set data.labels=folders -o sheet.png
    ganzoo data prepare photos/ --set data.size=64 -o photos.npz
    ganzoo train dcgan --data photos.npz --out runs/photos
    """


def _options(function: Any) -> Any:
    for option in (
        click.option("--set", "assignments", multiple=True, metavar="data.KEY=VALUE", help="One setting of [data]."),
        click.option("--target", metavar="SOURCE", help="Of pairs: the pictures that the others become."),
        click.argument("sources", metavar="SOURCE...", nargs=-1, required=True),
    ):
        function = option(function)
    return function


@command.command("info")
@_options
@click.option("--unpaired", is_flag=True, help="With --target: two domains, whose pictures do not correspond.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="SHEET.png", help="Write a sheet of pictures.")
@json_option
def info(
    sources: tuple[str, ...],
    target: str | None,
    assignments: tuple[str, ...],
    unpaired: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show counts, sizes, modes, labels and duplicates."""
    from ganzoo.api.data import data_info
    from ganzoo.api.picture_names import check_picture_name
    from ganzoo.cli.progress import Stages
    from ganzoo.config.resolve import set_layer

    if out is not None:
        check_picture_name(out)
    with Stages(sources[0]) as display:
        found = data_info(
            sources, target=target, unpaired=unpaired, settings=[set_layer(assignments)], progress=display
        )
    if out is not None:
        found.save_sheet(out)
    if as_json:
        print_json(found.to_json())
        return
    echo(f"{found.line}; as {found.pictures}")
    echo(table(["what", "which", "how many"], found.table, wrap="which"))
    for title, groups in (("the same bytes", found.copies), ("look the same", found.alike)):
        for group in groups[:_SHOWN]:
            echo(f"{title}: {first_few([*map(printable, group)], separator=', ')}")
        if len(groups) > _SHOWN:
            echo(f"{title}: {len(groups) - _SHOWN:,} more groups")
    for line in found.advice:
        echo(line)
    for setting in found.suggested:
        echo(f"to try: --set {shell_word(setting)}")


@command.command("prepare")
@_options
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE.npz", help="The file.")
def prepare(sources: tuple[str, ...], target: str | None, assignments: tuple[str, ...], out: Path) -> None:
    """Write decoded, fitted pictures to one file that trains fastest, here and elsewhere."""
    from ganzoo.api.data import prepare_data
    from ganzoo.cli.progress import Stages
    from ganzoo.config.resolve import set_layer

    with Stages(out.name) as display:
        prepare_data(sources, out, target=target, settings=[set_layer(assignments)], progress=display)
    echo(f"{out}\nnext        ganzoo train ARCHITECTURE --data {shell_word(out)} --out RUN")
