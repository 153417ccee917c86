"""What a minute of training on the digits gives: `python benchmarks/digits.py [--seconds 60] [--seeds 0 1 2]`.

Trains the `digits` preset with each seed, paints 2,000 pictures, and judges them by the protocol of
`ganzoo.evaluation.digits`. Keeps the figures in results/ and the first seed's grid as a picture.
"""

import argparse
import datetime
import json
import tempfile
from pathlib import Path

from conftest import RESULTS, machine, machine_key
from helpers import ganzoo

from ganzoo.cli.models import open_model
from ganzoo.cli.noise import paint
from ganzoo.data.pictures import grid, to_uint8
from ganzoo.evaluation.digits import judge

COUNT = 2000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--set", dest="assignments", nargs="*", default=[])
    arguments = parser.parse_args()
    figures = {}
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder, "run")
            options = [part for text in arguments.assignments for part in ("--set", text)]
            done = ganzoo(
                "train", "dcgan", "--preset", "digits", "--out", run, "--seed", seed,
                "--max-time", arguments.seconds, *options,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            images = paint(open_model([run]), range(10_000_000, 10_000_000 + COUNT))
            report = judge(images.pixels)
            figures[f"seed {seed}"] = {
                "seconds": arguments.seconds,
                "kimg": json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["kimg"],
                "frechet": round(report.frechet, 1),
                "rarest_class": round(report.rarest, 4),
                "novelty": round(report.novelty, 3),
                "classifier_accuracy_on_held_out": round(report.classifier_accuracy, 4),
            }
            print(f"seed {seed}: {figures[f'seed {seed}']}", flush=True)
            if arguments.picture and seed == arguments.seeds[0]:
                picture = grid(to_uint8(images.pixels[:100]), columns=20)
                picture.save(arguments.picture, optimize=True)
    if not arguments.assignments:
        path = RESULTS / f"digits-{machine_key()}.json"
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}
        path.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
