"""Who is told how far work is, where the caller names nobody: in a notebook the cell, elsewhere warnings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ganzoo.progress import NotebookListener, Progress, ProgressListener, in_notebook, listener
from ganzoo.runs.panel import panel
from ganzoo.runs.status import RunStatus

_WIDTH = 96


class NotebookPanel(NotebookListener):
    """Of a training: the panel that a terminal shows."""

    def __init__(self, path: Path, architecture: str) -> None:
        super().__init__()
        self._status = RunStatus(path=path, architecture=architecture)

    def update(self, progress: Progress) -> None:
        if "kimg" in progress.values:
            status = self._status.after(progress.values, target=progress.total)
            self._status = dataclasses.replace(status, seconds_left=progress.seconds_left)
            self.draw(always=progress.done == progress.total)
        elif "status" in progress.values:
            self.say(str(progress.values["status"]))
        elif progress.unit == "pictures":
            self.stage(f"reading {progress.done:,} pictures")

    def stage(self, text: str) -> None:
        self._status = dataclasses.replace(self._status, stage=text)
        self.draw(always=not text)

    def wrote(self, path: Path) -> None:
        self._status = dataclasses.replace(self._status, samples=path)

    def lines(self) -> list[str]:
        return panel(self._status, _WIDTH)


def training_listener(progress: ProgressListener | None, path: Path, architecture: str = "") -> ProgressListener:
    """path: of the run. Raises RequestError for an object that cannot be told."""
    return listener(NotebookPanel(path, architecture) if progress is None and in_notebook() else progress)
