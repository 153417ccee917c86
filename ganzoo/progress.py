"""How long work tells how far it is: one object for training, measuring, exporting and reading pictures."""

from __future__ import annotations

import os
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ganzoo.errors import GanzooWarning, RequestError, one_line, printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a piece of work stands.

    done, total: in `unit`s, e.g. steps; total is None where nobody knows. seconds_left: an estimate, or None.
    values: what was measured on the way, by name: of training a line of the metrics. `status` is one line in words.
    """

    done: int
    total: int | None
    unit: str
    seconds_left: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def line(self, width: int = 160) -> str:
        """One line of a log, of at most `width` signs: of a training's metrics, of a status; "" for what is none."""
        if "status" in self.values:
            return str(self.values["status"])
        if "kimg" not in self.values:
            return ""
        named = [f"{name} {value:.3f}" for name, value in self.values.items() if "." in name and _is_number(value)]
        scores = [text for text in named if text.startswith("score.")]
        losses = first_of_each([text for text in named if not text.startswith("score.")])[:_SHOWN]
        left = "" if self.seconds_left is None else f"{clock(self.seconds_left)} left"
        speed = f"{self.values.get('images_per_second', 0.0):,.0f} images/s"
        parts = [f"step {self.done}/{self.total}", f"{self.values['kimg']:.1f} kimg", speed, left, *losses, *scores]
        line = ""
        for part in filter(None, parts):
            if len(line) + 2 + len(part) <= width:
                line = f"{line}  {part}" if line else part
        return line


_DRAWN_SECONDS = 0.25
_BAR_WIDTH = 40
_SAID = 20  # lines kept under the bar

LOG_WIDTH = 160
"""Signs in a line of a log, at most, but for a command that is longer."""

_SHOWN = 4  # losses and statistics in a line; metrics.jsonl has all of them


@runtime_checkable
class ProgressListener(Protocol):
    """Who is told. An error that it raises does not stop the work.

    One that has them is told by `stage(text)` what is being done beside steps, "" for nothing, and by `wrote(path)` of
    a grid of samples.
    """

    def update(self, progress: Progress) -> None:
        """Work has come so far."""
        ...

    def say(self, text: str) -> None:
        """One line that the user should know: a warning, a file that was written."""
        ...


class Silent:
    """A listener for those that shall not talk."""

    def update(self, progress: Progress) -> None: ...

    def say(self, text: str) -> None: ...


class WarningListener:
    """Where nobody listens: what is said becomes a `GanzooWarning`, how far work is goes unsaid."""

    def update(self, progress: Progress) -> None: ...

    def say(self, text: str) -> None:
        warn(text)


def in_notebook() -> bool:
    """Whether this process is a kernel, whose pictures and texts somebody sees."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return ask is not None and getattr(ask(), "kernel", None) is not None


class NotebookListener:
    """In a Jupyter notebook: a bar under the cell, drawn anew as work goes on, and what was said.

    IPython is there then; it is never imported.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0
        self._said: list[str] = []
        self._bar = ""

    def update(self, progress: Progress) -> None:
        stage = str(progress.values.get("status", ""))
        if progress.total is None:
            self.say(stage)
            return
        filled = int(_BAR_WIDTH * min(1.0, progress.done / progress.total)) if progress.total else _BAR_WIDTH
        left = "" if progress.seconds_left is None else f"  {clock(progress.seconds_left)} left"
        facts = f"{progress.done:,} of {progress.total:,} {progress.unit}{left}"
        self._bar = f"{stage or 'working'}  {'━' * filled}{'─' * (_BAR_WIDTH - filled)}  {facts}"
        self.draw(always=progress.done >= progress.total)

    def say(self, text: str) -> None:
        if text:
            self._said = [*self._said, text][-_SAID:]
            self.draw(always=True)

    def lines(self) -> list[str]:
        """What is drawn above what was said."""
        return [self._bar] if self._bar else []

    def draw(self, *, always: bool = False) -> None:
        if not always and time.monotonic() - self._drawn < _DRAWN_SECONDS:
            return
        self._drawn = time.monotonic()
        text = "\n".join(map(printable, [*self.lines(), *self._said]))
        content = {"text/plain": text, "text/html": f'<pre style="line-height:1.35">{escape(text)}</pre>'}
        show = sys.modules["IPython.display"].display
        if self._handle is None:
            self._handle = show(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def listener(progress: ProgressListener | None) -> ProgressListener:
    """The caller's listener; or in a notebook one that shows how far work is, and elsewhere one that warns.

    Raises RequestError for an object that cannot be told.
    """
    if progress is None:
        return NotebookListener() if in_notebook() else WarningListener()
    if isinstance(progress, type) or not isinstance(progress, ProgressListener):
        raise RequestError(
            f"progress is {progress!r}: expected an object with update(progress) and say(text).",
            hint="See docs/python.md, or leave it out: what there is to say becomes a warning then.",
        )
    return progress if isinstance(progress, Guarded) else Guarded(progress)


class Guarded:
    """A caller's listener: the first error that it raises is warned of, and it is told no more."""

    def __init__(self, inner: ProgressListener) -> None:
        self._inner: ProgressListener = inner

    def update(self, progress: Progress) -> None:
        self._attempt(lambda: self._inner.update(progress))

    def say(self, text: str) -> None:
        self._attempt(lambda: self._inner.say(text))

    def stage(self, text: str) -> None:
        self._attempt(lambda: tell_stage(self._inner, text))

    def wrote(self, path: Path) -> None:
        self._attempt(lambda: tell_written(self._inner, path))

    def _attempt(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except GanzooWarning:  # a filter of the caller's has made an error of it
            raise
        except (Exception, SystemExit) as error:
            self._inner = Silent()
            warn(f"the progress object failed and is told no more: {one_line(error)}")


def warn(text: str) -> None:
    """A `GanzooWarning`, attributed to the first caller outside ganzoo."""
    warnings.warn(text.removeprefix("warning: "), GanzooWarning, stacklevel=_frames_inside())


def _frames_inside() -> int:
    """How many frames from `warn` up are ganzoo's own (skip_file_prefixes came with Python 3.12)."""
    here, level = f"{Path(__file__).parent}{os.sep}", 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here):
        frame, level = frame.f_back, level + 1
    return level


def tell_stage(progress: ProgressListener, stage: str) -> None:
    """What is being done from now on, beside steps; to a listener that wants to know."""
    if (tell := getattr(progress, "stage", None)) is not None:
        tell(stage)


def tell_written(progress: ProgressListener, path: Path) -> None:
    """A grid of samples; to a listener that wants to know."""
    if (tell := getattr(progress, "wrote", None)) is not None:
        tell(path)


class Teller:
    """What a reader of pictures tells a listener: called with a line that the user should know, `status` for one that
    is good to know, `update` for how far it is."""

    def __init__(self, progress: ProgressListener, *, augments: bool = True) -> None:
        self._progress = progress
        self.augments = augments
        self.update = progress.update

    def __call__(self, text: str) -> None:
        self._progress.say(text)

    def status(self, text: str) -> None:
        self._progress.update(Progress(done=0, total=None, unit="", values={"status": text}))


def status_of(notify: Callable[[str], None]) -> Callable[[str], None]:
    """How to tell what is no warning; a plain function is called with it all the same."""
    return getattr(notify, "status", notify)


def wants_advice(notify: Callable[[str], None]) -> bool:
    """Whether the listener trains, and shall hear what to think about before."""
    return bool(getattr(notify, "wants_advice", True))


def augments(notify: Callable[[str], None]) -> bool:
    """Whether who trains has a setting `augment`, which a reader of few pictures may speak of."""
    return bool(getattr(notify, "augments", True))


def say_warning(progress: ProgressListener) -> Callable[[str], None]:
    """What a part calls with a warning; a listener's lines of that kind begin with `warning: `."""
    return lambda text: progress.say(f"warning: {text}")


def first_of_each(named: Sequence[str]) -> list[str]:
    """Names such as `generator.adversarial`: the first of each player, then the others."""
    first = {name.partition(".")[0]: name for name in reversed(named)}
    return [name for name in named if name in first.values()] + [name for name in named if name not in first.values()]


def folded(text: str, width: int = LOG_WIDTH) -> list[str]:
    """A text as lines of a log. A command that it ends with is on a line of its own, whole, to be pasted."""
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        words, colon, command = line.partition(": ganzoo ")
        if len(line) <= width:
            lines.append(line)
        elif colon:
            lines += [*_wrapped(f"{words}:", width), f"ganzoo {command}"]
        else:
            lines += [line] if line.lstrip().startswith(("ganzoo ", "cp ", "pip ")) else _wrapped(line, width)
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=True, break_on_hyphens=False)


def clock(seconds: float) -> str:
    """`0:42`, `12:03`, `3:07:10`."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def duration_text(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`, `2.1 days`."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
