"""Beginning a run, going on with one, and reading back what it learnt."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganzoo.architecture import Architecture
from ganzoo.config.resolve import Layer, Resolved
from ganzoo.config.tables import MAY_CHANGE_ON_RESUME
from ganzoo.data.source import locate, open_source
from ganzoo.errors import CheckpointError, one_line
from ganzoo.loading import build_architecture
from ganzoo.plugins import Offer, Registry
from ganzoo.specs import ArchitectureSpec
from ganzoo.training import checkpoint as checkpoints
from ganzoo.training.ema import evaluation_copy
from ganzoo.training.run import Run, check_changes, check_free, open_run
from ganzoo.training.trainer import Observer, Trainer

_MAY_MOVE = {("data", "source"), ("data", "memory_gb")}
"""[data] keys that say where the pictures are, not what they look like."""


def begin(
    offer: Offer[ArchitectureSpec],
    config: Resolved,
    registry: Registry,
    *,
    out: Path,
    preset: str,
    observer: Observer,
    write: bool = True,
) -> Trainer:
    """A trainer for a new run in `out`; write=False touches no file and is for a dry run.

    The networks are built and the pictures opened before the directory is made, so that a request
    that cannot work leaves nothing behind. Raises what its parts raise.
    """
    if write:
        check_free(out)
    config = _with_whole_source(config, registry)
    source = open_source(config.data, registry, notify=observer.say)
    architecture = build_architecture(offer, config.architecture, source.info, seed=config.train.seed)
    run = Run(
        path=out,
        offer=offer,
        config=config,
        data=source.info,
        preset=preset,
        data_description=source.description,
        trained_by=f"{offer.distribution} {offer.version}",
    )
    trainer = Trainer(run, architecture, source, observer)
    if write:
        run.create()
    return trainer


def go_on(path: Path, changes: Layer, registry: Registry, *, observer: Observer) -> Trainer:
    """A trainer that goes on with the run in `path`; `changes` may touch what a resume may change."""
    unchanged = open_run(path, registry)
    check_changes(unchanged, changes)
    run = open_run(path, registry, changes)
    now = f"{run.offer.distribution} {run.offer.version}"
    if now != run.trained_by:
        observer.say(f"this run was begun with {run.trained_by}; {now} goes on with it")
    source = open_source(run.config.data, registry, notify=observer.say)
    if source.info != run.data:
        raise CheckpointError(
            f"{path} was trained on {run.data}, and {run.config.data.source!r} now gives {source.info}.",
            hint="Put the data back as it was.",
        )
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    trainer = Trainer(run, architecture, source, observer)
    _refuse_drift(run, trainer.resume())
    if run.data_description != source.description:
        observer.say(f"the data changed: {run.data_description} before, {source.description} now")
    run.record_resume(step=trainer.steps_done, changed=changes.tables.get("train", {}))
    return trainer


def _refuse_drift(run: Run, checkpoint: checkpoints.Checkpoint) -> None:
    """A config.toml that was edited, or damaged without ceasing to be TOML, must not pass for the run's own.

    Each checkpoint has a copy, covered by its hashes. A key it does not have is one that a newer plugin added.
    """
    written = tomllib.loads((checkpoint.path / "config.toml").read_text(encoding="utf-8"))
    for table, values in run.config.tables().items():
        for key, then in written.get(table, {}).items():
            free = (table == "train" and key in MAY_CHANGE_ON_RESUME) or (table, key) in _MAY_MOVE
            if not free and key in values and values[key] != then:
                raise CheckpointError(
                    f"{run.path / 'config.toml'} says {key} = {values[key]!r} in [{table}]; "
                    f"{checkpoint.path.name} was trained with {then!r}.",
                    hint=f"Put it back as it was: copy {checkpoint.path / 'config.toml'} over it.",
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a run learnt: the averaged architecture in evaluation mode, on the CPU."""

    run: Run
    architecture: Architecture
    step: int
    kimg: float


def load_trained(path: Path, registry: Registry, *, say: Callable[[str], None]) -> Trained:
    """The newest whole checkpoint of a run, with the averaged weights in place.

    say: receives a line for each damaged checkpoint that was passed over. Raises CheckpointError.
    """
    run = open_run(path, registry)
    checkpoint, damaged = checkpoints.newest(run.checkpoints)
    for line in damaged:
        say(f"passed over: {line}")
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    try:
        architecture.load_state_dict(checkpoint.model())
        twin = evaluation_copy(architecture, checkpoint.average())
    except (RuntimeError, AttributeError) as error:
        raise CheckpointError(
            f"{checkpoint.path} does not fit {run.offer.spec.name} of {run.offer.distribution} "
            f"{run.offer.version}: {one_line(error)}",
            hint=f"It was trained with {run.trained_by}.",
        ) from None
    kimg = checkpoint.step * run.config.train.batch_size / 1000
    return Trained(run=run, architecture=twin, step=checkpoint.step, kimg=kimg)


def _with_whole_source(config: Resolved, registry: Registry) -> Resolved:
    """A folder's path made absolute, so that the run can be resumed from anywhere."""
    data = dataclasses.replace(config.data, source=locate(config.data.source, registry).text)
    return dataclasses.replace(config, data=data)
