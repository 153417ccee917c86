"""One case in a process of its own: `python -m ganzoo.runtime.latency.worker`, see `process.py` for the other end.

Two sessions in one process disturb each other by factors, so each is measured alone. A line of JSON comes in, a line
goes out, with the outputs behind it; an error travels as its text, not as a traceback.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ganzoo.errors import BenchError, GanzooError, one_line
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.check import difference
from ganzoo.runtime.latency.graphs import Replay, is_replayed
from ganzoo.runtime.latency.inputs import make_feed
from ganzoo.runtime.latency.job import Job
from ganzoo.runtime.latency.loads import put, to_answer
from ganzoo.runtime.latency.measure import bound_loop, copy_loop, host_loop, in_turn
from ganzoo.runtime.latency.meeting import Appointment
from ganzoo.runtime.providers.table import find_provider
from ganzoo.runtime.session import CheckedSession, SessionSettings, open_checked, run_session
from ganzoo.scratch import remove_scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.runtime.latency.scenarios import Run

Arrays = dict[str, "NDArray[Any]"]
_MOST_FEEDS = 10_000


def run(job: Job, appointment: Appointment | None = None) -> tuple[dict[str, Any], Arrays]:
    """Do what a job says. appointment: with other processes, where the job says so. Raises GanzooError."""
    provider = find_provider(job.provider, job.implementation)
    file = OnnxFile(job.path)
    files = {name: Path(path) for name, path in job.files.items()}
    feed = make_feed(file, job.shapes, files, job.fills)
    reference = job.mode == "reference"
    opened = _open(job, _plain(job.settings) if reference else job.settings)
    began = time.perf_counter()
    graph = _captured(job, opened, feed, provider.memory or "cpu") if job.graph else None
    outputs = run_session(opened.session, feed, file.path) if graph is None else graph.outputs
    first_run_ms = (time.perf_counter() - began) * 1000
    if job.mode == "profile":
        from ganzoo.runtime.latency.profile import profile

        return profile(job, file, feed), {}
    # Copies: outputs that are bound later are the same memory, and hold those of the last input.
    arrays = {name: array.copy() for name, array in _named(outputs)} if job.outputs else {}
    result: dict[str, Any] = {
        "session_seconds": opened.seconds,
        "first_run_ms": first_run_ms,
        "nodes": opened.nodes,
        "cpu_shape_nodes": opened.cpu_shape_nodes,
        "copies": opened.copies,
        "options": {
            **provider.session_options(device=job.device, precision=job.precision, options=job.settings.options),
            **opened.session.get_provider_options().get(provider.ort_name, {}),
        },
    }
    if reference:
        return result, arrays
    result["replayed"] = None if graph is None else graph.replayed
    result |= _said_twice(_runner(opened.session, feed, file.path, graph), file, outputs)
    result["not_finite"] = _not_finite(outputs)
    feeds = _pool(file, job, feed, files)
    result["feeds"], result["fed_bytes"] = len(feeds), len(feeds) * sum(array.nbytes for array in feed.values())
    result["bound"] = graph is not None or _can_be_bound(job, opened.session, feed, outputs, provider.memory or "cpu")
    if graph is None:
        kinds = _kinds(job, opened, feeds, outputs, bound=result["bound"], memory=provider.memory)
    else:
        kinds = _replays(job, opened, feeds, outputs, memory=provider.memory or "cpu")
    result["series"] = {}
    for name, runs in kinds.items():
        values, found = to_answer(put(runs, job, seconds=job.seconds / len(kinds), appointment=appointment))
        result["series"][name] = values
        arrays |= {f"{name}.{key}": value for key, value in found.items()}
    result["peak_bytes"] = _peak_bytes()
    return result, arrays


class _Captured(NamedTuple):
    """outputs: of a replay. replayed: whether it was one. again: the same once more."""

    outputs: list[NDArray[Any]]
    replayed: bool
    again: Callable[[], list[NDArray[Any]]]


def _captured(job: Job, opened: CheckedSession, feed: Mapping[str, Any], memory: str) -> _Captured:
    """Outputs that a captured graph gives for inputs that it was not captured with. Raises BenchError for a model
    whose outputs have no fixed place."""
    plain = {
        key: value for key, value in job.settings.options.items() if key != find_provider(job.provider).graph_option
    }
    other = _open(job, replace(job.settings, options=plain))
    outputs = run_session(other.session, feed, job.path)
    if not _can_be_bound(job, other.session, feed, outputs, memory):
        raise BenchError("A graph cannot be captured: inputs or outputs of this model have no fixed place.")
    replayed = is_replayed(opened.session, feed, outputs, memory, job.device)
    zeros = {name: array * 0 for name, array in feed.items()}
    replay = Replay(opened.session, zeros, outputs, memory, job.device, number=_GRAPH_OF_OUTPUTS)
    replay.run()
    return _Captured(replay.run_with(feed), replayed, lambda: replay.run_with(feed))


_GRAPH_OF_OUTPUTS = 1  # beside 0, with which it is tried whether it is replayed, and those of the loops


def _runner(session: Any, feed: Mapping[str, Any], path: Path, graph: _Captured | None) -> Callable[[], Sequence[Any]]:
    """One run of the feed, for its outputs."""
    return graph.again if graph is not None else lambda: run_session(session, feed, path)


def _replays(
    job: Job, opened: CheckedSession, feeds: Sequence[Mapping[str, Any]], outputs: Sequence[Any], *, memory: str
) -> dict[str, list[Run]]:
    """As `_kinds`, of sessions that capture and replay."""
    sessions = [opened.session, *(_open(job, job.settings).session for _ in range(job.instances - 1))]
    first = _GRAPH_OF_OUTPUTS + 1
    ours = [Replay(session, feeds[0], outputs, memory, job.device, first) for session in sessions]
    hosts = [in_turn([replay.host_loop(feed) for feed in feeds]) for replay in ours]
    if job.scenario != "single-stream" or job.mode == "capacity":
        return {"host_to_host": hosts}
    resident = [
        Replay(opened.session, feed, outputs, memory, job.device, first + 1 + number).run
        for number, feed in enumerate(feeds)
    ]
    return {
        "host_to_host": hosts,
        "device_resident": [in_turn(resident)],
        "copies": [in_turn([copy_loop(feed, outputs, memory, job.device) for feed in feeds])],
    }


def _open(job: Job, settings: SessionSettings) -> CheckedSession:
    if job.build:
        own = {key: value.format(folder=job.build) for key, value in find_provider(job.provider).build_options.items()}
        settings = replace(settings, options={**own, **settings.options})
    return open_checked(job.path, job.provider, settings=settings, device=job.device, precision=job.precision)


def _plain(settings: SessionSettings) -> SessionSettings:
    """What outputs are compared with: no optimisation, no options."""
    return SessionSettings(threads=settings.threads, optimize="off", libraries=settings.libraries)


def _said_twice(run: Callable[[], Sequence[Any]], file: OnnxFile, first: Sequence[Any]) -> dict[str, Any]:
    """Whether a second run of one input gives the same bits, and what identifies them; null for a random model."""
    if file.random_operators():
        return {"outputs_sha256": None, "runs_differ_by": None}
    again = dict(_named(run()))
    digest, largest = hashlib.sha256(), 0.0
    for name, array in _named(first):
        other = again.get(name)
        digest.update(array.tobytes())
        if other is None or other.shape != array.shape:
            largest = float("inf")
        elif other.tobytes() != array.tobytes():
            largest = max(largest, difference(array, other))
    return {"outputs_sha256": digest.hexdigest()[:16], "runs_differ_by": min(largest, 1e300)}


def _not_finite(outputs: Sequence[Any]) -> float:
    """The share of the numbers of all outputs that are NaN or infinite."""
    import numpy as np

    floats = [array for _, array in _named(outputs) if array.dtype.kind == "f"]
    count = sum(array.size for array in floats)
    return sum(int((~np.isfinite(array)).sum()) for array in floats) / count if count else 0.0


def _kinds(
    job: Job,
    opened: CheckedSession,
    feeds: Sequence[Mapping[str, Any]],
    outputs: Sequence[Any],
    *,
    bound: bool,
    memory: str,
) -> dict[str, list[Run]]:
    """What is timed, by kind: for each instance a call. bound: inputs and outputs can be bound beforehand.

    memory: of the device, in which they are bound; "" for the host's, where there is nothing to copy: one number.
    """
    sessions = [opened.session, *(_open(job, job.settings).session for _ in range(job.instances - 1))]
    if not memory:
        loop = bound_loop if bound else _host
        return {"host_to_host": [in_turn([loop(session, feed, outputs) for feed in feeds]) for session in sessions]}
    hosts = [in_turn([host_loop(session, feed) for feed in feeds]) for session in sessions]
    if job.scenario != "single-stream" or job.mode == "capacity" or not bound:
        return {"host_to_host": hosts}
    resident = [bound_loop(opened.session, feed, outputs, memory, job.device) for feed in feeds]
    return {
        "host_to_host": hosts,
        "device_resident": [in_turn(resident)],
        "copies": [in_turn([copy_loop(feed, outputs, memory, job.device) for feed in feeds])],
    }


def _named(outputs: Sequence[Any], prefix: str = "output") -> Iterator[tuple[str, NDArray[Any]]]:
    """Outputs as arrays by name, in order: texts of one width, the items of sequences and maps one by one."""
    import numpy as np

    for number, given in enumerate(outputs):
        name, value = f"{prefix}{number:04}", [*given, *given.values()] if isinstance(given, dict) else given
        if isinstance(value, list | tuple):
            yield from _named(value, f"{name}.")
        elif value is not None:
            array = np.asarray(value)
            odd = array.dtype.isbuiltin == 2  # of ml_dtypes: numpy cannot write it
            yield name, array.astype(str) if array.dtype == object else array.astype(np.float32) if odd else array


def _can_be_bound(job: Job, session: Any, feed: Mapping[str, Any], outputs: Sequence[Any], memory: str) -> bool:
    """Texts, sequences and outputs whose size depends on content cannot: such models are measured without."""
    try:
        bound_loop(session, feed, outputs, memory, job.device if memory != "cpu" else 0)()
    except Exception:  # onnxruntime's own classes, and plain ones
        return False
    return True


def _host(session: Any, feed: Mapping[str, Any], _: Sequence[Any]) -> Run:
    return host_loop(session, feed)


def _pool(file: OnnxFile, job: Job, feed: Mapping[str, Any], files: Mapping[str, Path]) -> list[Mapping[str, Any]]:
    """Inputs to go through in turn, which together are as large as asked for. Content of files stays what it is."""
    size = sum(array.nbytes for array in feed.values())
    if not job.rotate or not size:
        return [feed]
    count = min(_MOST_FEEDS, max(2, -(-int(job.rotate * 2**20) // size)))
    return [feed, *(make_feed(file, job.shapes, files, job.fills, number=number) for number in range(1, count))]


def _peak_bytes() -> int | None:
    """The largest resident set of this process."""
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return None


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print what they like; the answer stands alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's, which ends us
    job = Job.from_json(json.loads(sys.stdin.buffer.readline()))
    appointment = Appointment(out)
    threading.Thread(target=_end_with_parent, args=(appointment,), name="ganzoo-parent", daemon=True).start()
    arrays: Arrays = {}
    try:
        measured, arrays = run(job, appointment if job.meet else None)
        answer: dict[str, Any] = {"ok": measured}
    except GanzooError as error:
        answer = {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}
    except MemoryError as error:  # numpy's, with the size in it
        hint = "Smaller shapes, or a smaller --batch."
        answer = {"error": {"kind": "BenchError", "message": f"there is no memory: {one_line(error)}", "hint": hint}}
    except (ValueError, OverflowError, TypeError) as error:  # of shapes that no array can have
        answer = {"error": {"kind": "BenchError", "message": f"it cannot be fed: {one_line(error)}", "hint": ""}}
    out.write(json.dumps(answer).encode() + b"\n")
    if arrays:
        import numpy as np

        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        out.write(content.getbuffer())
    out.close()


def _end_with_parent(appointment: Appointment) -> None:
    """The parent holds the other end of our stdin, which says when to begin and is closed when the parent is gone."""
    while content := os.read(0, 4096):  # not sys.stdin: a thread that waits inside it cannot be left at the end
        appointment.told(content)
    remove_scratch()
    os._exit(1)


if __name__ == "__main__":
    main()
