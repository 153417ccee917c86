"""`ganzoo export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ganzoo.cli.common import json_option, load_registry, print_json, warn

if TYPE_CHECKING:
    from ganzoo.architecture import Architecture
    from ganzoo.exporting.exporter import Origin


@click.command("export")
@click.argument("source", metavar="RUN|ARCHITECTURE")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="MODEL.onnx, or a directory for every graph.")
@click.option("--graph", default="", help="Export this graph alone.")
@click.option("--untrained", is_flag=True, help="SOURCE is an architecture: export it with its initial weights.")
@click.option("--preset", help="With --untrained: settings by name.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="With --untrained: one setting.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="With --untrained: of the weights.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16"]),
    default="fp32",
    show_default=True,
    help="Of the weights inside.",
)
@click.option(
    "--output",
    type=click.Choice(["float", "uint8"]),
    default="float",
    show_default=True,
    help="Pixels in [-1, 1], or 0..255.",
)
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
@json_option
def command(
    source: str,
    out: Path | None,
    graph: str,
    untrained: bool,
    preset: str | None,
    assignments: tuple[str, ...],
    seed: int,
    precision: Literal["fp32", "fp16"],
    output: Literal["float", "uint8"],
    checkpoint: str | None,
    as_json: bool,
) -> None:
    """Export a run to ONNX, with proof that it paints the same pictures.

    \b
    ganzoo export runs/photos
    ganzoo export runs/photos -o photos.onnx --output uint8
    ganzoo export dcgan --untrained --preset paper -o dcgan.onnx

    The file is kept only when ONNX Runtime agrees with torch at several batch sizes; the measured errors
    are in MODEL.proof.json beside it.
    """
    from ganzoo.errors import RequestError
    from ganzoo.exporting.exporter import export

    if untrained:
        if checkpoint is not None:
            raise RequestError("--checkpoint goes with a run, and --untrained has none.")
        if out is None:
            raise RequestError("Where shall the file go?", hint=f"Add -o {source}.onnx")
        architecture, origin = _untrained(source, preset, assignments, seed)
    else:
        if preset or assignments or seed:
            raise RequestError("--preset, --set and --seed go with --untrained; a run has its settings.")
        architecture, origin = _trained(Path(source), checkpoint or "best")
    exported = export(
        architecture,
        origin,
        destination=out if out is not None else Path(source, "exports"),
        graph=graph,
        precision=precision,
        output=output,
    )
    if as_json:
        print_json(
            [
                {
                    "graph": item.graph,
                    "file": str(item.path),
                    "bytes": item.bytes,
                    "sha256": item.proof.model_sha256,
                    "error": item.proof.error,
                    "batches": [case.dims["batch"] for case in item.proof.cases],
                }
                for item in exported
            ]
        )
        return
    for item in exported:
        batches = ", ".join(str(case.dims["batch"]) for case in item.proof.cases)
        bound = max(bound for case in item.proof.cases for bound in case.bounds.values())
        click.echo(f"{item.path}  {item.bytes / 1e6:.1f} MB")
        click.echo(f"  proved: error {item.proof.error:.2g} (bound {bound:.2g}) at batches {batches}")
    click.echo(f"next: ganzoo bench {exported[0].path}")


def _trained(path: Path, checkpoint: str) -> tuple[Architecture, Origin]:
    from ganzoo.errors import RequestError
    from ganzoo.exporting.exporter import Origin
    from ganzoo.plugin.registry import Registry
    from ganzoo.training.start import load_trained

    registry: Registry = load_registry()
    if not path.exists() and str(path) in [offer.spec.name for offer in registry.architectures]:
        raise RequestError(
            f"{path} is an architecture, not a run.", hint=f"ganzoo export {path} --untrained -o {path}.onnx"
        )
    trained = load_trained(path, registry, say=warn, which=checkpoint)
    score = f", score {trained.score:.4f}" if trained.score is not None else ""
    click.echo(f"{path}: the checkpoint of step {trained.step:,}{score}", err=True)
    origin = Origin(offer=trained.run.offer, training_data=trained.run.data_description, kimg=trained.kimg)
    return trained.architecture, origin


def _untrained(name: str, preset: str | None, assignments: tuple[str, ...], seed: int) -> tuple[Architecture, Origin]:
    from ganzoo.architecture.build import build_architecture
    from ganzoo.architecture.evaluation import evaluation_copy
    from ganzoo.config.resolve import set_layer
    from ganzoo.exporting.exporter import Origin
    from ganzoo.plugin.settings import resolve_for
    from ganzoo.tensors import DataInfo

    offer = load_registry().architecture(name)
    resolved = resolve_for(offer, [set_layer(assignments)], preset=preset)
    # There are no pictures: what the preset does not state is what a folder of photographs would have.
    data = DataInfo(channels=resolved.data.channels or 3, size=resolved.data.size or 64, classes=10)
    architecture = build_architecture(offer, resolved.architecture, data, seed=seed)
    return evaluation_copy(architecture, None), Origin(offer=offer)
