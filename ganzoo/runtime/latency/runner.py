"""Run a sweep: every case in fresh processes, repeated and interleaved, outputs checked."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import errors
from ganzoo.errors import BenchError, GanzooError
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.latency import machine
from ganzoo.runtime.latency.inputs import sweep_cases
from ganzoo.runtime.latency.process import ask
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult, case_result, result_document
from ganzoo.runtime.providers.requirements import require
from ganzoo.runtime.tolerances import PROVIDER, PROVIDER_UINT8, largest_error, peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    for repeat in range(request.repeats):
        # Interleaved, and begun at another case each time: drift of the machine meets every case alike.
        for number in _rotated(len(cases), repeat):
            case = cases[number]
            values = {"case": _title(case), "repeat": repeat + 1, "repeats": request.repeats}
            progress.update(Progress(done=done, total=total, unit="processes", values=values))
            done += 1
            check = case.checked and repeat == 0
            result, outputs = _work(request, case, "measure", seconds=seconds, samples=samples, outputs=check)
            measured[number].append(result)
            if check:
                checks[case.file.path] = _check(request, case, outputs)
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
    mode: str,
    *,
    seconds: float = 0.0,
    samples: int = 0,
    outputs: bool = False,
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """One worker process: its numbers, and its outputs. Raises what it raised, or BenchError when it died."""
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
        "outputs": outputs,
    }
    # CUDA counts the fastest first unless told otherwise; nvidia-smi, which describes the device, by bus.
    answer = ask(body, {"CUDA_DEVICE_ORDER": os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")})
    if answer.content is None:
        how = f"killed by signal {-answer.status}" if answer.status < 0 else f"exit status {answer.status}"
        raise BenchError(
            f"The process that measured {_title(case)} died ({how}): {answer.last_words}",
            hint="Killed by signal 9 usually means out of memory; try a smaller --batch."
            if answer.status == -9
            else "",
        )
    if "error" in answer.content:
        error = answer.content["error"]
        kind = getattr(errors, error["kind"], GanzooError)
        raise kind(error["message"], hint=error["hint"])
    measured: dict[str, Any] = answer.content["ok"]
    return measured, answer.arrays


def _check(request: Request, case: _Case, found: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Compare outputs with the CPU provider, unoptimised, in a process of its own."""
    random = case.file.random_operators()
    if random:
        return {
            "status": "unchecked",
            "why": f"random operators: {', '.join(random)}",
            "error": None,
            "bound": None,
        }
    _, expected = _work(request, case, "reference", outputs=True)
    error = max(largest_error(one, other) for one, other in zip(expected, found, strict=True))
    bound = _bound(request, case.file, max(peak(one) for one in expected))
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
