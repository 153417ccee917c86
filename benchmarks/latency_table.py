"""The public table: the latency of every first-party architecture at its usual size, on this machine.

`make latency LABEL=mylab PROVIDER=cuda DEVICE=all` measures, writes a file for each device under `results/`, and makes
`docs/latency.md` and the README's table from all that are there. Weights are untrained: they cost no more time than
trained ones, and everybody has the same. `--models DIR` measures files that another environment exported there.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import ganzoo as gz
from ganzoo.errors import GanzooError
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.runtime.report.markdown import markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results"

MODELS = {
    "gan-28": ("gan", "paper", 28, "generator"),
    "cgan-28": ("cgan", "paper", 28, "generator"),
    "vae-28": ("vae", "paper", 28, "generator"),
    "wgan-64": ("wgan", "paper", 64, "generator"),
    "wgan-gp-64": ("wgan-gp", "paper-64", 64, "generator"),
    "dcgan-64": ("dcgan", "paper", 64, "generator"),
    "cyclegan-256": ("cyclegan", "paper", 256, "a2b"),
    "pix2pix-256": ("pix2pix", "paper", 256, "a2b"),
    "stylegan-256": ("stylegan", "paper", 256, "generator"),
    "stylegan2-256": ("stylegan2", "auto", 256, "generator"),
}
"""Name of the file: architecture, preset, size in pixels, graph."""

ELSEWHERE = {"srgan", "esrgan", "real-esrgan", "adain", "fast-style"}
"""Whose time is that of a picture's size: `restoration_speed.py` measures them at several."""

BATCHES = (1, 8)
PROTOCOL = {"dims": {"batch": list(BATCHES)}, "repeats": 5, "least_seconds": 1.5, "within": 0.02}


def export(folder):
    """Those that are not there yet; where all are, torch is not wanted."""
    found = []
    for name, (architecture, preset, size, graph) in MODELS.items():
        path = folder / f"{name}.onnx"
        if not path.exists():
            from ganzoo.api.export import export_untrained

            export_untrained(architecture, out=path, graph=graph, preset=preset, settings={"data.size": size})
        found.append(path)
        print(path.name, flush=True)
    return found


def measure(folder, arguments):
    """One sweep of all, interleaved: a file for each device."""
    return gz.bench(
        export(folder),
        **PROTOCOL,
        provider=arguments.provider,
        device=arguments.device or (),
        label=arguments.label,
        max_seconds=arguments.max_time,
        out=RESULTS / f"latency-{arguments.provider}-{{label}}-{{device}}.json",
        progress=Told(),
    )


class Told:
    """A line before each process."""

    def update(self, progress):
        if progress.values:
            print("{case}: {repeat} of {repeats}".format(**progress.values), flush=True)

    def say(self, text):
        print(text, flush=True)


def results():
    """(document, name of file) of each machine and provider."""
    return [(BenchResult.load(path).document, path.name) for path in sorted(RESULTS.glob("latency-*.json"))]


def senseless(document):
    """What is wrong with a contributed result, in words; none where nothing is."""
    names = {f"{name}.onnx" for name in MODELS}
    cases = document["cases"]
    if lacking := sorted(names - {case["model"]["file"] for case in cases}):
        yield f"it lacks {', '.join(lacking)}"
    if document["protocol"]["scenario"] != "single-stream" or document["protocol"]["check"] != "auto":
        yield "it is of another protocol than `make latency`"
    if not document["label"]:
        yield "it has no label"
    by_model = {}
    for case in cases:
        title = f"{case['model']['file']} at batch {case['batch']}"
        architecture = MODELS.get(case["model"]["file"].removesuffix(".onnx"), [None])[0]
        if case["model"]["architecture"] != architecture:
            yield f"{title} is no file of that architecture"
        if case["state"] != "ok":
            yield f"{title} is {case['state']}: {case['why']}"
        elif len(case["processes"]) < PROTOCOL["repeats"]:
            yield f"{title} has {len(case['processes'])} processes"
        else:
            by_model.setdefault(case["model"]["file"], {})[case["batch"]] = case["figure"]["value"]
    for file, found in by_model.items():
        if set(found) != set(BATCHES):
            yield f"{file} was measured at batches {sorted(found)}"
        elif found[BATCHES[1]] < 0.8 * found[BATCHES[0]]:
            yield f"{file} is faster with {BATCHES[1]} pictures than with {BATCHES[0]}"


def table(*, batch=None):
    """Lines of Markdown; of one batch alone for the README."""
    documents, names = [], []
    for document, name in results():
        cases = [case for case in document["cases"] if batch is None or case["batch"] == batch]
        documents.append({**document, "cases": cases})
        names.append(name)
    return markdown(documents, names).rstrip("\n").split("\n") if documents else ["No machine has measured yet."]


def machines():
    """What was measured on, and how."""
    lines = ["| label | processor | device | ONNX Runtime | date | took |", "|---|---|---|---|---|---|"]
    for document, _ in results():
        machine = document["machine"]
        devices = ", ".join(dict.fromkeys(one["name"] for one in machine["devices"])) or "-"
        lines.append(
            f"| {document['label']} | {machine['usable_cpus']} of an {machine['cpu']} | {devices} "
            f"| {machine['onnxruntime_build']} | {document['date']} | {document['protocol']['seconds']:.0f} s |"
        )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", required=True, help="what you call this machine; no host name is taken")
    parser.add_argument("--provider", default="cpu")
    parser.add_argument("--device", default="")
    parser.add_argument("--max-time", type=float, default=1800.0)
    parser.add_argument("--models", type=Path, help="a folder for the exported files, kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.models or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result = measure(folder, arguments)
        except GanzooError as error:
            sys.exit(f"{error.message}\n{error.hint}".strip())
    print(result)
    for path in result.written:
        for what in senseless(BenchResult.load(path).document):
            print(f"{path.name}: {what}")
        print(path)


if __name__ == "__main__":
    main()
