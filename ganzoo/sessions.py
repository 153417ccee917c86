"""ONNX Runtime sessions: is a provider usable, what is missing if not, did it really run every node.

ONNX Runtime falls back to the CPU without an exception when a library is missing, so each step is
checked: the build, the libraries, the driver, the session, the placement of nodes.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import BenchError, ExportError, RequestError, nearest, one_line
from ganzoo.specs import TensorSpec

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

SHAPE_OPERATORS = frozenset(
    {
        "Add", "Cast", "Concat", "ConstantOfShape", "Div", "Equal", "Gather", "Max", "Min", "Mod", "Mul", "Range",
        "ReduceProd", "Reshape", "Shape", "Size", "Slice", "Squeeze", "Sub", "Unsqueeze", "Where",
    }
)  # fmt: skip
"""Operators that compute shapes on a few integers; ONNX Runtime puts those on the CPU on purpose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A session and how it came to be.

    seconds: to create it. nodes: how many nodes each provider runs, by provider name.
    cpu_shape_nodes: `name (operator)` of the shape nodes tolerated on the CPU beside a GPU.
    copies: Memcpy nodes in the optimised graph.
    """

    session: onnxruntime.InferenceSession
    seconds: float
    nodes: dict[str, int] = field(default_factory=dict)
    cpu_shape_nodes: list[str] = field(default_factory=list)
    copies: int = 0


def check_name(provider: str) -> str:
    """ONNX Runtime's name of a provider. Raises RequestError for one that ganzoo does not know."""
    if provider not in PROVIDERS:
        raise RequestError(
            f"There is no provider {provider!r}.{nearest(provider, PROVIDERS)} Providers: {', '.join(PROVIDERS)}."
        )
    return PROVIDERS[provider]


def what_is_missing(provider: str) -> str:
    """One sentence naming what keeps a provider from working here; "" when nothing does."""
    import onnxruntime

    name = check_name(provider)
    if provider == "cpu":
        return ""
    if name not in onnxruntime.get_available_providers():
        return f"onnxruntime {onnxruntime.__version__} as installed is a build without {name}"
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()  # prints on stdout what it could not load; the loads below say it better
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    if error := _load(driver):
        return f"the NVIDIA driver is not installed or not visible here ({error})"
    if error := _driver_trouble(driver):
        return error
    folder = Path(onnxruntime.__file__).parent / "capi"
    prefix, suffix = ("", ".dll") if sys.platform == "win32" else ("lib", ".so")
    for part in ("shared", "cuda"):
        library = folder / f"{prefix}onnxruntime_providers_{part}{suffix}"
        if error := _load(str(library)):
            return f"a library of the CUDA provider cannot be loaded ({error})"
    return ""


def _load(library: str) -> str:
    """Load a shared library; the loader's complaint, which names the missing one, or ""."""
    try:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return str(error).replace(f"{Path(library).parent}/", "")
    return ""


def _driver_trouble(driver: str) -> str:
    """What keeps an installed driver from working: its own error code, or no GPU; "" when there is one."""
    cuda = ctypes.CDLL(driver)
    if code := cuda.cuInit(0):
        return f"the NVIDIA driver is installed and does not start (cuInit gives error {code}: no GPU, or too old)"
    count = ctypes.c_int(0)
    if code := cuda.cuDeviceGetCount(ctypes.byref(count)):
        return f"the NVIDIA driver does not count its GPUs (error {code})"
    return "" if count.value else "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)"


def require(provider: str) -> None:
    """Raises BenchError that names the missing library or driver, RequestError for an unknown provider."""
    missing = what_is_missing(provider)
    if missing:
        raise BenchError(
            f"The provider {provider!r} does not work here: {missing}.",
            hint="`ganzoo doctor` shows every provider. CUDA needs an NVIDIA driver, and "
            'pip install "onnxruntime-gpu[cuda,cudnn]".',
        )


def open_checked(
    path: Path, provider: str, *, threads: int = 0, optimize: bool = True, device: int = 0, tf32: bool = False
) -> Opened:
    """A session whose placement was checked.

    threads: of one operator; 0 leaves the choice to ONNX Runtime. optimize: graph optimisation.
    Raises BenchError when the provider is missing or a node of substance would run on the CPU,
    ExportError when the file cannot be loaded, RequestError for an unknown provider.
    """
    require(provider)
    if provider == "cpu":
        session, seconds = _create(path, [(PROVIDERS["cpu"], {})], threads=threads, optimize=optimize)
        return _inspect(session, seconds, provider)
    with tempfile.TemporaryDirectory(prefix="ganzoo-session-") as scratch:
        return _open_on_gpu(path, provider, Path(scratch, "optimized.onnx"), threads, optimize, device, tf32)


def _open_on_gpu(
    path: Path, provider: str, optimized: Path, threads: int, optimize: bool, device: int, tf32: bool
) -> Opened:
    wanted = (PROVIDERS[provider], {"device_id": str(device), "use_tf32": "1" if tf32 else "0"})
    try:
        session, seconds = _create(path, [wanted], threads=threads, optimize=optimize, strict=True, optimized=optimized)
    except ExportError:
        # Refused: either nothing works, or some nodes want the CPU. The second session tells which.
        session, seconds = _create(
            path, [wanted, (PROVIDERS["cpu"], {})], threads=threads, optimize=optimize, optimized=optimized
        )
    return replace(_inspect(session, seconds, provider), copies=count_copies(optimized))


def count_copies(optimized: Path) -> int:
    """Memcpy nodes in an optimised graph that ONNX Runtime wrote; the assignment need not list them."""
    import onnx

    graph = onnx.load(optimized, load_external_data=False).graph
    return sum(node.op_type.startswith("Memcpy") for node in graph.node)


def draw(specs: Sequence[TensorSpec], seeds: Sequence[int], dims: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """The inputs of a graph by name, one row per seed."""
    return {spec.name: spec.sample(seeds, dims) for spec in specs}


def run_session(
    session: onnxruntime.InferenceSession, feed: Mapping[str, NDArray[Any]], path: Path
) -> list[NDArray[Any]]:
    """All outputs in order. Raises ExportError that names the shapes when the model refuses them."""
    try:
        results: list[NDArray[Any]] = session.run(None, dict(feed))
    except Exception as error:  # onnxruntime's own classes
        shapes = {name: list(array.shape) for name, array in feed.items()}
        raise ExportError(f"ONNX Runtime cannot run {path.name} with {shapes}: {one_line(error)}") from error
    return results


def _create(
    path: Path,
    providers: list[tuple[str, dict[str, str]]],
    *,
    threads: int,
    optimize: bool,
    strict: bool = False,
    optimized: Path | None = None,
) -> tuple[onnxruntime.InferenceSession, float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised; the rest is noise
    options.intra_op_num_threads = threads
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    if strict:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    began = time.perf_counter()
    try:
        # When a provider fails it announces a fall-back on stdout, where a result may have to stand alone.
        with contextlib.redirect_stdout(sys.stderr):
            session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's own classes, one for each status
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {one_line(error)}",
            hint=f"See what it holds: ganzoo inspect {path}",
        ) from error
    return session, time.perf_counter() - began


def _inspect(session: onnxruntime.InferenceSession, seconds: float, provider: str) -> Opened:
    wanted = PROVIDERS[provider]
    if wanted not in session.get_providers():
        raise BenchError(f"ONNX Runtime left {wanted} out without saying why; it would run on the CPU.")
    counts: dict[str, int] = {}
    on_cpu: list[tuple[str, str]] = []
    for name, node, operator in _assignments(session):
        counts[name] = counts.get(name, 0) + 1
        if not operator.startswith("Memcpy") and provider != "cpu" and name == PROVIDERS["cpu"]:
            on_cpu.append((node, operator))
    heavy = [f"{node} ({operator})" for node, operator in on_cpu if operator not in SHAPE_OPERATORS]
    if heavy:
        raise BenchError(
            f"{len(heavy)} nodes would run on the CPU, not on {provider}: {', '.join(heavy[:5])}"
            f"{', ...' if len(heavy) > 5 else ''}.",
            hint="The provider has no kernel for them; change the model, or measure it with --provider cpu.",
        )
    return Opened(
        session=session,
        seconds=seconds,
        nodes=counts,
        cpu_shape_nodes=[f"{node} ({operator})" for node, operator in on_cpu],
    )


def _assignments(session: onnxruntime.InferenceSession) -> list[tuple[str, str, str]]:
    """(provider, node, operator) of every node of the optimised graph that was assigned."""
    groups: Any = session.get_provider_graph_assignment_info()
    return [(str(group.ep_name), str(node.name), str(node.op_type)) for group in groups for node in group.get_nodes()]
