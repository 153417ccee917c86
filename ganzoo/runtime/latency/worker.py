"""One case in a process of its own: `python -m ganzoo.runtime.latency.worker`, see `process.py` for the other end.

Two sessions in one process disturb each other by factors, so each is measured alone. A line of JSON comes in, a line
goes out, with the outputs behind it; an error travels as its text, not as a traceback.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.inputs import make_feed
from ganzoo.runtime.latency.measure import Budget, bound_loop, copy_loop, host_loop, measure
from ganzoo.runtime.providers.table import PROVIDERS
from ganzoo.runtime.session import open_checked, run_session
from ganzoo.scratch import remove_scratch


def run(request: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Measure what a request says; the outputs of the first run if they are asked for. Raises GanzooError."""
    file = OnnxFile(Path(request["model"]))
    files = {name: Path(path) for name, path in request["files"].items()}
    shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
    feed = make_feed(file, shapes, files)
    provider, device = request["provider"], request["device"]
    opened = open_checked(
        file.path,
        provider,
        threads=request["threads"],
        optimize=request["mode"] == "measure",
        device=device,
        tf32=request["precision"] == "tf32",
    )
    session = opened.session
    began = time.perf_counter()
    outputs = run_session(session, feed, file.path)
    first_run_ms = (time.perf_counter() - began) * 1000
    kept = outputs if request["outputs"] else []
    result: dict[str, Any] = {
        "session_seconds": opened.seconds,
        "first_run_ms": first_run_ms,
        "nodes": opened.nodes,
        "cpu_shape_nodes": opened.cpu_shape_nodes,
        "copies": opened.copies,
        "options": session.get_provider_options().get(PROVIDERS[provider], {}),
    }
    if request["mode"] == "reference":
        return result, kept
    budget = Budget(seconds=request["seconds"], samples=request["samples"])
    if provider == "cpu":
        # On the CPU host and device are one, and there is nothing to copy: one number.
        result["series"] = {"host_to_host": asdict(measure(bound_loop(session, feed, "cpu"), budget))}
    else:
        third = Budget(seconds=budget.seconds / 3, samples=budget.samples)
        result["series"] = {
            "host_to_host": asdict(measure(host_loop(session, feed), third)),
            "device_resident": asdict(measure(bound_loop(session, feed, "cuda", device), third)),
            "copies": asdict(measure(copy_loop(feed, outputs, device), third)),
        }
    result["peak_bytes"] = _peak_bytes()
    return result, kept


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
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, name="ganzoo-parent", daemon=True).start()
    outputs: list[Any] = []
    try:
        measured, outputs = run(request)
        answer: dict[str, Any] = {"ok": measured}
    except GanzooError as error:
        answer = {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}
    out.write(json.dumps(answer).encode() + b"\n")
    if outputs:
        import numpy as np

        content = io.BytesIO()
        np.savez(content, *outputs)
        out.write(content.getbuffer())
    out.close()


def _end_with_parent() -> None:
    """The parent holds the other end of our stdin, and nothing more comes: it is closed when the parent is gone."""
    while os.read(0, 4096):  # not sys.stdin: a thread that waits inside it cannot be left at the end
        pass
    remove_scratch()
    os._exit(1)


if __name__ == "__main__":
    main()
