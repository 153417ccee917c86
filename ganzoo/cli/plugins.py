"""`ganzoo plugins`."""

from __future__ import annotations

import dataclasses

import click

from ganzoo.cli.common import json_option, load_registry, print_json, table


@click.group("plugins", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show the installed plugins and what is wrong with them."""
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


@command.command("list")
@json_option
def list_plugins(as_json: bool = False) -> None:
    """List distributions that offer architectures, data sources or loggers."""
    registry = load_registry()
    if as_json:
        print_json({"plugins": [dataclasses.asdict(report) for report in registry.plugins]})
        return
    rows = [
        [
            f"{report.distribution} {report.version}".strip(),
            report.status,
            str(report.api) if report.api is not None else "-",
            ", ".join(report.architectures) or "-",
            ", ".join((*report.data_sources, *report.loggers)) or "-",
            report.problem or "-",
        ]
        for report in registry.plugins
    ]
    click.echo(
        table(["plugin", "status", "API", "architectures", "data sources, loggers", "problem"], rows, wrap="problem")
    )
