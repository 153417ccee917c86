"""Beginning a run, going on with one, and reading back what it learnt."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.architecture import Architecture, Batch, Pair
from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.config import NoiseToImageConfig
from ganzoo.config.resolve import Layer, Resolved
from ganzoo.config.tables import MAY_CHANGE_ON_RESUME
from ganzoo.data.crops import Centred
from ganzoo.data.domains import Kind, kind_wanted, open_kind, with_whole_paths
from ganzoo.data.flips import WithFlips
from ganzoo.data.source import DataSource, Notify
from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo.loggers.protocol import find_loggers
from ganzoo.plugin.registry import Offer, Registry
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.tensors import DataInfo
from ganzoo.training import checkpoint as checkpoints
from ganzoo.training.finetune import initialize_from
from ganzoo.training.ranks import Ranks
from ganzoo.training.reporting import Observer
from ganzoo.training.run import MAY_MOVE, Run, check_changes, check_free, open_run, target_steps
from ganzoo.training.trainer import Trainer

_FREE = MAY_MOVE | {("data", "source"), ("data", "target")}
"""What may be edited in a run's config.toml: where things are."""


def begin(
    offer: Offer[ArchitectureSpec],
    config: Resolved,
    registry: Registry,
    *,
    out: Path,
    preset: str,
    observer: Observer,
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
    if write and leads:
        check_free(out)
        checkpoints.clean(out / "checkpoints")  # of a run that died while it wrote its first
    kind = kind_wanted(implementation_class(offer))
    config = dataclasses.replace(config, data=with_whole_paths(config.data, kind, registry))
    loggers = find_loggers(config.train.loggers, registry)
    source = _open(config, kind, registry, observer.say)
    config = config.in_kimg(_pictures_per_epoch(source, config))
    info = _shown(source, config)
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
    trainer = Trainer(run, architecture, source, observer, ranks=ranks, loggers=loggers)
    origin: dict[str, Any] = {}
    settings = config.architecture
    if init_from is None and isinstance(settings, NoiseToImageConfig) and settings.freeze_discriminator:
        raise RequestError(
            "freeze_discriminator keeps layers as another run learnt them, and no run is given.",
            hint="Add --init-from RUN.",
        )
    if init_from is not None:
        transfer = initialize_from(trainer.engine, init_from, registry, say=observer.say)
        for line in transfer.lines():
            observer.say(line)
        origin = {"init_from": dataclasses.asdict(transfer)}
    for line in architecture.remarks(target_steps(config.train) * config.train.batch_size / 1000):
        observer.say(f"warning: {line}")
    if write and leads:
        run.create(origin)
    return trainer


def go_on(path: Path, changes: Layer, registry: Registry, *, observer: Observer, ranks: Ranks | None = None) -> Trainer:
    """A trainer that goes on with the run in `path`; `changes` may touch what a resume may change.

    Every rank reads the directory, so that several machines need to share it.
    """
    unchanged = open_run(path, registry)
    check_changes(unchanged, changes)
    if not unchanged.config.data.source:
        raise CheckpointError(
            f"{path} was {unchanged.data_description}, and there is no training to go on with.",
            hint="Begin one from its weights, with its settings: ganzoo train "
            f"{unchanged.offer.spec.name} -c {path / 'config.toml'} --init-from {path} --data ... --out ...",
        )
    run = open_run(path, registry, changes)
    now = f"{run.offer.distribution} {run.offer.version}"
    if now != run.trained_by:
        observer.say(f"this run was begun with {run.trained_by}; {now} goes on with it")
    loggers = find_loggers(run.config.train.loggers, registry)
    source = _open(run.config, kind_wanted(implementation_class(run.offer)), registry, observer.say)
    run = dataclasses.replace(run, config=run.config.in_kimg(_pictures_per_epoch(source, run.config)))
    if (info := _shown(source, run.config)) != run.data:
        raise CheckpointError(
            f"{path} was trained on {run.data}, and {run.config.data.source!r} now gives {info}.",
            hint="Put the data back as it was.",
        )
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    trainer = Trainer(run, architecture, source, observer, ranks=ranks, loggers=loggers)
    _refuse_drift(run, trainer.resume())
    if run.data_description != source.description:
        observer.say(f"the data changed: {run.data_description} before, {source.description} now")
    if trainer.ranks.leads:
        run.record_resume(step=trainer.steps_done, changed=changes.tables.get("train", {}))
    return trainer


def _open(config: Resolved, kind: Kind, registry: Registry, notify: Notify) -> DataSource:
    options = dataclasses.replace(config.data, size=config.data.load_size or config.data.size)
    source = open_kind(options, kind, registry, notify=notify)
    return WithFlips(source) if config.data.flip else source


def _pictures_per_epoch(source: DataSource, config: Resolved) -> int:
    """Of the larger side, as the papers count. A mirror image is another view of a picture, not another picture."""
    return max(source.lengths) // (2 if config.data.flip else 1)


def _shown(source: DataSource, config: Resolved) -> DataInfo:
    """What the pictures are like when the networks see them: cut to `size` if they are read at `load_size`."""
    size = config.data.size
    if config.data.load_size is None or size is None:
        return source.info
    if source.info.size < size:
        raise RequestError(
            f"{config.data.source!r} gives pictures of {source.info.size} pixels, and squares of {size} are to be cut "
            "from them.",
            hint=f"--set data.size={source.info.size}, or leave data.load_size out.",
        )
    return dataclasses.replace(source.info, size=size)


def _refuse_drift(run: Run, checkpoint: checkpoints.Checkpoint) -> None:
    """A config.toml that was edited, or damaged without ceasing to be TOML, must not pass for the run's own.

    Each checkpoint has a copy, covered by its hashes. A key it does not have is one that a newer plugin added.
    """
    written = tomllib.loads((checkpoint.path / "config.toml").read_text(encoding="utf-8"))
    for table, values in run.config.tables().items():
        for key, then in written.get(table, {}).items():
            free = (table == "train" and key in MAY_CHANGE_ON_RESUME) or (table, key) in _FREE
            if not free and key in values and values[key] != then:
                raise CheckpointError(
                    f"{run.path / 'config.toml'} says {key} = {values[key]!r} in [{table}]; "
                    f"{checkpoint.path.name} was trained with {then!r}.",
                    hint=f"Put it back as it was: copy {checkpoint.path / 'config.toml'} over it.",
                )


def pictures_of(
    run: Run, registry: Registry, count: int, *, notify: Callable[[str], None]
) -> tuple[Batch | Pair, bool]:
    """The first pictures of the data of a run, uint8, as its networks see them, and whether they are pairs.

    Raises what opening the data raises.
    """
    kind = kind_wanted(implementation_class(run.offer))
    source = _open(run.config, kind, registry, notify)
    shown = source if source.info.size == run.data.size else Centred(source, run.data.size)
    indices = np.arange(min(count, *source.lengths))
    return shown.fetch([indices] * len(source.lengths)), kind == "pairs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a run learnt: the averaged architecture in evaluation mode, on the CPU.

    score: of the checkpoint it is from, lower is better; None where there is none.
    """

    run: Run
    architecture: Architecture
    step: int
    kimg: float
    score: float | None


def load_trained(path: Path, registry: Registry, *, say: Callable[[str], None], which: str = "best") -> Trained:
    """A whole checkpoint of a run, with the averaged weights in place.

    which: `best`, `last` or a number of steps. say: receives a line for each damaged checkpoint that was passed over.
    Raises CheckpointError, RequestError for a checkpoint that is not there.
    """
    run = open_run(path, registry)
    checkpoint, damaged = checkpoints.choose(run.checkpoints, which)
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
    score = checkpoint.state().get("score")
    return Trained(run=run, architecture=twin, step=checkpoint.step, kimg=kimg, score=score)
