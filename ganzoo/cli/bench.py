"""`ganzoo bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.cli.progress import Lines

if TYPE_CHECKING:
    from ganzoo.api.types import Progress


@click.command("bench")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--provider", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--device", type=click.IntRange(0), default=0, show_default=True, help="Which GPU.")
@click.option("--batch", metavar="1,8,32", help="Sizes of the first dimension; 1 if not stated.")
@click.option("--size", metavar="256,320x448", help="Of pictures whose size is open: height by width.")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=1x3x256x256", help="Shape of an input; repeat to sweep."
)
@click.option("--input", "files", multiple=True, metavar="NAME=FILE.npy", help="Content of an input.")
@click.option(
    "--threads", type=click.IntRange(0), default=0, help="Threads of one operator; 0 is ONNX Runtime's choice."
)
@click.option("--precision", type=click.Choice(["file", "tf32"]), default="file", help="tf32 allows it on CUDA.")
@click.option("--repeats", type=click.IntRange(1, 100), default=3, show_default=True, help="Processes per case.")
@click.option(
    "--max-time",
    type=click.FloatRange(1),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For all cases together.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="RESULT.json", help="Write the whole result here."
)
@json_option
def command(
    models: tuple[Path, ...],
    provider: str,
    device: int,
    batch: str | None,
    size: str | None,
    shapes: tuple[str, ...],
    files: tuple[str, ...],
    threads: int,
    precision: Literal["file", "tf32"],
    repeats: int,
    max_time: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure the latency of any ONNX file.

    \b
    ganzoo bench generator.onnx --batch 1,8,32
    ganzoo bench a2b.onnx --size 256,320x448
    ganzoo bench resnet.onnx --shape input=1x3x224x224 --provider cuda -o result.json

    Needs no torch. Each case runs in fresh processes, interleaved with the others, after a warm-up that ends when the
    times have settled. A percentile that the number of samples cannot carry is not printed.
    """
    from ganzoo.api.bench import bench
    from ganzoo.cli.parse import parse_batches, parse_files, parse_shape

    swept: dict[str, list[tuple[int, ...]]] = {}
    for text in shapes:
        name, shape = parse_shape(text)
        swept.setdefault(name, []).append(shape)
    result = bench(
        models,
        provider=provider,
        device=device,
        dims={"batch": parse_batches(batch)} if batch else {},
        sizes=size.split(",") if size else [],
        shapes=swept,
        inputs=parse_files(files),
        threads=threads,
        precision=precision,
        repeats=repeats,
        max_seconds=max_time,
        out=out,
        progress=_Cases(),
    )
    if as_json:
        print_json(result.document)
        return
    echo(table(*result.table(), wrap="shapes"))
    if out is not None:
        echo(f"everything, samples included: {out}")


class _Cases(Lines):
    """A line before each process."""

    def line(self, progress: Progress) -> str:
        return "{case}: {repeat} of {repeats}".format(**progress.values) if progress.values else ""
