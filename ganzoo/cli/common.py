"""What several verbs share: JSON output, tables, the registry, options."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ganzoo.plugin.registry import Registry

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def json_option(function: FunctionT) -> FunctionT:
    """`--json`: stdout then carries the result alone."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")(function)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def warn(line: str) -> None:
    click.echo(f"warning: {line}", err=True)


def load_registry() -> Registry:
    """The installed plugins; a broken one is a line on stderr."""
    from ganzoo.plugin.registry import Registry

    return Registry.load(warn=warn)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, wrap: str = "") -> str:
    """Aligned columns as text. The column named `wrap` is folded to the terminal's width."""
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="")
    for heading in headings:
        grid.add_column(heading, overflow="fold", no_wrap=heading != wrap)
    for row in rows:
        grid.add_row(*[_plain(cell) for cell in row])
    console = Console(color_system=None, highlight=False)
    if not console.is_terminal:
        console.width = 200  # a pipe has no width; do not fold for it
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)  # brackets are text here, not markup
