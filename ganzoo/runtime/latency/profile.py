"""Where the time of a model goes: ONNX Runtime's own profile by node, beside what the machine can do at most.

The profiler takes time itself, so that a profile is of a process of its own, and no latency is read from it. On a
device that works beside the host, a node's time is that of handing it over, not of the work.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.arithmetic import moved, operations
from ganzoo.runtime.latency.job import Job
from ganzoo.runtime.latency.limits import copy_gbytes, matmul_gflops
from ganzoo.runtime.session import open_profiled, run_session
from ganzoo.scratch import scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WARM_UP, _LEAST, _MOST = 2, 3, 100
_MOST_NODES = 200
_MOST_BYTES = 1_500_000_000  # beyond which the optimised graph, with its weights, is not written


@dataclass(slots=True)
class _Time:
    """Of nodes that are one row. operations: None where one of them is not counted."""

    name: str
    operator: str
    provider: str
    nodes: set[str] = field(default_factory=set)
    microseconds: float = 0.0
    bytes: int = 0
    operations: float | None = 0.0

    def add(self, node: str, microseconds: float, done: float | None, size: int) -> None:
        self.nodes.add(node)
        self.microseconds += microseconds
        self.bytes += size
        self.operations = None if done is None or self.operations is None else self.operations + done


def profile(job: Job, file: OnnxFile, feed: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Run a model for some of `job.seconds` under the profiler. Raises what opening and running it raise."""
    with scratch("ganzoo-profile-") as folder:
        optimized = folder / "optimized.onnx" if file.size() < _MOST_BYTES else None
        session = open_profiled(
            job.path,
            job.provider,
            folder / "events",
            optimized=optimized,
            settings=job.settings,
            device=job.device,
            precision=job.precision,
        )
        began, count = time.perf_counter(), 0
        while count < _WARM_UP + _LEAST or (count < _MOST and time.perf_counter() - began < job.seconds / 2):
            run_session(session, feed, file.path)
            count += 1
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        graph = _graph(optimized)
    del session
    runs, run_us, times = _collect(events, graph)
    halves = any(str(tensor.dtype) == "float16" for tensor in (*file.inputs, *file.outputs))
    gflops = matmul_gflops(job, "float16" if halves else "float32")
    gbytes = copy_gbytes(job)
    together = sum(one.microseconds for one in times) or 1.0
    operators: dict[str, _Time] = {}
    for one in times:
        row = operators.setdefault(one.operator, _Time("", one.operator, one.provider))
        row.add(one.name, one.microseconds, one.operations, one.bytes)

    def rows(found: Sequence[_Time]) -> list[dict[str, Any]]:
        ordered = sorted(found, key=lambda one: -one.microseconds)
        return [_row(one, runs, together, gflops, gbytes) for one in ordered[:_MOST_NODES]]

    return {
        "runs": runs,
        "run_ms": run_us / runs / 1000,
        "nodes_ms": together / runs / 1000,
        "matmul_gflops": gflops,
        "copy_gbytes": gbytes,
        "operators": rows(list(operators.values())),
        "nodes": rows(times),
    }


def _row(one: _Time, runs: int, together: float, gflops: float | None, gbytes: float | None) -> dict[str, Any]:
    seconds = one.microseconds / 1e6
    done = one.operations / seconds / 1e9 if one.operations and seconds else None
    copied = one.bytes / seconds / 1e9 if one.bytes and seconds else None
    return {
        "name": one.name,
        "operator": one.operator,
        "provider": one.provider,
        "count": max(1, len(one.nodes)),
        "ms": one.microseconds / runs / 1000,
        "share": one.microseconds / together,
        "gflops": done,
        "of_matmul": done / gflops if done and gflops else None,
        "gbytes": copied,
        "of_copy": copied / gbytes if copied and gbytes else None,
    }


def _graph(optimized: Path | None) -> dict[str, Any]:
    """By node name what the events do not say: the shapes of weights by place, and attributes."""
    import onnx

    if optimized is None or not optimized.exists():
        return {}
    graph = onnx.load(optimized, load_external_data=False).graph
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    return {
        node.name: (
            [weights.get(name) for name in node.input],
            {item.name: item.i for item in node.attribute if item.type == onnx.AttributeProto.INT},
        )
        for node in graph.node
    }


def _collect(events: Sequence[Mapping[str, Any]], graph: Mapping[str, Any]) -> tuple[int, float, list[_Time]]:
    """Runs that count, microseconds of all of them, and times by node."""
    ended = sorted(event["ts"] + event["dur"] for event in events if event["name"] == "model_run")
    from_here = ended[min(_WARM_UP, len(ended) - 1) - 1]
    runs = [event for event in events if event["name"] == "model_run" and event["ts"] >= from_here]
    found: dict[tuple[str, str], _Time] = {}
    for event, alone in _own_time(event for event in events if _is_node(event) and event["ts"] >= from_here):
        arguments = event["args"]
        name = event["name"].removesuffix("_kernel_time")
        operator = arguments["op_name"]
        inputs = [_tensor(one) for one in arguments.get("input_type_shape", ())]
        outputs = [_tensor(one) for one in arguments.get("output_type_shape", ())]
        weights, attributes = graph.get(name, ([], {}))
        shapes = [shape for _, shape in inputs]
        # Weights that were packed beforehand are not among the inputs of the event.
        known = [weight if weight is not None else (shapes.pop(0) if shapes else None) for weight in weights] or shapes
        if len(inputs) == len(weights):
            known = [shape for _, shape in inputs]
        row = found.setdefault((name, operator), _Time(name, operator, arguments.get("provider", "")))
        done = operations(operator, known, [shape for _, shape in outputs], attributes)
        row.add(name, alone, done, moved([*inputs, *outputs]))
    return len(runs), float(sum(event["dur"] for event in runs)), list(found.values())


def _is_node(event: Mapping[str, Any]) -> bool:
    return event.get("cat") == "Node" and event["name"].endswith("_kernel_time") and "op_name" in event.get("args", {})


def _own_time(events: Iterator[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], float]]:
    """Each with its time without that of nodes inside it, of the graphs that If, Loop and Scan run."""
    by_thread: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        by_thread[event["tid"]].append(event)
    found = []
    for several in by_thread.values():
        several.sort(key=lambda event: (event["ts"], -event["dur"]))
        open_, own = list[int](), [float(event["dur"]) for event in several]
        for place, event in enumerate(several):
            while open_ and several[open_[-1]]["ts"] + several[open_[-1]]["dur"] < event["ts"] + event["dur"]:
                open_.pop()
            if open_ and several[open_[-1]]["args"]["op_name"] in ("If", "Loop", "Scan"):
                own[open_[-1]] -= event["dur"]
            open_.append(place)
        found += [(event, max(0.0, alone)) for event, alone in zip(several, own, strict=True)]
    return found


def _tensor(one: Mapping[str, Any]) -> tuple[str, list[int]]:
    kind, shape = next(iter(one.items()), ("", []))
    return kind, [int(size) for size in shape]
