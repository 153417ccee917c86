"""Latency of exported files: `ganzoo bench` beside a tight loop of the same session, and beside torch's own forms.

Each loop in a process of its own, because sessions and threads of one disturb the others.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boards
from exporting import NEEDS, REAL, build

from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.progress import Silent
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.request import Axes, Request
from ganzoo.runtime.latency.runner import run
from ganzoo.runtime.providers.requirements import find_trouble

BATCHES, SMALL_BATCHES = (1, 8, 32, 128), (1, 2)
FORMS, COMPILED = ("eager", "eager bf16"), ("compiled", "CUDA graphs")
LOOP_SECONDS = 1.0
KINDS = {"host_to_host", "device_resident", "copies"}
OVERHEAD = 0.05


def main(report, *, small):
    trouble = find_trouble("cuda")
    provider = "cpu" if trouble else "cuda"
    if trouble and not small:
        for claim in ("device-resident", "bench overhead", "gpu record", "tensorrt"):
            report.claim(claim, False, trouble.reason, seen=False, needs=NEEDS)
        raise ModuleNotFoundError(f"the CUDA provider does not work here: {trouble.reason}")
    names = ["dcgan"] if small else list(REAL)
    ratios = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            path = report.attempt(f"export of {name}", exported, name, Path(scratch), small)
            if path is not None:
                report.attempt(f"latency of {name}", measured, report, name, path, provider, small, ratios)
            beside_torch(report, name, FORMS[:1] if small else FORMS, small)
        if (first := Path(scratch, f"{names[0]}.onnx")).exists():
            report.attempt("boards", boards.main, report, first, provider, small)
        report.attempt("tensorrt", tensorrt, report, Path(scratch), provider)
        for name in [] if small else names:
            beside_torch(report, name, COMPILED, small)


def exported(name, folder, small):
    offer, architecture = build(name, small=small)
    (file,) = export_graphs(
        architecture,
        Origin(offer=offer),
        destination=folder / f"{name}.onnx",
        graph="a2b" if name == "cyclegan" else "generator",
    )
    return file.path


def measured(report, name, path, provider, small, ratios):
    """One sweep over the batches, in which the outputs of the smallest are checked; each beside its tight loop."""
    batches = (
        SMALL_BATCHES if small else BATCHES[: None if name == "dcgan" else -1]
    )  # large pictures by the hundred: no
    request = Request(
        models=[path],
        axes=Axes(providers=(provider,)),
        inputs=InputRequest(batches=batches),
        repeats=1,
        least_seconds=0.3 if small else 1.5,
        max_seconds=30.0 * len(batches),
    )
    result = run(request, progress=Silent()).document
    here = {"seen": provider == "cuda", "needs": NEEDS}
    for batch, case in zip(batches, result["cases"], strict=True):
        loop = _loop("ort", str(path), str(batch), provider, str(0.3 if small else LOOP_SECONDS))
        kinds = {kind: found["median"]["value"] for kind, found in case["latency_ms"].items() if found is not None}
        ours = kinds.get("device_resident") or kinds["host_to_host"]
        ratios[f"{name} batch {batch}"] = ours / loop["p50_ms"]
        report.figure(
            f"{name}, ONNX Runtime, batch {batch}",
            **{f"{kind}_ms": value for kind, value in kinds.items()},
            tight_loop_ms=loop["p50_ms"],
            of_the_tight_loop=ours / loop["p50_ms"],
            first_run_ms=case["first_run_ms"][0],
            session_seconds=case["session_seconds"][0],
            output_error=case["output_check"]["error"],
        )
        report.claim("device-resident", set(kinds) == KINDS, ", ".join(kinds), **here)
    worst = max(ratios.values(), key=lambda ratio: abs(ratio - 1))
    note = f"{len(ratios)} cases, farthest {worst:.2f} of the tight loop"
    report.claim("bench overhead", abs(worst - 1) <= OVERHEAD, note, **here)
    record = result["machine"]
    told = [one for case in result["cases"] for process in case["processes"] for one in process["series"].values()]
    named = bool(record["devices"]) and all(one["device"] and one["device"]["mhz"] for one in told)
    report.claim("gpu record", named, ", ".join(device["name"] for device in record["devices"]), **here)


def beside_torch(report, name, forms, small):
    seconds = str(0.3 if small else LOOP_SECONDS)
    for form in forms:
        found = report.attempt(f"torch {form}, {name}", _loop, "torch", name, form, str(int(small)), seconds)
        if found:
            report.figure(f"{name}, torch {form}", **found)


def tensorrt(report, folder, provider):
    from ganzoo.runtime.ort import onnxruntime

    files = sorted(folder.glob("*.onnx"))
    if provider != "cuda" or "TensorrtExecutionProvider" not in onnxruntime.get_available_providers():
        report.claim("tensorrt", False, "", seen=False, needs="TensorRT and the CUDA provider")
        return
    failed = []
    for path in files:
        found = report.attempt(f"TensorRT, {path.stem}", _loop, "ort", str(path), "1", "tensorrt", str(LOOP_SECONDS))
        if found:
            report.figure(f"{path.stem}, TensorRT, batch 1", **found)
        else:
            failed.append(path.stem)
    missing = any("libnvinfer" in problem for problem in report.body["problems"])
    note = f"{len(files)} files" + (f"; not: {', '.join(failed)}" if failed else "")
    report.claim("tensorrt", not failed, note, seen=not missing, needs="TensorRT (libnvinfer is missing)")


def _loop(*arguments):
    """A loop in a process of its own; what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path[:3], os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("tight_loops.py")), *arguments],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise RuntimeError(lines[-1][:300] if lines else f"exit status {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])
