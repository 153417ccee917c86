"""`ganzoo import`. The module has an underscore because Python keeps the word for itself."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import echo, json_option, print_json
from ganzoo.errors import shell_word


@click.command("import")
@click.argument("files", metavar="FILE", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "architecture", metavar="ARCHITECTURE", required=True, help="What the weights are of.")
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", required=True, help="The run directory to make.")
@click.option("--size", metavar="256|320x448", help="Pixels it was trained at, if not the usual: height by width.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="What the files do not say.")
@json_option
def command(
    files: tuple[Path, ...], architecture: str, out: Path, size: str | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Make a run of weights that the original authors' code saved.

    \b
    ganzoo import latest_net_G.pth --as pix2pix --out runs/facades
    ganzoo import latest_net_G_A.pth --as cyclegan --out runs/zebras
    ganzoo import latest_net_G_A.pth latest_net_G_B.pth --as cyclegan --out runs/both

    The run samples, exports and benches, and `ganzoo train --init-from` begins from it. Settings are taken from the
    tensors. A file that wants to run code is refused. What several files are, and who imports what: docs/importing.md.
    """
    from ganzoo.api.import_run import import_run
    from ganzoo.config.resolve import set_layer

    stated = [set_layer(assignments)]
    run = import_run(files, architecture=architecture, out=out, size=size, settings=stated)
    if as_json:
        tables = run.config.tables()
        print_json(
            {
                "run": str(out),
                "architecture": run.architecture,
                "channels": tables["data"]["channels"],
                "size": tables["data"]["size"],
                "settings": tables["architecture"],
            }
        )
        return
    architecture_table = run.config.tables()["architecture"]
    settings = ", ".join(f"{key} {architecture_table[key]}" for table, key in run.config.origins if table != "data")
    echo(f"{out}: {run.architecture}, {run.data}; {settings}")
    echo(f"next: ganzoo export {shell_word(out)}")
