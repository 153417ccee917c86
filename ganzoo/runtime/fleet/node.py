"""What runs on a node: it says what it has, and measures in a process of its own, apart from the cluster's.

`python -m ganzoo.runtime.fleet.node` takes a pickled request, made by the same ganzoo on the machine that conducts, and
answers with lines of JSON: progress, results as they come, an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.errors import BenchError, GanzooError, one_line
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.plugin.registry import Registry
from ganzoo.progress import Progress
from ganzoo.runtime.fleet.parcel import Parcel, unpack
from ganzoo.runtime.fleet.plan import Node, Place
from ganzoo.runtime.latency import machine
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.runtime.latency.runner import run
from ganzoo.runtime.providers.requirements import devices_of, what_is_missing
from ganzoo.runtime.providers.table import find_provider, is_known, offer
from ganzoo.scratch import remove_scratch
from ganzoo.version import __version__

_MASKS = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS")


def environment() -> dict[str, str]:
    """This process's, with what a process of the node may see as the node itself has it: Ray takes all GPUs from a task
    that asks for none, and all threads but one."""
    found = dict(os.environ)
    try:
        entries = Path(f"/proc/{os.getppid()}/environ").read_bytes().split(b"\0")
        above = dict(entry.decode(errors="replace").split("=", 1) for entry in entries if b"=" in entry)
    except OSError:  # of another system, or another user's: an empty mask is Ray's
        above = {key: found[key] for key in _MASKS if found.get(key)}
    for key in _MASKS:
        found.pop(key, None)
        if key in above:
            found[key] = above[key]
    return found


def probe(node: str, name: str, providers: Sequence[str]) -> Node:
    """What this machine has for these providers."""
    own = environment()
    for key in _MASKS:
        os.environ.pop(key, None)
        if key in own:
            os.environ[key] = own[key]
    _offer(providers)
    troubles: dict[str, str] = {}
    devices = {}
    for provider in providers:
        try:
            if reason := what_is_missing(provider):
                troubles[provider] = reason
            elif find_provider(provider).device_option:
                devices[provider] = devices_of(provider)
        except GanzooError as error:
            troubles[provider] = error.message
    return Node(
        id=node,
        name=name,
        machine=_machine_id(),
        ganzoo=__version__,
        cpu=str(machine.record()["cpu"] or "processor"),
        devices=devices,
        troubles=troubles,
    )


def _offer(providers: Sequence[str]) -> None:
    if not all(map(is_known, providers)):
        offer(Registry.load().of(PROVIDERS))


def _machine_id() -> str:
    """Equal for two nodes that share one machine, whose processors disturb each other; names nobody."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")
    except OSError:
        boot = ""
    return hashlib.sha256(f"{boot}{platform.node()}".encode()).hexdigest()[:16]


def measure(
    parcel: Parcel, place: Place, contents: Sequence[bytes], before: dict[str, Any] | None, label: str | None
) -> Iterator[dict[str, Any]]:
    """Messages: `{"progress": ...}`, `{"result": document}` after each process, the last one whole; `{"error": ...}`.

    The process that measures ends with this generator, however that ends.
    """
    request = unpack(parcel, contents)
    axes = replace(request.axes, providers=place.providers)
    devices = (place.device,) if place.device else ()
    request = replace(request, axes=axes, devices=devices, label=label)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "ganzoo.runtime.fleet.node"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=environment(),
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(pickle.dumps((request, before)))
            process.stdin.flush()
            for line in process.stdout:
                yield json.loads(line)
            if status := process.wait():
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
                last = lines[-1] if lines else "no message"
                yield {
                    "error": {"message": f"The process that measures died (exit status {status}): {last}", "hint": ""}
                }
        finally:
            process.kill()
            process.wait()


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print what they like
    request, before = _read(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message).encode() + b"\n")
        out.flush()

    class Listener:
        """Hands on how far it is."""

        def update(self, progress: Progress) -> None:
            say({"progress": {"done": progress.done, "total": progress.total, **progress.values}})

        def say(self, text: str) -> None:
            say({"said": text})

    try:
        _offer(request.axes.providers)
        earlier = None if before is None else BenchResult(before)
        result = run(request, progress=Listener(), save=lambda found: say({"result": found.document}), before=earlier)
        say({"result": result.document, "whole": True})
    except GanzooError as error:
        say({"error": {"message": error.message, "hint": error.hint}})
    except Exception as error:
        say({"error": {"message": f"ganzoo failed: {one_line(error)}", "hint": "Tell us, with what you ran."}})
    out.close()


def _read(stream: BinaryIO) -> tuple[Request, dict[str, Any] | None]:
    """Of the machine that conducts, which may run code here anyway: it is a cluster's."""
    request, before = pickle.load(stream)
    if not isinstance(request, Request):
        raise BenchError("No request came.")
    return request, before


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    remove_scratch()
    os._exit(1)


if __name__ == "__main__":
    main()
