"""`ganzoo project`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import echo, json_option, print_json
from ganzoo.cli.progress import Stages
from ganzoo.errors import RequestError, shell_word


@click.command("project")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "-i", "--input", "inputs", multiple=True, required=True, type=click.Path(path_type=Path),
    help="The pictures: files, folders.",
)  # fmt: skip
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="W.npz", help="The latents.")
@click.option("--space", metavar="w|w+|z", help="One style, one for each layer, or z; w where there are styles.")
@click.option(
    "--label", metavar="CLASS", help="Of a generator that takes a class; of the nearest sample if not stated."
)
@click.option("--features", metavar="NETWORK", help="See by it too: vgg19.pth, FILE.onnx, efficientnet-lite0.")
@click.option("--feature-layers", metavar="NAME[,...]", help="With --features: its layers.")
@click.option("--steps", type=click.IntRange(1), default=400, show_default=True, help="Of Adam.")
@click.option("--starts", type=click.IntRange(1, 2000), help="Nearest samples to begin at; 8, of large models 3.")
@click.option("--refine", type=click.IntRange(0), help="Gauss-Newton steps; 15 for small models if not stated.")
@click.option("--prior", type=click.FloatRange(0), default=0.0, help="Hold latents where random ones are, e.g. 0.001.")
@click.option(
    "--fit", type=click.Choice(["crop", "pad", "stretch"]), default="crop", show_default=True, help="To size."
)
@click.option(
    "--sheet", type=click.Path(path_type=Path), metavar="FILE.png", help="Pictures, and what is painted beside."
)
@click.option("--video", type=click.Path(path_type=Path), metavar="WAY.mp4", help="A film of the way there.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the search.")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--checkpoint", metavar="WHICH", help="best (the default), last, or a number of steps.")
@json_option
def command(
    run: Path,
    inputs: tuple[Path, ...],
    out: Path,
    feature_layers: str | None,
    sheet: Path | None,
    video: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the latents from which a run paints what comes nearest to a picture.

    \b
    ganzoo project runs/faces -i face.png -o face.npz --sheet found.png --video way.mp4
    ganzoo sample runs/faces --latents face.npz -o again.png
    ganzoo sample runs/faces --latents face.npz --seeds 0-3 --walk 60 -o from-face.mp4
    """
    from ganzoo.api.picture_names import check_film_name, check_latents_place, check_outputs, check_picture_name
    from ganzoo.api.project import project

    if out.suffix != ".npz":
        raise RequestError(f"{out.name} does not end with .npz, as latents do.", hint="For example -o face.npz")
    if sheet is not None:
        check_picture_name(sheet)
    if video is not None:
        check_film_name(video)
    check_outputs([out, sheet, video], inputs)
    check_latents_place(out)
    layers = None if feature_layers is None else [name.strip() for name in feature_layers.split(",") if name.strip()]
    with Stages("projecting") as progress:
        found = project(run, list(inputs), layers=layers, progress=progress, **options)
    found.latents.save(out)
    written = {"latents": str(out)}
    if sheet is not None:
        found.beside().save(sheet)
        written["sheet"] = str(sheet)
    if video is not None:
        found.save_way(video)
        written["video"] = str(video)
    rows = list(zip(found.latents.names, found.distances, found.nearest, strict=True))
    if as_json:
        told = [{"name": name, "distance": far, "nearest_sample": near} for name, far, near in rows]
        print_json({"run": str(run), "space": found.latents.space, "pictures": told, **written})
        return
    for name, far, near in rows:
        echo(f"{name}: {far:.4f} from black to white; the nearest of 2,000 samples {near:.4f}")
    for what, path in written.items():
        echo(f"{what:<11} {path}")
    echo(f"next        ganzoo sample {shell_word(run)} --latents {shell_word(out)} -o painted.png")
