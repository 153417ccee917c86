"""RUN/log.txt: what a training said, each line with its time. What scrolls away on a terminal stays here."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.errors import one_line, printable
from ganzoo.progress import Progress, ProgressListener, folded, tell_stage, tell_written

NAME = "log.txt"
_WARNING = "warning: "
_PARTICULARS = re.compile(r"\d[\d.,]*|'[^']*'")
_STAMP = "%Y-%m-%d %H:%M:%S"
_WIDTH = 139  # beside the time


class Logbook:
    """A listener between a training and its caller's. What is told before the run is there is kept until it is."""

    def __init__(self, inner: ProgressListener) -> None:
        self._inner = inner
        self._waiting: list[str] = []
        self._file: Any = None
        self._kinds: Counter[str] = Counter()

    def update(self, progress: Progress) -> None:
        if line := progress.line(_WIDTH):
            self._write(line)
        self._inner.update(progress)

    def say(self, text: str) -> None:
        """Warnings of one kind, whose words differ in numbers and quoted names alone, are passed on once; the log has
        each."""
        self._write(text)
        if text.startswith(_WARNING):
            kind = _PARTICULARS.sub("", text)
            self._kinds[kind] += 1
            if self._kinds[kind] > 1:
                return
        self._inner.say(text)

    def stage(self, text: str) -> None:
        tell_stage(self._inner, text)

    def wrote(self, path: Path) -> None:
        tell_written(self._inner, path)

    @contextlib.contextmanager
    def kept_in(self, run: Path) -> Iterator[None]:
        """What is told goes to the log of a run, behind what it has; what cannot be written stops nothing."""
        with contextlib.suppress(OSError):
            self._file = files.open_to_append(run / NAME, within=run)
        for line in self._waiting:
            self._put(line)
        self._waiting.clear()
        try:
            yield
        finally:
            if more := sum(count - 1 for count in self._kinds.values()):
                self.say(f"{more} more warning{'s' if more > 1 else ''} of these kinds: {run / NAME}")
            self._close()

    def _write(self, text: str) -> None:
        now = time.strftime(_STAMP)
        for line in folded(text, _WIDTH):
            stamped = f"{now}  {printable(line)}\n"
            if self._file is None:
                self._waiting.append(stamped)
            else:
                self._put(stamped)

    def _put(self, line: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line)
            self._file.flush()
        except (OSError, UnicodeError) as error:
            self._close()
            self._inner.say(f"warning: {NAME} is written no more: {one_line(error)}")

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
