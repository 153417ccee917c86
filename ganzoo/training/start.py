"""Beginning a run, going on with one, and reading back what it learnt."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.architecture.wanted import wanted_by
from ganzoo.config import NoiseToImageConfig
from ganzoo.config.resolve import Layer, RunConfig
from ganzoo.config.tables import MAY_CHANGE_ON_RESUME
from ganzoo.data.degradation.source import Degraded
from ganzoo.data.domains import with_whole_paths
from ganzoo.data.opening import completed, info_shown, open_data, pictures_per_epoch
from ganzoo.errors import CheckpointError, DataError, RequestError, shell_word
from ganzoo.loggers.protocol import find_loggers
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import typed_name
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.progress import ProgressListener, Teller
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.lock import is_run
from ganzoo.runs.run import MAY_MOVE, Run, check_changes, check_free, claim, hold, open_run, target_steps
from ganzoo.training.declared import check_declarations
from ganzoo.training.device import machine_facts
from ganzoo.training.finetune import initialize_from
from ganzoo.training.pictures import compare_pictures, pictures_record, renamed_classes, typed_places, write_pictures
from ganzoo.training.ranks import Ranks
from ganzoo.training.trainer import Trainer


def start_run(
    offer: InstalledSpec[ArchitectureSpec],
    config: RunConfig,
    registry: Registry,
    *,
    out: Path,
    preset: str,
    progress: ProgressListener,
    write: bool = True,
    init_from: Path | None = None,
    ranks: Ranks | None = None,
) -> Trainer:
    """A trainer for a new run in `out`; write=False touches no file and is for a dry run.

    init_from: a run whose weights are taken where they fit. ranks: the processes that train together.
    The networks are built and the pictures opened before the directory is made, so that a request
    that cannot work leaves nothing behind. Raises what its parts raise.
    """
    leads = ranks is None or ranks.leads
    if not offer.spec.trains:
        able = [o.spec.name for o in registry.architectures if o.spec.trains and o.spec.task == offer.spec.task]
        raise RequestError(
            f"{offer.spec.name} paints with weights that were imported, and has no game to learn in.",
            hint=f"These learn: {', '.join(able)}." if able else "",
        )
    if write and leads:
        check_free(out)
        if is_run(out):  # another may train there, and no network need be built to see it
            claim(out).release()
    wanted = wanted_by(implementation_class(offer), config.architecture)
    config = completed(config, wanted, registry)
    config = dataclasses.replace(config, data=with_whole_paths(config.data, wanted.kind, registry, progress.say))
    loggers = find_loggers(config.train.loggers, registry)
    source = open_data(config, wanted, registry, Teller(progress))
    if config.data.makes_partners and not isinstance(source, Degraded):
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, degrade="none"))
    config = config.in_kimg(pictures_per_epoch(source, config))
    info = info_shown(source, config)
    architecture = build_architecture(offer, config.architecture, info, seed=config.train.seed)
    run = Run(
        path=out,
        offer=offer,
        config=config,
        data=info,
        preset=preset,
        data_description=source.description,
        trained_by=f"{offer.distribution} {offer.version}",
    )
    trainer = Trainer(run, architecture, source, progress, ranks=ranks, loggers=loggers, registry=registry)
    check_declarations(trainer.engine, offer, progress.say)
    origin: dict[str, Any] = {}
    settings = config.architecture
    if init_from is None and isinstance(settings, NoiseToImageConfig) and settings.freeze_discriminator:
        raise RequestError(
            "freeze_discriminator keeps layers as another run learnt them, and no run is given.",
            hint="Add --init-from RUN.",
        )
    if init_from is not None:
        transfer = initialize_from(trainer.engine, init_from, registry, say=progress.say)
        for line in transfer.lines():
            progress.say(line)
        origin = {"init_from": dataclasses.asdict(transfer)}
    if config.data.labels not in ("", "none") and architecture.painted_from() == "none":
        can = hasattr(config.architecture, "conditional")
        progress.say(
            f"the labels are not used: {offer.name} paints from noise alone"
            + ("; --set conditional=true learns them" if can else "")
        )
    for line in architecture.warnings_before(target_steps(config.train) * config.train.batch_size / 1000):
        progress.say(f"warning: {line}")
    if write and leads:
        with trainer.hold(claim(out)).released_on_error():
            run.create(machine=machine_facts(), origin={**origin, **pictures_record(source)})
            write_pictures(run, source)
    return trainer


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
    if ranks is None or ranks.leads:
        hold(path).release()  # another may train it, and no network need be built to see it
    if not unchanged.config.data.source:
        raise CheckpointError(
            f"{path} was {unchanged.data_description}, and there is no training to go on with.",
            hint="Begin one from its weights, with its settings: ganzoo train "
            f"{shell_word(typed_name(unchanged.offer))} -c {shell_word(path / 'config.toml')} "
            f"--init-from {shell_word(path)} --data ... --out ...",
        )
    run = open_run(path, registry, changes)
    stated, length = {"kimg", "steps"} & set(changes.tables.get("train", {})), target_steps(run.config.train)
    if stated and length < run.steps:
        raise RequestError(
            f"{path} is at step {run.steps:,} already, beyond the {length:,} that are asked for.",
            hint="State a longer length, or none to go on to the run's own.",
        )
    now = f"{run.offer.distribution} {run.offer.version}"
    if now != run.trained_by:
        progress.say(f"this run was begun with {run.trained_by}; {now} goes on with it")
    loggers = find_loggers(run.config.train.loggers, registry)
    wanted = wanted_by(implementation_class(run.offer), run.config.architecture)
    run = dataclasses.replace(
        run, config=dataclasses.replace(run.config, data=with_whole_paths(run.config.data, wanted.kind, registry))
    )
    try:
        source = open_data(run.config, wanted, registry, Teller(progress))
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
            hint="Put the data back as it was.",
        )
    if info.condition is not None and info.condition.names:
        run = dataclasses.replace(run, data=info)  # an older run may know no names
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    trainer = Trainer(run, architecture, source, progress, ranks=ranks, loggers=loggers, registry=registry)
    with trainer.hold(hold(path)).released_on_error() if trainer.ranks.leads else contextlib.nullcontext():
        _refuse_drift(run, trainer.resume())
        changed: dict[str, Any] = dict(changes.tables.get("train", {}))
        found = compare_pictures(run, source, changed_data=changed_data)
        if found:
            changed["pictures"] = found
            progress.say(f"the pictures changed: {found}")
        elif found is None and run.data_description != source.description:
            progress.say(f"the data changed: {run.data_description} before, {source.description} now")
        if trainer.ranks.leads:
            run.record_resume(step=trainer.steps_done, changed=changed, machine=machine_facts())
            write_pictures(run, source)
    return trainer


def _refuse_drift(run: Run, checkpoint: checkpoints.Checkpoint) -> None:
    """A config.toml that was edited, or damaged without ceasing to be TOML, must not pass for the run's own.

    Each checkpoint has a copy, covered by its hashes. A key it does not have is one that a newer plugin added.
    """
    written = checkpoint.config()
    for table, values in run.config.tables().items():
        kept = written.get(table)
        for key, then in kept.items() if isinstance(kept, dict) else ():
            free = (table == "train" and key in MAY_CHANGE_ON_RESUME) or (table, key) in MAY_MOVE
            if not free and key in values and values[key] != then:
                raise CheckpointError(
                    f"{run.path / 'config.toml'} says {key} = {values[key]!r} in [{table}]; "
                    f"{checkpoint.path.name} was trained with {then!r}.",
                    hint=f"Put it back as it was: cp {shell_word(checkpoint.path / 'config.toml')} "
                    f"{shell_word(run.path / 'config.toml')}",
                )
