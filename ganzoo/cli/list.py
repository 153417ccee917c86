"""`ganzoo list`."""

from __future__ import annotations

import click

from ganzoo.cli.common import json_option, print_json, table


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """List the architectures that the installed plugins offer."""
    from ganzoo.api.list_architectures import list_architectures
    from ganzoo.api.plugins import plugins

    offers = list_architectures()
    if as_json:
        print_json(
            {
                "architectures": [
                    {
                        "name": offer.name,
                        "task": offer.spec.task,
                        "summary": offer.spec.summary,
                        "paper": offer.spec.paper,
                        "presets": list(offer.spec.presets),
                        "distribution": offer.distribution,
                        "version": offer.version,
                    }
                    for offer in offers
                ],
                "problems": [
                    {
                        "distribution": report.distribution,
                        "version": report.version,
                        "entry_point": report.entry_point,
                        "reason": report.problem,
                    }
                    for report in plugins()
                    if report.status == "broken"
                ],
            }
        )
        return
    if not offers:
        click.echo("No architectures are installed. The first-party ones: pip install ganzoo-dcgan")
        return
    names = [offer.name for offer in offers]
    rows = [
        [
            offer.name if names.count(offer.name) == 1 else offer.qualified_name,
            offer.spec.task,
            f"{offer.distribution} {offer.version}",
            offer.spec.summary,
        ]
        for offer in offers
    ]
    click.echo(table(["name", "task", "plugin", "summary"], rows, wrap="summary"))
