"""Write the tables of README and docs from code and result files: `python benchmarks/tables.py [--write]`.

Without --write it says which are out of date and exits with 1; the tests call it so.
"""

import json
import re
import sys
from pathlib import Path

import gpu_tables
import latency_table
import painting_tables
import restoration_tables
import score_tables
import sweep_tables

from ganzoo.cli import VERBS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def verbs():
    return ["| verb | |", "|---|---|", *(f"| `ganzoo {verb}` | {line} |" for verb, line in VERBS.items())]


def _figures(name):
    """(figures, machine) of each result file of a suite, by file name: NAME-MACHINE.json."""
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
    for figures, machine in _figures("ranks"):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            lines.append(
                f"| training, {name}, two processes of one core | {figure['ours_images_per_second']:,.0f} images/s "
                f"| one process of two cores: {figure['theirs_images_per_second']:,.0f} images/s "
                f"| {_interval(figure)} of the speed |"
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


def _rows(headings, suite, row):
    """One table of every figure of a suite: headings as a list, `row(name, figure)` gives the cells."""
    lines, machines = [_line(headings), "|" + "---|" * len(headings)], set()
    for figures, machine in _figures(suite):
        machines.add(_machine(machine))
        for name, figure in figures.items():
            cells = row(name, figure)
            lines += [_line(cells)] if isinstance(cells[0], str) else [_line(each) for each in cells]
    return [*lines, "", "Measured on " + "; ".join(sorted(machines)) + "."]


def _line(cells):
    return f"| {' | '.join(cells)} |"


def _percent(share):
    return f"{100 * share:.1f}%"


def _novelty(figure):
    return f"{figure['novelty']:.2f} times that of unseen real ones"


def digits():
    return _rows(
        ["seed", "kimg in 60 s", "Frechet distance", "rarest digit", "distance to training digits"],
        "digits",
        lambda name, figure: [
            name.removeprefix("seed "), f"{figure['kimg']:.0f}", f"{figure['frechet']:.0f}",
            _percent(figure["rarest_class"]), _novelty(figure),
        ],
    )  # fmt: skip


def objectives():
    return _rows(
        ["objective", "settings", "kimg", "Frechet distance", "rarest digit"],
        "objectives",
        lambda name, figure: [
            name, f"`{figure['command']}`", f"{figure['kimg']:.0f}", f"{figure['frechet']:.0f}",
            _percent(figure["rarest_class"]),
        ],
    )  # fmt: skip


def classics():
    return _rows(
        ["architecture", "kimg", "Frechet distance", "rarest digit", "distance to training digits"],
        "classics",
        lambda name, figure: [
            f"`{name}`", f"{figure['kimg']:.0f}", f"{figure['frechet']:.0f}", _percent(figure["rarest_class"]),
            _novelty(figure),
        ],
    )  # fmt: skip


def conditional():
    return _rows(
        ["seed", "painted as asked", "the least obeyed digit", "Frechet distance", "distance to training digits"],
        "conditional",
        lambda name, figure: [
            name.removeprefix("seed "), _percent(figure["obeyed"]), _percent(figure["least_obeyed_class"]),
            f"{figure['frechet']:.0f}", _novelty(figure),
        ],
    )  # fmt: skip


def switches():
    def row(name, figure):
        switch, _, preset = name.partition(", ")
        return [switch, f"`{preset}`", _interval(figure), figure["remark"]]

    return _rows(["switch", "preset", "with it, of the time without", ""], "switches", row)


def translation():
    def row(name, figure):
        both = "accuracy_b2a" in figure
        return [
            f"`{name.replace(', seed', '`,')}", f"{figure['seconds']:.0f}", _percent(figure["accuracy"]),
            _percent(figure["control"]), f"{figure['l1']:.3f}", f"{figure['cycle_l1']:.3f}" if both else "-",
            f"{_percent(figure['accuracy_b2a'])}, {figure['cycle_l1_b2a']:.3f}" if both else "-",
        ]  # fmt: skip

    headings = ["architecture, seed", "seconds", "recognised", "real", "L1 to truth", "cycle L1"]
    return _rows([*headings, "back: recognised, cycle L1"], "translation", row)


def translation_step():
    return _rows(
        ["switch", "ours", "the usual", "of its time"],
        "translation_step",
        lambda name, figure: [
            name.removeprefix("cyclegan 256, "), f"{figure['ours_seconds_per_step']:.2f} s",
            f"{figure['theirs_seconds_per_step']:.2f} s", _interval(figure),
        ],
    )  # fmt: skip


def stylegan_runtime():
    def row(name, figure):
        forms = [[f"torch, {form}", f"{ms:.0f}"] for form, ms in figure["forms_ms"].items()]
        ratio = f"{_interval(figure)} of the fastest of these, in pairs"
        return [*forms, [f"ONNX Runtime, {name}: {ratio}", f"{figure['ours_ms']:.0f}"]]

    return _rows(["form", "ms"], "stylegan_runtime", row)


def stylegan_digits():
    def row(name, figure):
        return [
            name, f"`{figure['command']}`", f"{figure['kimg']:.0f}", f"{figure['frechet']:.0f}",
            f"{figure['held_out_frechet']:.0f}", _percent(figure["rarest_class"]), f"{figure['novelty']:.2f}",
        ]  # fmt: skip

    headings = ["trained on", "settings", "kimg", "Frechet distance", "to the held-out digits", "rarest digit"]
    return _rows([*headings, "novelty"], "stylegan_digits", row)


def stylegan_step():
    return _rows(
        ["training step", "ours", "published operations", "their form", "of their time"],
        "stylegan_step",
        lambda name, figure: [
            name.removeprefix("stylegan2 "), f"{1000 * figure['ours_seconds_per_step']:.0f} ms",
            f"{1000 * figure['theirs_seconds_per_step']:.0f} ms", figure["against"], _interval(figure),
        ],
    )  # fmt: skip


def reading():
    lines, machines = [], set()
    for figures, machine in _figures("reading"):
        machines.add(_machine(machine))
        lines += ["| JPEG files | reading | ganzoo | ImageFolder, two workers | ratio |", "|---|---|---|---|---|"]
        for name, figure in figures.items():
            if "ratio" in figure:
                what, way, decode = name.split(", ")
                lines.append(
                    f"| {what} pixels | {way}, `{decode}` | {figure['ours_per_second']:,} a second | "
                    f"{figure['imagefolder_per_second']:,} a second | {figure['ratio']:.1f} "
                    f"({figure['least']:.1f} to {figure['most']:.1f}) |"
                )
        fast, memory = figures["fast against exact"], figures["memory of endless reading"]
        (few, many), (low, high) = memory["files"], memory["peak_mb"]
        lines += [
            "",
            f"`fast` differs from `exact` by {fast['mean_levels']:.1f} levels in the mean, "
            f"{fast['largest_levels']} at most. Endless reading of {few:,} files peaks at {low:,} MB, "
            f"of {many:,} at {high:,} MB.",
        ]
    return [*lines, "", f"Measured on {'; '.join(sorted(machines))}."] if machines else []


def labelled():
    def row(name, figure):
        return [
            name.removeprefix("fashion-"), f"{figure['seconds'] / 60:.0f} minutes, {figure['kimg']:.0f} kimg",
            _percent(figure["obeyed"]), f"{_percent(figure['least_obeyed'])} ({figure['least_obeyed_class']})",
            _percent(figure["accuracy"]), f"{figure['variance']:.2f}",
        ]  # fmt: skip

    headings = ["", "trained", "of the class asked for", "least", "real pictures, held out", "variance"]
    return _rows(headings, "labelled", row)


README, OBJECTIVES, GUIDE = ROOT / "README.md", ROOT / "docs" / "objectives.md", ROOT / "docs" / "guide.md"
GPU = ROOT / "docs" / "gpu.md"
RESTORATION = ROOT / "docs/restoration.md"
SCORES = ROOT / "docs" / "scores.md"
PAINTING = ROOT / "docs" / "painting.md"
TRANSLATION, STYLEGAN = ROOT / "docs" / "translation.md", ROOT / "docs" / "stylegan.md"


TABLES = {
    "verbs": (README, verbs),
    "benchmarks": (README, benchmarks),
    "digits": (README, digits),
    "gpu": (README, lambda: gpu_tables.summary(gpu_tables.results())),
    "gpu_states": (GPU, lambda: gpu_tables.states(gpu_tables.results())),
    "gpu_training": (GPU, lambda: gpu_tables.training(gpu_tables.results())),
    "gpu_profile": (GPU, lambda: gpu_tables.profile(gpu_tables.results())),
    "gpu_latency": (GPU, lambda: gpu_tables.latency(gpu_tables.results())),
    "objectives": (OBJECTIVES, objectives),
    "classics": (OBJECTIVES, classics),
    "conditional": (OBJECTIVES, conditional),
    "switches": (GUIDE, switches),
    "repeatability": (ROOT / "docs" / "measuring.md", sweep_tables.repeatability),
    "delays": (ROOT / "docs" / "comparing.md", sweep_tables.delays),
    "latency": (ROOT / "docs" / "latency.md", latency_table.table),
    "latency_machines": (ROOT / "docs" / "latency.md", latency_table.machines),
    "latency_short": (README, lambda: latency_table.table(batch=1)),
    "restoration": (RESTORATION, restoration_tables.restoration),
    "restoration_speed": (RESTORATION, restoration_tables.speed),
    "tiles": (RESTORATION, restoration_tables.tiles),
    "metrics": (SCORES, score_tables.metrics),
    "sanity": (SCORES, score_tables.sanity),
    "sanity_counts": (SCORES, score_tables.sanity_counts),
    "flat_memory": (SCORES, score_tables.flat_memory),
    "scores_digits": (SCORES, score_tables.digits),
    "scores_little": (SCORES, score_tables.little),
    "painting": (PAINTING, painting_tables.painting),
    "projection": (PAINTING, painting_tables.projection),
    "labelled": (ROOT / "docs" / "pictures.md", labelled),
    "reading": (ROOT / "docs" / "pictures.md", reading),
    "translation": (TRANSLATION, translation),
    "translation_step": (TRANSLATION, translation_step),
    "stylegan_runtime": (STYLEGAN, stylegan_runtime),
    "stylegan_digits": (STYLEGAN, stylegan_digits),
    "stylegan_step": (STYLEGAN, stylegan_step),
}


def main(write):
    stale = []
    for name, (page, make) in TABLES.items():
        text = page.read_text(encoding="utf-8")
        pattern = re.compile(rf"(<!-- {name}: made by benchmarks/tables.py -->\n).*?(<!-- end -->)", re.S)
        if not pattern.search(text):
            sys.exit(f"{page.name} has no place for the table {name!r}")
        body = "\n".join(make())
        fresh = pattern.sub(lambda match, body=body: match[1] + body + "\n" + match[2], text)
        if fresh != text and write:
            page.write_text(fresh, encoding="utf-8")
        elif fresh != text:
            stale.append(f"{page.name} ({name})")
    if stale:
        sys.exit(f"Out of date: {', '.join(stale)}. Run: python benchmarks/tables.py --write")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
