"""What several verbs share: JSON output, tables, options, and how messages and progress are shown."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from ganzoo.errors import GanzooWarning, escaped, printable

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def json_option(function: FunctionT) -> FunctionT:
    """`--json`: stdout then carries the result alone."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")(function)


def blend_option(function: FunctionT) -> FunctionT:
    """`--blend RUN=SHARE`."""
    about = "Another run of the same networks, and its share of each weight: runs/psnr=0.3."
    return click.option("--blend", multiple=True, metavar="RUN=SHARE", help=about)(function)


def echo(text: str, *, err: bool = False) -> None:
    """A text, without what names of strangers in it would tell a terminal. Raises GanzooError where stdout is full."""
    click.echo(escaped(text), err=err)


def bytes_text(count: float) -> str:
    """`12.3 MB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def is_unicode(stream: Any) -> bool:
    """Whether a stream takes signs beyond ASCII."""
    return (getattr(stream, "encoding", "") or "").lower().replace("-", "") == "utf8"


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


@contextmanager
def shown_warnings() -> Iterator[None]:
    """What ganzoo warns of is a line on stderr, once."""
    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", GanzooWarning)
        shown: set[str] = set()

        def show(message: Any, category: type[Warning], *rest: Any, **named: Any) -> None:
            if issubclass(category, GanzooWarning):
                if str(message) not in shown:
                    echo(f"warning: {message}", err=True)
                shown.add(str(message))
            else:
                usual(message, category, *rest, **named)

        warnings.showwarning = show
        yield


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
        console.width = 400  # a pipe has no width; do not fold for it
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(printable(text))  # brackets are text here, not markup
