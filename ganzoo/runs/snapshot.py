"""Weights for others: one safetensors file with the averaged networks that paint, and the settings to build them.

The settings are in the file's own metadata, as TOML; where the pictures of the training lay is left out. No torch here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.config import toml
from ganzoo.errors import CheckpointError, one_line, short
from ganzoo.plugin.registry import Registry
from ganzoo.runs.lock import is_run
from ganzoo.runs.run import Run, read_tables, run_of

SUFFIX = ".safetensors"
_KEY, _KIND, _FORMAT = "ganzoo", "weights", 1
_MOST_HEADER = 2**25
_PLACES = {"source": "", "also": [], "target": "", "cache": ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What a file says of itself. shapes: of its tensors by name. score: of the checkpoint, None for none."""

    run: Run
    step: int
    kimg: float
    score: float | None
    shapes: dict[str, list[int]]


def is_snapshot(path: Path) -> bool:
    """Whether a path names weights alone, and no run."""
    return path.suffix == SUFFIX and not path.is_dir()


def metadata_of(run: Run, *, step: int, kimg: float, score: float | None) -> dict[str, str]:
    """For the file."""
    tables = files.parse_toml(run.to_toml())
    tables["data"] = {**tables.get("data", {}), **{key: value for key, value in _PLACES.items() if value != []}}
    tables["data"].pop("also", None)
    known = {"kind": _KIND, "format": _FORMAT, "config": toml.dump(tables), "step": step, "kimg": kimg, "score": score}
    return {_KEY: json.dumps(known)}  # one key: safetensors writes several in any order, and the same is the same bytes


def check_snapshot_place(path: Path) -> None:
    """Raises CheckpointError for a place where something else is, or that lies inside a run but for its exports."""
    for parent in path.absolute().parents:
        if is_run(parent) and path.absolute().parent != parent / "exports":
            raise CheckpointError(f"{path} lies inside the run {parent}.", hint="Choose another -o.")
    try:
        taken = path.is_symlink() or (path.exists() and not (path.is_file() and _header(path)[1]))
    except (OSError, ValueError, TypeError, RecursionError):
        taken = True
    if taken:
        raise CheckpointError(f"{path} is there, and is no weights of ganzoo's.", hint="Choose another -o.")


def _header(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of a file, and what ganzoo says of them, empty if it is not ours. Raises OSError, ValueError."""
    with files.open_regular(path) as file:
        size = int.from_bytes(file.read(8), "little")
        if size > min(_MOST_HEADER, files.size_of(path)):
            raise ValueError("it is no safetensors file")
        header = files.as_object(files.parse_json(file.read(size).decode("utf-8")))
    stated = header.pop("__metadata__", {})
    known = files.as_object(files.parse_json(str(stated.get(_KEY, "{}")))) if isinstance(stated, dict) else {}
    return header, known if known.get("kind") == _KIND else {}


def read_snapshot(path: Path, registry: Registry) -> Snapshot:
    """Raises CheckpointError for a file that is not there, damaged, or no such weights; RequestError when its
    architecture is not installed."""
    try:
        header, known = _header(path)
        if not known:
            raise ValueError("it holds tensors, and does not say of what")
        if known.get("format") != _FORMAT:
            raise ValueError(f"it is of the format {short(known.get('format'))}; this ganzoo reads {_FORMAT}")
        tables = files.parse_toml(str(known["config"]))
        step, kimg = int(known["step"]), float(known["kimg"])
        score = None if known.get("score") is None else float(known["score"])
        shapes = {str(name): [int(side) for side in entry["shape"]] for name, entry in header.items()}
    except FileNotFoundError:
        raise CheckpointError(f"There is no file {path}.", hint="ganzoo export RUN --weights writes one.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(
            f"{path} cannot be read as weights of ganzoo's: {one_line(error)}",
            hint="Those are of `ganzoo export RUN --weights`; other people's come in by `ganzoo import`.",
        ) from None
    return Snapshot(run=_run_of(path, tables, registry), step=step, kimg=kimg, score=score, shapes=shapes)


def _run_of(path: Path, tables: dict[str, Any], registry: Registry) -> Run:
    return run_of(path, read_tables(tables, path), registry)
