"""What a training would do, and take, before it is begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.api.arguments import to_name, to_optional_path, to_run
from ganzoo.api.listening import training_listener
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings
from ganzoo.api.train import resolve_settings, training_layers
from ganzoo.config.resolve import Layer
from ganzoo.progress import ProgressListener, tell_stage
from ganzoo.runs.run import Run, target_steps

if TYPE_CHECKING:
    from ganzoo.training.rehearsal import Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """What a training would do.

    config: the settings as TOML, each with where it came from. data: the pictures in words, and their shape.
    parameters: numbers that each network learns. device, precision. steps, batch_size: the length. suggested: settings
    that the pictures suggest, "data.labels=folders". estimate: what the whole takes, from a few steps.
    """

    config: str
    data: str
    parameters: Mapping[str, int]
    device: str
    precision: str
    steps: int
    batch_size: int
    estimate: Estimate
    suggested: Sequence[str] = ()


def plan_training(
    architecture: str,
    *,
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
    init_from: Run | Path | str | None = None,
    preview: Path | str | None = None,
    progress: ProgressListener | None = None,
) -> TrainingPlan:
    """What `train` with these arguments would do and take: checks all that it would, trains ten steps, writes no run.

    preview: a picture to write, of what the networks will see. Raises what `train` raises.
    """
    layers = training_layers(
        config, settings, data=data, target=target, kimg=kimg, steps=steps, epochs=epochs, batch_size=batch_size,
        seed=seed, device=device, precision=precision, compile=compile,
    )  # fmt: skip
    return plan_layers(
        to_name(architecture, "architecture"),
        layers,
        preset=preset,
        init_from=None if init_from is None else to_run(init_from, "init_from"),
        preview=to_optional_path(preview, "preview"),
        progress=progress,
    )


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
    """`plan_training` with settings whose origin is known. Raises what `train_layers` raises.

    preview: a picture to write, of what the networks will see.
    """
    told = training_listener(progress, out or Path(architecture), architecture)
    tell_stage(told, "loading torch")
    from ganzoo.data.facts import facts_of
    from ganzoo.sampling.names import check_picture_name
    from ganzoo.sampling.pictures import save_grid
    from ganzoo.training.rehearsal import rehearse
    from ganzoo.training.start import start_run

    if preview is not None:
        check_picture_name(preview)

    registry = installed(told)
    offer = registry.architecture(architecture)
    resolved = resolve_settings(offer, layers, preset)
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
    tell_stage(told, "timing ten steps")
    return TrainingPlan(
        config=run.config.to_toml(provenance=True),
        data=f"{run.data_description}; {run.data}",
        parameters={name: size for name, size in sizes.items() if size},
        device=str(engine.device),
        precision="bf16" if engine.bf16 else "fp32",
        steps=target_steps(run.config.train),
        batch_size=run.config.train.batch_size,
        estimate=rehearse(trainer),
        suggested=[hint for facts in facts_of(trainer.source) for hint in facts.hints],
    )
