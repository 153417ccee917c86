"""Write the README's tables from code and result files: `python benchmarks/tables.py [--write]`.

Without --write it says which are out of date and exits with 1; the tests call it so.
"""

import json
import re
import sys
from pathlib import Path

from ganzoo.cli import VERBS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"


def verbs():
    return ["| verb | |", "|---|---|", *(f"| `ganzoo {verb}` | {line} |" for verb, line in VERBS.items())]


def _figures(name):
    """(figures, machine) of each result file of a suite, by file name."""
    for path in sorted(RESULTS.glob(f"{name}-*.json")):
        content = json.loads(path.read_text())
        yield content["figures"], content["machine"]


def _machine(machine):
    what = machine["gpu"] or f"{machine['usable_cpus']} cores of an {machine['cpu']}"
    return f"{what}, torch {machine['torch']}, ONNX Runtime {machine['onnxruntime']}"


def _interval(figure):
    return f"{figure['ratio']:.2f} ({figure['interval'][0]:.2f} to {figure['interval'][1]:.2f})"


def benchmarks():
    """One table per machine; ratios are ours over theirs."""
    lines, machines = ["| what | ours | beside | ratio |", "|---|---|---|---|"], set()
    for figures, machine in _figures("training_step"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            steps = int(next(key for key in figure if key.startswith("ours")).split("_")[3])
            ours, theirs = (figure[f"{who}_seconds_per_{steps}_steps"] for who in ("ours", "theirs"))
            speed = [f"{figure['batch'] * steps / seconds:,.0f} images/s" for seconds in (ours, theirs)]
            lines.append(
                f"| training, DCGAN preset `{name}` | {speed[0]} | best hand-written loop: {speed[1]} "
                f"| {_interval(figure)} of the time |"
            )
    for figures, machine in _figures("runtime"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| ONNX Runtime, {name} | {figure['ours_ms']:.2f} ms | torch, its faster memory format: "
                f"{figure['theirs_ms']:.2f} ms | {_interval(figure)} |"
            )
    for figures, machine in _figures("harness"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| `ganzoo bench`, {name} | p50 {figure['ours_p50_ms']:.3f} ms | tight hand-written loop: "
                f"{figure['theirs_p50_ms']:.3f} ms | {_interval(figure)} |"
            )
    for figures, machine in _figures("export"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| export, {name} | {figure['ours_seconds']:.2f} s | `torch.onnx.export` alone: "
                f"{figure['theirs_seconds']:.2f} s | {_interval(figure)} |"
            )
    for figures, machine in _figures("startup"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| `ganzoo {name}`, 20 plugins | {figure['ours_ms']:.0f} ms CPU | importing click, pluggy and "
                f"importlib.metadata: {figure['baseline_ms']:.0f} ms | {figure['ratio']:.2f} |"
            )
    return [*lines, "", "Measured on " + "; ".join(sorted(machines)) + ". Files: `benchmarks/results/`."]


def digits():
    lines = [
        "| seed | kimg in 60 s | Frechet distance | rarest digit | distance to training digits |",
        "|---|---|---|---|---|",
    ]
    machines = set()
    for figures, machine in _figures("digits"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| {name.removeprefix('seed ')} | {figure['kimg']:.0f} | {figure['frechet']:.0f} "
                f"| {100 * figure['rarest_class']:.1f}% | {figure['novelty']:.2f} times that of unseen real ones |"
            )
    return [*lines, "", "Measured on " + "; ".join(sorted(machines)) + "."]


TABLES = {"verbs": verbs, "benchmarks": benchmarks, "digits": digits}


def main(write):
    text = README.read_text(encoding="utf-8")
    fresh = text
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name}: made by benchmarks/tables.py -->\n).*?(<!-- end -->)", re.S)
        if not pattern.search(fresh):
            sys.exit(f"README.md has no place for the table {name!r}")
        body = "\n".join(make())
        fresh = pattern.sub(lambda match, body=body: match[1] + body + "\n" + match[2], fresh)
    if fresh == text:
        return
    if not write:
        sys.exit("README.md is out of date: python benchmarks/tables.py --write")
    README.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
