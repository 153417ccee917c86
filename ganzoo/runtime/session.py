"""ONNX Runtime sessions that ran where they were asked to: opened, their placement checked, run.

ONNX Runtime goes on on the CPU when a provider cannot begin, and again when one fails in the middle of a run; here
neither happens: see `_create`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ganzoo.errors import BenchError, ExportError, ProviderError, first_few, one_line, shell_word, short
from ganzoo.plugin.streams import descriptor_to, stdout_to
from ganzoo.runtime.providers.failures import Explanation
from ganzoo.runtime.providers.provider import Provider
from ganzoo.runtime.providers.requirements import require
from ganzoo.runtime.providers.table import find_provider, known_names
from ganzoo.runtime.values import run_values
from ganzoo.scratch import scratch
from ganzoo.tensors import TensorSpec

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

CPU = "CPUExecutionProvider"
SHAPE_OPERATORS = frozenset(
    {
        "Add", "Cast", "Concat", "ConstantOfShape", "Div", "Equal", "Gather", "Max", "Min", "Mod", "Mul", "Range",
        "ReduceProd", "Reshape", "Shape", "Size", "Slice", "Squeeze", "Sub", "Unsqueeze", "Where",
    }
)  # fmt: skip
"""Operators that compute shapes on a few integers; ONNX Runtime puts those on the CPU on purpose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedSession:
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


Optimize = Literal["off", "basic", "extended", "all"]
OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """What people tune.

    threads: of one operator, inter_op: of operators side by side; 0 leaves the choice to ONNX Runtime. optimize: of the
    graph. spin: threads wait for work by spinning. options: of the provider, by its names. libraries: files of custom
    operators, which run code.
    """

    threads: int = 0
    inter_op: int = 0
    optimize: Optimize = "all"
    spin: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()


DEFAULT = SessionSettings()


def open_checked(
    path: Path,
    provider: str,
    *,
    settings: SessionSettings = DEFAULT,
    device: int = 0,
    precision: str = "file",
) -> CheckedSession:
    """A session whose placement was checked.

    Raises BenchError when the provider is missing or a node of substance would run on the CPU,
    ExportError when the file cannot be loaded, RequestError for an unknown provider or option.
    """
    require(provider)
    found = find_provider(provider)
    found.check_options(settings.options)
    options = found.session_options(device=device, precision=precision, options=settings.options)
    if found.ort_name == CPU:
        session, seconds = _create(path, found, options, settings)
        return _inspect(session, seconds, found)
    if found.compiles:
        return _open_elsewhere(path, found, options, None, settings)
    with scratch("ganzoo-session-") as folder:
        return _open_elsewhere(path, found, options, folder / "optimized.onnx", settings)


def open_profiled(
    path: Path,
    provider: str,
    events: Path,
    *,
    optimized: Path | None,
    settings: SessionSettings = DEFAULT,
    device: int = 0,
    precision: str = "file",
) -> onnxruntime.InferenceSession:
    """A session that writes down what each node takes; its placement is taken as it is. Raises as `open_checked` does.

    events: how the name of that file begins. optimized: where the optimised graph is written.
    """
    require(provider)
    found = find_provider(provider)
    options = found.session_options(device=device, precision=precision, options=settings.options)
    cpu, written = found.ort_name != CPU, None if found.compiles else optimized
    return _create(path, found, options, settings, cpu=cpu, optimized=written, events=events)[0]


def _open_elsewhere(
    path: Path, provider: Provider, options: Mapping[str, str], optimized: Path | None, settings: SessionSettings
) -> CheckedSession:
    try:
        session, seconds = _create(path, provider, options, settings, strict=True, optimized=optimized)
    except ProviderError:
        # Refused: either nothing works, or some nodes want the CPU. The second session tells which.
        session, seconds = _create(path, provider, options, settings, cpu=True, optimized=optimized)
    if provider.ort_name not in session.get_providers():
        why = _why_left_out(path, provider, options, settings)
        said = why.reason or "it did not say why"
        raise ProviderError(
            f"ONNX Runtime left {provider.ort_name} out, and would run on the CPU: {said}.", hint=why.remedy
        )
    checked = _inspect(session, seconds, provider)
    return checked if optimized is None else replace(checked, copies=count_copies(optimized))


def _why_left_out(path: Path, provider: Provider, options: Mapping[str, str], settings: SessionSettings) -> Explanation:
    """What ONNX Runtime logs, and does not raise, when a provider cannot begin."""
    from ganzoo.runtime.ort import onnxruntime

    with tempfile.TemporaryFile() as said, descriptor_to(2, said):
        onnxruntime.set_default_logger_severity(3)
        try:
            _create(path, provider, options, settings, cpu=True, quiet=False)
        finally:
            onnxruntime.set_default_logger_severity(4)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return provider.explain(text) if text.strip() else Explanation(reason="")


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
        results = run_values(session, [output.name for output in session.get_outputs()], feed)
    except ExportError:
        raise
    except Exception as error:  # onnxruntime's own classes
        shapes = {name: list(array.shape) for name, array in feed.items()}
        provider = _provider_of(session)
        if provider is None or provider.ort_name == CPU:
            raise ExportError(f"ONNX Runtime cannot run {path.name} with {shapes}: {one_line(error)}") from error
        trouble = provider.explain(str(error))
        raise ProviderError(
            f"ONNX Runtime cannot run {path.name} with {shapes}: {trouble.reason}", hint=trouble.remedy
        ) from error
    return results


def _provider_of(session: onnxruntime.InferenceSession) -> Provider | None:
    """The one that a session was opened with; None for one that ganzoo does not know."""
    first = session.get_providers()[0]
    return next((one for one in map(find_provider, known_names()) if one.ort_name == first), None)


def _create(
    path: Path,
    provider: Provider,
    own: Mapping[str, str],
    settings: SessionSettings = DEFAULT,
    *,
    strict: bool = False,
    cpu: bool = False,
    optimized: Path | None = None,
    quiet: bool = True,
    events: Path | None = None,
) -> tuple[onnxruntime.InferenceSession, float]:
    """own: options of the provider. strict: nothing may run on the CPU. cpu: it may take what the provider leaves.
    optimized: where the optimised graph is written. quiet: what ONNX Runtime logs is not shown. events: where the
    profile is written."""
    from ganzoo.runtime.ort import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4 if quiet else 3  # what goes wrong is raised; the rest is noise
    options.intra_op_num_threads = settings.threads
    if settings.inter_op:
        options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
        options.inter_op_num_threads = settings.inter_op
    level = "DISABLE_ALL" if settings.optimize == "off" else f"ENABLE_{settings.optimize.upper()}"
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
    if not settings.spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    if events is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(events)
    if strict:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # What a provider logs when it fails, the host's name in it, is told better by what it raises.
    if quiet:
        onnxruntime.set_default_logger_severity(4)
    for library in settings.libraries:
        _register(options, library)
    providers = provider.attach(options, own)
    if cpu:
        providers = [*providers, (CPU, {})]
    began = time.perf_counter()
    try:
        # Without `enable_fallback=0` a provider that fails, now or in the middle of a run, is replaced by the CPU with
        # a line on stdout, where a result may have to stand alone.
        with stdout_to(sys.stderr):
            session = onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's own classes, one for each status
        if provider.ort_name != CPU and not _is_about_the_file(error):
            trouble = provider.explain(str(error))
            raise ProviderError(
                f"{provider.ort_name} cannot open {path.name}: {trouble.reason}.", hint=trouble.remedy
            ) from error
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {one_line(error)}",
            hint="Operators of its own come in a library: --library FILE, whose code runs"
            if "is not a registered function/op" in str(error)
            else f"See what it holds: ganzoo inspect {shell_word(path)}",
        ) from error
    return session, time.perf_counter() - began


def _register(options: onnxruntime.SessionOptions, library: str) -> None:
    """Load a library of custom operators, which runs code. Raises BenchError."""
    try:
        options.register_custom_ops_library(library)
    except Exception as error:  # onnxruntime's own classes
        raise BenchError(f"--library {short(Path(library).name)} cannot be loaded: {one_line(error)}") from error


def _is_about_the_file(error: Exception) -> bool:
    """Whether the status says that the file is damaged or missing, whatever the provider."""
    kinds = ("NoSuchFile", "InvalidProtobuf", "InvalidGraph", "NoModel")
    return type(error).__name__ in kinds or "Load model from" in str(error)


def _inspect(session: onnxruntime.InferenceSession, seconds: float, provider: Provider) -> CheckedSession:
    counts: dict[str, int] = {}
    on_cpu: list[tuple[str, str]] = []
    for name, node, operator in _assignments(session):
        counts[name] = counts.get(name, 0) + 1
        if not operator.startswith("Memcpy") and provider.ort_name != CPU and name == CPU:
            on_cpu.append((node, operator))
    heavy = [f"{node} ({operator})" for node, operator in on_cpu if operator not in SHAPE_OPERATORS]
    if heavy:
        raise BenchError(
            f"{len(heavy)} nodes would run on the CPU, not on {provider.name}: {first_few(heavy)}.",
            hint="The provider has no kernel for them; change the model, or measure it with --provider cpu.",
        )
    return CheckedSession(
        session=session,
        seconds=seconds,
        nodes=counts,
        cpu_shape_nodes=[f"{node} ({operator})" for node, operator in on_cpu],
    )


def _assignments(session: onnxruntime.InferenceSession) -> list[tuple[str, str, str]]:
    """(provider, node, operator) of every node of the optimised graph that was assigned."""
    groups: Any = session.get_provider_graph_assignment_info()
    return [(str(group.ep_name), str(node.name), str(node.op_type)) for group in groups for node in group.get_nodes()]
