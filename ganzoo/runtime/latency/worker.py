"""One case in a process of its own: `python -m ganzoo.runtime.latency.worker REQUEST RESULT`.

Two sessions in one process disturb each other by factors, so each is measured alone. The request
and the result are JSON files; an error travels as its text, not as a traceback.
"""

from __future__ import annotations

import contextlib
import json
import sys
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


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Measure what a request says. Raises GanzooError."""
    import numpy as np

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
    if request["outputs"]:
        np.savez(request["outputs"], *outputs)
    result: dict[str, Any] = {
        "session_seconds": opened.seconds,
        "first_run_ms": first_run_ms,
        "nodes": opened.nodes,
        "cpu_shape_nodes": opened.cpu_shape_nodes,
        "copies": opened.copies,
        "options": session.get_provider_options().get(PROVIDERS[provider], {}),
    }
    if request["mode"] == "reference":
        return result
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
    return result


def _peak_bytes() -> int | None:
    """The largest resident set of this process."""
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return None


def main(request_path: str, result_path: str) -> None:
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    try:
        result = {"ok": run(request)}
    except GanzooError as error:
        result = {
            "error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint},
        }
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
