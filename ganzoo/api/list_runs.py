"""The runs in a folder, and room made by removing old checkpoints."""

from __future__ import annotations

from pathlib import Path

from ganzoo.api.arguments import to_path, to_whole
from ganzoo.errors import CheckpointError
from ganzoo.progress import ProgressListener, listener
from ganzoo.runs.listing import PrunedCheckpoint, RunEntry, entry_of, prune, runs_below
from ganzoo.runs.lock import holder_of


def list_runs(folder: Path | str = ".") -> list[RunEntry]:
    """The runs in a folder and below it, by path: where each stands, how large it is, when it was last written to.

    Raises CheckpointError for what is no folder. A damaged run is in the list, as broken.
    """
    return [entry_of(path) for path in runs_below(to_path(folder, "folder"))]


def prune_runs(
    folder: Path | str, *, keep: int = 1, dry_run: bool = False, progress: ProgressListener | None = None
) -> list[PrunedCheckpoint]:
    """Remove checkpoints of the runs in a folder and below it, but for the newest `keep` of each and the best.

    A run that is being trained is left alone, and one of which nothing whole would be left: told in a line. dry_run:
    say which would go, and remove none. Raises CheckpointError for what is no folder.
    """
    told = listener(progress)
    kept, place = to_whole(keep, "keep", least=1), to_path(folder, "folder")
    idle = []
    for path in runs_below(place):
        if (holder := holder_of(path)) is None:
            idle.append(path)
        else:
            told.say(f"{path} is left as it is: it is trained by {holder}")
    pruned: list[PrunedCheckpoint] = []
    for path in idle:
        try:
            pruned += prune(path, keep=kept, dry_run=dry_run)
        except CheckpointError as error:
            told.say(f"warning: {path} is left as it is: {error.message}")
    return pruned
