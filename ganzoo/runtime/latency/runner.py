"""Run a sweep: every case in fresh processes, repeated and interleaved, outputs checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo import errors
from ganzoo.errors import BenchError, GanzooError
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.latency import machine
from ganzoo.runtime.latency.inputs import sweep_cases
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult, case_result, result_document
from ganzoo.runtime.providers.requirements import require
from ganzoo.runtime.tolerances import PROVIDER, PROVIDER_UINT8, largest_error, peak

_START_SECONDS = 1.5  # of a worker: imports and a session, taken off its share of --max-time
_LEAST_SECONDS = 1.0
_P99_SAMPLES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    file: OnnxFile
    shapes: dict[str, tuple[int, ...]]
    checked: bool  # the smallest of its model: its outputs are compared


def run(request: Request, *, progress: ProgressListener) -> BenchResult:
    """Measure every case and return the result document (see result.schema.json).

    progress: told before each process. Raises RequestError, ExportError or BenchError
    when a case cannot be measured as asked, GateError when outputs differ from the reference.
    """
    require(request.provider)
    cases = _cases(request)
    if request.precision == "tf32" and request.provider != "cuda":
        raise errors.RequestError("--precision tf32 is a mode of CUDA; add --provider cuda.")
    share = request.max_seconds / (len(cases) * request.repeats)
    seconds = max(_LEAST_SECONDS, share - _START_SECONDS)
    samples = -(-_P99_SAMPLES // request.repeats)
    measured: list[list[dict[str, Any]]] = [[] for _ in cases]
    checks: dict[Path, dict[str, Any]] = {}
    states = {"before": machine.gpu_state(request.device)} if request.provider == "cuda" else {}
    began, done, total = time.monotonic(), 0, len(cases) * request.repeats
    with tempfile.TemporaryDirectory(prefix="ganzoo-bench-") as scratch:
        for repeat in range(request.repeats):
            # Interleaved, and begun at another case each time: drift of the machine meets every case alike.
            for number in _rotated(len(cases), repeat):
                case = cases[number]
                values = {"case": _title(case), "repeat": repeat + 1, "repeats": request.repeats}
                progress.update(Progress(done=done, total=total, unit="processes", values=values))
                done += 1
                check = case.checked and repeat == 0
                outputs = Path(scratch, f"{number}.npz") if check else None
                measured[number].append(
                    _work(
                        request,
                        case,
                        Path(scratch),
                        "measure",
                        seconds=seconds,
                        samples=samples,
                        outputs=outputs,
                    )
                )
                if outputs is not None:
                    checks[case.file.path] = _check(request, case, Path(scratch), outputs)
        progress.update(Progress(done=total, total=total, unit="processes"))
        if request.provider == "cuda":
            states["after"] = machine.gpu_state(request.device)
    document = result_document(
        request=request,
        cases=[
            case_result(case.file, case.shapes, repeats, checks[case.file.path])
            for case, repeats in zip(cases, measured, strict=True)
        ],
        seconds=time.monotonic() - began,
        gpu=machine.gpu_record(request.device) if request.provider == "cuda" else None,
        gpu_states=states,
    )
    return BenchResult(document)


def _cases(request: Request) -> list[_Case]:
    cases = []
    for path in request.models:
        file = OnnxFile(path)
        shapes = sweep_cases(file, request.inputs)
        smallest = min(range(len(shapes)), key=lambda index: _elements(shapes[index]))
        cases += [_Case(file=file, shapes=shape, checked=index == smallest) for index, shape in enumerate(shapes)]
    return cases


def _elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    total = 0
    for shape in shapes.values():
        size = 1
        for length in shape:
            size *= length
        total += size
    return total


def _rotated(count: int, by: int) -> list[int]:
    return [(index + by) % count for index in range(count)]


def _title(case: _Case) -> str:
    shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in case.shapes.items())
    return f"{case.file.path.name} {shapes}"


def _work(
    request: Request,
    case: _Case,
    scratch: Path,
    mode: str,
    *,
    seconds: float = 0.0,
    samples: int = 0,
    outputs: Path | None = None,
) -> dict[str, Any]:
    """One worker process. Raises what it raised, or BenchError when it died."""
    asked, answer = scratch / "request.json", scratch / "answer.json"
    answer.unlink(missing_ok=True)
    body = {
        "mode": mode,
        "model": str(case.file.path.resolve()),
        "shapes": case.shapes,
        "files": {name: str(path.resolve()) for name, path in request.inputs.files.items()},
        "provider": "cpu" if mode == "reference" else request.provider,
        "device": request.device,
        "threads": request.threads,
        "precision": request.precision,
        "seconds": seconds,
        "samples": samples,
        "outputs": str(outputs) if outputs else "",
    }
    asked.write_text(json.dumps(body), encoding="utf-8")
    # CUDA counts the fastest first unless told otherwise; nvidia-smi, which describes the device, by bus.
    environment = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", **os.environ}
    command = [sys.executable, "-m", "ganzoo.runtime.latency.worker", str(asked), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
    if not answer.exists():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        how = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        raise BenchError(
            f"The process that measured {_title(case)} died ({how}): {last}",
            hint="Killed by signal 9 usually means out of memory; try a smaller --batch."
            if done.returncode == -9
            else "",
        )
    result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in result:
        error = result["error"]
        kind = getattr(errors, error["kind"], GanzooError)
        raise kind(error["message"], hint=error["hint"])
    measured: dict[str, Any] = result["ok"]
    return measured


def _check(request: Request, case: _Case, scratch: Path, outputs: Path) -> dict[str, Any]:
    """Compare outputs with the CPU provider, unoptimised, in a process of its own."""
    import numpy as np

    random = case.file.random_operators()
    if random:
        return {
            "status": "unchecked",
            "why": f"random operators: {', '.join(random)}",
            "error": None,
            "bound": None,
        }
    expected_path = scratch / "expected.npz"
    _work(request, case, scratch, "reference", outputs=expected_path)
    with np.load(outputs) as found, np.load(expected_path) as expected:
        error = max(largest_error(expected[name], found[name]) for name in expected.files)
        bound = _bound(request, case.file, max(peak(expected[name]) for name in expected.files))
    if not error <= bound:  # a NaN fails
        raise errors.GateError(
            f"{_title(case)}: outputs on {request.provider} differ from the reference by {error:.3g}; "
            f"the bound is {bound:.3g}.",
            hint="Its latency means nothing until that is understood.",
        )
    return {
        "status": "ok",
        "why": "against the CPU provider without optimisation",
        "error": error,
        "bound": bound,
    }


def _bound(request: Request, file: OnnxFile, largest: float) -> float:
    """Largest absolute error by the precision at work. largest: of the outputs, at least 1."""
    if any(spec.dtype == "uint8" for spec in file.output_specs or ()):
        return PROVIDER_UINT8
    halves = file.metadata.get(f"{PREFIX}precision") == "fp16" or any(
        tensor.dtype in ("float16", "bfloat16") for tensor in (*file.inputs, *file.outputs)
    )
    return largest * PROVIDER["fp16" if halves else "tf32" if request.precision == "tf32" else "fp32"]
