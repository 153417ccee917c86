"""`ganzoo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import blend_option, echo, json_option, print_json
from ganzoo.cli.progress import Stages
from ganzoo.errors import RequestError

if TYPE_CHECKING:
    from ganzoo.api.types import Model

_PAINTING = ("seed", "seeds", "label", "mix", "walk", "latents", "move", "each", "cutoff")


@click.command("sample")
@click.argument("sources", metavar="RUN|MODEL.onnx", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The picture or film, or a folder.")
@click.option("-n", "--count", type=click.IntRange(1), help="Pictures; 64 if not stated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of the first picture, 0 if not stated.")
@click.option("--seeds", metavar="0-15,20", help="The seeds themselves, in place of --seed and --count.")
@click.option("--each", is_flag=True, help="One file a seed, into the folder -o, and pictures.csv beside.")
@click.option("--kind", metavar="png|webp|jpg", help="With --each; png if not stated.")
@click.option("--columns", type=click.IntRange(1), help="Pictures in a row; as square as it can be if not stated.")
@click.option("--label", metavar="CLASS[,...]", help="Classes to paint, in turn, by name or number; all: each.")
@click.option("--names", is_flag=True, help="With --label: a row for each class, its name beside it.")
@click.option("--edges", is_flag=True, help="Write seeds at the edges, with --label a row each and its name.")
@click.option("--value", "values", multiple=True, metavar="NAME=NUMBER[,...]", help="Of an input: psi=0.7 truncates.")
@click.option("--cutoff", type=click.IntRange(1), metavar="LAYERS", help="With --value: it moves the first so many.")
@click.option("--mix", metavar="SEEDS", help="Paint a table: the seeds, with styles of these seeds in --layers.")
@click.option("--layers", metavar="0-3", help="With --mix: that take the other style; with --move: that move.")
@click.option("--latents", type=click.Path(path_type=Path), metavar="W.npz", help="Of `ganzoo project`: paint these.")
@click.option("--move", multiple=True, metavar="3=+2", help="Along a direction of `ganzoo directions`, so far.")
@click.option("--directions", type=click.Path(path_type=Path), metavar="D.npz", help="With --move: those of this file.")
@click.option("--walk", type=click.IntRange(1), metavar="FRAMES", help="Seed to seed and back: -o walk.mp4.")
@click.option("--fps", type=click.FloatRange(1, 240), help="With --walk: pictures a second; 24 if not stated.")
@click.option("--codec", metavar="av1|vp9|x264", help="With --walk: another than usual (AV1 in .mp4, VP9 in .webm).")
@click.option("--ease", is_flag=True, help="With --walk: come to rest at each seed.")
@click.option("--captions", is_flag=True, help="With --walk: write the seed on each frame.")
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
@json_option
def command(
    sources: tuple[Path, ...],
    out: Path,
    count: int | None,
    columns: int | None,
    values: tuple[str, ...],
    inputs: tuple[Path, ...],
    checkpoint: str | None,
    blend: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Paint pictures, or translate them, with a run or an ONNX file.

    \b
    ganzoo sample runs/faces -o grid.png -n 64 --seed 0
    ganzoo sample runs/faces -o faces/ --each -n 50000
    ganzoo sample runs/faces -o walk.mp4 --seeds 0-4 --walk 60 --fps 60
    ganzoo sample runs/faces -o mixed.png --seeds 0-3 --mix 10-15 --layers 0-3 --value psi=0.7 --edges
    ganzoo sample runs/faces -o older.png --latents face.npz --move 3=+2
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
    from ganzoo.cli.parse import parse_pictures, parse_shares, parse_values

    model = load(sources, checkpoint=checkpoint, blend=parse_shares(blend))
    names = ("direction", "size", "pictures", "tile", "overlap")
    translating = {name: options.pop(name) for name in names}
    asked = [name for name, value in translating.items() if value not in (None, ())]
    if model.translates and (inputs or asked or not model.paints):
        from ganzoo.api.translate_files import translate_files

        stated = {f"--{name}": options[name] for name in _PAINTING}
        if wrong := [name for name, value in stated.items() if value not in (None, False, ())]:
            raise RequestError(f"{model.path} translates pictures; {', '.join(wrong)} is for painting from noise.")
        translating["pictures"] = parse_pictures(translating["pictures"])
        shape: dict[str, Any] = {"count": count, "columns": columns, "values": parse_values(values), **translating}
        with Stages("translating") as progress:
            line = translate_files(model, inputs, out=out, progress=progress, **shape)
        told: dict[str, Any] = {}
    else:
        if inputs or asked:
            named = ", ".join(f"--{'with' if name == 'pictures' else name}" for name in asked) or "--input"
            raise RequestError(f"{model.path} paints from noise: {named} is for translation.")
        line, told = _paint(model, out, count=count, columns=columns, values=parse_values(values), **options)
    if as_json:
        print_json({"out": str(out), "source": str(model.path), "step": model.step, **told, "text": line})
    else:
        echo(line)


def _paint(model: Model, out: Path, **options: Any) -> tuple[str, dict[str, Any]]:
    """What was painted, in words and as values."""
    from ganzoo.api.paint_files import PaintRequest, paint_files
    from ganzoo.cli.parse import parse_moves, parse_seeds

    for name in ("seeds", "mix", "layers"):
        options[name] = None if options[name] is None else parse_seeds(options[name], f"--{name}")
    options["move"] = parse_moves(options["move"])
    with Stages("painting") as progress:
        return paint_files(model, PaintRequest(out=out, **options), progress=progress)
