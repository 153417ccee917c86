"""Beginning a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.architecture.wanted import wanted_by
from ganzoo.config import NoiseToImageConfig
from ganzoo.config.resolve import RunConfig
from ganzoo.data.degradation.source import Degraded
from ganzoo.data.domains import with_whole_paths
from ganzoo.data.opening import completed, info_shown, open_data, pictures_per_epoch
from ganzoo.errors import RequestError
from ganzoo.loggers.protocol import find_loggers
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.progress import ProgressListener, Teller, tell_stage
from ganzoo.runs.lock import is_run
from ganzoo.runs.places import check_free, claim
from ganzoo.runs.run import Run, target_steps
from ganzoo.training.declared import check_declarations
from ganzoo.training.device import machine_facts
from ganzoo.training.finetune import initialize_from
from ganzoo.training.pictures import pictures_record, write_pictures
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
    tell_stage(progress, "reading the pictures")
    source = open_data(config, wanted, registry, Teller(progress, augments=hasattr(config.architecture, "augment")))
    if config.data.makes_partners and not isinstance(source, Degraded):
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, degrade="none"))
    config = config.in_kimg(pictures_per_epoch(source, config))
    info = info_shown(source, config)
    tell_stage(progress, "building the networks")
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
