"""`ganzoo list`."""

from __future__ import annotations

import click

from ganzoo.cli.common import json_option, load_registry, print_json, table


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """List the architectures that the installed plugins offer."""
    registry = load_registry()
    if as_json:
        print_json(
            {
                "architectures": [
                    {
                        "name": offer.spec.name,
                        "task": offer.spec.task,
                        "summary": offer.spec.summary,
                        "paper": offer.spec.paper,
                        "presets": list(offer.spec.presets),
                        "distribution": offer.distribution,
                        "version": offer.version,
                    }
                    for offer in registry.architectures
                ],
                "problems": [
                    {
                        "distribution": report.distribution,
                        "version": report.version,
                        "entry_point": report.entry_point,
                        "reason": report.problem,
                    }
                    for report in registry.problems
                ],
            }
        )
        return
    if not registry.architectures:
        click.echo("No architectures are installed. The first-party ones: pip install ganzoo-dcgan")
        return
    names = [offer.spec.name for offer in registry.architectures]
    rows = [
        [
            offer.spec.name if names.count(offer.spec.name) == 1 else offer.qualified_name,
            offer.spec.task,
            f"{offer.distribution} {offer.version}",
            offer.spec.summary,
        ]
        for offer in registry.architectures
    ]
    click.echo(table(["name", "task", "plugin", "summary"], rows, wrap="summary"))
