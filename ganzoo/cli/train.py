"""`ganzoo train`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import load_registry, warn

if TYPE_CHECKING:
    from ganzoo.config.resolve import Layer, Resolved
    from ganzoo.plugin.registry import Registry
    from ganzoo.training.ranks import Ranks
    from ganzoo.training.reporting import Observer
    from ganzoo.training.trainer import Outcome, Trainer

_TRAIN_OPTIONS = (
    "kimg", "steps", "epochs", "batch_size", "seed", "device", "precision", "compile", "deterministic", "max_seconds"
)  # fmt: skip


@click.command("train")
@click.argument("architecture", required=False)
@click.option("--data", metavar="SOURCE", help="Pictures: a folder, or a data source such as digits.")
@click.option("--target", metavar="SOURCE", help="For translation: pictures of the other domain.")
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="The run directory to make.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with this run.")
@click.option("--preset", help="Settings by name; see `ganzoo info ARCHITECTURE`.")
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Settings from a file.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting; repeat for more.")
@click.option("--kimg", type=float, help="Length in thousands of real pictures.")
@click.option("--steps", type=int, help="Length in steps.")
@click.option("--epochs", type=float, help="Length in passes over the pictures.")
@click.option("--batch-size", type=int, help="Real pictures per step, over all devices.")
@click.option("--seed", type=int, help="Seed of every random number of the run.")
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@click.option("--precision", help="auto, fp32 or bf16.")
@click.option("--max-time", "max_seconds", type=float, metavar="SECONDS", help="Stop and save after this time.")
@click.option("--compile", is_flag=True, default=None, help="torch.compile the networks; pays on long runs.")
@click.option("--deterministic", is_flag=True, default=None, help="On a GPU: kernels that repeat bit for bit, slower.")
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Begin from the weights of this run, if they fit.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, print the settings and their origin, and stop.")
def command(
    architecture: str | None,
    data: str | None,
    target: str | None,
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    init_from: Path | None,
    dry_run: bool,
    **options: Any,
) -> int:
    """Train ARCHITECTURE on pictures, or go on with a run.

    \b
    ganzoo train dcgan --data photos/ --out runs/photos
    ganzoo train dcgan --preset digits --out runs/digits --max-time 60
    ganzoo train cyclegan --preset paper --data horses/ --target zebras/ --out runs/zebras
    ganzoo train --resume runs/photos --kimg 2000
    ganzoo train dcgan --data cats/ --out runs/cats --init-from runs/photos --set freeze_discriminator=3
    torchrun --nproc-per-node 8 -m ganzoo train dcgan --data photos/ --out runs/photos
    """
    from ganzoo.config.resolve import Layer, set_layer
    from ganzoo.config.tables import LENGTHS
    from ganzoo.errors import RequestError

    _check_arguments(
        architecture, {"--data": data, "--target": target}, out, resume, preset, config, init_from, dry_run
    )
    lengths = [f"--{name}" for name in LENGTHS if options[name] is not None]
    if len(lengths) > 1:
        raise RequestError(f"{' and '.join(lengths)} both state the length; give one.")
    given = {key: options[key] for key in _TRAIN_OPTIONS if options[key] is not None}
    if "compile" in given:
        given["compile"] = "on"
    registry = load_registry()
    if resume is not None:
        changes = Layer(origin="command line", tables=_merge(set_layer(assignments).tables, {"train": given}))
        return _resume(resume, changes, registry)
    assert architecture is not None
    offer = registry.architecture(architecture)
    resolved = _resolve(registry, architecture, preset, config, assignments, given, {"source": data, "target": target})
    if not resolved.data.source:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    from ganzoo.training.ranks import joined_ranks, restarted
    from ganzoo.training.start import begin

    if dry_run:
        trainer = begin(
            offer, resolved, registry, out=out or Path(), preset=preset or "", observer=_Plain(), write=False,
            init_from=init_from,
        )  # fmt: skip
        _print_plan(trainer)
        return 0
    assert out is not None
    with joined_ranks(resolved.train.device) as ranks, _observer(ranks, out) as observer:
        # Rank 0 decides: one decision for all, whatever the others see of a shared directory just now.
        if ranks.tell(restarted() and any((out / "checkpoints").glob("step-*"))):
            kept = {key: given[key] for key in ("max_seconds",) if key in given}  # a run does not remember it
            return _go_on(out, Layer(origin="restart", tables={"train": kept}), registry, ranks, observer)
        trainer = begin(
            offer, resolved, registry, out=out, preset=preset or "", observer=observer, init_from=init_from, ranks=ranks
        )
        return _report(trainer.train(), out, ranks)


def _resume(run: Path, changes: Layer, registry: Registry) -> int:
    from ganzoo.training.ranks import joined_ranks
    from ganzoo.training.run import open_run

    device = changes.tables.get("train", {}).get("device") or open_run(run, registry).config.train.device
    with joined_ranks(device) as ranks, _observer(ranks, run) as observer:
        return _go_on(run, changes, registry, ranks, observer)


def _go_on(run: Path, changes: Layer, registry: Registry, ranks: Ranks, observer: Observer) -> int:
    from ganzoo.training.start import go_on

    trainer = go_on(run, changes, registry, observer=observer, ranks=ranks)
    observer.say(f"going on at step {trainer.steps_done}")
    return _report(trainer.train(), run, ranks)


@contextlib.contextmanager
def _observer(ranks: Ranks, run: Path) -> Iterator[Observer]:
    """The first rank shows how it goes; the others are silent."""
    from ganzoo.cli.progress import Display
    from ganzoo.training.reporting import Silent

    if not ranks.leads:
        yield Silent()
        return
    with Display(run.name) as display:
        yield display


def _check_arguments(
    architecture: str | None,
    data: Mapping[str, str | None],
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    init_from: Path | None,
    dry_run: bool,
) -> None:
    from ganzoo.errors import RequestError

    if resume is not None:
        stated = {
            "ARCHITECTURE": architecture,
            **data,
            "--out": out,
            "--preset": preset,
            "-c": config,
            "--init-from": init_from,
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
    data: Mapping[str, str | None],
) -> Resolved:
    from ganzoo.config.resolve import file_layer, set_layer
    from ganzoo.plugin.settings import resolve_for

    offer = registry.architecture(architecture)
    layers: list[Layer] = []
    if config is not None:
        layers.append(file_layer(config))
    layers.append(set_layer(assignments))
    layers += [_option_layer("train", key, value) for key, value in given.items()]
    layers += [_option_layer("data", key, value) for key, value in data.items() if value is not None]
    devices = int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's
    return resolve_for(offer, layers, preset=preset, devices=devices)


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


def _print_plan(trainer: Trainer) -> None:
    from ganzoo.training.run import target_steps

    engine, run = trainer.engine, trainer.run
    resolved = run.config
    click.echo(resolved.to_toml(provenance=True))
    sizes = {
        name: sum(parameter.numel() for parameter in module.parameters())
        for name, module in engine.architecture.named_children()
    }
    counts = ", ".join(f"{name} {size:,}" for name, size in sizes.items() if size)
    click.echo(f"# data: {run.data_description}; {run.data.channels}x{run.data.size}x{run.data.size}")
    click.echo(f"# parameters: {counts}")
    click.echo(f"# device: {engine.device}, {'bf16' if engine.bf16 else 'fp32'}")
    click.echo(f"# length: {target_steps(resolved.train):,} steps of {resolved.train.batch_size} pictures")


class _Plain:
    """Where a dry run's messages go."""

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None: ...

    def say(self, text: str) -> None:
        warn(text)


def _report(outcome: Outcome, run: Path, ranks: Ranks) -> int:
    status = 130 if outcome.interrupted else 0
    if not ranks.leads:
        return status
    click.echo(
        f"{outcome.steps:,} steps, {outcome.kimg:.1f} kimg, {outcome.seconds:.1f} s, "
        f"{outcome.images_per_second:,.0f} images/s"
    )
    click.echo(f"samples     {outcome.samples}")
    click.echo(f"checkpoint  {outcome.checkpoint}")
    if outcome.best is not None and outcome.best != outcome.checkpoint:
        click.echo(f"best        {outcome.best}")
    if outcome.finished:
        click.echo(f"next        ganzoo export {run}")
    else:
        how = "interrupted" if outcome.interrupted else "out of time"
        click.echo(f"{how}; go on with: ganzoo train --resume {run}")
    return status
