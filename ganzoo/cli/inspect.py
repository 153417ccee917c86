"""`ganzoo inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import echo, json_option, print_json


@click.command("inspect")
@click.argument("model", metavar="MODEL.onnx|RUN", type=click.Path(path_type=Path))
@json_option
def command(model: Path, as_json: bool) -> None:
    """Show what an ONNX file holds and says about itself.

    Any ONNX file, ours or not; or a run: what it was trained on, its classes, checkpoints and exports. Needs no torch.
    """
    from ganzoo.api.inspect import inspect

    if model.is_dir():
        _show_run(model, as_json)
        return

    facts = inspect(model)
    if as_json:
        print_json(facts)
        return
    echo(
        f"{facts['file']}  {facts['bytes'] / 1e6:.1f} MB, opset {facts['opset']}, {facts['producer'] or 'no producer'}"
    )
    for kind in ("inputs", "outputs"):
        for tensor in facts[kind]:
            echo(f"{kind[:-1]:<7} {tensor['name']}: {tensor['dtype']} {_shape(tensor['shape'])}")
    if facts["classes"]:
        echo(f"classes {', '.join(facts['classes'])}")
    echo(f"weights {facts['parameters']:,} numbers")
    echo("nodes   " + ", ".join(f"{count} {name}" for name, count in facts["operators"].items()))
    if facts["random_operators"]:
        echo(f"random  {', '.join(facts['random_operators'])}: outputs differ from run to run")
    echo(f"sha256 of the file       {facts['sha256']}")
    echo(f"sha256 of the structure  {facts['structure_sha256']}")
    echo(f"sha256 of the weights    {facts['weights_sha256']}")
    for key, value in facts["metadata"].items():
        echo(f"{key} = {value}")


def _show_run(path: Path, as_json: bool) -> None:
    from ganzoo.api.inspect import inspect_run

    facts = inspect_run(path)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        echo(f"{key:<13}{text if text not in ('', None) else '-'}")


def _shape(shape: list[Any]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"
