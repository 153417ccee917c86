"""Going on with a run, and branching off from one; alone or among the processes that torchrun started."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.api.arguments import one_length, to_path, to_run, to_sources, to_switch, to_text
from ganzoo.api.listening import training_listener
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.config.resolve import Layer, merged
from ganzoo.errors import CheckpointError, first_few, shell_word
from ganzoo.loggers.logbook import Logbook
from ganzoo.plugin import api1
from ganzoo.progress import Progress, ProgressListener, Silent, tell_stage
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.changes import check_changes, check_length
from ganzoo.runs.lock import check_unlocked
from ganzoo.runs.run import Run, TrainingOutcome, open_run, target_steps

if TYPE_CHECKING:
    from ganzoo.training.ranks import Ranks
    from ganzoo.training.trainer import Trainer


def resume(
    run: Run | Path | str,
    *,
    data: Path | str | Sequence[Path | str] | None = None,
    target: Path | str | None = None,
    changed_data: bool = False,
    kimg: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    device: str | None = None,
    compile: bool | None = None,
    max_seconds: float | None = None,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> Run:
    """Go on with a run from its newest whole checkpoint, with its own settings.

    data, target: where the pictures are now, if they were moved. changed_data: go on though they are not those of
        before; without it pictures that were added, removed or changed are an error that counts them.
    kimg, steps, epochs: a new length. settings: what else may change, e.g. {"generator_lr": 1e-4,
        "train.sample_every_kimg": 5}: learning rates, cadences, loggers.
    On one kind of device the weights become what they would have become without the stop, bit for bit.
    A run that is finished is returned as it is, with a line that says so.

    Raises CheckpointError when there is no run or no checkpoint, RequestError for a change that is not allowed, and
    what `train` raises.
    """
    one_length(kimg=kimg, steps=steps, epochs=epochs)
    changes = _changes(
        settings, data=data, target=target, kimg=kimg, steps=steps, epochs=epochs, device=device, compile=compile,
        max_seconds=max_seconds,
    )  # fmt: skip
    return resume_layer(to_run(run), changes, changed_data=changed_data, progress=progress)


def resume_layer(
    path: Path, changes: Layer, *, changed_data: bool = False, progress: ProgressListener | None = None
) -> Run:
    """`resume` with changes whose origin is known."""
    told = training_listener(progress, path)
    registry = installed(told)
    if alone():  # before torch is imported, which takes seconds
        check_unlocked(path)
        check_changes(open_run(path, registry), changes)
        run = open_run(path, registry, changes)
        check_length(run, changes, run.steps)
        if outcome := _finished(run):
            if others := list(changes.tables.get("architecture", {})):
                told.say(f"{first_few(others)}: not changed, as nothing is left to do; state it beside a length")
            told.say(
                f"{path} is finished: {outcome.steps:,} steps, {outcome.kimg:g} kimg. To go on: "
                f"ganzoo train --resume {shell_word(path)} --kimg {2 * outcome.kimg:g}"
            )
            return dataclasses.replace(run, outcome=outcome)
    from ganzoo.training.ranks import joined_ranks

    device = changes.tables.get("train", {}).get("device") or open_run(path, registry).config.train.device
    tell_stage(told, "loading torch")
    with joined_ranks(device) as ranks:
        return go_on(path, changes, ranks, Logbook(told if ranks.leads else Silent()), changed_data=changed_data)


def fork(
    run: Run | Path | str,
    *,
    out: Path | str,
    checkpoint: str | int | None = None,
    data: Path | str | Sequence[Path | str] | None = None,
    target: Path | str | None = None,
    kimg: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    device: str | None = None,
    compile: bool | None = None,
    max_seconds: float | None = None,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> Run:
    """Train a new run in `out` that begins with all that another had at a checkpoint: weights, averages, optimisers and
    the count of steps. The other run stays as it is.

    checkpoint: "last" (the default), "best", or a number of steps. settings: whatever leaves the networks' shapes as
    they are, e.g. {"generator_lr": 1e-4, "penalty_weight": 2.0}; not the batch size. The rest is as for `resume`.

    Raises RequestError for what cannot go on from there, CheckpointError when `out` holds something, and what `train`
    raises.
    """
    one_length(kimg=kimg, steps=steps, epochs=epochs)
    changes = _changes(
        settings, data=data, target=target, kimg=kimg, steps=steps, epochs=epochs, device=device, compile=compile,
        max_seconds=max_seconds,
    )  # fmt: skip
    which = "last" if checkpoint is None else str(checkpoint)
    return fork_layer(to_run(run), changes, out=to_path(out, "out"), checkpoint=which, progress=progress)


def fork_layer(
    parent: Path, changes: Layer, *, out: Path, checkpoint: str = "last", progress: ProgressListener | None = None
) -> Run:
    """`fork` with changes whose origin is known. A restart by torchrun goes on from the newest checkpoint of `out`."""
    told = training_listener(progress, out)
    registry = installed(told)
    if alone():
        check_unlocked(out)
    device = changes.tables.get("train", {}).get("device") or open_run(parent, registry).config.train.device
    tell_stage(told, "loading torch")
    from ganzoo.training.ranks import joined_ranks, restarted
    from ganzoo.training.resuming import fork_run

    with joined_ranks(device) as ranks:
        heard = Logbook(told if ranks.leads else Silent())
        if ranks.broadcast_object(restarted() and any((out / "checkpoints").glob("step-*"))):
            return go_on(out, Layer(origin="restart", tables={}), ranks, heard)
        trainer = fork_run(parent, changes, registry, out=out, checkpoint=checkpoint, progress=heard, ranks=ranks)
        _tell_start(trainer, heard)
        return trained(trainer, heard)


def go_on(path: Path, changes: Layer, ranks: Ranks, heard: Logbook, *, changed_data: bool = False) -> Run:
    """Train a run from its newest checkpoint on."""
    from ganzoo.training.resuming import resume_run

    trainer = resume_run(path, changes, installed(heard), progress=heard, changed_data=changed_data, ranks=ranks)
    _tell_start(trainer, heard)
    return trained(trainer, heard)


def trained(trainer: Trainer, heard: Logbook) -> Run:
    """Train, and give the run with its outcome. What is told is in its log."""
    with heard.kept_in(trainer.run.path) if trainer.ranks.leads else contextlib.nullcontext():
        run = dataclasses.replace(trainer.run, outcome=trainer.train())
        package = run.offer.spec.implementation.partition(":")[0].partition(".")[0]
        if notice := api1.notice(package):
            heard.say(f"notice: {run.offer.distribution} {notice}")
        return run


def alone() -> bool:
    """Whether this process trains by itself."""
    return os.environ.get("WORLD_SIZE", "1") == "1"


def _tell_start(trainer: Trainer, heard: Logbook) -> None:
    done, total = trainer.steps_done, target_steps(trainer.run.config.train)
    heard.update(Progress(done=done, total=total, unit="steps", values={"status": f"going on at step {done}"}))


def _finished(run: Run) -> TrainingOutcome | None:
    """How a run ended that has nothing left to do; None for another, or one whose newest checkpoint is damaged."""
    train = run.config.train
    if train.epochs is not None or not run.config.data.source or run.steps < target_steps(train):
        return None
    try:
        newest, damaged = checkpoints.newest(run.checkpoint_folder)
    except CheckpointError:
        return None
    if damaged:
        return None
    best, grids = checkpoints.best(run.checkpoint_folder, sound=newest), run.grids
    return TrainingOutcome(
        steps=newest.step,
        kimg=newest.step * train.batch_size / 1000,
        seconds=0.0,
        images_per_second=0.0,
        interrupted=False,
        finished=True,
        checkpoint=newest.path,
        samples=grids[-1] if grids else run.samples,
        best=best.path if best is not None else None,
    )


def _changes(settings: Settings, *, data: object, target: object, **train: object) -> Layer:
    given = {**train, "compile": to_switch(train["compile"])}
    places = {**to_sources(data, "data"), "target": to_text(target, "target")}
    return merged("settings", *as_layers(settings), *option_layers("train", given), *option_layers("data", places))
