"""The latency of ONNX files in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, listener

if TYPE_CHECKING:
    from ganzoo.runtime.latency.result import BenchResult

Size = int | tuple[int, int]


def bench(
    models: Path | str | Sequence[Path | str],
    *,
    provider: str = "cpu",
    device: int = 0,
    dims: Mapping[str, int | Sequence[int]] | None = None,
    sizes: Size | Sequence[Size] = (),
    shapes: Mapping[str, Sequence[int] | Sequence[Sequence[int]]] | None = None,
    inputs: Mapping[str, Path | str] | None = None,
    threads: int = 0,
    precision: str = "file",
    repeats: int = 3,
    max_seconds: float = 120.0,
    progress: ProgressListener | None = None,
) -> BenchResult:
    """Measure ONNX files, ours or not; each case in fresh processes, interleaved with the others. Needs no torch.

    provider: "cpu" or "cuda". device: which GPU. dims: sizes of dimensions by their symbolic name, swept; "batch" is
    the first dimension whatever its name, 1 if not stated. sizes: heights and widths of pictures whose size is open.
    shapes: of an input by name, one or several. inputs: .npy files by input. threads: of one operator; 0 is
    ONNX Runtime's choice. precision: "file", or "tf32" on CUDA. repeats: processes per case. max_seconds: for all.

    Raises RequestError, ExportError or BenchError when a case cannot be measured as asked, GateError when outputs
    differ from the reference.
    """
    from ganzoo.runtime.latency.inputs import InputRequest
    from ganzoo.runtime.latency.request import Request
    from ganzoo.runtime.latency.runner import run

    paths = [Path(models)] if isinstance(models, str | Path) else [Path(model) for model in models]
    if not paths:
        raise RequestError("No ONNX file is named to measure.")
    stated = {name: _sizes(value) for name, value in (dims or {}).items()}
    asked = InputRequest(
        batches=tuple(stated.pop("batch", ())),
        dims=stated,
        sizes=_pairs(sizes),
        shapes={name: _shapes(value) for name, value in (shapes or {}).items()},
        files={name: Path(path) for name, path in (inputs or {}).items()},
    )
    request = Request(
        models=paths,
        provider=provider,
        device=device,
        threads=threads,
        precision=precision,
        inputs=asked,
        repeats=repeats,
        max_seconds=max_seconds,
    )
    return run(request, progress=listener(progress))


def _sizes(value: int | Sequence[int]) -> list[int]:
    found = [value] if isinstance(value, int) else list(value)
    if not found or not all(isinstance(size, int) and size >= 1 for size in found):
        raise RequestError(f"A dimension of {value!r}: expected whole numbers from 1, one or several.")
    return found


def _pairs(sizes: Size | Sequence[Size]) -> tuple[tuple[int, int], ...]:
    if isinstance(sizes, int):
        return ((sizes, sizes),)
    if isinstance(sizes, tuple) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes):
        return (sizes,)  # type: ignore[return-value]
    return tuple((size, size) if isinstance(size, int) else (size[0], size[1]) for size in sizes)


def _shapes(value: Any) -> list[tuple[int, ...]]:
    several = [value] if all(isinstance(size, int) for size in value) else value
    return [tuple(shape) for shape in several]
