"""Whether a directory can become a run, and the lock of the one that trains it."""

from __future__ import annotations

from pathlib import Path

from ganzoo import files
from ganzoo.errors import CheckpointError, one_line, shell_word
from ganzoo.runs.checkpoint import clean
from ganzoo.runs.lock import NAME, RunLock, is_run


def check_free(path: Path) -> None:
    """Raises CheckpointError when a new run in `path` would overwrite something.

    A run that ended before its first checkpoint learnt nothing and may be begun again.
    """
    for parent in path.absolute().parents:
        if is_run(parent):
            raise CheckpointError(f"{path} lies inside the run {parent}.", hint="Choose another --out.")
    try:
        if path.is_symlink() and not path.exists():
            raise CheckpointError(f"{path} is a link to what is not there.", hint="Choose another --out.")
        if not path.exists() or (path.is_dir() and not {item.name for item in path.iterdir()} - _NOBODYS):
            return
        holds_run = path.is_dir() and is_run(path)
        if holds_run and not any((path / "checkpoints").glob("step-*")):
            return
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{str(path)!r} cannot be a run directory: {one_line(error)}") from None
    if holds_run:
        raise CheckpointError(f"{path} exists already and holds a run.", hint=_way_on(path))
    what = "is neither empty nor a run" if path.is_dir() else "is a file"
    raise CheckpointError(f"{path} exists already and {what}.", hint="Choose another --out.")


_NOBODYS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", NAME})
"""What a folder may hold and be empty: what file managers leave in it, and the lock of a run that never began."""


def _way_on(path: Path) -> str:
    """What to do with a run that is there already."""
    try:
        trained = files.read_toml(path / "config.toml")["data"].get("source")
    except (OSError, ValueError, KeyError, AttributeError):
        trained = True
    if trained:
        return f"Go on with it: ganzoo train --resume {shell_word(path)}"
    return f"It was imported. Choose another --out; to train from it, add --init-from {shell_word(path)}"


def claim(path: Path) -> RunLock:
    """The lock of a directory that is free, or of a run that learnt nothing; without what a kill left in it.

    Raises CheckpointError when it holds something, or another process trains there.
    """
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"The run directory {path} cannot be written: {one_line(error)}") from None
    return hold(path)


def hold(path: Path) -> RunLock:
    """The lock of a run, without what a kill left in it. Raises CheckpointError when another process trains it."""
    lock = RunLock(path)
    clean(path / "checkpoints")
    for folder in (path, path / "samples"):
        files.remove_partial(folder)
    return lock
