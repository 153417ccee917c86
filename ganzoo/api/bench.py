"""The latency of ONNX files in ONNX Runtime."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, get_args

from ganzoo.api.arguments import to_choice, to_name, to_number, to_optional_path, to_path, to_paths, to_size, to_whole
from ganzoo.api.registry import installed
from ganzoo.datainfo import height_and_width
from ganzoo.errors import RequestError, did_you_mean
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.progress import ProgressListener, listener, say_warning

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.runtime.latency.inputs import InputRequest
    from ganzoo.runtime.latency.request import Objective, Rate
    from ganzoo.runtime.latency.result import BenchResult

Size = int | tuple[int, int] | str
Precision = Literal["file", "tf32", "fp16", "bf16", "int8"]
Scenario = Literal["single-stream", "multi-stream", "server", "offline"]


def bench(
    models: Place | Iterable[Place],
    *,
    provider: str | Sequence[str] = "cpu",
    device: int = 0,
    dims: Mapping[str, int | Sequence[int]] | None = None,
    sizes: Size | Sequence[Size] = (),
    shapes: Mapping[str, Sequence[int] | Sequence[Sequence[int]]] | None = None,
    inputs: Mapping[str, Path | str] | None = None,
    fills: Mapping[str, str | float] | None = None,
    data: Path | str | None = None,
    threads: int | str | Sequence[int] = 0,
    inter_op: int | str | Sequence[int] = 0,
    optimize: str | Sequence[str] = "all",
    spin: bool | str | Sequence[bool] = True,
    cuda_graph: bool | str | Sequence[bool] = False,
    options: Mapping[str, str | Sequence[str]] | None = None,
    libraries: Place | Iterable[Place] = (),
    precision: Precision = "file",
    scenario: Scenario = "single-stream",
    rate: float | str | Sequence[float | str] = (),
    slo: str | None = None,
    streams: int = 8,
    instances: int = 1,
    idle_ms: float = 0.0,
    rotate_mb: float = 0.0,
    cool_to: float | None = None,
    profile: bool = False,
    check: Literal["auto", "strict", "off"] = "auto",
    repeats: int = 5,
    least_seconds: float = 3.0,
    within: float = 0.02,
    max_seconds: float = 120.0,
    seed: int = 0,
    out: Path | str | None = None,
    resume: Path | str | None = None,
    progress: ProgressListener | None = None,
) -> BenchResult:
    """Measure ONNX files, ours or not; each case in fresh processes, interleaved with the others. Needs no torch.

    What is swept, one or several of each: models; dims, sizes of dimensions by their symbolic name ("batch" is the
    first dimension whatever its name, 1 if not stated); sizes of pictures whose size is open, a number for a square, a
    pair or "256x384" for height and width; shapes of an input by name; provider, "cpu", "cuda" or another that `doctor`
    lists; threads of one operator, inter_op of operators side by side, 0 for ONNX Runtime's choice; optimize, "off",
    "basic", "extended" or "all"; spin, whether threads wait by spinning; cuda_graph; options of a
    provider, {"cuda.KEY": VALUE}. A text between commas is several: threads="1,2".
    inputs: .npy files by input. data: a folder of ONNX test data, for all inputs. fills: of an input "zeros", "ones",
    "normal", "uniform", "LOW..HIGH" or a number. libraries: files of custom operators; they run code.
    device: which of the provider's. precision: "file", or a mode that the provider has: "tf32", "fp16", "bf16", "int8".

    scenario: "single-stream", calls one after the other; "multi-stream", queries of `streams` calls; "offline", all at
    once; "server", calls that arrive at a `rate`: 200 a second, or "80%" of what the sessions can do; or `slo`,
    "p99=20ms", for which the largest rate is looked for. instances: sessions that work side by side. idle_ms: a gap
    before each call. rotate_mb: go through so many megabytes of inputs, more than the caches hold. cool_to: degrees
    Celsius to which the device cools before each process. profile: where the time goes, by operator and by node.

    repeats: processes per case at least, each with least_seconds of samples; more follow until half the width of the
    95% interval is `within` of the figure, or max_seconds have passed in all, which is a bound. check: of outputs,
    against the CPU provider without optimisation; "strict" makes differences of quantised operators count, too.

    out: where the result is written, `.json`, after each process; resume: of an unfinished sweep of the same cases, to
    go on with.

    The result holds every case with its state: ok, unchecked, invalid or failed, and why. Raises RequestError for what
    cannot be asked, BenchError for a provider that does not work here, ExportError for an only model that cannot be
    read.
    """
    from ganzoo.runtime.latency.result import BenchResult, check_place
    from ganzoo.runtime.latency.runner import run

    given = {key: value for key, value in locals().items() if key in _OF_REQUEST}
    _offer_providers(provider)
    request = _request(to_paths(models, "models"), **given)
    before = None if resume is None else BenchResult.load(to_path(resume, "resume"))
    place = to_optional_path(out, "out") or to_optional_path(resume, "resume")
    if place is not None:
        check_place(place, [*request.models, *request.inputs.files.values(), *request.libraries])

    for library in request.libraries:
        say_warning(listener(progress))(f"the code of {library} runs: it is loaded as custom operators")

    def save(result: BenchResult) -> None:
        if place is not None:
            result.save(place)

    return run(request, progress=listener(progress), save=save, before=before)


def plan_bench(models: Place | Iterable[Place], **options: Any) -> BenchPlan:
    """What `bench` would measure with the same arguments, and how long it would take. Raises as it does."""
    from ganzoo.runtime.latency.plan import cases_of, expected_seconds
    from ganzoo.runtime.latency.request import Request

    _offer_providers(options.get("provider", "cpu"))
    request: Request = _request(to_paths(models, "models"), **options)
    cases = cases_of(request)
    return BenchPlan(
        cases=[case.title for case in cases],
        failed={case.title: case.error.message for case in cases if case.error is not None},
        repeats=request.repeats,
        seconds=expected_seconds(request, cases),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchPlan:
    """cases: in words. failed: those that cannot be, and why. repeats: processes of each. seconds: about, in all."""

    cases: Sequence[str]
    failed: Mapping[str, str]
    repeats: int
    seconds: float


def _request(models: Sequence[Path], **given: Any) -> Any:
    from ganzoo.runtime.latency.request import Axes, Load, Request

    if not models:
        raise RequestError("No ONNX file is named to measure.")
    if unknown := [key for key in given if key not in _OF_REQUEST]:
        raise RequestError(f"There is no option {unknown[0]!r} of bench.{did_you_mean(unknown[0], _OF_REQUEST)}")
    usual = {name: one.default for name, one in inspect.signature(bench).parameters.items() if name in _OF_REQUEST}
    value = {**usual, **given}
    precision = to_choice(value["precision"], "precision", get_args(Precision))
    axes = Axes(
        providers=tuple(to_name(one, "provider") for one in _one_or_more(value["provider"])),
        threads=_wholes(value["threads"], "threads"),
        inter_op=_wholes(value["inter_op"], "inter_op"),
        optimize=tuple(to_name(one, "optimize") for one in _one_or_more(value["optimize"])),  # type: ignore[misc]
        spin=_switches(value["spin"], "spin"),
        cuda_graph=_switches(value["cuda_graph"], "cuda_graph"),
        options={
            to_name(key, "options"): tuple(map(str, _one_or_more(one)))
            for key, one in _mapping(value["options"], "options").items()
        },
    )
    load = Load(
        scenario=to_choice(value["scenario"], "scenario", ("single-stream", "multi-stream", "server", "offline")),
        rates=tuple(_rate(one) for one in _one_or_more(value["rate"])),
        objective=None if value["slo"] is None else _objective(value["slo"]),
        streams=to_whole(value["streams"], "streams", least=1, most=100_000),
        instances=to_whole(value["instances"], "instances", least=1, most=1024),
        pause_ms=_from_zero(value["idle_ms"], "idle_ms"),
        rotate=_from_zero(value["rotate_mb"], "rotate_mb"),
    )
    return Request(
        models=models,
        libraries=tuple(_library(path) for path in to_paths(value["libraries"], "libraries")),
        profile=_switches(value["profile"], "profile") == (True,),
        cool_to=None if value["cool_to"] is None else to_number(value["cool_to"], "cool_to"),
        axes=axes,
        load=load,
        device=to_whole(value["device"], "device", least=0),
        precision=precision,
        inputs=_inputs(value),
        repeats=to_whole(value["repeats"], "repeats", least=1, most=100),
        least_seconds=to_number(value["least_seconds"], "least_seconds", above=0),
        within=to_number(value["within"], "within", above=0),
        max_seconds=to_number(value["max_seconds"], "max_seconds", above=0),
        check=to_choice(value["check"], "check", ("auto", "strict", "off")),
        seed=to_whole(value["seed"], "seed", least=0),
    )


_OF_REQUEST = (
    "provider", "device", "dims", "sizes", "shapes", "inputs", "fills", "data", "threads", "inter_op", "optimize",
    "spin", "cuda_graph", "options", "libraries", "precision", "scenario", "rate", "slo", "streams", "instances",
    "idle_ms", "rotate_mb", "cool_to", "profile", "check", "repeats", "least_seconds", "within", "max_seconds", "seed",
)  # fmt: skip


def _inputs(value: Mapping[str, Any]) -> InputRequest:
    from ganzoo.runtime.latency.inputs import InputRequest

    stated = {to_name(name, "dims"): _sizes(sizes) for name, sizes in _mapping(value["dims"], "dims").items()}
    return InputRequest(
        batches=tuple(stated.pop("batch", ())),
        dims=stated,
        data=to_optional_path(value["data"], "data"),
        sizes=_pairs(value["sizes"]),
        shapes={to_name(name, "shapes"): _shapes(one) for name, one in _mapping(value["shapes"], "shapes").items()},
        fills={to_name(name, "fills"): str(one) for name, one in _mapping(value["fills"], "fills").items()},
        files={
            to_name(name, "inputs"): to_path(path, "inputs")
            for name, path in _mapping(value["inputs"], "inputs").items()
        },
    )


def _offer_providers(provider: Any) -> None:
    """Have plugins asked where a name is none of ganzoo's own."""
    from ganzoo.runtime.providers.table import is_known, offer

    if not all(is_known(name) for name in _one_or_more(provider) if isinstance(name, str)):
        offer(installed().of(PROVIDERS))


def _library(path: Path) -> Path:
    """Raises RequestError for a file that is not there; what it is ONNX Runtime finds out by running it."""
    if not path.is_file():
        raise RequestError(f"libraries: there is no file {path}.")
    return path


def _one_or_more(value: Any) -> list[Any]:
    """The items of a list, or of a text between commas; one alone."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return list(value) if isinstance(value, Iterable) else [value]


def _wholes(value: Any, argument: str) -> tuple[int, ...]:
    items = [int(one) if isinstance(one, str) and one.isdecimal() else one for one in _one_or_more(value)]
    if not items:
        raise RequestError(f"{argument} = {value!r}: expected a whole number, or several.")
    return tuple(to_whole(one, argument, least=0, most=65_536) for one in items)


def _switches(value: Any, argument: str) -> tuple[bool, ...]:
    found = [_SWITCH.get(one, one) if isinstance(one, str) else one for one in _one_or_more(value)]
    if not found or not all(isinstance(one, bool) for one in found):
        raise RequestError(f"{argument} = {value!r}: expected on or off, or both.")
    return tuple(one is True for one in found)


_SWITCH = {"on": True, "off": False}


def _from_zero(value: Any, argument: str) -> float:
    number = to_number(value, argument)
    if number < 0:
        raise RequestError(f"{argument} = {value!r}: expected a number from 0.")
    return number


def _rate(value: Any) -> Rate:
    from ganzoo.runtime.latency.request import Rate

    text = value.strip() if isinstance(value, str) else value
    share = isinstance(text, str) and text.endswith("%")
    try:
        number = float(text[:-1] if share else text)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 1e9:
        raise RequestError(f"rate = {value!r}: expected calls a second, such as 200, or a share such as '80%'.")
    return Rate(value=number / 100 if share else number, of_capacity=share)


def _objective(value: Any) -> Objective:
    from ganzoo.runtime.latency.request import Objective

    match = re.fullmatch(r"p(\d{1,2}(?:\.\d{1,3})?)=(\d+(?:\.\d+)?) ?ms", str(value).strip())
    if match is None or not 0 < float(match[1]) < 100 or not float(match[2]) > 0:
        raise RequestError(f"slo = {value!r}: expected a quantile and its limit, such as p99=20ms.")
    return Objective(quantile=float(match[1]) / 100, limit_ms=float(match[2]))


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
