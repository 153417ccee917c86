"""A run's directory, read."""

from __future__ import annotations

from pathlib import Path

from ganzoo.api.arguments import to_run
from ganzoo.api.registry import installed
from ganzoo.progress import ProgressListener
from ganzoo.runs.run import Run
from ganzoo.runs.run import open_run as read_run


def open_run(path: Run | Path | str, *, progress: ProgressListener | None = None) -> Run:
    """What a run says of itself: `config`, `metrics()`, `checkpoints`, `exports`. Imports no torch.

    Raises CheckpointError for a directory that is not a run, RequestError when its architecture is not installed.
    """
    return read_run(to_run(path, "path"), installed(progress))
