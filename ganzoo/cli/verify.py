"""`ganzoo verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ganzoo.cli.common import echo, json_option, print_json


@click.command("verify")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--provider", default="cpu", show_default=True, help="cpu or cuda.")
@json_option
def command(model: Path, provider: str, as_json: bool) -> None:
    """Repeat the proof of an exported file on this machine.

    Needs MODEL.proof.json beside the file, and no torch: it holds a sample of the pixels that torch
    painted. Exit status 3 when the file is not the proved one or does not paint them here.
    """
    from ganzoo.api.verify import verify

    proof = verify(model, provider=provider)
    if as_json:
        cases = [{key: value for key, value in asdict(case).items() if key != "sampled"} for case in proof.cases]
        print_json(
            {"file": str(model), "provider": proof.provider, "error": proof.error, "holds": True, "cases": cases}
        )
        return
    for case in proof.cases:
        sizes = ", ".join(f"{name} {size}" for name, size in case.dims.items())
        errors = ", ".join(f"{name} {error:.2g} (bound {case.bounds[name]:.2g})" for name, error in case.errors.items())
        echo(f"{sizes}: {errors}")
    echo(f"{model} paints the proved pictures on {proof.provider}, onnxruntime {proof.onnxruntime}")
