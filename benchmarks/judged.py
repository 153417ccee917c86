"""Trains cases on the digits for some seconds each, judges 2,000 pictures of each, and keeps the figures."""

import argparse
import datetime
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from conftest import RESULTS, machine, machine_key
from helpers import ganzoo

from ganzoo.api.load import load
from ganzoo.data.pictures import grid, to_uint8
from ganzoo.evaluation.digits import judge
from ganzoo.sampling.noise import paint

COUNT = 2000
FIRST_SEED = 10_000_000  # of the pictures that are judged: no seed of a preview


@dataclass(frozen=True, kw_only=True)
class Case:
    """options: of `ganzoo train ARCHITECTURE`. checkpoint: which one is judged. architecture: if not the suite's."""

    options: list[str]
    checkpoint: str = "best"
    architecture: str = ""


def main(description, suite, architecture, cases, *, seconds):
    """The command line of a suite; its figures go to results/SUITE-MACHINE.json, those of other cases stay."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--only", nargs="*", default=list(cases))
    parser.add_argument("--pictures", type=Path, help="a folder for a grid of each")
    arguments = parser.parse_args()
    path = RESULTS / f"{suite}-{machine_key()}.json"
    figures = json.loads(path.read_text())["figures"] if path.exists() else {}
    for name in arguments.only:
        case = cases[name]
        images, last = _train(case.architecture or architecture, case, arguments.seconds)
        figures[name] = _figures(case, arguments.seconds, last, judge(images))
        print(f"{name}: {figures[name]}", flush=True)
        if arguments.pictures:
            arguments.pictures.mkdir(exist_ok=True)
            grid(to_uint8(images[:100]), columns=20).save(arguments.pictures / f"{name.replace(' ', '_')}.png")
        ordered = {key: figures[key] for key in cases if key in figures}
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": ordered}
        path.write_text(json.dumps(body, indent=1) + "\n")


def _train(architecture, case, seconds):
    """The pictures, (COUNT, 1, 32, 32), and the last line of the metrics."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        length = ("--kimg", 10_000, "--max-time", seconds)
        done = ganzoo("train", architecture, "--out", run, *length, *case.options, timeout=seconds + 300)
        assert done.returncode == 0, done.stderr
        model = load(run, checkpoint=case.checkpoint)
        images = paint(model.source, range(FIRST_SEED, FIRST_SEED + COUNT))
        return images.pixels, json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])


def _figures(case, seconds, last, report):
    return {
        "command": " ".join(case.options),
        "checkpoint": case.checkpoint,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "kimg": last["kimg"],
        "frechet": round(report.frechet, 1),
        "held_out_frechet": round(report.held_out, 1),
        "rarest_class": round(report.rarest, 4),
        "novelty": round(report.novelty, 3),
        "augmented": round(last.get("discriminator.augment", 0.0), 3),
    }
