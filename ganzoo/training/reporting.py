"""Telling the user and the loggers how training goes, without ever stopping it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch

from ganzoo.errors import one_line
from ganzoo.loggers import Logger, open_loggers
from ganzoo.loggers.protocol import Factory
from ganzoo.plugin.registry import Offer
from ganzoo.plugin.specs import LoggerSpec
from ganzoo.training.watch import CollapseWatch


class Observer(Protocol):
    """Who is told how training goes."""

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None:
        """A line of the metrics, the length of the run, and an estimate of the time left."""
        ...

    def say(self, text: str) -> None:
        """Something the user should know: a file that was written, a warning."""
        ...


class Silent:
    """An observer for the ranks that do not lead."""

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None: ...

    def say(self, text: str) -> None: ...


class Reporter:
    """An observer and any number of loggers. What fails is told once and left out from then on."""

    def __init__(self, observer: Observer, factories: Sequence[tuple[Offer[LoggerSpec], Factory]]) -> None:
        self._observer = observer
        self._factories = factories
        self._loggers: dict[str, Logger] = {}
        self._failed: set[str] = set()
        self._watch = CollapseWatch()

    def open(self, run: Path, *, resume_step: int) -> None:
        """Open the loggers. Raises what they raise: training has not begun."""
        self._loggers = open_loggers(self._factories, run, resume_step=resume_step)

    def close(self) -> None:
        for name, logger in self._loggers.items():
            self.attempt(f"closing the logger {name}", logger.close)

    def say(self, text: str) -> None:
        with contextlib.suppress(Exception):
            self._observer.say(text)

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None:
        for name, logger in self._loggers.items():
            self.attempt(f"the logger {name}", partial(logger.log, dict(record)))
        shown = partial(self._observer.log, dict(record), steps=steps, seconds_left=seconds_left)
        self.attempt("the display", shown)
        for warning in self._watch.look(record):
            self.say(f"warning: {warning}")

    def picture(self, path: Path, step: int) -> None:
        for name, logger in self._loggers.items():
            self.attempt(f"the logger {name}", partial(logger.picture, path, step))

    def attempt(self, what: str, work: Callable[[], object]) -> None:
        """Do what training can do without: a failure is told once, and it is not tried again."""
        if what in self._failed:
            return
        try:
            work()
        except (Exception, SystemExit) as error:  # a plugin must not end a training
            self._failed.add(what)
            self.say(f"warning: {what} failed and was left out: {one_line(error)}")


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
