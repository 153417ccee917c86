"""How training shows itself: a progress bar on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

import click

_SHOWN = 4  # losses and statistics in a line; metrics.jsonl has all of them


class Display:
    """An `Observer` of training. Use as a context manager."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[facts]}"),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None, facts="")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None:
        losses = [f"{name} {value:.3f}" for name, value in record.items() if "." in name][:_SHOWN]
        speed = f"{record['images_per_second']:,.0f} images/s"
        facts = "  ".join([f"{record['kimg']:.1f} kimg", speed, f"{clock(seconds_left)} left", *losses])
        if self._bar is not None:
            self._bar.update(self._task, completed=record["step"], total=steps, facts=facts)
        else:
            click.echo(f"step {record['step']}/{steps}  {facts}", err=True)

    def say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=True)


def clock(seconds: float) -> str:
    """`0:42`, `12:03`, `3:07:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
