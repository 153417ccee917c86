"""Workers' processes from their parent's side: they leave nothing behind and do not outlive who asked.

Request and answer go through pipes, so that there is no scratch file to lose. A worker watches its end of the first
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ganzoo.runtime.latency.meeting import READY, Meeting

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKER = "ganzoo.runtime.latency.worker"
_LOOKS_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. content: None where the worker died or was late. arrays: by name.

    status: of the process; below zero the signal that ended it. last_words: the last line of its stderr. late: it was
    ended because its time was up. pid: its number.
    """

    content: dict[str, Any] | None
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    status: int
    last_words: str
    late: bool = False
    pid: int = 0


def ask(request: Mapping[str, Any], environment: Mapping[str, str], *, seconds: float) -> Answer:
    """Have a fresh process do what `request` says, and wait for it so long at most. It is ended when this call is
    interrupted."""
    return ask_all([(request, environment)], seconds=seconds)[0]


def ask_all(asked: Sequence[tuple[Mapping[str, Any], Mapping[str, str]]], *, seconds: float) -> list[Answer]:
    """The same with a process of each, at once: requests that say `meet` begin at one moment. One that dies does not
    keep the others."""
    with contextlib.ExitStack() as stack:
        workers = list[_Worker]()
        meeting = Meeting(len(asked), lambda number, line: workers[number].tell(line))
        for request, environment in asked:
            workers.append(stack.enter_context(_Worker(request, environment)))
        timer = threading.Timer(seconds, _end, (workers,))
        timer.daemon = True  # an interrupt just behind its start would let the program wait for it
        timer.start()
        stack.callback(timer.cancel)
        threads = [
            threading.Thread(target=worker.listen, args=(meeting, number), daemon=True)
            for number, worker in enumerate(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # one that waits for ever does not see an interrupt that came just before
                thread.join(_LOOKS_SECONDS)
        return [worker.answer() for worker in workers]


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.end()


class _Worker:
    """One process. It is killed when the context is left."""

    def __init__(self, request: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._request, self._environment = request, environment
        self._late, self._found = False, b""

    def __enter__(self) -> _Worker:
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **self._environment},
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        process.kill()
        process.wait()
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # of what it did not read
            process.stdin.close()
        self._said.close()

    def tell(self, line: bytes) -> None:
        stream = self._process.stdin
        assert stream is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # of one that died at once: its status says so
            stream.write(line)
            stream.flush()

    def listen(self, meeting: Meeting, number: int) -> None:
        """Hand over the request and read until the process has ended."""
        self.tell(json.dumps(self._request).encode() + b"\n")
        stream = self._process.stdout
        assert stream is not None
        with contextlib.suppress(ValueError):  # closed by an interrupt
            while (line := stream.readline()) == READY:
                meeting.arrive(number)
            self._found = line + stream.read()
        self._process.wait()
        meeting.leave(number)

    def end(self) -> None:
        """Its time is up."""
        self._late = self._process.poll() is None
        self._process.kill()

    def answer(self) -> Answer:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        head, _, rest = self._found.partition(b"\n")
        content = json.loads(head) if head and self._process.returncode == 0 else None
        return Answer(
            content=content,
            arrays=_arrays(rest) if content is not None else {},
            late=self._late,
            status=self._process.returncode,
            last_words=lines[-1] if lines else "no message",
            pid=self._process.pid,
        )


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    import numpy as np

    if not content:
        return {}
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
