"""Going on with a run, and branching off from one at a checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ganzoo import files
from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.architecture.wanted import wanted_by
from ganzoo.config.resolve import Layer
from ganzoo.data.domains import with_whole_paths
from ganzoo.data.opening import info_shown, open_data, pictures_per_epoch
from ganzoo.data.source import DataSource
from ganzoo.errors import CheckpointError, DataError, RequestError, first_few, shell_word
from ganzoo.loggers.protocol import find_loggers
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import typed_name
from ganzoo.progress import ProgressListener, Teller, tell_stage
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.changes import (
    SettingChange,
    changes_between,
    check_branch,
    check_changes,
    check_left,
    check_length,
    is_free,
    to_record,
)
from ganzoo.runs.lock import check_unlocked, is_run
from ganzoo.runs.places import check_free, claim, hold
from ganzoo.runs.run import Run, open_run
from ganzoo.training.device import machine_facts
from ganzoo.training.engine_state import save_engine
from ganzoo.training.pictures import compare_pictures, pictures_record, renamed_classes, typed_places, write_pictures
from ganzoo.training.ranks import Ranks
from ganzoo.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reopened:
    """A run with changed settings and its pictures, ready to build. changed: what is other than it was."""

    run: Run
    source: DataSource
    changed: list[SettingChange]


def resume_run(
    path: Path,
    changes: Layer,
    registry: Registry,
    *,
    progress: ProgressListener,
    changed_data: bool = False,
    ranks: Ranks | None = None,
) -> Trainer:
    """A trainer that goes on with the run in `path`; `changes` may touch what a resume may change.

    changed_data: pictures that are not those of before will do.
    Every rank reads the directory, so that several machines need to share it.
    """
    unchanged = open_run(path, registry)
    check_changes(unchanged, changes)
    run = open_run(path, registry, changes)
    _refuse_imported(unchanged)
    check_length(run, changes, run.steps)
    if ranks is None or ranks.leads:
        check_unlocked(path)  # another may train it, and no network need be built to see it
    opened = _reopen(
        unchanged, run, registry, progress=progress, changed_data=changed_data, way_out="Put the data back as it was."
    )
    run, source = opened.run, opened.source
    check_length(run, changes, run.steps)  # now that epochs are counted
    loggers = find_loggers(run.config.train.loggers, registry)
    tell_stage(progress, "building the networks")
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    trainer = Trainer(run, architecture, source, progress, ranks=ranks, loggers=loggers, registry=registry)
    with trainer.hold(hold(path)).released_on_error() if trainer.ranks.leads else contextlib.nullcontext():
        _refuse_drift(run, trainer.resume())
        changed = to_record(opened.changed)
        found = compare_pictures(run, source, changed_data=changed_data)
        if found:
            changed["pictures"] = found
            progress.say(f"the pictures changed: {found}")
        elif found is None and run.data_description != source.description:
            progress.say(f"the data changed: {run.data_description} before, {source.description} now")
        _tell(opened.changed, trainer.steps_done, progress)
        if trainer.ranks.leads:
            run.record_resume(step=trainer.steps_done, changed=changed, machine=machine_facts())
            write_pictures(run, source)
    return trainer


def fork_run(
    parent: Path,
    changes: Layer,
    registry: Registry,
    *,
    out: Path,
    checkpoint: str,
    progress: ProgressListener,
    ranks: Ranks | None = None,
) -> Trainer:
    """A trainer for a new run in `out` that begins with all that the run `parent` had at a checkpoint: weights,
    averages, optimisers, the count of steps. `changes` may touch whatever leaves the shapes of those as they are.

    checkpoint: best, last or a number of steps. Raises what its parts raise, before anything is written.
    """
    leads = ranks is None or ranks.leads
    before = open_run(parent, registry)
    check_branch(before, changes)
    run = dataclasses.replace(open_run(parent, registry, changes), path=out)
    _refuse_imported(before)
    chosen, damaged = checkpoints.choose(before.checkpoint_folder, checkpoint)
    for line in damaged:
        progress.say(f"passed over: {line}")
    check_length(run, changes, chosen.step)
    check_left(run, chosen.step)
    if leads:
        check_free(out)
        if is_run(out):
            claim(out).release()
    weights = f"ganzoo train {shell_word(typed_name(run.offer))} --init-from {shell_word(parent)} --data ... --out RUN"
    opened = _reopen(
        before, run, registry, progress=progress, changed_data=True, way_out=f"Of its weights those that fit: {weights}"
    )
    run, source = opened.run, opened.source
    check_length(run, changes, chosen.step)
    check_left(run, chosen.step)
    if found := compare_pictures(before, source, changed_data=True):
        progress.say(f"the pictures are others than those of {parent}: {found}")
    run = dataclasses.replace(
        run, trained_by=f"{run.offer.distribution} {run.offer.version}", data_description=source.description
    )
    loggers = find_loggers(run.config.train.loggers, registry)
    tell_stage(progress, "building the networks")
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    trainer = Trainer(run, architecture, source, progress, ranks=ranks, loggers=loggers, registry=registry)
    try:
        trainer.restore(chosen)
    except CheckpointError as error:
        named = [str(change) for change in opened.changed if change.table == "architecture"]
        if not named:
            raise
        raise RequestError(
            f"What {chosen.path} learnt does not fit with {first_few(named)}: {error.message}",
            hint=f"A fork takes all as it is. Of the weights those that fit: {weights}",
        ) from None
    _tell(opened.changed, trainer.steps_done, progress)
    if trainer.ranks.leads:
        origin = {
            "fork_of": {"run": str(parent.absolute()), "step": chosen.step, "changed": to_record(opened.changed)},
            **pictures_record(source),
        }
        with trainer.hold(claim(out)).released_on_error():
            run.create(machine=machine_facts(), origin=origin)
            write_pictures(run, source)
            _copy_history(before, run)
            save_engine(
                run.checkpoint_folder, trainer.engine, step=chosen.step, state=chosen.state(), config=run.to_toml(),
                keep=run.config.train.keep_checkpoints,
            )  # fmt: skip
    return trainer


def _reopen(
    before: Run, run: Run, registry: Registry, *, progress: ProgressListener, changed_data: bool, way_out: str
) -> _Reopened:
    """Open the pictures of a run whose settings were `before`'s. way_out: what to do where they are of another kind.

    Raises DataError, CheckpointError.
    """
    path = before.path
    now = f"{run.offer.distribution} {run.offer.version}"
    if now != run.trained_by:
        progress.say(f"this run was begun with {run.trained_by}; {now} goes on with it")
    wanted = wanted_by(implementation_class(run.offer), run.config.architecture)
    run = dataclasses.replace(
        run, config=dataclasses.replace(run.config, data=with_whole_paths(run.config.data, wanted.kind, registry))
    )
    tell_stage(progress, "reading the pictures")
    try:
        source = open_data(
            run.config, wanted, registry, Teller(progress, augments=hasattr(run.config.architecture, "augment"))
        )
    except DataError as error:
        moved = f"If the pictures moved: ganzoo train --resume {shell_word(path)} --data PATH"
        raise DataError(error.message, hint="\n".join(filter(None, (error.hint, moved)))) from error
    run = dataclasses.replace(run, config=run.config.in_kimg(pictures_per_epoch(source, run.config)))
    info = info_shown(source, run.config)
    if told := renamed_classes(run.data, info):
        if not changed_data:
            raise CheckpointError(
                f"The classes of {path} have other names now: {told}.",
                hint="Where they mean the same, in this order: "
                f"ganzoo train --resume {shell_word(path)} {typed_places(run.config.data)} --changed-data",
            )
        progress.say(f"the classes have other names from here on: {told}")
        run = dataclasses.replace(run, data=info)
    if not info.matches(run.data):
        raise CheckpointError(
            f"{path} was trained on {run.data}, and {run.config.data.source!r} now gives {info}."
            + ("" if str(run.data) != str(info) else f"\n{run.data.to_table()}, and now {info.to_table()}."),
            hint=way_out,
        )
    if info.condition is not None and info.condition.names:
        run = dataclasses.replace(run, data=info)  # an older run may know no names
    return _Reopened(run=run, source=source, changed=changes_between(before.config, run.config))


def _refuse_imported(run: Run) -> None:
    if not run.config.data.source:
        raise CheckpointError(
            f"{run.path} was {run.data_description}, and there is no training to go on with.",
            hint="Begin one from its weights, with its settings: ganzoo train "
            f"{shell_word(typed_name(run.offer))} -c {shell_word(run.path / 'config.toml')} "
            f"--init-from {shell_word(run.path)} --data ... --out ...",
        )


def _tell(changed: list[SettingChange], step: int, progress: ProgressListener) -> None:
    if named := [str(change) for change in changed if change.table != "data"]:  # where pictures are is told elsewhere
        Teller(progress).status(f"changed from step {step:,} on: {', '.join(named)}")


def _copy_history(parent: Run, run: Run) -> None:
    """The lines of the parent's metrics; the logger cuts them at the step of the fork. As good as it goes."""
    with contextlib.suppress(OSError, ValueError):
        lines = files.lines_of(files.check_inside(parent.path / "metrics.jsonl", parent.path, reading=True))
        files.write_text(run.path / "metrics.jsonl", "".join(f"{line}\n" for line in lines), within=run.path)


def _refuse_drift(run: Run, checkpoint: checkpoints.Checkpoint) -> None:
    """A config.toml that was edited, or damaged without ceasing to be TOML, must not pass for the run's own.

    Each checkpoint has a copy, covered by its hashes. A key it does not have is one that a newer plugin added.
    """
    written = checkpoint.config()
    for table, values in run.config.tables().items():
        kept = written.get(table)
        for key, then in kept.items() if isinstance(kept, dict) else ():
            if key in values and values[key] != then and not is_free(run, table, key):
                raise CheckpointError(
                    f"{run.path / 'config.toml'} says {key} = {values[key]!r} in [{table}]; "
                    f"{checkpoint.path.name} was trained with {then!r}.",
                    hint=f"Put it back as it was: cp {shell_word(checkpoint.path / 'config.toml')} "
                    f"{shell_word(run.path / 'config.toml')}",
                )
