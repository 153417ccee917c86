"""A worker's process from its parent's side: it leaves nothing behind and does not outlive who asked.

Request and answer go through pipes, so that there is no scratch file to lose. The worker watches its end of the first
one: whatever ends the parent closes it, and the worker ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKER = "ganzoo.runtime.latency.worker"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. content: None where the worker died or was late. arrays: by name.

    status: of the process; below zero the signal that ended it. last_words: the last line of its stderr. late: it was
    ended because its time was up.
    """

    content: dict[str, Any] | None
    arrays: dict[str, NDArray[Any]]
    status: int
    last_words: str
    late: bool = False


def ask(request: Mapping[str, Any], environment: Mapping[str, str], *, seconds: float) -> Answer:
    """Have a fresh process do what `request` says, and wait for it so long at most. It is ended when this call is
    interrupted."""
    late = threading.Event()
    with tempfile.TemporaryFile() as said:  # has no name
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, **environment},
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # of one that died at once: its status says so
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
            timer = threading.Timer(seconds, _end, (process, late))
            timer.start()
            try:
                found = process.stdout.read()
                process.wait()
            finally:
                timer.cancel()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):  # of what it did not read
                process.stdin.close()
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    head, _, rest = found.partition(b"\n")
    content = json.loads(head) if head and process.returncode == 0 else None
    return Answer(
        content=content,
        arrays=_arrays(rest) if content is not None else {},
        late=late.is_set(),
        status=process.returncode,
        last_words=lines[-1] if lines else "no message",
    )


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    import numpy as np

    if not content:
        return {}
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
