"""`ganzoo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.pictures import check_picture_name, write_animation, write_grid

if TYPE_CHECKING:
    from ganzoo.cli.models import Model


@click.command("sample")
@click.argument("sources", metavar="RUN|MODEL.onnx", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="The picture to write, or a folder for many."
)
@click.option("-n", "--count", type=click.IntRange(1, 10_000), help="Pictures in the grid; 64 if not stated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 10_001), help="Seed of the first picture, 0 if not stated.")
@click.option("--seeds", metavar="0-15,20", help="The seeds themselves, in place of --seed and --count.")
@click.option("--columns", type=click.IntRange(1), help="Pictures in a row; as square as it can be if not stated.")
@click.option(
    "--label", metavar="N[,N...]", help="Of a class-conditional generator: the classes to paint, in turn; all: each."
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Of an input that is one number, e.g. truncation_psi=0.7.",
)
@click.option("--mix", metavar="SEEDS", help="Paint a table: the seeds, with styles of these seeds in --layers.")
@click.option(
    "--layers", metavar="0-3", help="With --mix: which layers take the other style; the coarse half if not stated."
)
@click.option(
    "--walk",
    type=click.IntRange(1, 10_000),
    metavar="FRAMES",
    help="Go from seed to seed and back, so many pictures from each to the next: -o walk.gif, .webp or .png.",
)
@click.option("--fps", type=click.FloatRange(1, 120), default=24.0, show_default=True, help="With --walk.")
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="Pictures to translate; repeat for more.",
)
@click.option("--direction", metavar="NAME", help="Of a run: the translation, e.g. b2a; its first if not stated.")
@click.option("--size", type=click.IntRange(1, 16_384), help="Make the pictures to translate this large first, square.")
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
def command(
    sources: tuple[Path, ...],
    out: Path,
    count: int | None,
    seed: int | None,
    seeds: str | None,
    columns: int | None,
    label: str | None,
    values: tuple[str, ...],
    mix: str | None,
    layers: str | None,
    walk: int | None,
    fps: float,
    inputs: tuple[Path, ...],
    direction: str | None,
    size: int | None,
    checkpoint: str | None,
) -> None:
    """Paint pictures, or translate them, with a run or an ONNX file.

    \b
    ganzoo sample runs/faces -o grid.png -n 64 --seed 0
    ganzoo sample runs/faces -o walk.webp --seeds 0-4 --walk 24
    ganzoo sample runs/faces -o mixed.png --seeds 0-3 --mix 10-15 --layers 0-3 --value truncation_psi=0.7
    ganzoo sample mapping.onnx synthesis.onnx -o grid.png
    ganzoo sample runs/zebras -o grid.png                     # source, translation and way back, of the run's data
    ganzoo sample runs/zebras -i horse.jpg -o zebra.png       # at its own size
    ganzoo sample runs/zebras -i horses/ -o zebras/           # each file
    ganzoo sample b2a.onnx -i zebras/ -o horses/

    A picture depends on its seed and label, or on the picture given, alone; a run and its exported file give the same.
    An ONNX file needs no torch.
    """
    from ganzoo.cli.models import open_model
    from ganzoo.cli.translate import Wish, translate
    from ganzoo.errors import RequestError

    model = open_model(sources, checkpoint)
    if any(painter.translates for painter in model.painters):
        stated = {"--label": label, "--seed": seed, "--seeds": seeds, "--value": values, "--mix": mix, "--walk": walk}
        if wrong := [name for name, value in stated.items() if value not in (None, ())]:
            raise RequestError(f"{model.path} translates pictures; {', '.join(wrong)} is for painting from noise.")
        wish = Wish(inputs=inputs, out=out, direction=direction, size=size, count=count, columns=columns)
        click.echo(translate(model, wish))
        return
    if inputs or direction or size:
        raise RequestError(f"{model.path} paints from noise: --input, --direction and --size are for translation.")
    check_picture_name(out)
    click.echo(
        _paint(model, out, _seeds(seeds, seed, count, walk, mix), label, values, mix, layers, walk, fps, columns)
    )


def _seeds(text: str | None, seed: int | None, count: int | None, walk: int | None, mix: str | None) -> list[int]:
    from ganzoo.cli.noise import parse_seeds
    from ganzoo.errors import RequestError

    if text is None:
        first = seed or 0
        return list(range(first, first + (count or (4 if walk or mix else 64))))
    if seed is not None or count is not None:
        raise RequestError("--seeds names every seed; --seed and --count do not go with it.")
    return parse_seeds(text)


def _paint(
    model: Model,
    out: Path,
    seeds: list[int],
    label: str | None,
    values: tuple[str, ...],
    mix: str | None,
    layers: str | None,
    walk: int | None,
    fps: float,
    columns: int | None,
) -> str:
    from ganzoo.cli import noise
    from ganzoo.errors import RequestError

    chosen = noise.Chosen(label=label, values=values)
    if walk is not None and mix is not None:
        raise RequestError("--walk and --mix are two things; state one.")
    if walk is not None:
        frames = write_animation(noise.walk(model, seeds, walk, chosen), out, fps)
        return f"{frames} pictures{model.origin} on a walk through {len(seeds)} seeds: {out}"
    if mix is not None:
        others = noise.parse_seeds(mix)
        table = noise.mix(model, seeds, others, _layers(layers, model), chosen)
        write_grid(table, out, len(others) + 1)
        return f"{len(seeds)} seeds{model.origin} with the styles of {len(others)}: {out}"
    write_grid(noise.paint(model, seeds, chosen), out, columns)
    ends = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    return f"{len(seeds)} pictures{model.origin}, seeds {ends}: {out}"


def _layers(text: str | None, model: Model) -> list[int]:
    from ganzoo.cli.noise import layer_count, parse_seeds

    return list(range(layer_count(model) // 2)) if text is None else parse_seeds(text)
