"""Training: a new run, or going on with one; alone or among the processes that torchrun started."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.api.arguments import one_length, to_choice, to_name, to_path, to_run, to_sources, to_text
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.config.resolve import Layer, RunConfig, file_layer, merged
from ganzoo.errors import RequestError
from ganzoo.plugin import api1
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.settings import resolve_for
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.progress import Progress, ProgressListener, Silent, listener
from ganzoo.runs.lock import check_unlocked
from ganzoo.runs.run import Run, open_run, target_steps

if TYPE_CHECKING:
    from ganzoo.training.ranks import Ranks
    from ganzoo.training.trainer import Trainer


def train(
    architecture: str,
    *,
    out: Path | str,
    data: Path | str | Sequence[Path | str] | None = None,
    target: Path | str | None = None,
    preset: str | None = None,
    config: Path | str | None = None,
    settings: Settings = None,
    kimg: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    compile: bool | None = None,
    deterministic: bool | None = None,
    max_seconds: float | None = None,
    init_from: Run | Path | str | None = None,
    progress: ProgressListener | None = None,
) -> Run:
    """Train a new run in the directory `out`.

    data: a folder, zip or tar of pictures, several of them, or a data source such as "digits". target: for translation,
        the other domain.
    preset, config, settings: by name, from a TOML file, and by key; each over the one before. settings is a mapping,
        {"augment": "ada", "train.log_every_steps": 5, "data": {"flip": True}}; a key alone is the architecture's.
    kimg, steps, epochs: the length, one of them. batch_size: real pictures a step, over all devices.
    init_from: a run whose weights are taken where they fit.
    An interrupt (Ctrl-C) ends the step, saves, and returns the run with `.interrupted`.

    Raises RequestError for what cannot work, before anything is written; CheckpointError when `out` holds something;
    DataError, DivergedError, PluginError or GanzooError, as the case may be, with the newest checkpoint intact.
    """
    place = to_path(out, "out")
    one_length(kimg=kimg, steps=steps, epochs=epochs)
    layers = [
        *([file_layer(to_path(config, "config"))] if config is not None else []),
        *as_layers(settings),
        *option_layers(
            "train",
            {
                "kimg": kimg,
                "steps": steps,
                "epochs": epochs,
                "batch_size": batch_size,
                "seed": seed,
                "device": device,
                "precision": precision,
                "compile": _switch(compile),
                "deterministic": deterministic,
                "max_seconds": max_seconds,
            },
        ),
        *option_layers("data", {**to_sources(data, "data"), "target": to_text(target, "target")}),
    ]
    first = None if init_from is None else to_run(init_from, "init_from")
    return train_layers(
        to_name(architecture, "architecture"), layers, out=place, preset=preset, init_from=first, progress=progress
    )


def train_layers(
    architecture: str,
    layers: Sequence[Layer],
    *,
    out: Path,
    preset: str | None = None,
    init_from: Path | None = None,
    progress: ProgressListener | None = None,
) -> Run:
    """`train` with settings whose origin is known. A restart by torchrun goes on from the newest checkpoint."""
    told = listener(progress)
    registry = installed(told)
    offer = registry.architecture(architecture)
    resolved = _resolve(offer, layers, preset)
    if _alone():
        check_unlocked(out)  # before torch is imported, which takes seconds
    from ganzoo.training.ranks import joined_ranks, restarted
    from ganzoo.training.start import start_run

    with joined_ranks(resolved.train.device) as ranks:
        heard = told if ranks.leads else Silent()
        # Rank 0 decides: one decision for all, whatever the others see of a shared directory just now.
        if ranks.broadcast_object(restarted() and any((out / "checkpoints").glob("step-*"))):
            limit = {"max_seconds": resolved.train.max_seconds}  # a run does not remember it
            kept = {key: value for key, value in limit.items() if value is not None}
            return _go_on(out, Layer(origin="restart", tables={"train": kept}), ranks, heard)
        trainer = start_run(
            offer, resolved, registry, out=out, preset=preset or "", progress=heard, init_from=init_from, ranks=ranks
        )
        return _trained(trainer, heard)


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
    kimg, steps, epochs: a new length. settings: what else may change, e.g. {"train.sample_every_kimg": 5}.
    On one kind of device the weights become what they would have become without the stop, bit for bit.

    Raises CheckpointError when there is no run or no checkpoint, RequestError for a change that is not allowed, and
    what `train` raises.
    """
    given = {
        "kimg": kimg,
        "steps": steps,
        "epochs": epochs,
        "device": device,
        "compile": _switch(compile),
        "max_seconds": max_seconds,
    }
    one_length(kimg=kimg, steps=steps, epochs=epochs)
    places = {**to_sources(data, "data"), "target": to_text(target, "target")}
    changes = merged("settings", *as_layers(settings), *option_layers("train", given), *option_layers("data", places))
    return resume_layer(to_run(run), changes, changed_data=changed_data, progress=progress)


def resume_layer(
    path: Path, changes: Layer, *, changed_data: bool = False, progress: ProgressListener | None = None
) -> Run:
    """`resume` with changes whose origin is known."""
    if _alone():
        check_unlocked(path)  # before torch is imported, which takes seconds
    from ganzoo.training.ranks import joined_ranks

    told = listener(progress)
    device = changes.tables.get("train", {}).get("device") or open_run(path, installed(told)).config.train.device
    with joined_ranks(device) as ranks:
        return _go_on(path, changes, ranks, told if ranks.leads else Silent(), changed_data=changed_data)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """What a training would do.

    config: the settings as TOML, each with where it came from. data: the pictures in words, and their shape.
    parameters: numbers that each network learns. device, precision. steps, batch_size: the length. suggested: settings
    that the pictures suggest, "data.labels=folders".
    """

    config: str
    data: str
    parameters: Mapping[str, int]
    device: str
    precision: str
    steps: int
    batch_size: int
    suggested: Sequence[str] = ()


def plan_layers(
    architecture: str,
    layers: Sequence[Layer],
    *,
    out: Path | None = None,
    preset: str | None = None,
    init_from: Path | None = None,
    preview: Path | None = None,
    progress: ProgressListener | None = None,
) -> TrainingPlan:
    """Check everything that `train_layers` would, without writing a run. Raises what it raises.

    preview: a picture to write, of what the networks will see.
    """
    from ganzoo.data.facts import facts_of
    from ganzoo.sampling.pictures import check_picture_name, save_grid
    from ganzoo.training.start import start_run

    if preview is not None:
        check_picture_name(preview)

    told = listener(progress)
    registry = installed(told)
    offer = registry.architecture(architecture)
    resolved = _resolve(offer, layers, preset)
    trainer = start_run(
        offer, resolved, registry, out=out or Path(), preset=preset or "", progress=told, write=False,
        init_from=init_from,
    )  # fmt: skip
    engine, run = trainer.engine, trainer.run
    if preview is not None:
        from ganzoo.training import look

        save_grid(look.preview(trainer), preview)
    sizes = {
        name: sum(parameter.numel() for parameter in module.parameters())
        for name, module in engine.architecture.named_children()
    }
    return TrainingPlan(
        config=run.config.to_toml(provenance=True),
        data=f"{run.data_description}; {run.data}",
        parameters={name: size for name, size in sizes.items() if size},
        device=str(engine.device),
        precision="bf16" if engine.bf16 else "fp32",
        steps=target_steps(run.config.train),
        batch_size=run.config.train.batch_size,
        suggested=[hint for facts in facts_of(trainer.source) for hint in facts.hints],
    )


def _resolve(offer: InstalledSpec[ArchitectureSpec], layers: Sequence[Layer], preset: str | None) -> RunConfig:
    devices = int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's
    resolved = resolve_for(offer, layers, preset=preset, devices=devices)
    if not resolved.data.source:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    return resolved


def _alone() -> bool:
    return os.environ.get("WORLD_SIZE", "1") == "1"


def _go_on(path: Path, changes: Layer, ranks: Ranks, heard: ProgressListener, *, changed_data: bool = False) -> Run:
    from ganzoo.training.start import resume_run

    trainer = resume_run(path, changes, installed(heard), progress=heard, changed_data=changed_data, ranks=ranks)
    done, total = trainer.steps_done, target_steps(trainer.run.config.train)
    heard.update(Progress(done=done, total=total, unit="steps", values={"status": f"going on at step {done}"}))
    return _trained(trainer, heard)


def _trained(trainer: Trainer, heard: ProgressListener) -> Run:
    run = dataclasses.replace(trainer.run, outcome=trainer.train())
    package = run.offer.spec.implementation.partition(":")[0].partition(".")[0]
    if notice := api1.notice(package):
        heard.say(f"notice: {run.offer.distribution} {notice}")
    return run


def _switch(value: object) -> str | None:
    return None if value is None else "on" if to_choice(value, "compile", (True, False)) else "off"
