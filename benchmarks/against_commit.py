"""DCGAN's training step beside an older commit's: `python benchmarks/against_commit.py COMMIT`.

The older code is checked out into a folder of its own and runs in an environment of its own, which has the packages of
this one and nothing of this tree. Two processes wait for their turn: each pair is some steps of one and as many of the
other, the order changing from pair to pair. Kept is the geometric mean of the ratios, with a bootstrap interval.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

from conftest import RESULTS, ROOT, machine, machine_key

from ganzoo.runtime.latency.stats import across

STEPS = {"digits": 25, "paper": 3}
WARM_UP = 2
TOGETHER = 8  # pairs of one pair of processes: where a process's memory lies makes some per cent for all its life

# Names that both commits know: the newer one answers for the older one's.
WORKER = """
import sys, time, torch
from ganzoo.config.resolve import resolve, set_layer, preset_layer
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.source import open_source
from ganzoo.loading import build_architecture, config_class
from ganzoo.plugins import Registry
from ganzoo.training.engine import Engine

preset, steps = sys.argv[1], int(sys.argv[2])
registry = Registry.load()
offer = registry.architecture("dcgan")
config = resolve("dcgan", config_class(offer), [preset_layer(offer.spec, preset), set_layer(["data.source=digits"])])
source = open_source(config.data, registry, notify=lambda line: None)
architecture = build_architecture(offer, config.architecture, source.info, seed=0)
size = config.train.batch_size
engine = Engine(architecture, seed=0, batch_size=size, device=torch.device("cpu"))
done = 0
with Prefetcher(source, Order(seed=0, batch_size=size, lengths=source.lengths)) as prefetcher:
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(steps):
            engine.step(done, engine.prepare(prefetcher.batch(done)))
            done += 1
        losses = engine.means()
        print(time.perf_counter() - began, sum(losses.values()), flush=True)
"""


def environment(folder: Path, tree: Path) -> tuple[str, dict[str, str]]:
    """An interpreter that sees the installed packages, and of ganzoo and its plugins the code of `tree` alone."""
    if not folder.exists():
        venv.create(folder, symlinks=True)
    here = sysconfig.get_path("purelib")
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "packages.pth").write_text(f"{here}\n")  # its own .pth files, which name this tree, are not followed
    paths = [tree, *sorted((tree / "plugins").iterdir())]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONNOUSERSITE": "1"}
    return str(folder / "bin" / "python"), variables


class Side:
    """One of the two: a process that runs some steps whenever it is asked."""

    def __init__(self, folder: Path, tree: Path, preset: str) -> None:
        python, variables = environment(folder, tree)
        shown = subprocess.run(
            [python, "-c", "import ganzoo, ganzoo_dcgan; print(ganzoo.__file__, ganzoo_dcgan.__file__)"],
            capture_output=True, text=True, env=variables, check=True, cwd=folder,
        ).stdout  # fmt: skip
        assert shown.count(str(tree)) == 2, shown
        self._process = subprocess.Popen(
            [python, "-c", WORKER, preset, str(STEPS[preset])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=variables, cwd=folder,
        )  # fmt: skip

    def run(self) -> tuple[float, float]:
        """Seconds, and the sum of the mean losses, which must be the other's."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, losses = self._process.stdout.readline().split()
        return float(seconds), float(losses)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def compare(begin: Callable[[str], Side], pairs: int) -> dict[str, object]:
    """begin: starts a side by its name. The processes are new ones every few pairs."""
    ratios, seconds, by_process = [], {"old": [], "new": []}, []
    for block in range(-(-pairs // TOGETHER)):
        # Who starts first, and whose turn is first, changes.
        sides = {name: begin(name) for name in (("old", "new") if block % 2 else ("new", "old"))}
        begun = len(ratios)
        try:
            for number in range(-WARM_UP, min(TOGETHER, pairs - begun)):
                found = {name: sides[name].run() for name in (("old", "new") if number % 2 else ("new", "old"))}
                assert found["old"][1] == found["new"][1], "the two do not learn the same"
                if number >= 0:
                    ratios.append(found["new"][0] / found["old"][0])
                    for name, (time, _) in found.items():
                        seconds[name].append(time)
        finally:
            for side in sides.values():
                side.close()
        mine = ratios[begun:]
        by_process.append(round(math.exp(sum(map(math.log, mine)) / len(mine)), 4))
    _, low, high = across(ratios)
    return {
        "pairs": pairs,
        "ratio": round(math.exp(sum(map(math.log, ratios)) / pairs), 4),
        "interval": [round(low, 4), round(high, 4)],
        "ratio_by_processes": by_process,
        "median_seconds": {name: round(sorted(times)[pairs // 2], 4) for name, times in seconds.items()},
        "losses": "the same bits in every pair",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--preset", choices=STEPS, action="append")
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        trees = {"old": Path(folder, "tree-old"), "new": Path(folder, "tree-new")}
        commits = {"old": arguments.commit, "new": "HEAD"}
        for name, tree in trees.items():
            tree.mkdir()
            archive = subprocess.run(["git", "archive", commits[name]], cwd=ROOT, capture_output=True, check=True)
            subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)
            subprocess.run([sys.executable, "-m", "compileall", "-q", tree], check=False)
            commits[name] = subprocess.run(
                ["git", "rev-parse", "--short", commits[name]], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
        for preset in arguments.preset or STEPS:
            figures[preset] = compare(
                lambda name, preset=preset: Side(Path(folder, name), trees[name], preset), pairs=arguments.pairs
            )
            print(f"dcgan {preset}: {figures[preset]}", flush=True)
    path = RESULTS / f"against_commit-{machine_key()}.json"
    facts = {"date": datetime.date.today().isoformat(), "commits": commits, "figures": figures, "machine": machine()}
    path.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
