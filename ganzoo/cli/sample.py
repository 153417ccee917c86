"""`ganzoo sample`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.specs import TensorSpec

_BATCH = 16


@click.command("sample")
@click.argument("source", metavar="RUN|MODEL.onnx", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="The picture to write, e.g. grid.png."
)
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=64, show_default=True, help="How many pictures.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 10_001),
    default=0,
    show_default=True,
    help="Seed of the first picture; the next has the next.",
)
@click.option("--columns", type=click.IntRange(1), help="Pictures in a row; as square as it can be if not stated.")
@click.option(
    "--label", metavar="N[,N...]", help="Of a class-conditional generator: the classes to paint, in turn; all: each."
)
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
def command(
    source: Path, out: Path, count: int, seed: int, columns: int | None, label: str | None, checkpoint: str | None
) -> None:
    """Paint a grid of pictures from a run or an ONNX file.

    A picture depends on its seed and label alone, and a run and its exported file give the same picture for it.
    An ONNX file needs no torch.
    """
    from PIL import Image

    from ganzoo.data.pictures import grid, to_uint8
    from ganzoo.errors import RequestError, one_line

    if Image.registered_extensions().get(out.suffix.lower()) not in Image.SAVE:
        raise RequestError(f"{out.name} does not end like a picture.", hint="For example -o grid.png")
    if source.suffix == ".onnx":
        if checkpoint is not None:
            raise RequestError("--checkpoint goes with a run; an ONNX file holds one.")
        painted = paint_file(source, count, seed, label)
    else:
        painted = paint_run(source, count, seed, label, checkpoint or "best")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        grid(to_uint8(painted.pixels, low=painted.low, high=painted.high), columns=columns).save(out)
    except (OSError, ValueError) as error:
        raise RequestError(f"{out} cannot be written: {one_line(error)}") from None
    click.echo(f"{count} pictures{painted.origin}, seeds {seed} to {seed + count - 1}: {out}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted:
    """pixels: (N, C, H, W) in [low, high]. origin: in words, of which checkpoint."""

    pixels: NDArray[Any]
    low: float
    high: float
    origin: str = ""


def paint_file(path: Path, count: int, seed: int, label: str | None = None) -> Painted:
    """Pictures from an ONNX file by seed, without torch. Raises ExportError or RequestError."""
    import numpy as np

    from ganzoo.errors import RequestError
    from ganzoo.onnx_file import OnnxFile
    from ganzoo.sessions import draw, open_checked, run_session

    file = OnnxFile(path)
    if file.input_specs is None or file.output_specs is None:
        raise RequestError(
            f"{path} does not say how its inputs are drawn; only files exported by ganzoo do.",
            hint=f"ganzoo inspect {path} shows what it holds.",
        )
    _refuse_translation(path, [spec.draw for spec in file.input_specs])
    labels = _labels(label, file.input_specs, count, path)
    session = open_checked(path, "cpu").session
    batches = []
    for start in range(seed, seed + count, _BATCH):
        seeds = range(start, min(start + _BATCH, seed + count))
        inputs = draw(file.input_specs, seeds, {})
        if labels is not None:
            name = next(spec.name for spec in file.input_specs if spec.draw == "class")
            inputs[name] = labels[start - seed : start - seed + len(seeds)]
        batches.append(run_session(session, inputs, path)[0])
    spec = file.output_specs[0]
    return Painted(pixels=np.concatenate(batches), low=spec.low, high=spec.high)


def paint_run(path: Path, count: int, seed: int, label: str | None = None, checkpoint: str = "best") -> Painted:
    """Pictures from a checkpoint of a run by seed. Raises CheckpointError or RequestError."""
    import torch

    from ganzoo.cli.common import load_registry
    from ganzoo.training.previews import paint
    from ganzoo.training.start import load_trained

    trained = load_trained(path, load_registry(), say=warn, which=checkpoint)
    graph = trained.architecture.graphs()[0]
    _refuse_translation(path, [spec.draw for spec in graph.inputs])
    labels = _labels(label, graph.inputs, count, path)
    images = paint(graph, count=count, device=torch.device("cpu"), first_seed=seed, labels=labels)
    return Painted(
        pixels=images.numpy(), low=graph.outputs[0].low, high=graph.outputs[0].high, origin=f" of step {trained.step:,}"
    )


def _labels(text: str | None, specs: Sequence[TensorSpec], count: int, path: Path) -> NDArray[np.int64] | None:
    """One class index per picture, (count,), in turn. Raises RequestError for classes that are not there."""
    import numpy as np

    from ganzoo.errors import RequestError

    if text is None:
        return None
    classes = next((spec.classes for spec in specs if spec.draw == "class"), 0)
    if not classes:
        raise RequestError(f"{path} takes no labels: its generator is not class-conditional.")
    parts = [str(number) for number in range(classes)] if text == "all" else text.split(",")
    if not all(part.strip().isdecimal() and int(part) < classes for part in parts):
        raise RequestError(
            f"--label {text!r}: expected class indices from 0 to {classes - 1}, separated by commas, or all."
        )
    return np.resize(np.array([int(part) for part in parts], dtype=np.int64), count)


def _refuse_translation(path: Path, draws: list[str]) -> None:
    from ganzoo.errors import RequestError

    if "image" in draws:
        raise RequestError(f"{path} translates pictures; `sample` paints from noise.")
