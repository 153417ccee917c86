"""Quality: two minutes of DCGAN on the digits in bf16, judged beside the figures of a CPU's minute."""

import json
import statistics
import tempfile
from pathlib import Path

import surroundings
from helpers import ganzoo

from ganzoo.api.load import load
from ganzoo.evaluation.digits import judge
from ganzoo.sampling.noise import paint

SECONDS, SMALL_SECONDS = 120, 4
COUNT = 2000
FIRST_SEED = 10_000_000  # of the pictures that are judged: no seed of a preview
WITHIN = 1.1  # of the CPU's: seeds differ by as much


def main(report, *, small):
    device, seconds = surroundings.device_name(), SMALL_SECONDS if small else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        done = ganzoo(
            "train", "dcgan", "--preset", "digits", "--out", run, "--precision", "bf16", "--device", device,
            "--kimg", 20_000, "--max-time", seconds, timeout=seconds + 60,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        painted = paint(load(run, checkpoint="best").source, range(FIRST_SEED, FIRST_SEED + COUNT))
    found = judge(painted.pixels)
    cpu = cpu_distance()
    report.figure(
        "DCGAN on the digits, bf16",
        frechet=found.frechet,
        cpu_frechet=cpu,
        rarest_class=found.rarest,
        novelty=found.novelty,
        kimg=last["kimg"],
        seconds=seconds,
        images_per_second=last["images_per_second"],
    )
    note = (
        f"Frechet distance {found.frechet:.0f} after {last['kimg']:.0f} kimg; a minute on two CPU cores gives {cpu:.0f}"
    )
    report.claim("quality", found.frechet <= WITHIN * cpu, note, seen=device == "cuda")


def cpu_distance():
    """The median of the seeds in benchmarks/results/digits-*cpu.json."""
    found = []
    for path in (surroundings.ROOT / "benchmarks" / "results").glob("digits-*cpu.json"):
        found += [figure["frechet"] for figure in json.loads(path.read_text(encoding="utf-8"))["figures"].values()]
    return statistics.median(found)
