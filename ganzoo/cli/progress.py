"""How work shows itself: a progress bar on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ganzoo.api.watch import clock
from ganzoo.cli.common import echo
from ganzoo.errors import escaped

if TYPE_CHECKING:
    from ganzoo.api.types import Progress

LINE_SECONDS = 1.0
"""Between lines, where there is no bar."""


class Stages:
    """Of an evaluation and other long work: a bar that says which stage it is at; elsewhere a line now and then.

    Use as a context manager; the bar begins with the first that is told.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None
        self._task: Any = None
        self._told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, progress: Progress) -> None:
        stage = str(progress.values.get("status", ""))
        if progress.total is None:
            self.say(stage)
            return
        new, self._title = stage != self._title, stage
        left = "" if progress.seconds_left is None else f"  {clock(progress.seconds_left)} left"
        facts = f"{progress.done:,} of {progress.total:,} {progress.unit}{left}"
        self._begin()
        if self._bar is not None:
            self._bar.update(
                self._task, description=stage or "reading", completed=progress.done, total=progress.total, facts=facts
            )
        elif new or time.monotonic() - self._told > LINE_SECONDS or progress.done == progress.total:
            self._told = time.monotonic()
            echo(f"{stage or 'reading'}: {facts}", err=True)

    def say(self, text: str) -> None:
        self._begin()
        if self._bar is not None:
            self._bar.console.print(escaped(text), markup=False, highlight=False, soft_wrap=True)
        else:
            echo(text, err=True)

    def _begin(self) -> None:
        if self._bar is not None or not sys.stderr.isatty():
            return
        self._bar = _new_bar()
        self._bar.start()
        self._task = self._bar.add_task(self._title, total=None, facts="")


class Lines:
    """A listener that prints a line for whatever it is told. line: of progress; None leaves it out."""

    def update(self, progress: Progress) -> None:
        line = self.line(progress)
        if line:
            echo(line, err=True)

    def line(self, progress: Progress) -> str:
        return ""

    def say(self, text: str) -> None:
        echo(text, err=True)


class Cases(Lines):
    """Of measurements: a line before each process."""

    def line(self, progress: Progress) -> str:
        return "{case}: {repeat} of {repeats}".format(**progress.values) if progress.values else ""


def _new_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[facts]}"),
        console=Console(stderr=True),
    )


def seconds_since(moment: float) -> float:
    """On a clock that only runs forward; of 0 the time on it."""
    return time.monotonic() - moment
