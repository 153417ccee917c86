"""Checkpoints: directories that are either whole or not there.

A checkpoint is written beside its final name, every file synced, then renamed. Weights are
safetensors; the optimisers' state is a torch file that loads with `weights_only=True`;
`manifest.json` holds the sha256 of each file and is checked before anything is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo.training.engine import Engine

_NAME = re.compile(r"step-(\d{8,})")
_MODEL, _AVERAGE, _OPTIMIZERS, _STATE, _MANIFEST = (
    "model.safetensors",
    "ema.safetensors",
    "optimizers.pt",
    "state.json",
    "manifest.json",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint on disk. step: steps done when it was written."""

    path: Path
    step: int

    def verify(self) -> None:
        """Raises CheckpointError that names the first file that is missing or not what was written."""
        try:
            manifest = json.loads((self.path / _MANIFEST).read_text(encoding="utf-8"))
            files = dict(manifest["sha256"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CheckpointError(f"{self.path / _MANIFEST} cannot be read: {one_line(error)}") from None
        for name, expected in files.items():
            try:
                found = _sha256(self.path / str(name))
            except OSError as error:
                raise CheckpointError(f"{self.path / str(name)} cannot be read: {one_line(error)}") from None
            if found != expected:
                raise CheckpointError(
                    f"{self.path / str(name)} is damaged: sha256 {found[:12]}..., expected {str(expected)[:12]}..."
                )
        if missing := {_MODEL, _OPTIMIZERS, _STATE} - set(files):
            raise CheckpointError(f"{self.path / _MANIFEST} does not list {', '.join(sorted(missing))}")

    def state(self) -> dict[str, Any]:
        """What `write` was given as `state`, and `step`."""
        values: dict[str, Any] = json.loads((self.path / _STATE).read_text(encoding="utf-8"))
        return values

    def model(self) -> dict[str, Tensor]:
        """The architecture's state dict, on the CPU. Raises CheckpointError."""
        return self._weights(_MODEL)

    def average(self) -> dict[str, dict[str, Tensor]] | None:
        """State dicts of the averaged submodules by name, or None when nothing was averaged."""
        if not (self.path / _AVERAGE).exists():
            return None
        nested: dict[str, dict[str, Tensor]] = {}
        for key, tensor in self._weights(_AVERAGE).items():
            module, _, rest = key.partition("/")
            nested.setdefault(module, {})[rest] = tensor
        return nested

    def restore(self, engine: Engine) -> None:
        """Put model, average and optimisers back. Raises CheckpointError when they do not fit."""
        try:
            engine.architecture.load_state_dict(self.model())
            average = self.average()
            if engine.average is not None and average is not None:
                engine.average.load_state(average)
            states = torch.load(self.path / _OPTIMIZERS, map_location=engine.device, weights_only=True)
            for name, optimizer in engine.optimizers.items():
                optimizer.torch.load_state_dict(states[name])
        except CheckpointError:
            raise
        except Exception as error:  # torch.load raises many kinds
            raise CheckpointError(
                f"{self.path} does not fit this architecture: {one_line(error)}",
                hint="It was written with other settings, or by another version of the plugin; see config.toml.",
            ) from error

    def _weights(self, name: str) -> dict[str, Tensor]:
        try:
            return load_file(self.path / name)
        except (OSError, SafetensorError, ValueError) as error:
            raise CheckpointError(f"{self.path / name} cannot be read: {one_line(error)}") from None


def path_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a checkpoint holds beside its state.

    model: a state dict. average: those of averaged submodules by name, if there are. optimizers: state dicts by name.
    """

    model: Mapping[str, Any]
    average: Mapping[str, Mapping[str, Tensor]] | None
    optimizers: Mapping[str, Any]


def write(folder: Path, engine: Engine, *, step: int, state: Mapping[str, Any], config: str, keep: int) -> Checkpoint:
    """`write_contents` of an engine."""
    contents = Contents(
        model=engine.architecture.state_dict(),
        average=engine.average.state() if engine.average is not None else None,
        optimizers={name: optimizer.torch.state_dict() for name, optimizer in engine.optimizers.items()},
    )
    return write_contents(folder, contents, step=step, state=state, config=config, keep=keep)


def write_contents(
    folder: Path, contents: Contents, *, step: int, state: Mapping[str, Any], config: str, keep: int
) -> Checkpoint:
    """Write the checkpoint of `step` below `folder`, then remove all but the newest `keep` and the best.

    state: JSON values; its `score`, if there is one, decides which is the best, the lowest.
    config: text of config.toml. Raises CheckpointError when the disk refuses.
    """
    final = Checkpoint(path=path_of(folder, step), step=step)
    partial = folder / f".writing-{final.path.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if final.path.exists():
            with contextlib.suppress(CheckpointError):
                final.verify()
                return final
            shutil.rmtree(final.path)  # damaged; what is written now replaces it
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _save_weights(contents.model, partial / _MODEL)
        if contents.average is not None:
            averages = contents.average.items()
            _save_weights(
                {f"{name}/{key}": tensor for name, tensors in averages for key, tensor in tensors.items()},
                partial / _AVERAGE,
            )
        torch.save(dict(contents.optimizers), partial / _OPTIMIZERS)
        _write_text(partial / _STATE, json.dumps({"step": step, **state}, indent=1))
        _write_text(partial / "config.toml", config)
        hashes = {item.name: _sha256(item) for item in sorted(partial.iterdir())}
        _write_text(partial / _MANIFEST, json.dumps({"sha256": hashes}, indent=1))
        for item in partial.iterdir():
            _sync(item)
        _sync(partial)
        partial.rename(final.path)
        _sync(folder)
    except (OSError, SafetensorError, RuntimeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(
            f"The checkpoint of step {step} could not be written to {folder}: {one_line(error)}",
            hint="Earlier checkpoints are intact. Free some room and go on with --resume.",
        ) from error
    # Counted from the one just written: a newer one is damaged, or we would have gone on from it.
    kept = best(folder, sound=final)
    for old in [item for item in _listed(folder) if item.step <= step][keep:]:
        if old != kept:
            _remove(old)
    return final


def best(folder: Path, *, sound: Checkpoint | None = None) -> Checkpoint | None:
    """The whole checkpoint with the lowest score; None where there is none. sound: one that need not be verified."""
    return _first_whole(_by_score(folder), sound=sound)[0]


def choose(folder: Path, which: str) -> tuple[Checkpoint, list[str]]:
    """The whole checkpoint that `which` means, and one line for each damaged one that was passed over.

    which: `best`, the lowest score, or the newest where none has a score; `last`, the newest; or a number of steps.
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
    kept = {str(item.step): item for item in _listed(folder)}
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
    """Checkpoints that have a score, the best first; of equals the newest."""
    scored = []
    for item in _listed(folder):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            score = item.state().get("score")
            if score is not None and math.isfinite(score):
                scored.append((float(score), -item.step, item))
    return [item for _, _, item in sorted(scored, key=lambda entry: entry[:2])]


def newest(folder: Path) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that is whole, and one line for each newer one that is not.

    Raises CheckpointError when there is none.
    """
    checkpoint, damaged = _first_whole(_listed(folder))
    if checkpoint is not None:
        return checkpoint, damaged
    raise CheckpointError(
        "\n".join([f"There is no whole checkpoint in {folder}.", *damaged]),
        hint="A run gets its first checkpoint after train.checkpoint_every_kimg, when it ends, or on Ctrl-C.",
    )


def clean(folder: Path) -> None:
    """Remove what a kill in the middle of writing or removing left behind."""
    for item in folder.glob(".*-step-*"):
        shutil.rmtree(item, ignore_errors=True)


def _listed(folder: Path) -> list[Checkpoint]:
    """By name alone, newest first."""
    if not folder.is_dir():
        return []
    found = [(match, item) for item in folder.iterdir() if (match := _NAME.fullmatch(item.name)) and item.is_dir()]
    return sorted(
        (Checkpoint(path=item, step=int(match[1])) for match, item in found),
        key=lambda checkpoint: -checkpoint.step,
    )


def _remove(checkpoint: Checkpoint) -> None:
    # Renamed first: a kill half-way through the removal must not leave something that looks like a checkpoint.
    doomed = checkpoint.path.with_name(f".removing-{checkpoint.path.name}")
    with contextlib.suppress(OSError):
        checkpoint.path.rename(doomed)
        shutil.rmtree(doomed)


def _save_weights(state: Mapping[str, Any], path: Path) -> None:
    tensors = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{name!r} in the state dict is a {type(value).__name__}; expected tensors alone")
        # A copy of its own: safetensors refuses tensors that share memory, as tied weights do.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
    save_file(tensors, path)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a directory
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
