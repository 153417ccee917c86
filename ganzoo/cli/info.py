"""`ganzoo info`."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from ganzoo.cli.common import json_option, load_registry, print_json, table


@click.command("info")
@click.argument("architecture")
@json_option
def command(architecture: str, as_json: bool) -> None:
    """Show one architecture: task, paper, presets, every setting."""
    from ganzoo.config.fields import describe
    from ganzoo.config.tables import DataConfig, TrainConfig
    from ganzoo.plugin.settings import config_class

    offer = load_registry().architecture(architecture)
    spec = offer.spec
    tables = {
        "architecture": describe(config_class(offer)),
        "train": describe(TrainConfig),
        "data": describe(DataConfig),
    }
    if as_json:
        facts: dict[str, Any] = {
            "name": spec.name,
            "task": spec.task,
            "summary": spec.summary,
            "paper": spec.paper,
            "distribution": offer.distribution,
            "version": offer.version,
            "presets": {name: dataclasses.asdict(preset) for name, preset in spec.presets.items()},
            "settings": {name: [dataclasses.asdict(info) for info in infos] for name, infos in tables.items()},
        }
        print_json(facts)
        return
    click.echo(f"{spec.name}: {spec.summary}")
    click.echo(f"task {spec.task}, {spec.paper or 'no paper'}, from {offer.distribution} {offer.version}\n")
    presets = [[name, preset.summary] for name, preset in spec.presets.items()]
    if presets:
        click.echo(table(["preset", "meaning"], presets, wrap="meaning"))
    for name, infos in tables.items():
        rows = [
            [info.name, info.expected, "-" if info.default in (None, "") else str(info.default), info.help]
            for info in infos
        ]
        click.echo(f"\n[{name}]" + ("  --set KEY=VALUE" if name == "architecture" else f"  --set {name}.KEY=VALUE"))
        click.echo(table(["key", "expected", "default", "meaning"], rows, wrap="meaning"))
    if any("schedule" in info.expected for infos in tables.values() for info in infos):
        click.echo('\nA schedule: {start=2e-4, end=5e-5, to_kimg=20000}, and from_kimg=0, shape="linear" or "cosine";')
        click.echo("or to_epochs and from_epochs, in passes over the pictures.")
    click.echo(f"\nTry: ganzoo train {architecture} --data PATH --out RUN --dry-run")
