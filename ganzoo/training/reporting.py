"""Telling the user and the loggers how training goes, without ever stopping it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganzoo.loggers import Logger, open_loggers
from ganzoo.loggers.protocol import Factory
from ganzoo.plugin.call import Attempts
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import LoggerSpec
from ganzoo.progress import Progress, ProgressListener, tell_stage, tell_written
from ganzoo.training.collapse import CollapseWatch


class Reporter:
    """A listener and any number of loggers. What fails is told once and left out from then on."""

    def __init__(
        self, listener: ProgressListener, factories: Sequence[tuple[InstalledSpec[LoggerSpec], Factory]]
    ) -> None:
        self._listener = listener
        self._factories = factories
        self._loggers: dict[str, Logger] = {}
        self._attempts = Attempts(self.say)
        self._watch = CollapseWatch()

    def open(self, run: Path, *, resume_step: int) -> None:
        """Open the loggers. Raises what they raise: training has not begun."""
        self._loggers = open_loggers(self._factories, run, resume_step=resume_step)

    def close(self) -> None:
        for name, logger in self._loggers.items():
            self.attempt(f"closing the logger {name}", logger.close)

    def say(self, text: str) -> None:
        with contextlib.suppress(Exception):
            self._listener.say(text)

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None:
        """record: a line of the metrics. steps: the length of the run. seconds_left: an estimate."""
        for name, logger in self._loggers.items():
            self.attempt(f"the logger {name}", partial(logger.log, dict(record)))
        progress = Progress(
            done=record["step"], total=steps, unit="steps", seconds_left=seconds_left, values=dict(record)
        )
        self._attempts.attempt("the display", lambda: self._listener.update(progress), prints=True)
        for warning in self._watch.look(record):
            self.say(f"warning: {warning}")

    def status(self, text: str, *, step: int, steps: int, seconds_left: float | None = None) -> None:
        """Where the training stands, in words: no warning to anybody."""
        progress = Progress(done=step, total=steps, unit="steps", seconds_left=seconds_left, values={"status": text})
        self._attempts.attempt("the display", lambda: self._listener.update(progress), prints=True)

    def stage(self, text: str) -> None:
        """What is being done from now on; "" for steps."""
        self._attempts.attempt("the display", lambda: tell_stage(self._listener, text), prints=True)

    def picture(self, path: Path, step: int) -> None:
        self._attempts.attempt("the display", lambda: tell_written(self._listener, path), prints=True)
        for name, logger in self._loggers.items():
            self.attempt(f"the logger {name}", partial(logger.picture, path, step))

    def attempt(self, what: str, work: Callable[[], object]) -> None:
        """Do what training can do without: a failure is told once, and it is not tried again."""
        self._attempts.attempt(what, work)


def peak_memory_gb(device: torch.device) -> float | None:
    """The most memory so far: the device's, or this process's on the CPU. None where it cannot be known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**30
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # bytes there, KiB elsewhere
