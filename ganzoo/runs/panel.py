"""A status as a few lines of text, for a terminal or a notebook.

runs/photos  dcgan                                       step 12,345 of 50,000
━━━━━━━━━━━━━━━━━━━────────────────────────────────────────────────────  24.7%
790.1 of 3,200.0 kimg   1,234 images/s   3:07:10 left   1:02:03 so far
losses   generator 0.812   discriminator 1.203
score    41.2 frechet   best 38.9 at 640.0 kimg   improving ▇▅▃▂▂
samples  runs/photos/samples/step-00012000.png
now      scoring 1,000 pictures
"""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.errors import printable
from ganzoo.progress import clock, first_of_each
from ganzoo.runs.status import RunStatus

_LEAST_WIDTH = 40
_GAP = "   "
_BLOCKS = "▁▂▃▄▅▆▇█"
_RISES = 12  # scores in the little curve


def panel(status: RunStatus, width: int, *, unicode: bool = True) -> list[str]:
    """Lines of at most `width` columns. unicode: else ASCII alone."""
    width = max(width, _LEAST_WIDTH)
    steps = f"step {status.steps:,} of {status.target_steps:,}" if status.target_steps else ""
    name = f"{status.path}  {status.architecture}".rstrip()
    name = _shortened(printable(name), width - len(steps) - 2, unicode=unicode)
    lines = [f"{name}{steps:>{width - len(name)}}", _bar(status, width, unicode=unicode)]
    if status.target_kimg:
        facts = [f"{status.kimg:,.1f} of {status.target_kimg:,.1f} kimg"]
        if status.images_per_second is not None:
            facts.append(f"{_speed(status.images_per_second)} images/s")
        if status.seconds_left is not None:
            facts.append(f"{clock(status.seconds_left)} left")
        if status.seconds:
            facts.append(f"{clock(status.seconds)} so far")
        lines.append(_fitting("", facts, width))
    if status.losses:
        lines.append(_fitting("losses", _losses(status), width))
    if status.augmentation:
        lines.append(_fitting("augment", [f"{key} {value:.3f}" for key, value in status.augmentation.items()], width))
    if status.scores:
        lines.append(_fitting("score", _score(status, unicode=unicode), width))
    if status.samples is not None:
        lines.append(f"samples  {_shortened(printable(str(status.samples)), width - 9, unicode=unicode)}")
    if status.stage:
        lines.append(f"now      {_shortened(printable(status.stage), width - 9, unicode=unicode)}")
    return [line.rstrip() for line in lines]


def _bar(status: RunStatus, width: int, *, unicode: bool) -> str:
    share = min(1.0, status.steps / status.target_steps) if status.target_steps else 0.0
    percent = f"{100 * share:5.1f}%"
    room = width - len(percent) - 1
    filled = int(share * room)
    full, empty = ("━", "─") if unicode else ("#", "-")
    return f"{full * filled}{empty * (room - filled)} {percent}"


def _losses(status: RunStatus) -> list[str]:
    """Of each player the first, under its name alone, then the others."""
    ordered = first_of_each(list(status.losses))
    players = {name.partition(".")[0] for name in ordered}
    shown = []
    for place, name in enumerate(ordered):
        value = status.losses[name]
        shown.append(f"{name.partition('.')[0] if place < len(players) else name} {value:.3f}")
    return shown


def _score(status: RunStatus, *, unicode: bool) -> list[str]:
    found = [value for _, value in status.scores[status.score_name]]
    best, parts = status.best, [f"{found[-1]:.4g} {status.score_name.removeprefix('score.')}"]
    if best is not None and len(found) > 1:
        parts.append(f"best {best[1]:.4g} at {best[0]:,.1f} kimg")
        gain = (found[-1] - found[-2]) * (1 if status.better == "higher" else -1)
        trend = "level" if abs(gain) <= 0.005 * abs(found[-2]) else "improving" if gain > 0 else "worsening"
        parts.append(f"{trend} {sparkline(found[-_RISES:])}" if unicode else trend)
    return parts


def sparkline(values: Sequence[float]) -> str:
    """A curve of blocks, one for each value."""
    low, high = min(values), max(values)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((value - low) * scale)] for value in values)


def _fitting(name: str, parts: Sequence[str], width: int) -> str:
    """As many parts of a line as there is room for."""
    line = f"{name:<9}" if name else ""
    for place, part in enumerate(parts):
        longer = f"{line}{_GAP if place else ''}{part}"
        if len(longer) > width:
            break
        line = longer
    return line


def _shortened(text: str, width: int, *, unicode: bool) -> str:
    """The end of a text that is too long: of a path that says more than its beginning."""
    if len(text) <= width:
        return text
    sign = "…" if unicode else "..."
    return sign + text[len(text) - max(1, width - len(sign)) :]


def _speed(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
