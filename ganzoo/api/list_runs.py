"""The runs in a folder, and room made by removing old checkpoints."""

from __future__ import annotations

from pathlib import Path

from ganzoo.api.arguments import to_path, to_whole
from ganzoo.runs.listing import PrunedCheckpoint, RunEntry, entry_of, prune, runs_below
from ganzoo.runs.lock import holder_of


def list_runs(folder: Path | str = ".") -> list[RunEntry]:
    """The runs in a folder and below it, by path: where each stands, how large it is, when it was last written to.

    Raises CheckpointError for what is no folder. A damaged run is in the list, as broken.
    """
    return [entry_of(path) for path in runs_below(to_path(folder, "folder"))]


def prune_runs(folder: Path | str, *, keep: int = 1, dry_run: bool = False) -> list[PrunedCheckpoint]:
    """Remove checkpoints of the runs in a folder and below it, but for the newest `keep` of each and the best.

    A run that is being trained is left alone. dry_run: say which would go, and remove none.
    Raises CheckpointError for what is no folder or cannot be removed.
    """
    kept, place = to_whole(keep, "keep", least=1), to_path(folder, "folder")
    idle = [path for path in runs_below(place) if holder_of(path) is None]
    return [pruned for path in idle for pruned in prune(path, keep=kept, dry_run=dry_run)]
