"""`ganzoo train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import load_registry, warn

if TYPE_CHECKING:
    from ganzoo.config.resolve import Layer, Resolved
    from ganzoo.plugins import Registry
    from ganzoo.training.trainer import Outcome

_TRAIN_OPTIONS = ("kimg", "steps", "batch_size", "seed", "device", "precision", "max_seconds")


@click.command("train")
@click.argument("architecture", required=False)
@click.option("--data", metavar="SOURCE", help="Pictures: a folder, or a data source such as digits.")
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="The run directory to make.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with this run.")
@click.option("--preset", help="Settings by name; see `ganzoo info ARCHITECTURE`.")
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Settings from a file.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting; repeat for more.")
@click.option("--kimg", type=float, help="Length in thousands of real pictures.")
@click.option("--steps", type=int, help="Length in steps.")
@click.option("--batch-size", type=int, help="Real pictures per step, over all devices.")
@click.option("--seed", type=int, help="Seed of every random number of the run.")
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@click.option("--precision", help="auto, fp32 or bf16.")
@click.option("--max-time", "max_seconds", type=float, metavar="SECONDS", help="Stop and save after this time.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the settings and their origin, and stop.")
def command(
    architecture: str | None,
    data: str | None,
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    dry_run: bool,
    **options: Any,
) -> int:
    """Train ARCHITECTURE on pictures, or go on with a run.

    \b
    ganzoo train dcgan --data photos/ --out runs/photos
    ganzoo train dcgan --preset digits --out runs/digits --max-time 60
    ganzoo train --resume runs/photos --kimg 2000
    """
    from ganzoo.cli.progress import Display
    from ganzoo.config.resolve import Layer, set_layer
    from ganzoo.errors import RequestError

    _check_arguments(architecture, data, out, resume, preset, config, dry_run)
    if options["kimg"] is not None and options["steps"] is not None:
        raise RequestError("--kimg and --steps both state the length; give one.")
    given = {key: options[key] for key in _TRAIN_OPTIONS if options[key] is not None}
    registry = load_registry()
    if resume is not None:
        changes = Layer(origin="command line", tables=_merge(set_layer(assignments).tables, {"train": given}))
        from ganzoo.training.start import go_on

        with Display(resume.name) as display:
            trainer = go_on(resume, changes, registry, observer=display)
            display.say(f"going on at step {trainer.steps_done}")
            outcome = trainer.train()
        return _report(outcome, resume)
    assert architecture is not None
    offer = registry.architecture(architecture)
    resolved = _resolve(registry, architecture, preset, config, assignments, given, data)
    if not resolved.data.source:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    from ganzoo.training.start import begin

    if dry_run:
        trainer = begin(
            offer, resolved, registry, out=out or Path(), preset=preset or "", observer=_Plain(), write=False
        )
        _print_plan(resolved, trainer)
        return 0
    assert out is not None
    with Display(out.name) as display:
        trainer = begin(offer, resolved, registry, out=out, preset=preset or "", observer=display)
        outcome = trainer.train()
    return _report(outcome, out)


def _check_arguments(
    architecture: str | None,
    data: str | None,
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    dry_run: bool,
) -> None:
    from ganzoo.errors import RequestError

    if resume is not None:
        stated = {
            "ARCHITECTURE": architecture,
            "--data": data,
            "--out": out,
            "--preset": preset,
            "-c": config,
        }
        extra = [name for name, value in stated.items() if value is not None]
        if extra or dry_run:
            raise RequestError(
                f"--resume takes its settings from the run; {', '.join(extra) or '--dry-run'} does not go with it.",
                hint=f"ganzoo train --resume {resume}",
            )
        return
    if architecture is None:
        raise RequestError(
            "Which architecture is to be trained?",
            hint="For example: ganzoo train dcgan --data PATH --out RUN. `ganzoo list` shows what there is.",
        )
    if out is None and not dry_run:
        raise RequestError("Where shall the run go?", hint=f"Add --out RUN, for example --out runs/{architecture}")


def _resolve(
    registry: Registry,
    architecture: str,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    given: dict[str, Any],
    data: str | None,
) -> Resolved:
    from ganzoo.config.resolve import file_layer, preset_layer, resolve, set_layer
    from ganzoo.loading import config_class

    offer = registry.architecture(architecture)
    layers: list[Layer] = []
    if preset is not None:
        layers.append(preset_layer(offer.spec, preset))
    if config is not None:
        layers.append(file_layer(config))
    layers.append(set_layer(assignments))
    layers += [_option_layer("train", key, value) for key, value in given.items()]
    if data is not None:
        layers.append(_option_layer("data", "source", data))
    return resolve(offer.spec.name, config_class(offer), layers)


def _option_layer(table: str, key: str, value: Any) -> Layer:
    from ganzoo.config.resolve import Layer

    names = {"max_seconds": "--max-time", "source": "--data"}
    return Layer(origin=names.get(key, f"--{key.replace('_', '-')}"), tables={table: {key: value}})


def _merge(*parts: Any) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for table, values in part.items():
            if values:
                merged.setdefault(table, {}).update(values)
    return merged


def _print_plan(resolved: Resolved, trainer: Any) -> None:
    from ganzoo.training.run import target_steps

    click.echo(resolved.to_toml(provenance=True))
    engine, run = trainer.engine, trainer.run
    counts = ", ".join(
        f"{name} {sum(p.numel() for p in module.parameters()):,}"
        for name, module in engine.architecture.named_children()
    )
    click.echo(f"# data: {run.data_description}; {run.data.channels}x{run.data.size}x{run.data.size}")
    click.echo(f"# parameters: {counts}")
    click.echo(f"# device: {engine.device}, {'bf16' if engine.bf16 else 'fp32'}")
    click.echo(f"# length: {target_steps(resolved.train):,} steps of {resolved.train.batch_size} pictures")


class _Plain:
    """Where a dry run's messages go."""

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None: ...

    def say(self, text: str) -> None:
        warn(text)


def _report(outcome: Outcome, run: Path) -> int:
    click.echo(
        f"{outcome.steps:,} steps, {outcome.kimg:.1f} kimg, {outcome.seconds:.1f} s, "
        f"{outcome.images_per_second:,.0f} images/s"
    )
    click.echo(f"samples     {outcome.samples}")
    click.echo(f"checkpoint  {outcome.checkpoint}")
    if outcome.finished:
        click.echo(f"next        ganzoo export {run}")
        return 0
    click.echo(f"{'interrupted' if outcome.interrupted else 'out of time'}; go on with: ganzoo train --resume {run}")
    return 130 if outcome.interrupted else 0
