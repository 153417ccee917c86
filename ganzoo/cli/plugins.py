"""`ganzoo plugins`."""

from __future__ import annotations

import click

from ganzoo.cli.common import echo, json_option, print_json, table


@click.group("plugins", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show the installed plugins and what is wrong with them."""
    if context.invoked_subcommand is None:
        context.invoke(list_plugins, as_json=as_json)


@command.command("list")
@json_option
def list_plugins(as_json: bool = False) -> None:
    """List distributions that offer architectures, data sources or loggers."""
    from ganzoo.api.plugins import plugins
    from ganzoo.plugin.kinds import KINDS

    reports = plugins()
    if as_json:
        print_json({"plugins": [report.to_json() for report in reports]})
        return
    first, *others = KINDS
    rows = [
        [
            report.title,
            report.status,
            str(report.api) if report.api is not None else "-",
            ", ".join(report.offers[first.name]) or "-",
            ", ".join(name for kind in others for name in report.offers[kind.name]) or "-",
            report.problem or report.notice or "-",
        ]
        for report in reports
    ]
    headings = ["plugin", "status", "API", first.words, ", ".join(kind.words for kind in others), "problem"]
    echo(table(headings, rows, wrap="problem"))
