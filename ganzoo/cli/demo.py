"""`ganzoo demo`: the whole product once, on the built-in digits."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import load_registry, table

if TYPE_CHECKING:
    from ganzoo.exporting.exporter import Exported
    from ganzoo.plugin.registry import Registry

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
    registry = load_registry()
    click.echo(f"1/4  training {architecture} on real handwritten digits for {seconds:g} seconds")
    _train(registry, architecture, out, seconds)
    click.echo("\n2/4  exporting the generator to ONNX, and proving that it paints the same pictures")
    exported = _export(registry, out)
    click.echo("\n3/4  sampling from the ONNX file and judging the samples against the real digits")
    grid = _sample(exported.path, out)
    click.echo("\n4/4  measuring the latency in ONNX Runtime on the CPU")
    _bench(exported.path, out)
    click.echo(
        f"""
Done in {time.monotonic() - began:.0f} seconds. Everything is in {out}/
  samples      {grid}
  training     {out / "samples"}/ and {out / "metrics.jsonl"}
  model        {exported.path}
  latency      {out / "bench.json"}

Next:
  ganzoo train --resume {out} --max-time 120
  ganzoo sample {exported.path} -o more.png --seed 1000
  ganzoo train {architecture} --data PATH --out runs/mine
  ganzoo info {architecture}"""
    )


def _free(out: Path) -> Path:
    names = itertools.chain([out], (out.with_name(f"{out.name}-{number}") for number in itertools.count(2)))
    return next(name for name in names if not name.exists())


def _train(registry: Registry, architecture: str, out: Path, seconds: float) -> None:
    from ganzoo.cli.progress import Display
    from ganzoo.config.resolve import Layer, resolve
    from ganzoo.plugin.settings import config_class, preset_layer
    from ganzoo.training.start import begin

    offer = registry.architecture(architecture)
    settings = Layer(origin="demo", tables={"train": {"max_seconds": seconds, "log_every_steps": 200}})
    config = resolve(offer.spec.name, config_class(offer), [preset_layer(offer.spec, "digits"), settings])
    with Display("training") as display:
        outcome = begin(offer, config, registry, out=out, preset="digits", observer=display).train()
    click.echo(f"     {outcome.steps:,} steps, {outcome.kimg:.0f} kimg, {outcome.images_per_second:,.0f} images/s")
    if outcome.interrupted:
        click.echo(f"interrupted and saved; go on with: ganzoo train --resume {out}")
        raise KeyboardInterrupt
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    shown = [records[index] for index in sorted({0, len(records) // 3, 2 * len(records) // 3, len(records) - 1})]
    losses = [name for name in records[0] if name.endswith(".adversarial")]
    rows = [[f"{record['kimg']:.0f}", *(f"{record[name]:.3f}" for name in losses)] for record in shown]
    click.echo(table(["     kimg", *losses], [["     " + row[0], *row[1:]] for row in rows]))


def _export(registry: Registry, out: Path) -> Exported:
    from ganzoo.exporting.exporter import Origin, export
    from ganzoo.training.start import load_trained

    trained = load_trained(out, registry, say=click.echo)
    origin = Origin(offer=trained.run.offer, training_data=trained.run.data_description, kimg=trained.kimg)
    exported = export(trained.architecture, origin, destination=out / "exports")[0]
    batches = " and ".join(str(case.dims["batch"]) for case in exported.proof.cases)
    click.echo(f"     {exported.path}  {exported.bytes / 1e6:.1f} MB")
    click.echo(f"     largest difference from torch at batches {batches}: {exported.proof.error:.1e}")
    return exported


def _sample(model: Path, out: Path) -> Path:
    from ganzoo.cli.models import open_model
    from ganzoo.cli.noise import paint
    from ganzoo.data.pictures import grid, to_uint8
    from ganzoo.evaluation.digits import judge

    images = paint(open_model([model]), range(_JUDGED))
    path = out / "digits.png"
    grid(to_uint8(images.pixels[:100], low=images.low, high=images.high)).save(path)
    report = judge(images.pixels, low=images.low, high=images.high)
    click.echo(f"     {path}")
    click.echo(f"     Frechet distance to the real digits (8x8 pixels): {report.frechet:.0f}; 55 is their enlargement")
    click.echo(
        f"     all ten digits, the rarest {100 * report.rarest:.1f}% of {_JUDGED:,}"
        if report.rarest > 0
        else f"     only {sum(share > 0 for share in report.shares)} of ten digits"
    )
    click.echo(f"     not copies: {report.novelty:.2f} times as far from the training digits as unseen real ones are")
    return path


def _bench(model: Path, out: Path) -> None:
    from ganzoo.runtime.latency.inputs import InputRequest
    from ganzoo.runtime.latency.request import Request
    from ganzoo.runtime.latency.result import rows
    from ganzoo.runtime.latency.runner import run

    request = Request(models=[model], inputs=InputRequest(batches=(1, 8, 32)), repeats=1, max_seconds=24.0)
    result: dict[str, Any] = run(request, say=lambda line: None)
    (out / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    click.echo("\n".join(f"     {line}" for line in table(*rows(result)).splitlines()))
