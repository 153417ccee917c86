"""`ganzoo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.pictures import Painted, check_picture_name, write_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.cli.models import Model, Painter


@click.command("sample")
@click.argument("source", metavar="RUN|MODEL.onnx", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="The picture to write, or a folder for many."
)
@click.option("-n", "--count", type=click.IntRange(1, 10_000), help="Pictures in the grid; 64 if not stated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 10_001), help="Seed of the first picture, 0 if not stated.")
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
    source: Path,
    out: Path,
    count: int | None,
    seed: int | None,
    columns: int | None,
    label: str | None,
    values: tuple[str, ...],
    inputs: tuple[Path, ...],
    direction: str | None,
    size: int | None,
    checkpoint: str | None,
) -> None:
    """Paint a grid of pictures, or translate pictures, with a run or an ONNX file.

    \b
    ganzoo sample runs/faces -o grid.png -n 64 --seed 0
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

    model = open_model(source, checkpoint)
    if any(painter.translates for painter in model.painters):
        if label is not None or seed is not None or values:
            raise RequestError(
                f"{source} translates pictures: --label, --seed and --value are for painting from noise."
            )
        wish = Wish(inputs=inputs, out=out, direction=direction, size=size, count=count, columns=columns)
        click.echo(translate(model, wish))
        return
    if inputs or direction or size:
        raise RequestError(f"{source} paints from noise: --input, --direction and --size are for translation.")
    first, number = seed or 0, count or 64
    check_picture_name(out)
    painted = paint(model, number, first, label, values)
    write_grid(painted, out, columns)
    click.echo(f"{number} pictures{model.origin}, seeds {first} to {first + number - 1}: {out}")


def paint(model: Model, count: int, first_seed: int, label: str | None = None, values: Sequence[str] = ()) -> Painted:
    """Pictures of the main graph by seed, label by label in turn.

    values: NAME=NUMBER, for inputs that shall not be drawn.
    Raises RequestError for labels or inputs that are not there.
    """
    import numpy as np

    from ganzoo.cli.models import BATCH

    painter = model.painters[0]
    labels = _labels(label, painter, count, model.path)
    stated = _values(values, painter, model.path)
    batches = []
    for start in range(0, count, BATCH):
        seeds = range(first_seed + start, first_seed + min(start + BATCH, count))
        arrays = [
            labels[start : start + len(seeds)]
            if labels is not None and spec.draw == "class"
            else spec.stated(stated[spec.name], len(seeds))
            if spec.name in stated
            else spec.chosen(seeds)
            for spec in painter.inputs
        ]
        batches.append(painter.run(arrays)[0])
    spec = painter.outputs[0]
    return Painted(pixels=np.concatenate(batches), low=spec.low, high=spec.high)


def _values(texts: Sequence[str], painter: Painter, path: Path) -> dict[str, float]:
    """Numbers by input. Raises RequestError for an input that is not there, or is no single number."""
    from ganzoo.errors import RequestError, nearest

    able = [spec.name for spec in painter.inputs if len(spec.shape) == 1 and spec.draw != "class"]
    values: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        try:
            values[name] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise RequestError(f"--value {text!r} is not of the form NAME=NUMBER.")
        if name not in able:
            raise RequestError(
                f"{path} has no input {name!r} that is a number.{nearest(name, able)} "
                f"It has: {', '.join(able) or 'none'}."
            )
    return values


def _labels(text: str | None, painter: Painter, count: int, path: Path) -> NDArray[np.int64] | None:
    """One class index per picture, (count,), in turn. Raises RequestError for classes that are not there."""
    import numpy as np

    from ganzoo.errors import RequestError

    if text is None:
        return None
    classes = next((spec.classes for spec in painter.inputs if spec.draw == "class"), 0)
    if not classes:
        raise RequestError(f"{path} takes no labels: its generator is not class-conditional.")
    parts = [str(number) for number in range(classes)] if text == "all" else text.split(",")
    if not all(part.strip().isdecimal() and int(part) < classes for part in parts):
        raise RequestError(
            f"--label {text!r}: expected class indices from 0 to {classes - 1}, separated by commas, or all."
        )
    return np.resize(np.array([int(part) for part in parts], dtype=np.int64), count)
