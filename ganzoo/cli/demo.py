"""`ganzoo demo`: the whole product once, on the built-in digits."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import click

from ganzoo.cli.common import echo, table
from ganzoo.cli.progress import Lines
from ganzoo.errors import shell_word

_JUDGED = 2000


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("ganzoo-demo"),
    show_default=True,
    help="Where; a number is appended if it exists.",
)
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="How long to train.")
@click.option("--architecture", default="dcgan", show_default=True, help="One with a preset named digits.")
def command(out: Path, seconds: float, architecture: str) -> None:
    """Train, sample, export and measure a small GAN in about two minutes.

    On 1,500 real handwritten digits that come with ganzoo; no GPU, account or download is needed.
    """
    began = time.monotonic()
    out = _free(out)
    echo(f"1/4  training {architecture} on real handwritten digits for {seconds:g} seconds")
    _train(architecture, out, seconds)
    echo("\n2/4  exporting the generator to ONNX, and proving that it paints the same pictures")
    model = _export(out)
    echo("\n3/4  sampling from the ONNX file and judging the samples against the real digits")
    grid = _sample(model, out)
    echo("\n4/4  measuring the latency in ONNX Runtime on the CPU")
    _bench(model, out)
    echo(
        f"""
Done in {time.monotonic() - began:.0f} seconds. Everything is in {out}/
  samples      {grid}
  training     {out / "samples"}/ and {out / "metrics.jsonl"}
  model        {model}
  latency      {out / "bench.json"}

Next:
  ganzoo train --resume {shell_word(out)} --max-time 120
  ganzoo sample {shell_word(model)} -o more.png --seed 1000
  ganzoo train {shell_word(architecture)} --data PATH --out runs/mine
  ganzoo info {shell_word(architecture)}"""
    )


def _free(out: Path) -> Path:
    names = itertools.chain([out], (out.with_name(f"{out.name}-{number}") for number in itertools.count(2)))
    return next(name for name in names if not name.exists())


def _train(architecture: str, out: Path, seconds: float) -> None:
    from ganzoo.api.train import train_layers
    from ganzoo.cli.display import TrainingDisplay
    from ganzoo.config.resolve import Layer

    settings = Layer(origin="demo", tables={"train": {"max_seconds": seconds, "log_every_steps": 200}})
    with TrainingDisplay(out) as display:
        run = train_layers(architecture, [settings], out=out, preset="digits", progress=display)
    outcome = run.outcome
    assert outcome is not None
    echo(f"     {outcome.steps:,} steps, {outcome.kimg:.0f} kimg, {outcome.images_per_second:,.0f} images/s")
    if outcome.interrupted:
        echo(f"interrupted and saved; go on with: ganzoo train --resume {shell_word(out)}")
        raise KeyboardInterrupt
    records = run.metrics()
    shown = [records[index] for index in sorted({0, len(records) // 3, 2 * len(records) // 3, len(records) - 1})]
    losses = [name for name in records[0] if name.endswith(".adversarial")]
    rows = [[f"{record['kimg']:.0f}", *(f"{record[name]:.3f}" for name in losses)] for record in shown]
    echo(table(["     kimg", *losses], [["     " + row[0], *row[1:]] for row in rows]))


def _export(out: Path) -> Path:
    from ganzoo.api.export import export

    exported = export(out, progress=Lines())[0]
    batches = " and ".join(str(case.dims["batch"]) for case in exported.proof.cases)
    echo(f"     {exported.path}  {exported.bytes / 1e6:.1f} MB")
    echo(f"     largest difference from torch at batches {batches}: {exported.proof.error:.1e}")
    return exported.path


def _sample(model: Path, out: Path) -> Path:
    from ganzoo.api.judge_digits import judge_digits
    from ganzoo.api.load import load

    pictures = load(model).sample(range(_JUDGED))
    path = pictures[:100].save(out / "digits.png")
    report = judge_digits(pictures)
    echo(f"     {path}")
    echo(f"     Frechet distance to the real digits (8x8 pixels): {report.frechet:.0f}; 55 is their enlargement")
    echo(
        f"     all ten digits, the rarest {100 * report.rarest:.1f}% of {_JUDGED:,}"
        if report.rarest > 0
        else f"     only {sum(share > 0 for share in report.shares)} of ten digits"
    )
    echo(f"     not copies: {report.novelty:.2f} times as far from the training digits as unseen real ones are")
    return path


def _bench(model: Path, out: Path) -> None:
    from ganzoo.api.bench import bench

    result = bench(model, dims={"batch": [1, 8, 32]}, repeats=2, least_seconds=1.0, within=1.0, max_seconds=40.0)
    result.save(out / "bench.json")
    echo("\n".join(f"     {line}" for line in table(*result.table()).splitlines()))
