"""The latency of ONNX files in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

from ganzoo.api.arguments import to_choice, to_name, to_number, to_optional_path, to_path, to_paths, to_size, to_whole
from ganzoo.datainfo import height_and_width
from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, listener

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.runtime.latency.result import BenchResult

Size = int | tuple[int, int] | str


def bench(
    models: Place | Iterable[Place],
    *,
    provider: str = "cpu",
    device: int = 0,
    dims: Mapping[str, int | Sequence[int]] | None = None,
    sizes: Size | Sequence[Size] = (),
    shapes: Mapping[str, Sequence[int] | Sequence[Sequence[int]]] | None = None,
    inputs: Mapping[str, Path | str] | None = None,
    threads: int = 0,
    precision: Literal["file", "tf32"] = "file",
    repeats: int = 3,
    max_seconds: float = 120.0,
    out: Path | str | None = None,
    progress: ProgressListener | None = None,
) -> BenchResult:
    """Measure ONNX files, ours or not; each case in fresh processes, interleaved with the others. Needs no torch.

    provider: "cpu" or "cuda". device: which GPU. dims: sizes of dimensions by their symbolic name, swept; "batch" is
    the first dimension whatever its name, 1 if not stated. sizes: of pictures whose size is open: a
    number is a square, a pair or "256x384" height and width, a list is several.
    shapes: of an input by name, one or several. inputs: .npy files by input. threads: of one operator; 0 is
    ONNX Runtime's choice. precision: "file", or "tf32" on CUDA. repeats: processes per case. max_seconds: for all.
    out: where the result is written, `.json`; the place is checked before anything is measured.

    Raises RequestError, ExportError or BenchError when a case cannot be measured as asked, GateError when outputs
    differ from the reference.
    """
    from ganzoo.runtime.latency.inputs import InputRequest
    from ganzoo.runtime.latency.request import Request
    from ganzoo.runtime.latency.result import check_place
    from ganzoo.runtime.latency.runner import run

    paths = to_paths(models, "models")
    if not paths:
        raise RequestError("No ONNX file is named to measure.")
    stated = {to_name(name, "dims"): _sizes(value) for name, value in _mapping(dims, "dims").items()}
    asked = InputRequest(
        batches=tuple(stated.pop("batch", ())),
        dims=stated,
        sizes=_pairs(sizes),
        shapes={to_name(name, "shapes"): _shapes(value) for name, value in _mapping(shapes, "shapes").items()},
        files={to_name(name, "inputs"): to_path(path, "inputs") for name, path in _mapping(inputs, "inputs").items()},
    )
    request = Request(
        models=paths,
        provider=to_name(provider, "provider"),
        device=to_whole(device, "device", least=0),
        threads=to_whole(threads, "threads", least=0),
        precision=to_choice(precision, "precision", ("file", "tf32")),
        inputs=asked,
        repeats=to_whole(repeats, "repeats", least=1, most=100),
        max_seconds=to_number(max_seconds, "max_seconds", above=0),
    )
    place = to_optional_path(out, "out")
    if place is not None:
        check_place(place, [*paths, *asked.files.values()])
    result = run(request, progress=listener(progress))
    if place is not None:
        result.save(place)
    return result


def _mapping(value: Any, argument: str) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise RequestError(f"{argument} = {value!r}: expected a mapping, by name.")
    return value or {}


def _several(value: Any, argument: str) -> list[Any]:
    """The items of a list, a tuple or an array. Raises RequestError for a text, or what has none."""
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        raise RequestError(f"{argument} = {value!r}: expected whole numbers from 1, one or several.")
    return list(value)


def _sizes(value: Any) -> list[int]:
    several = [value] if isinstance(value, SupportsIndex) else _several(value, "dims")
    if not several:
        raise RequestError(f"dims = {value!r}: expected whole numbers from 1, one or several.")
    return [to_whole(size, "dims", least=1) for size in several]


def _pairs(sizes: Any) -> tuple[tuple[int, int], ...]:
    """A number is a square; a pair is height and width; a list is several."""
    if isinstance(sizes, SupportsIndex | str):
        return (_pair(sizes),)
    several = _several(sizes, "sizes")
    if isinstance(sizes, tuple) and len(several) == 2 and all(isinstance(size, SupportsIndex) for size in several):
        return (_pair(sizes),)
    return tuple(_pair(size) for size in several)


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, str):
        found = to_size(size, "sizes", least=1, most=65_536)
        assert found is not None
        return height_and_width(found)
    parts = [size, size] if isinstance(size, SupportsIndex) else _several(size, "sizes")
    if len(parts) != 2:
        raise RequestError(f"sizes = {size!r}: expected a number, or a pair of height and width.")
    height, width = (to_whole(part, "sizes", least=1) for part in parts)
    return height, width


def _shapes(value: Any) -> list[tuple[int, ...]]:
    given = _several(value, "shapes")
    several = [given] if all(isinstance(size, SupportsIndex) for size in given) else given
    return [tuple(to_whole(size, "shapes", least=0) for size in _several(shape, "shapes")) for shape in several]
