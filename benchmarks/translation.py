"""What five minutes of translation give: `python benchmarks/translation.py [--seconds 300] [--seeds 0 1 2]`.

Trains `cyclegan` and `pix2pix` on the built-in tasks and judges translations of the held-out digits by the protocol of
`ganzoo.evaluation.translation`. Keeps the figures in results/, and grids of the first seed as pictures.
"""

import argparse
import datetime
import json
import tempfile
from pathlib import Path

from conftest import RESULTS, machine, machine_key
from helpers import ganzoo

from ganzoo.evaluation.translation import judge_translation
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained

TASKS = {"cyclegan": "neon", "pix2pix": "outline"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=TASKS)
    parser.add_argument("--set", dest="assignments", nargs="*", default=[])
    parser.add_argument("--pictures", type=Path, help="a folder for the first seed's grids")
    arguments = parser.parse_args()
    options = [part for text in arguments.assignments for part in ("--set", text)]
    figures = {}
    for name in [arguments.only] if arguments.only else TASKS:
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder, "run")
                done = ganzoo(
                    "train", name, "--preset", "digits", "--out", run, "--seed", seed, "--max-time", arguments.seconds,
                    *options, timeout=arguments.seconds + 120,
                )  # fmt: skip
                assert done.returncode == 0, done.stderr
                last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
                figures[f"{name}, seed {seed}"] = found = {
                    "seconds": round(last["seconds"], 1),
                    "kimg": last["kimg"],
                    **judged(name, run),
                }
                print(f"{name}, seed {seed}: {found}", flush=True)
                if arguments.pictures and seed == arguments.seeds[0]:
                    picture = arguments.pictures / f"{name}.png"
                    done = ganzoo("sample", run, "-o", picture, "-n", 48, "--columns", 8)
                    assert done.returncode == 0, done.stderr
    if not arguments.assignments and not arguments.only:
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}
        (RESULTS / f"translation-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


def judged(name, run):
    """Of the checkpoint that `sample` and `export` take."""
    trained = load_trained(run, Registry.load(), say=print)
    ways = trained.architecture.directions()
    size = trained.run.data.size
    there = ways["a2b"].network
    back = ways["b2a"].network if "b2a" in ways else None
    report = judge_translation(TASKS[name], there, back, size=size)
    found = {
        "step": trained.step,
        "accuracy": round(report.accuracy, 4),
        "control": round(report.control, 4),
        "l1": round(report.l1, 4),
    }
    if back is not None:
        other = judge_translation(TASKS[name], back, there, size=size, reverse=True)
        found |= {
            "cycle_l1": round(report.cycle_l1, 4),
            "accuracy_b2a": round(other.accuracy, 4),
            "cycle_l1_b2a": round(other.cycle_l1, 4),
        }
    return found


if __name__ == "__main__":
    main()
