"""Tables of docs/gpu.md and README.md from `results/gpu-*.json`: what no file says, no table shows."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "gpu"))

from claims import CLAIMS  # noqa: E402  # beside `make gpu`'s script

NOTHING = "No GPU has run this yet: `make gpu` on one makes the file that this table is made from."


def results(folder=HERE / "results"):
    """Results of real GPUs, by file name; a rehearsal on a CPU is none."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("gpu-*.json"))]
    return [result for result in found if not result["small"] and result["machine"]["device"] == "cuda"]


def states(found):
    """One row for each claim: never ran, or what each machine found."""
    lines = ["| what | state |", "|---|---|"]
    for name, claim in CLAIMS.items():
        told = []
        for result in found:
            seen = result["parts"].get(claim.part, {}).get("claims", {}).get(name)
            if seen is not None and seen["holds"] is not None:
                how = "holds" if seen["holds"] else "**fails**"
                told.append(f"{how} on {result['machine']['gpu']}, {result['date']}: {seen['note']}")
        lines.append(f"| {claim.what} | {'; '.join(told) or 'never ran'} |")
    return lines


def training(found):
    headings = "| case | images/s | seconds per kimg | of the plain loop's time | memory |"
    lines = [headings, "|---|---|---|---|---|"]
    for name, figure in _figures(found, "training", "images_per_second"):
        of = f"{figure['of_the_plain_loop']:.2f}{_interval(figure)}" if "of_the_plain_loop" in figure else "-"
        kimg = f"{figure['seconds_per_kimg']:.2f}"
        if "published_seconds_per_kimg" in figure:
            kimg += f" (published: {figure['published_seconds_per_kimg']}, {figure['published'].partition(', ')[2]})"
        memory = figure["peak_memory_gb"]
        lines.append(
            f"| {name} | {figure['images_per_second']:,.0f} | {kimg} | {of} | {f'{memory:.1f} GB' if memory else '-'} |"
        )
    return _with_machines(lines, found)


def profile(found):
    lines = ["| kernel | share of the GPU's time |", "|---|---|"]
    for name, figure in _figures(found, "training", "kernels"):
        lines.append(f"| {name}: the GPU has nothing to do in {100 * figure['idle_share']:.0f}% | |")
        lines += [f"| `{kernel}` | {100 * share:.1f}% |" for kernel, share in figure["kernels"]]
    return _with_machines(lines, found)


def latency(found):
    lines = ["| case | device-resident ms | host to host ms | copies ms | of a tight loop |", "|---|---|---|---|---|"]
    for name, figure in _figures(found, "bench", "of_the_tight_loop"):
        cells = [f"{figure[key]:.3f}" if key in figure else "-" for key in _KINDS]
        lines.append(f"| {name} | {' | '.join(cells)} | {figure['of_the_tight_loop']:.2f} |")
    for name, figure in _figures(found, "bench", "batch_1_ms"):
        batches = ", ".join(f"batch {key.split('_')[1]}: {value:.3f}" for key, value in figure.items())
        lines.append(f"| {name} | {batches} | - | - | - |")
    return _with_machines(lines, found)


def summary(found):
    """Of the README: how many claims hold where, and the first figures."""
    if not found:
        return [
            "**Nothing here has run on a GPU yet.** Without one, every architecture is rehearsed on a device that is",
            "not there, and the CUDA provider's refusals are tested with its libraries hidden one by one. [What only a",
            "GPU can show](docs/gpu.md) is a list, and `make gpu` goes through it in eight minutes.",
        ]
    lines = ["| machine | what holds | what fails |", "|---|---|---|"]
    for result in found:
        claims = [seen for part in result["parts"].values() for seen in part["claims"].items()]
        fails = [name for name, seen in claims if seen["holds"] is False]
        holds = sum(seen["holds"] is True for _, seen in claims)
        lines.append(f"| {_machine(result)} | {holds} of {len(CLAIMS)} | {', '.join(fails) or 'nothing'} |")
    return [*lines, "", "[What they are, and the figures](docs/gpu.md)."]


_KINDS = ("device_resident_ms", "host_to_host_ms", "copies_ms")


def _figures(found, part, key):
    for result in found:
        for name, figure in result["parts"].get(part, {}).get("figures", {}).items():
            if key in figure:
                label = f"{name} ({result['machine']['gpu']})" if len(found) > 1 else name
                yield label, figure


def _interval(figure):
    return f" ({figure['interval'][0]:.2f} to {figure['interval'][1]:.2f})"


def _machine(result):
    machine = result["machine"]
    return f"{machine['gpu']}, torch {machine['torch']}, ONNX Runtime {machine['onnxruntime']}"


def _with_machines(lines, found):
    if len(lines) == 2:
        return [NOTHING]
    return [*lines, "", "Measured on " + "; ".join(sorted({_machine(result) for result in found})) + "."]
