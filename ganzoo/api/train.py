"""Training a new run; alone or among the processes that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ganzoo.api.arguments import one_length, to_name, to_path, to_run, to_sources, to_switch, to_text
from ganzoo.api.listening import training_listener
from ganzoo.api.registry import installed
from ganzoo.api.resume import alone, go_on, trained
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.config.resolve import Layer, RunConfig, file_layer
from ganzoo.config.train_table import LENGTHS
from ganzoo.errors import RequestError
from ganzoo.loggers.logbook import Logbook
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.settings import resolve_for
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.progress import ProgressListener, Silent, tell_stage
from ganzoo.runs.lock import check_unlocked
from ganzoo.runs.run import Run


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
    layers = training_layers(
        config, settings, data=data, target=target, kimg=kimg, steps=steps, epochs=epochs, batch_size=batch_size,
        seed=seed, device=device, precision=precision, compile=compile, deterministic=deterministic,
        max_seconds=max_seconds,
    )  # fmt: skip
    first = None if init_from is None else to_run(init_from, "init_from")
    return train_layers(
        to_name(architecture, "architecture"), layers, out=place, preset=preset, init_from=first, progress=progress
    )


def training_layers(
    config: Path | str | None, settings: Settings, *, data: object, target: object, **train: object
) -> list[Layer]:
    """What a caller states, each over the one before. Raises RequestError."""
    one_length(**{name: train[name] for name in LENGTHS})
    return [
        *([file_layer(to_path(config, "config"))] if config is not None else []),
        *as_layers(settings),
        *option_layers("train", {**train, "compile": to_switch(train["compile"])}),
        *option_layers("data", {**to_sources(data, "data"), "target": to_text(target, "target")}),
    ]


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
    told = training_listener(progress, out, architecture)
    registry = installed(told)
    offer = registry.architecture(architecture)
    resolved = resolve_settings(offer, layers, preset)
    if alone():
        check_unlocked(out)  # before torch is imported, which takes seconds
    tell_stage(told, "loading torch")
    from ganzoo.training.ranks import joined_ranks, restarted
    from ganzoo.training.start import start_run

    with joined_ranks(resolved.train.device) as ranks:
        heard = Logbook(told if ranks.leads else Silent())
        # Rank 0 decides: one decision for all, whatever the others see of a shared directory just now.
        if ranks.broadcast_object(restarted() and any((out / "checkpoints").glob("step-*"))):
            limit = {"max_seconds": resolved.train.max_seconds}  # a run does not remember it
            kept = {key: value for key, value in limit.items() if value is not None}
            return go_on(out, Layer(origin="restart", tables={"train": kept}), ranks, heard)
        trainer = start_run(
            offer, resolved, registry, out=out, preset=preset or "", progress=heard, init_from=init_from, ranks=ranks
        )
        return trained(trainer, heard)


def resolve_settings(offer: InstalledSpec[ArchitectureSpec], layers: Sequence[Layer], preset: str | None) -> RunConfig:
    """The settings of a new run. Raises RequestError for what is not valid, or no pictures."""
    devices = int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's
    resolved = resolve_for(offer, layers, preset=preset, devices=devices)
    if not resolved.data.source:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    return resolved
