"""`ganzoo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import blend_option, echo
from ganzoo.cli.progress import Stages
from ganzoo.errors import RequestError


@click.command("sample")
@click.argument("sources", metavar="RUN|MODEL.onnx", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The picture to write, or a folder.")
@click.option("-n", "--count", type=click.IntRange(1, 10_000), help="Pictures in the grid; 64 if not stated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 10_001), help="Seed of the first picture, 0 if not stated.")
@click.option("--seeds", metavar="0-15,20", help="The seeds themselves, in place of --seed and --count.")
@click.option("--columns", type=click.IntRange(1), help="Pictures in a row; as square as it can be if not stated.")
@click.option("--label", metavar="CLASS[,...]", help="Classes to paint, in turn, by name or number; all: each.")
@click.option("--names", is_flag=True, help="With --label: a row for each class, its name beside it.")
@click.option("--value", "values", multiple=True, metavar="NAME=NUMBER[,...]", help="Of an input: truncation_psi=0.7.")
@click.option("--mix", metavar="SEEDS", help="Paint a table: the seeds, with styles of these seeds in --layers.")
@click.option("--layers", metavar="0-3", help="With --mix: layers that take the other style; the coarse half.")
@click.option("--walk", type=click.IntRange(1, 10_000), metavar="FRAMES", help="Seed to seed and back: -o walk.webp.")
@click.option("--fps", type=click.FloatRange(1, 120), default=24.0, show_default=True, help="With --walk.")
@click.option(
    "-i", "--input", "inputs", multiple=True, type=click.Path(path_type=Path), help="To translate: files, folders."
)
@click.option("--direction", metavar="NAME", help="The translation, e.g. b2a; the first if not stated.")
@click.option("--size", metavar="256|320x448", help="Make the pictures to translate this large first: height by width.")
@click.option("--with", "pictures", multiple=True, metavar="[NAME=]FILE", help="The other picture, such as a style.")
@click.option("--tile", type=click.IntRange(0), help="Cut pictures into tiles of so many pixels; 0: never.")
@click.option("--overlap", type=click.IntRange(0), help="With --tile: pixels of surroundings that a tile is read with.")
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
@blend_option
def command(
    sources: tuple[Path, ...],
    out: Path,
    count: int | None,
    seed: int | None,
    seeds: str | None,
    columns: int | None,
    label: str | None,
    names: bool,
    values: tuple[str, ...],
    mix: str | None,
    layers: str | None,
    walk: int | None,
    fps: float,
    inputs: tuple[Path, ...],
    checkpoint: str | None,
    **translating: Any,
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
    ganzoo sample x4.onnx -i photo.jpg -o big.png --tile 512

    A picture depends on its seed and label, or on the picture given, alone; a run and its exported file give the same.
    An ONNX file needs no torch.
    """
    from ganzoo.api.load import load
    from ganzoo.api.picture_names import check_picture_name
    from ganzoo.cli.parse import parse_pictures, parse_seeds, parse_shares, parse_values

    model = load(sources, checkpoint=checkpoint, blend=parse_shares(translating.pop("blend")))
    asked = [name for name, value in translating.items() if value not in (None, ())]
    if model.translates and (inputs or asked or not model.paints):
        from ganzoo.api.translate_files import translate_files

        stated = {"--label": label, "--seed": seed, "--seeds": seeds, "--mix": mix, "--walk": walk}
        if wrong := [name for name, value in stated.items() if value is not None]:
            raise RequestError(f"{model.path} translates pictures; {', '.join(wrong)} is for painting from noise.")
        translating["pictures"] = parse_pictures(translating["pictures"])
        shape: dict[str, Any] = {"count": count, "columns": columns, "values": parse_values(values), **translating}
        with Stages("translating") as progress:
            line = translate_files(model, inputs, out=out, progress=progress, **shape)
        echo(line)
        return
    if inputs or asked:
        named = ", ".join(f"--{'with' if name == 'pictures' else name}" for name in asked) or "--input"
        raise RequestError(f"{model.path} paints from noise: {named} is for translation.")
    if walk is not None and mix is not None:
        raise RequestError("--walk and --mix are two things; state one.")
    chosen = _seeds(seeds, seed, count, 4 if walk or mix else 64)
    choices: dict[str, Any] = {"label": label, "values": parse_values(values)}
    if walk is not None:
        check_picture_name(out, moves=True)
        pictures = model.walk(chosen, frames=walk, **choices)
        pictures.save_animation(out, fps=fps)
        echo(f"{len(pictures)} pictures{model.origin} on a walk through {len(chosen)} seeds: {out}")
        return
    check_picture_name(out)
    if mix is not None:
        others = parse_seeds(mix)
        taken = parse_seeds(layers) if layers is not None else None
        model.mix(chosen, others, layers=taken, **choices).save(out)
        echo(f"{len(chosen)} seeds{model.origin} with the styles of {len(others)}: {out}")
        return
    model.sample(chosen, **choices).save(out, columns=columns, named=names)
    ends = f"{chosen[0]} to {chosen[-1]}" if len(chosen) > 1 else str(chosen[0])
    echo(f"{len(chosen)} pictures{model.origin}, seeds {ends}: {out}")


def _seeds(text: str | None, seed: int | None, count: int | None, usual: int) -> list[int]:
    from ganzoo.cli.parse import parse_seeds

    if text is None:
        first = seed or 0
        return list(range(first, first + (count or usual)))
    if seed is not None or count is not None:
        raise RequestError("--seeds names every seed; --seed and --count do not go with it.")
    return parse_seeds(text)
