"""Whether `cgan` paints the digit it is asked for: `python benchmarks/conditional.py [--seconds 120] [--seeds 0 1 2]`.

Paints 200 pictures of each class and asks a classifier trained on the real digits, the one of
`ganzoo.evaluation.digits`, which is right for 98% of the held-out ones.
"""

import argparse
import datetime
import json
import tempfile
from pathlib import Path

import numpy as np
from conftest import RESULTS, machine, machine_key
from helpers import ganzoo

from ganzoo.api.load import load
from ganzoo.data.pictures import grid, to_uint8
from ganzoo.evaluation.digits import classify, judge
from ganzoo.sampling.noise import InputChoices, paint

EACH = 200


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    figures = {}
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder, "run")
            done = ganzoo(
                "train", "cgan", "--preset", "digits", "--out", run, "--seed", seed, "--kimg", 10_000,
                "--max-time", arguments.seconds,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            images = paint(
                load(run).source, range(10_000_000, 10_000_000 + 10 * EACH), InputChoices(label="all")
            ).pixels
        asked = np.resize(np.arange(10), len(images))
        right = classify(images) == asked
        report = judge(images)
        figures[f"seed {seed}"] = {
            "seconds": arguments.seconds,
            "obeyed": round(float(right.mean()), 4),
            "least_obeyed_class": round(float(min(right[asked == digit].mean() for digit in range(10))), 4),
            "frechet": round(report.frechet, 1),
            "novelty": round(report.novelty, 3),
            "classifier_accuracy_on_held_out": round(report.classifier_accuracy, 4),
        }
        print(f"seed {seed}: {figures[f'seed {seed}']}", flush=True)
        if arguments.picture and seed == arguments.seeds[0]:
            grid(to_uint8(images[:100]), columns=10).save(arguments.picture)
    body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}
    (RESULTS / f"conditional-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
