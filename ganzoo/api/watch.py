"""Where a training stands, from outside: its numbers, and a page of its curves and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import CheckpointError
from ganzoo.progress import clock, folded
from ganzoo.runs.lock import is_run
from ganzoo.runs.panel import panel
from ganzoo.runs.run import Run
from ganzoo.runs.status import RunStatus, read_status

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place

__all__ = ["RunStatus", "clock", "folded", "panel", "run_status", "watch_page"]


def run_status(run: Place) -> RunStatus:
    """Where a run stands: state, steps, speed, losses, scores, the newest samples. Another process may train it.

    Raises CheckpointError for what is no run; a damaged run has the state `broken`, and the reason.
    """
    return read_status(_directory(run))


def watch_page(run: Place, out: Path | str) -> Path:
    """One HTML file of a run, which needs no network: its state, the curves of losses, scores and augmentation, its
    last samples, and what has changed on the way.

    Raises CheckpointError for what is no run, RequestError when the page cannot be written.
    """
    from ganzoo.api.arguments import to_path
    from ganzoo.evaluation.training_page import write_training_page

    return write_training_page(_directory(run), to_path(out, "out"))


def _directory(run: Place) -> Path:
    from ganzoo.api.arguments import to_path

    path = run.path if isinstance(run, Run) else to_path(run, "run")
    if not path.is_dir() or not is_run(path):
        what = "is no run" if path.exists() else "is not there"
        raise CheckpointError(f"{path} {what}.", hint="`ganzoo runs FOLDER` lists the runs in a folder.")
    return path
