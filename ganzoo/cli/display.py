"""How a training shows itself: a panel of a few lines on a terminal, one line per report elsewhere. All on stderr."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ganzoo.api.watch import RunStatus, clock, folded, panel, run_status
from ganzoo.cli.common import echo, is_unicode
from ganzoo.cli.progress import LINE_SECONDS, seconds_since
from ganzoo.errors import GanzooError, escaped

if TYPE_CHECKING:
    from ganzoo.api.types import Progress


class TrainingDisplay:
    """A listener of training. Use as a context manager. path: of the run that is trained; one that goes on shows where
    it stands. architecture: by name, of a new one."""

    def __init__(self, path: Path, architecture: str = "") -> None:
        self._lock = threading.Lock()  # the panel is drawn by a thread of its own
        self._status = RunStatus(path=path, architecture=architecture)
        with contextlib.suppress(GanzooError):
            self._status = dataclasses.replace(run_status(path), state="running", seconds_left=None)
        self._change(stage="starting")
        self._live: Any = None
        self._told = -LINE_SECONDS
        self._unicode = is_unicode(sys.stderr)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True)
            self._live = Live(get_renderable=lambda: self._panel(console), console=console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._live is not None:
            self._change(stage="")
            self._live.stop()

    def update(self, progress: Progress) -> None:
        values = progress.values
        if "status" in values:
            self.say(str(values["status"]))
        elif progress.unit == "pictures":
            self._reading(progress)
        elif "kimg" in values:
            status = self._status.after(values, target=progress.total)
            self._set(dataclasses.replace(status, seconds_left=progress.seconds_left))
            if self._live is None:
                echo(progress.line(), err=True)

    def stage(self, text: str) -> None:
        self._change(stage=text)

    def wrote(self, path: Path) -> None:
        self._change(samples=path)

    def say(self, text: str) -> None:
        if self._live is not None:
            self._live.console.print(escaped(text), markup=False, highlight=False, soft_wrap=True)
        else:
            echo("\n".join(folded(text)), err=True)

    def _reading(self, progress: Progress) -> None:
        """Of pictures, before training; without a panel a line now and then."""
        of = "" if progress.total is None else f" of {progress.total:,}"
        left = "" if progress.seconds_left is None else f", {clock(progress.seconds_left)} left"
        self._change(stage=f"reading {progress.done:,}{of} pictures{left}")
        if self._live is None and seconds_since(self._told) > LINE_SECONDS:
            self._told = seconds_since(0.0)
            echo(f"read {progress.done:,}{of} pictures", err=True)

    def _change(self, **values: Any) -> None:
        self._set(dataclasses.replace(self._status, **values))

    def _set(self, status: RunStatus) -> None:
        with self._lock:
            self._status = status

    def _panel(self, console: Any) -> Any:
        from rich.text import Text

        with self._lock:
            status = self._status
        return Text("\n".join(panel(status, console.width, unicode=self._unicode)), no_wrap=True, overflow="crop")
