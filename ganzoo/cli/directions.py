"""`ganzoo directions`."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import echo, json_option, print_json
from ganzoo.errors import RequestError, shell_word


@click.command("directions")
@click.argument("sources", metavar="RUN|MODEL.onnx", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="D.npz", help="The directions, for --directions.")
@click.option("--sheet", type=click.Path(path_type=Path), metavar="FILE.png", help="A row for each: what it does.")
@click.option("-n", "--count", type=click.IntRange(1), default=8, show_default=True, help="Directions.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="With --sheet: of the rows."
)
@click.option("--far", type=click.FloatRange(0.1), default=3.0, show_default=True, help="With --sheet: in deviations.")
@click.option("--layers", metavar="0-3", help="With --sheet: the layers that move; all if not stated.")
@click.option(
    "--latents", type=click.Path(path_type=Path), metavar="W.npz", help="With --sheet: move the first of these."
)
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
@json_option
def command(
    sources: tuple[Path, ...],
    out: Path | None,
    sheet: Path | None,
    count: int,
    seed: int,
    far: float,
    layers: str | None,
    latents: Path | None,
    checkpoint: str | None,
    as_json: bool,
) -> None:
    """Find what a generator with styles varies most, without labels.

    \b
    ganzoo directions runs/faces --sheet directions.png
    ganzoo directions mapping.onnx synthesis.onnx -o directions.npz -n 32
    ganzoo sample runs/faces -o moved.png --move 3=+2 --layers 0-3

    Directions are the principal components of the styles of 10,000 seeds, numbered from 0, the largest first, and the
    same each time; a move is counted in deviations.
    """
    from ganzoo.api.load import load
    from ganzoo.api.picture_names import check_directions_place, check_picture_name
    from ganzoo.cli.parse import parse_seeds

    if out is None and sheet is None and not as_json:
        raise RequestError("Where shall the directions go?", hint="Add --sheet directions.png, or -o directions.npz")
    if out is not None and out.suffix != ".npz":
        raise RequestError(f"{out.name} does not end with .npz.", hint="For example -o directions.npz")
    if sheet is not None:
        check_picture_name(sheet)
    if out is not None:
        check_directions_place(out)
    model = load(sources, checkpoint=checkpoint)
    found = model.find_directions(count=count)
    written = {}
    if out is not None:
        written["directions"] = str(found.save(out))
    if sheet is not None:
        moved = None if layers is None else parse_seeds(layers, "--layers")
        pictures = model.direction_sheet(found, seed=seed, far=far, layers=moved, latents=latents)
        written["sheet"] = str(pictures.save(sheet, edges=True))
    explained = [float(share) for share in found.explained]
    if as_json:
        print_json({"model": str(model.path), "explained": explained, **written})
        return
    echo(f"{len(found)} directions{model.origin} explain {100 * sum(explained):.0f}% of what the styles vary")
    for what, path in written.items():
        echo(f"{what:<11} {path}")
    words = " ".join(str(shell_word(path)) for path in sources)
    kept = "" if out is None else f" --directions {shell_word(out)}"
    moving = "" if latents is None else f" --latents {shell_word(latents)}"
    echo(f"next        ganzoo sample {words} -o moved.png --move 0=+2{kept}{moving}")
