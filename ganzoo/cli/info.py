"""`ganzoo info`."""

from __future__ import annotations

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.errors import shell_word


@click.command("info")
@click.argument("architecture")
@json_option
def command(architecture: str, as_json: bool) -> None:
    """Show one architecture: task, paper, presets, every setting."""
    from ganzoo.api.info import info

    found = info(architecture)
    if as_json:
        print_json(found.to_json())
        return
    spec = found.spec
    echo(f"{spec.name}: {spec.summary}")
    echo(f"task {spec.task}, {spec.paper or 'no paper'}, from {found.distribution} {found.version}\n")
    presets = [[name, preset.summary] for name, preset in spec.presets.items()]
    if presets:
        echo(table(["preset", "meaning"], presets, wrap="meaning"))
    for name, settings in found.settings.items():
        rows = [
            [item.name, item.expected, "-" if item.default in (None, "") else str(item.default), item.help]
            for item in settings
        ]
        echo(f"\n[{name}]" + ("  --set KEY=VALUE" if name == "architecture" else f"  --set {name}.KEY=VALUE"))
        echo(table(["key", "expected", "default", "meaning"], rows, wrap="meaning"))
    if any("schedule" in item.expected for settings in found.settings.values() for item in settings):
        echo('\nA schedule: {start=2e-4, end=5e-5, to_kimg=20000}, and from_kimg=0, shape="linear" or "cosine";')
        echo("or to_epochs and from_epochs, in passes over the pictures.")
    echo(f"\nTry: ganzoo train {shell_word(architecture)} --data PATH --out RUN --dry-run")
