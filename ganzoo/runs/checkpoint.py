"""Checkpoints: directories that are either whole or not there. Found, verified, chosen and removed without torch.

A checkpoint is written beside its final name, every file synced, then renamed (`ganzoo.runs.weights`). Weights are
safetensors; the optimisers' state is a torch file that loads with `weights_only=True`; `manifest.json` holds the
sha256 of each file and is checked before anything is read.
"""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.errors import CheckpointError, RequestError, one_line, shell_word, short

MODEL, AVERAGE, OPTIMIZERS, STATE, MANIFEST, CONFIG = (
    "model.safetensors",
    "ema.safetensors",
    "optimizers.pt",
    "state.json",
    "manifest.json",
    "config.toml",
)

_MOST_TIMES, _ROOM = 8, 2**24  # of the model's bytes: Adam's state has twice as many, rarely anything more
_PARTIAL_NAME = re.compile(r"\.(writing|removing)-step-\d{8,}")
_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint on disk. step: steps done when it was written."""

    path: Path
    step: int

    def verify(self) -> None:
        """Raises CheckpointError that names the first file that is missing or not what was written."""
        try:
            manifest = files.read_json(self.file(MANIFEST))
            hashes = {str(name): str(expected) for name, expected in manifest["sha256"].items()}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{self.path / MANIFEST} cannot be read: {one_line(error)}") from None
        self._check_sizes(hashes)
        for name, expected in hashes.items():
            try:
                found = files.sha256(self.file(name))
            except (OSError, ValueError) as error:
                raise CheckpointError(f"{self.path / name} cannot be read: {one_line(error)}") from None
            if found != expected:
                raise CheckpointError(
                    f"{self.path / name} is damaged: sha256 {found[:12]}..., expected {expected[:12]}..."
                )
        if AVERAGE not in hashes and (self.path / AVERAGE).exists():
            raise CheckpointError(f"{self.path / AVERAGE} is not listed in {MANIFEST}, and not one of its files")
        if missing := {MODEL, OPTIMIZERS, STATE, CONFIG} - set(hashes):
            raise CheckpointError(f"{self.path / MANIFEST} does not list {', '.join(sorted(missing))}")

    def glance(self) -> None:
        """Raises CheckpointError for a file that is missing or was cut short, without reading any weights."""
        try:
            for name in files.read_json(self.file(MANIFEST))["sha256"]:
                path = self.file(name)
                size = files.size_of(path)
                if name.endswith(".safetensors"):
                    _check_length(path, size)
                elif name.endswith(".pt") and not zipfile.is_zipfile(path):
                    raise ValueError(f"{name} is cut short")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{self.path.name} is damaged: {one_line(error, limit=160)}") from None

    def _check_sizes(self, names: Iterable[str]) -> None:
        """Raises CheckpointError for a file far larger than a model of that size has: it is not even hashed."""
        with contextlib.suppress(OSError, ValueError):  # of a file that is not there: told when it is hashed
            model = files.size_of(self.file(MODEL))
            for name in names:
                if (size := files.size_of(self.file(name))) > _MOST_TIMES * model + _ROOM:
                    raise CheckpointError(
                        f"{self.path / name} has {size:,} bytes, beside a model of {model:,}; it is not read"
                    )

    def state(self) -> dict[str, Any]:
        """What it was written with as `state`, and `step`. Raises CheckpointError."""
        try:
            values = files.read_json(self.file(STATE))
            for key in ("seconds", "kimg", "step"):
                if not isinstance(value := values.get(key, 0), int | float) or not math.isfinite(value):
                    raise ValueError(f"{key} is {short(value)}; expected a number")
            return values
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path / STATE} is damaged: {one_line(error)}") from None

    def config(self) -> dict[str, Any]:
        """The tables that it was trained with. Raises CheckpointError."""
        try:
            return files.read_toml(self.file(CONFIG))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path / CONFIG} is damaged: {one_line(error)}") from None

    def file(self, name: str) -> Path:
        """One of its files, which a manifest may name. Raises OSError, ValueError for one outside the run."""
        return files.check_inside(files.child(self.path, name), self.path.parent.parent, reading=True)


def _check_length(path: Path, size: int) -> None:
    """Raises ValueError for a safetensors file that is shorter than its header says, OSError."""
    with files.open_regular(path) as file:
        header = int.from_bytes(file.read(8), "little")
        if header > min(size, files.MOST_TEXT_BYTES * 8):
            raise ValueError(f"{path.name} is no safetensors file")
        named = files.as_object(files.parse_json(file.read(header).decode("utf-8")))
    ends = [entry["data_offsets"][1] for name, entry in named.items() if name != "__metadata__"]
    if size < 8 + header + max(ends, default=0):
        raise ValueError(f"{path.name} is cut short")


def path_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


def best(folder: Path, *, sound: Checkpoint | None = None) -> Checkpoint | None:
    """The whole checkpoint with the best score; None where there is none. sound: one that need not be verified."""
    return _first_whole(_by_score(folder), sound=sound)[0]


def choose(folder: Path, which: str) -> tuple[Checkpoint, list[str]]:
    """The whole checkpoint that `which` means, and one line for each damaged one that was passed over.

    which: `best`, by the score, or the newest where none has a score; `last`, the newest; or a number of steps.
    Raises CheckpointError when there is none, RequestError for a step that was not kept.
    """
    if which == "last":
        return newest(folder)
    if which == "best":
        checkpoint, damaged = _first_whole(_by_score(folder))
        if checkpoint is not None:
            return checkpoint, damaged
        last, others = newest(folder)
        return last, [*damaged, *(line for line in others if line not in damaged)]
    kept = {str(item.step): item for item in listed(folder)}
    if which not in kept:
        raise RequestError(
            f"There is no checkpoint {which!r}.",
            hint=f"best, last, or a step that was kept: {', '.join(reversed(kept)) or 'none'}.",
        )
    kept[which].verify()
    return kept[which], []


def _first_whole(
    checkpoints: Sequence[Checkpoint], *, sound: Checkpoint | None = None
) -> tuple[Checkpoint | None, list[str]]:
    """The first that is whole, and one line for each before it that is not. sound: one that need not be verified."""
    damaged: list[str] = []
    for checkpoint in checkpoints:
        try:
            if checkpoint != sound:
                checkpoint.verify()
        except CheckpointError as error:
            damaged.append(error.message)
            continue
        return checkpoint, damaged
    return None, damaged


def _by_score(folder: Path) -> list[Checkpoint]:
    """Checkpoints that have a score, the best first; of equals the newest. Where the score was changed on the way,
    those that have the newest one's."""
    scored, of = [], None
    for item in sorted(listed(folder), key=lambda item: -item.step):
        with contextlib.suppress(CheckpointError):
            state = item.state()
            score, meant = state.get("score"), str(state.get("score_of", ""))
            if isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < math.inf:
                of = meant if of is None else of
                if meant == of:
                    scored.append((-score if state.get("score_better") == "higher" else score, -item.step, item))
    return [item for _, _, item in sorted(scored, key=lambda entry: entry[:2])]


def newest(folder: Path) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that is whole, and one line for each newer one that is not.

    Raises CheckpointError when there is none.
    """
    checkpoint, damaged = _first_whole(listed(folder))
    if checkpoint is not None:
        return checkpoint, damaged
    raise CheckpointError(
        "\n".join([f"There is no whole checkpoint in {folder}.", *damaged]),
        hint="A run gets its first checkpoint after train.checkpoint_every_kimg, when it ends, or on Ctrl-C. "
        "One without can be begun again: ganzoo train ... --out RUN",
    )


def keep_newest(folder: Path, keep: int, *, written: Checkpoint) -> None:
    """Remove all but the newest `keep` and the best. written: the newest, just now."""
    kept = best(folder, sound=written)
    # Counted from the one just written: a newer one is damaged, or we would have gone on from it.
    for old in [item for item in listed(folder) if item.step <= written.step][keep:]:
        if old != kept:
            remove(old)


def clean(folder: Path) -> None:
    """Remove what a kill in the middle of writing or removing left behind."""
    for item in folder.glob(".*-step-*"):
        if _PARTIAL_NAME.fullmatch(item.name):
            files.remove_tree(item)


def listed(folder: Path) -> list[Checkpoint]:
    """By name alone, newest first."""
    if not folder.is_dir():
        return []
    found = [(match, item) for item in folder.iterdir() if (match := _NAME.fullmatch(item.name)) and item.is_dir()]
    return sorted(
        (Checkpoint(path=item, step=int(match[1])) for match, item in found),
        key=lambda checkpoint: -checkpoint.step,
    )


def way_back(run: Path) -> str:
    """What to type where a run's settings are damaged: the newest checkpoint has a copy. "" where none can be read."""
    with contextlib.suppress(OSError):
        for item in listed(run / "checkpoints"):
            with contextlib.suppress(CheckpointError):
                item.config()
                return f"Each checkpoint has a copy: cp {shell_word(item.path / CONFIG)} {shell_word(run / CONFIG)}"
    return ""


def remove(checkpoint: Checkpoint) -> None:
    """As good as it goes: what cannot be removed stays."""
    # Renamed first: a kill half-way through the removal must not leave something that looks like a checkpoint.
    doomed = checkpoint.path.with_name(f".removing-{checkpoint.path.name}")
    with contextlib.suppress(OSError):
        checkpoint.path.rename(doomed)
        shutil.rmtree(doomed)
