"""`ganzoo train`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import bytes_text, echo, json_option, print_json
from ganzoo.cli.display import TrainingDisplay
from ganzoo.errors import GanzooError, shell_word

if TYPE_CHECKING:
    from ganzoo.api.plan_training import TrainingPlan
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
@click.option("--fork", metavar="RUN[@WHICH]", help="Branch off from this run at a checkpoint: last, best, a step.")
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
@click.option(
    "--dry-run", is_flag=True, help="Check everything, time ten steps, say what the whole takes, write no run."
)
@json_option
def command(
    architecture: str | None,
    data: tuple[str, ...],
    target: str | None,
    out: Path | None,
    resume: Path | None,
    fork: str | None,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    init_from: Path | None,
    changed_data: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Train ARCHITECTURE on pictures, go on with a run, or branch off from one.

    \b
    ganzoo train dcgan --data photos/ --out runs/photos
    ganzoo train dcgan --preset digits --out runs/digits --max-time 60
    ganzoo train cyclegan --preset paper --data horses/ --target zebras/ --out runs/zebras
    ganzoo train --resume runs/photos --kimg 2000
    ganzoo train --resume runs/photos --set generator_lr=1e-4
    ganzoo train --resume runs/photos --data /mnt/moved/photos
    ganzoo train --fork runs/photos@best --out runs/slower --set generator_lr=1e-4
    ganzoo train dcgan --data photos/ --dry-run -o preview.png
    ganzoo train dcgan --data cats/ --out runs/cats --init-from runs/photos --set freeze_discriminator=3
    torchrun --nproc-per-node 8 -m ganzoo train dcgan --data photos/ --out runs/photos
    """
    from ganzoo.api.plan_training import plan_layers
    from ganzoo.api.resume import fork_layer, resume_layer
    from ganzoo.api.train import train_layers
    from ganzoo.config.resolve import Layer, file_layer, merged, set_layer
    from ganzoo.config.train_table import LENGTHS
    from ganzoo.errors import RequestError

    stated = {"ARCHITECTURE": architecture, "--preset": preset, "-c": config, "--init-from": init_from}
    _check_arguments(stated, out, resume, fork, changed_data, dry_run)
    lengths = [f"--{name}" for name in LENGTHS if options[name] is not None]
    if len(lengths) > 1:
        raise RequestError(f"{' and '.join(lengths)} both state the length; give one.")
    given = {key: options[key] for key in _TRAIN_OPTIONS if options[key] is not None}
    if "compile" in given:
        given["compile"] = "on"
    if resume is not None or fork is not None:
        options_layer = Layer(origin="options", tables={"train": given, "data": _places(data, target)})
        changes = merged("command line", set_layer(assignments), options_layer)
        if resume is not None:
            with TrainingDisplay(resume) as display:
                run = resume_layer(resume, changes, changed_data=changed_data, progress=display)
        else:
            assert out is not None and fork is not None
            parent, checkpoint = _branch(fork)
            with TrainingDisplay(out) as display:
                run = fork_layer(parent, changes, out=out, checkpoint=checkpoint, progress=display)
        return _report(run, as_json)
    assert architecture is not None
    layers = [
        *([file_layer(config)] if config is not None else []),
        set_layer(assignments),
        *(_option_layer("train", key, value) for key, value in given.items()),
        *(_option_layer("data", key, value) for key, value in _places(data, target).items()),
    ]
    if dry_run:
        picture = out if out is not None and out.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") else None
        with TrainingDisplay(out or Path(architecture), architecture) as display:
            plan = plan_layers(
                architecture, layers, out=out, preset=preset, init_from=init_from, preview=picture, progress=display
            )
        _print_plan(plan, picture, as_json)
        if options["max_seconds"] is not None and not as_json:
            echo(f"# stops after {options['max_seconds']:g} s (--max-time), and is saved")
        return 0
    assert out is not None
    with TrainingDisplay(out, architecture) as display:
        run = train_layers(architecture, layers, out=out, preset=preset, init_from=init_from, progress=display)
    return _report(run, as_json)


def _branch(text: str) -> tuple[Path, str]:
    """The run and the checkpoint of `RUN@WHICH`; an @ that is part of a name is one."""
    place, at, which = text.rpartition("@")
    if not at or Path(text).is_dir():
        return Path(text), "last"
    return Path(place), which


def _places(data: tuple[str, ...], target: str | None) -> dict[str, Any]:
    """The settings that say where pictures are."""
    places: dict[str, Any] = {"source": data[0], "also": data[1:]} if data else {}
    return places if target is None else {**places, "target": target}


def _check_arguments(
    stated: Mapping[str, object],
    out: Path | None,
    resume: Path | None,
    fork: str | None,
    changed_data: bool,
    dry_run: bool,
) -> None:
    """stated: what a run has by itself, and goes with a new one alone."""
    from ganzoo.errors import RequestError

    if resume is not None or fork is not None:
        verb, name = ("--resume", resume) if resume is not None else ("--fork", fork)
        others = {**stated, **({"--out": out, "--fork": fork} if resume is not None else {})}
        extra = [name for name, value in others.items() if value is not None]
        if extra or dry_run:
            way = f"ganzoo train {verb} {shell_word(name)}" + ("" if resume is not None else " --out RUN")
            raise RequestError(
                f"{verb} takes its settings from the run; {', '.join(extra) or '--dry-run'} does not go with it.",
                hint=way,
            )
        if resume is None and out is None:
            raise RequestError(
                "Where shall the fork go?", hint=f"Add --out RUN: ganzoo train --fork {shell_word(fork)} --out RUN"
            )
    if changed_data and resume is None:
        raise RequestError("--changed-data goes with --resume.")
    if resume is not None or fork is not None:
        return
    if stated["ARCHITECTURE"] is None:
        raise RequestError(
            "Which architecture is to be trained?",
            hint="For example: ganzoo train dcgan --data PATH --out RUN. `ganzoo list` shows what there is.",
        )
    if out is None and not dry_run:
        usual = shell_word(f"runs/{stated['ARCHITECTURE']}")
        raise RequestError("Where shall the run go?", hint=f"Add --out RUN, for example --out {usual}")


def _option_layer(table: str, key: str, value: Any) -> Layer:
    from ganzoo.config.resolve import Layer

    names = {"max_seconds": "--max-time", "source": "--data", "also": "--data"}
    return Layer(origin=names.get(key, f"--{key.replace('_', '-')}"), tables={table: {key: value}})


def _print_plan(plan: TrainingPlan, picture: Path | None, as_json: bool) -> None:
    import dataclasses

    if as_json:
        preview = None if picture is None else str(picture)
        print_json({**dataclasses.asdict(plan), "suggested": list(plan.suggested), "preview": preview})
        return
    echo(plan.config)
    echo(f"# data: {plan.data}")
    echo(f"# parameters: {', '.join(f'{name} {size:,}' for name, size in plan.parameters.items())}")
    echo(f"# device: {plan.device}, {plan.precision}")
    echo(f"# length: {plan.steps:,} steps of {plan.batch_size} pictures")
    one = plan.estimate
    echo(
        f"# time: {one.duration} with the scores of checkpoints; {one.images_per_second:,.0f} images/s, "
        f"{one.seconds_per_step:.3g} s a step, {one.timed_steps} timed"
    )
    if one.memory_gb is not None:
        echo(f"# memory: {one.memory_gb:.1f} GB")
    echo(f"# disk: {bytes_text(one.disk_bytes)} at the end, {bytes_text(one.checkpoint_bytes)} a checkpoint")
    for setting in plan.suggested:
        echo(f"# to try: --set {shell_word(setting)}")
    if picture is not None:
        echo(f"# preview: {picture}")


def _report(run: Run, as_json: bool) -> int:
    outcome = run.outcome
    assert outcome is not None
    status = 130 if outcome.interrupted else 0
    if not outcome.leads:
        return status
    with contextlib.suppress(GanzooError, BrokenPipeError):  # what was learnt is saved, whoever listens
        if as_json:
            print_json({"run": str(run.path), **outcome.to_json()})
        else:
            _print_outcome(run, outcome)
    return status


def _print_outcome(run: Run, outcome: TrainingOutcome) -> None:
    if outcome.seconds:  # else nothing was left to do
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
