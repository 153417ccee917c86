"""`ganzoo list`."""

from __future__ import annotations

import click

from ganzoo.cli.common import echo, json_option, print_json, table


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """List the architectures that the installed plugins offer."""
    from ganzoo.api.list_architectures import architecture_json, list_architectures
    from ganzoo.api.plugins import plugins

    offers = list_architectures()
    if as_json:
        problems = [report.to_problem() for report in plugins() if report.status == "broken"]
        print_json({"architectures": [architecture_json(offer) for offer in offers], "problems": problems})
        return
    if not offers:
        from ganzoo.plugin.published import published

        echo(f"No architectures are installed. The first-party ones: pip install {' '.join(published())}")
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
    echo(table(["name", "task", "plugin", "summary"], rows, wrap="summary"))
