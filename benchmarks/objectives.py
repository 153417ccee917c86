"""What each objective makes of DCGAN on the digits: `python benchmarks/objectives.py [--seconds 120]`.

Trains every objective for two minutes, paints 2,000 pictures from the checkpoint with the best score, and judges them
by the protocol of `ganzoo.evaluation.digits`. Keeps the figures in results/; `tables.py` makes docs/objectives.md.
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

CASES = {
    "minimax": ["digits", "objective=minimax"],
    "non-saturating": ["digits"],
    "least-squares": ["digits", "objective=least-squares"],
    "hinge": ["digits", "objective=hinge"],
    "hinge, spectral norm": ["digits", "objective=hinge", "spectral_norm=true"],
    "relativistic": ["digits", "objective=relativistic"],
    "wasserstein, clipped weights": ["digits-wasserstein"],
    "wasserstein, gradient penalty": ["digits-wgan-gp"],
}
COUNT = 2000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--pictures", type=Path, help="a folder for a grid of each")
    arguments = parser.parse_args()
    path = RESULTS / f"objectives-{machine_key()}.json"
    figures = json.loads(path.read_text())["figures"] if path.exists() else {}
    for name in arguments.only:
        preset, *assignments = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder, "run")
            options = [part for text in assignments for part in ("--set", text)]
            done = ganzoo(
                "train", "dcgan", "--preset", preset, "--out", run, "--kimg", 10_000,
                "--max-time", arguments.seconds, *options,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            images = paint(open_model([run]), range(10_000_000, 10_000_000 + COUNT))
            last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        report = judge(images.pixels)
        figures[name] = {
            "command": " ".join(["--preset", preset, *options]),
            "seconds": arguments.seconds,
            "kimg": last["kimg"],
            "frechet": round(report.frechet, 1),
            "rarest_class": round(report.rarest, 4),
            "novelty": round(report.novelty, 3),
        }
        print(f"{name}: {figures[name]}", flush=True)
        if arguments.pictures:
            arguments.pictures.mkdir(exist_ok=True)
            grid(to_uint8(images.pixels[:100]), columns=20).save(arguments.pictures / f"{name.replace(' ', '_')}.png")
        ordered = {key: figures[key] for key in CASES if key in figures}
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": ordered}
        path.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
