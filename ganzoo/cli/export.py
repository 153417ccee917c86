"""`ganzoo export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ganzoo.cli.common import blend_option, bytes_text, echo, json_option, print_json
from ganzoo.cli.progress import Lines
from ganzoo.errors import RequestError, shell_word

if TYPE_CHECKING:
    from ganzoo.api.types import Progress


@click.command("export")
@click.argument("source", metavar="RUN|ARCHITECTURE")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="MODEL.onnx, or a directory for every graph.")
@click.option("--graph", default="", help="Export this graph alone.")
@click.option("--weights", is_flag=True, help="One safetensors file for others: what paints, and its settings.")
@click.option("--untrained", is_flag=True, help="SOURCE is an architecture: export it with its initial weights.")
@click.option("--preset", help="With --untrained: settings by name.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="With --untrained: one setting.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="With --untrained: of the weights; usually 0."
)
@click.option("--precision", type=click.Choice(["fp32", "fp16"]), default="fp32", show_default=True, help="Of weights.")
@click.option("--output", type=click.Choice(["float", "uint8"]), default="float", show_default=True, help="Of pixels.")
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
@blend_option
@json_option
def command(
    source: str,
    out: Path | None,
    graph: str,
    weights: bool,
    untrained: bool,
    preset: str | None,
    assignments: tuple[str, ...],
    seed: int,
    precision: Literal["fp32", "fp16"],
    output: Literal["float", "uint8"],
    checkpoint: str | None,
    blend: tuple[str, ...],
    as_json: bool,
) -> None:
    """Export a run to ONNX, with proof that it paints the same pictures.

    \b
    ganzoo export runs/photos
    ganzoo export runs/photos -o photos.onnx --output uint8
    ganzoo export runs/photos --weights -o photos.safetensors
    ganzoo export dcgan --untrained --preset paper -o dcgan.onnx

    The file is kept only when ONNX Runtime agrees with torch at several batch sizes; the measured errors
    are in MODEL.proof.json beside it.
    """
    from ganzoo.api.export import export, export_untrained, export_weights
    from ganzoo.cli.parse import parse_shares
    from ganzoo.config.resolve import set_layer

    if weights:
        wrong = {"--graph": graph, "--untrained": untrained, "--preset": preset, "--set": assignments}
        if stated := [name for name, value in wrong.items() if value]:
            raise RequestError(f"--weights writes what paints, whole; {', '.join(stated)} does not go with it.")
        written = export_weights(source, out=out, checkpoint=checkpoint or "best", blend=parse_shares(blend))
        if as_json:
            print_json({"path": str(written), "bytes": written.stat().st_size})
        else:
            echo(f"{written}  {bytes_text(written.stat().st_size)}")
            echo(f"next: ganzoo sample {shell_word(written)} -o grid.png")
        return
    if untrained:
        if checkpoint is not None:
            raise RequestError("--checkpoint goes with a run, and --untrained has none.")
        if out is None:
            raise RequestError("Where shall the file go?", hint=f"Add -o {shell_word(Path(f'{source}.onnx'))}")
        exported = export_untrained(
            source, out=out, graph=graph, precision=precision, output=output, preset=preset,
            settings=[set_layer(assignments)], seed=seed,
        )  # fmt: skip
    else:
        if preset or assignments or seed:
            raise RequestError("--preset, --set and --seed go with --untrained; a run has its settings.")
        exported = export(
            source, out=out, graph=graph, precision=precision, output=output, checkpoint=checkpoint or "best",
            blend=parse_shares(blend), progress=_Checkpoint(),
        )  # fmt: skip
    if as_json:
        print_json([item.to_json() for item in exported])
        return
    for item in exported:
        batches = ", ".join(str(case.dims["batch"]) for case in item.proof.cases)
        bound = max(bound for case in item.proof.cases for bound in case.bounds.values())
        echo(f"{item.path}  {item.bytes / 1e6:.1f} MB")
        echo(f"  proved: error {item.proof.error:.2g} (bound {bound:.2g}) at batches {batches}")
    echo(f"next: ganzoo bench {shell_word(exported[0].path)}")


class _Checkpoint(Lines):
    """Names the checkpoint that is exported."""

    def line(self, progress: Progress) -> str:
        values = progress.values
        if progress.done:
            return ""
        score = f", score {values['score']:.4f}" if values["score"] is not None else ""
        return f"{values['run']}: the checkpoint of step {values['checkpoint']:,}{score}"
