"""The runs below a folder, what they take up, and which checkpoints can go."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import CheckpointError, one_line
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.checkpoint import Checkpoint
from ganzoo.runs.lock import RunLock, is_run
from ganzoo.runs.status import RunStatus, read_status

_DEEPEST = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEntry:
    """A run in a list. checkpoints: how many are kept. bytes: of all its files. changed: when it was last written to,
    in seconds since 1970."""

    status: RunStatus
    checkpoints: int
    bytes: int
    changed: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedCheckpoint:
    """A checkpoint that was removed, or with a dry run would be. run: its directory. bytes: of its files."""

    run: Path
    checkpoint: Path
    bytes: int


def runs_below(folder: Path) -> Iterator[Path]:
    """Run directories at `folder` and below, by name; links are not followed, and nothing is looked for inside a run.

    Raises CheckpointError for what is no folder.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is {'a file' if folder.exists() else 'not there'}; expected a folder of runs.")
    yield from _runs_below(folder, _DEEPEST)


def _runs_below(folder: Path, deep: int) -> Iterator[Path]:
    if is_run(folder):
        yield folder
        return
    if not deep:
        return
    with contextlib.suppress(OSError):
        for item in sorted(folder.iterdir()):
            if not item.name.startswith(".") and item.is_dir() and not item.is_symlink():
                yield from _runs_below(item, deep - 1)


def entry_of(path: Path) -> RunEntry:
    """Nothing is raised for what is damaged: it is `broken`, with the reason."""
    size, changed = measured(path)
    return RunEntry(
        status=read_status(path, history=False),
        checkpoints=len(checkpoints.listed(path / "checkpoints")),
        bytes=size,
        changed=changed,
    )


def measured(path: Path) -> tuple[int, float]:
    """Bytes of the files in a directory, and when the newest of them was written; links are not followed."""
    size, newest = 0, 0.0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                found = Path(folder, name).lstat()
                if stat.S_ISREG(found.st_mode):
                    size += found.st_size
                    newest = max(newest, found.st_mtime)
    return size, newest


def prune(path: Path, *, keep: int, dry_run: bool) -> list[PrunedCheckpoint]:
    """Remove the checkpoints of a run but for the newest `keep` and the best, oldest first.

    A damaged checkpoint counts for none, and is removed if there is a whole one to keep. dry_run: say which, and
    remove none. Raises RunLockedError when another process trains the run, CheckpointError when nothing whole would
    be left.
    """
    folder = path / "checkpoints"
    lock = None if dry_run else RunLock(path)
    try:
        whole = [item for item in checkpoints.listed(folder) if _is_whole(item)]
        if not whole:
            if checkpoints.listed(folder):
                raise CheckpointError(f"No checkpoint in {folder} is whole; none is removed.")
            return []
        best = checkpoints.best(folder)
        kept = {item.path for item in whole[:keep]} | ({best.path} if best is not None else set())
        doomed = [item for item in reversed(checkpoints.listed(folder)) if item.path not in kept]
        pruned = [PrunedCheckpoint(run=path, checkpoint=item.path, bytes=measured(item.path)[0]) for item in doomed]
        if not dry_run:
            for item in doomed:
                _remove(item)
        return pruned
    finally:
        if lock is not None:
            lock.release()


def _is_whole(checkpoint: Checkpoint) -> bool:
    try:
        checkpoint.verify()
    except CheckpointError:
        return False
    return True


def _remove(checkpoint: Checkpoint) -> None:
    """Raises CheckpointError for one that stays."""
    try:
        checkpoint.path.parent.stat()
        checkpoints.remove(checkpoint)
    except OSError as error:
        raise CheckpointError(f"{checkpoint.path} cannot be removed: {one_line(error)}") from None
    if checkpoint.path.exists():
        raise CheckpointError(f"{checkpoint.path} cannot be removed.", hint="May you write to the run?")
