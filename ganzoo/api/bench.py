"""The latency of ONNX files in ONNX Runtime."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.api.arguments import to_optional_path, to_path, to_paths
from ganzoo.api.bench_request import OF_REQUEST, Precision, one_or_more, request_of
from ganzoo.api.registry import installed
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.progress import ProgressListener, listener, say_warning

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.runtime.latency.result import BenchResult

Size = int | tuple[int, int] | str
Scenario = Literal["single-stream", "multi-stream", "server", "offline"]


def bench(
    models: Place | Iterable[Place],
    *,
    provider: str | Sequence[str] = "cpu",
    device: int | str | Sequence[int | str] = (),
    together: bool = False,
    lock_clocks: int | str | None = None,
    label: str | None = None,
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
    device: of the provider's, one or several, as `doctor` lists them: a number, "0:1" for a slice of a GPU, "all", a
    UUID or its beginning, a pattern of the name ("NVIDIA H100*"); the first if not stated. Each is measured by
    processes that see no other. together: they are measured at once, too, and by how much slower that is. lock_clocks:
    "base", "most" or MHz at which GPUs are held meanwhile, and let go in any case. label: what you call this machine in
    the result, which names none of itself. precision: "file", or a mode that the provider has: "tf32", "fp16", "bf16",
    "int8".

    scenario: "single-stream", calls one after the other; "multi-stream", queries of `streams` calls; "offline", all at
    once; "server", calls that arrive at a `rate`: 200 a second, or "80%" of what the sessions can do; or `slo`,
    "p99=20ms", for which the largest rate is looked for. instances: sessions that work side by side. idle_ms: a gap
    before each call. rotate_mb: go through so many megabytes of inputs, more than the caches hold. cool_to: degrees
    Celsius to which the device cools before each process. profile: where the time goes, by operator and by node.

    repeats: processes per case at least, each with least_seconds of samples; more follow until half the width of the
    95% interval is `within` of the figure, or max_seconds have passed in all, which is a bound. check: of outputs,
    against the CPU provider without optimisation; "strict" makes differences of quantised operators count, too.

    out: where the result is written, `.json`, after each process; "{label}-{device}.json" is a file for each device.
    resume: of an unfinished sweep of the same cases, to
    go on with.

    The result holds every case with its state: ok, unchecked, invalid or failed, and why. Raises RequestError for what
    cannot be asked, BenchError for a provider that does not work here, ExportError for an only model that cannot be
    read.
    """
    from ganzoo.runtime.latency.places import Places
    from ganzoo.runtime.latency.plan import libraries_of
    from ganzoo.runtime.latency.result import BenchResult
    from ganzoo.runtime.latency.runner import run

    given = {key: value for key, value in locals().items() if key in OF_REQUEST}
    _offer_providers(provider)
    request = request_of(to_paths(models, "models"), usual(), given)
    before = None if resume is None else BenchResult.load(to_path(resume, "resume"))
    place = to_optional_path(out, "out") or to_optional_path(resume, "resume")
    inputs_read = [*request.models, *request.inputs.files.values(), *request.libraries]
    places = None if place is None else Places(place, request.label, inputs_read)

    for library in libraries_of(request):
        say_warning(listener(progress))(f"the code of {library} runs: it is loaded into the process that measures")

    def save(result: BenchResult) -> None:
        if places is not None:
            result.written = places.save(result)

    return run(request, progress=listener(progress), save=save, before=before)


def plan_bench(models: Place | Iterable[Place], **options: Any) -> BenchPlan:
    """What `bench` would measure with the same arguments, and how long it would take. Raises as it does."""
    from ganzoo.runtime.latency.plan import cases_of, expected_seconds
    from ganzoo.runtime.providers.requirements import require

    _offer_providers(options.get("provider", "cpu"))
    request = request_of(to_paths(models, "models"), usual(), options)
    for name in request.axes.providers:
        require(name)
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


def _offer_providers(provider: Any) -> None:
    """Have plugins asked where a name is none of ganzoo's own."""
    from ganzoo.runtime.providers.table import is_known, offer

    if not all(is_known(name) for name in one_or_more(provider) if isinstance(name, str)):
        offer(installed().of(PROVIDERS))


def usual() -> dict[str, Any]:
    """What `bench` takes where nothing is given."""
    return {name: one.default for name, one in inspect.signature(bench).parameters.items() if name in OF_REQUEST}
