"""`ganzoo train`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import echo
from ganzoo.cli.progress import Display
from ganzoo.errors import GanzooError, shell_word

if TYPE_CHECKING:
    from ganzoo.api.train import TrainingPlan
    from ganzoo.api.types import Run, TrainingOutcome
    from ganzoo.config.resolve import Layer

_TRAIN_OPTIONS = (
    "kimg", "steps", "epochs", "batch_size", "seed", "device", "precision", "compile", "deterministic", "max_seconds"
)  # fmt: skip


@click.command("train")
@click.argument("architecture", required=False)
@click.option(
    "--data",
    multiple=True,
    metavar="SOURCE",
    help="Pictures: a folder, zip or tar, or a data source such as digits; repeat for more folders.",
)
@click.option("--target", metavar="SOURCE", help="For translation: pictures of the other domain.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run directory to make; with --dry-run a picture to write, of what the networks will see.",
)
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
@click.option("--changed-data", is_flag=True, help="With --resume: go on though the pictures changed.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the settings and their origin, and stop.")
def command(
    architecture: str | None,
    data: tuple[str, ...],
    target: str | None,
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    init_from: Path | None,
    changed_data: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Train ARCHITECTURE on pictures, or go on with a run.

    \b
    ganzoo train dcgan --data photos/ --out runs/photos
    ganzoo train dcgan --preset digits --out runs/digits --max-time 60
    ganzoo train cyclegan --preset paper --data horses/ --target zebras/ --out runs/zebras
    ganzoo train --resume runs/photos --kimg 2000
    ganzoo train --resume runs/photos --data /mnt/moved/photos
    ganzoo train dcgan --data photos/ --dry-run -o preview.png
    ganzoo train dcgan --data cats/ --out runs/cats --init-from runs/photos --set freeze_discriminator=3
    torchrun --nproc-per-node 8 -m ganzoo train dcgan --data photos/ --out runs/photos
    """
    from ganzoo.api.train import plan_layers, resume_layer, train_layers
    from ganzoo.config.resolve import Layer, file_layer, merged, set_layer
    from ganzoo.config.tables import LENGTHS
    from ganzoo.errors import RequestError

    _check_arguments(architecture, out, resume, preset, config, init_from, changed_data, dry_run)
    lengths = [f"--{name}" for name in LENGTHS if options[name] is not None]
    if len(lengths) > 1:
        raise RequestError(f"{' and '.join(lengths)} both state the length; give one.")
    given = {key: options[key] for key in _TRAIN_OPTIONS if options[key] is not None}
    if "compile" in given:
        given["compile"] = "on"
    if resume is not None:
        options_layer = Layer(origin="options", tables={"train": given, "data": _places(data, target)})
        changes = merged("command line", set_layer(assignments), options_layer)
        with Display(resume.name) as display:
            return _report(resume_layer(resume, changes, changed_data=changed_data, progress=display))
    assert architecture is not None
    layers = [
        *([file_layer(config)] if config is not None else []),
        set_layer(assignments),
        *(_option_layer("train", key, value) for key, value in given.items()),
        *(_option_layer("data", key, value) for key, value in _places(data, target).items()),
    ]
    if dry_run:
        picture = out if out is not None and out.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") else None
        with Display(architecture) as display:
            plan = plan_layers(
                architecture, layers, out=out, preset=preset, init_from=init_from, preview=picture, progress=display
            )
        _print_plan(plan, picture)
        return 0
    assert out is not None
    with Display(out.name) as display:
        return _report(
            train_layers(architecture, layers, out=out, preset=preset, init_from=init_from, progress=display)
        )


def _places(data: tuple[str, ...], target: str | None) -> dict[str, Any]:
    """The settings that say where pictures are."""
    places: dict[str, Any] = {"source": data[0], "also": data[1:]} if data else {}
    return places if target is None else {**places, "target": target}


def _check_arguments(
    architecture: str | None,
    out: Path | None,
    resume: Path | None,
    preset: str | None,
    config: Path | None,
    init_from: Path | None,
    changed_data: bool,
    dry_run: bool,
) -> None:
    from ganzoo.errors import RequestError

    if resume is not None:
        stated = {
            "ARCHITECTURE": architecture,
            "--out": out,
            "--preset": preset,
            "-c": config,
            "--init-from": init_from,
        }
        extra = [name for name, value in stated.items() if value is not None]
        if extra or dry_run:
            raise RequestError(
                f"--resume takes its settings from the run; {', '.join(extra) or '--dry-run'} does not go with it.",
                hint=f"ganzoo train --resume {shell_word(resume)}",
            )
        return
    if changed_data:
        raise RequestError("--changed-data goes with --resume.")
    if architecture is None:
        raise RequestError(
            "Which architecture is to be trained?",
            hint="For example: ganzoo train dcgan --data PATH --out RUN. `ganzoo list` shows what there is.",
        )
    if out is None and not dry_run:
        raise RequestError(
            "Where shall the run go?", hint=f"Add --out RUN, for example --out {shell_word(f'runs/{architecture}')}"
        )


def _option_layer(table: str, key: str, value: Any) -> Layer:
    from ganzoo.config.resolve import Layer

    names = {"max_seconds": "--max-time", "source": "--data", "also": "--data"}
    return Layer(origin=names.get(key, f"--{key.replace('_', '-')}"), tables={table: {key: value}})


def _print_plan(plan: TrainingPlan, picture: Path | None) -> None:
    echo(plan.config)
    echo(f"# data: {plan.data}")
    echo(f"# parameters: {', '.join(f'{name} {size:,}' for name, size in plan.parameters.items())}")
    echo(f"# device: {plan.device}, {plan.precision}")
    echo(f"# length: {plan.steps:,} steps of {plan.batch_size} pictures")
    for setting in plan.suggested:
        echo(f"# to try: --set {shell_word(setting)}")
    if picture is not None:
        echo(f"# preview: {picture}")


def _report(run: Run) -> int:
    outcome = run.outcome
    assert outcome is not None
    status = 130 if outcome.interrupted else 0
    if not outcome.leads:
        return status
    with contextlib.suppress(GanzooError, BrokenPipeError):  # what was learnt is saved, whoever listens
        _print_outcome(run, outcome)
    return status


def _print_outcome(run: Run, outcome: TrainingOutcome) -> None:
    echo(
        f"{outcome.steps:,} steps, {outcome.kimg:.1f} kimg, {outcome.seconds:.1f} s, "
        f"{outcome.images_per_second:,.0f} images/s"
    )
    echo(f"samples     {outcome.samples}")
    echo(f"checkpoint  {outcome.checkpoint}")
    if outcome.best is not None and outcome.best != outcome.checkpoint:
        echo(f"best        {outcome.best}")
    if outcome.finished:
        echo(f"next        ganzoo export {shell_word(run.path)}")
    else:
        how = "interrupted" if outcome.interrupted else "out of time"
        echo(f"{how}; go on with: ganzoo train --resume {shell_word(run.path)}")
