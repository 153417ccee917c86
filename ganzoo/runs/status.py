"""Where a run stands: from its files, or kept up to date by what its training tells. No torch.

State of a run: `running` (its lock is held), `finished`, `stopped` (there is more to do), `imported` (nothing was
trained), `broken` (it cannot go on as it is; `problem` says why).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ganzoo import files
from ganzoo.config.train_table import TrainConfig
from ganzoo.errors import CheckpointError, one_line, printable
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.checkpoint import Checkpoint
from ganzoo.runs.lock import holder_of
from ganzoo.runs.metrics import ENOUGH, newest_record, records_of
from ganzoo.runs.run import target_steps

State = Literal["running", "finished", "stopped", "imported", "broken"]

AUGMENTATION = frozenset({"augment", "sign"})
"""Last words of the names of what adaptive augmentation says: its probability, and what that follows."""

_HIGHER = frozenset({"score.psnr"})  # of ganzoo's own scores of every checkpoint; the others fall


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """A run as it is now.

    holder: who trains it, in words. steps, kimg and their targets: 0 where it is not known. seconds: trained so far.
    losses, augmentation: by name, of the newest line of the metrics. scores: (kimg, value) of checkpoints, by name,
    oldest first; the first name decides. better: "lower" or "higher". samples: the newest grid. stage: what is being
    done just now.
    """

    path: Path
    architecture: str = ""
    state: State = "running"
    problem: str = ""
    holder: str = ""
    stage: str = ""
    steps: int = 0
    target_steps: int = 0
    kimg: float = 0.0
    target_kimg: float = 0.0
    images_per_second: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    augmentation: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    better: Literal["lower", "higher"] = "lower"
    samples: Path | None = None

    @property
    def score_name(self) -> str:
        """The score that decides; "" where there is none."""
        return next(iter(self.scores), "")

    @property
    def best(self) -> tuple[float, float] | None:
        """kimg and value of the best of the scores that decide."""
        found = self.scores.get(self.score_name, ())
        choose = max if self.better == "higher" else min
        return choose(found, key=lambda entry: entry[1], default=None)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        best = self.best
        return {
            "run": str(self.path),
            "architecture": self.architecture,
            "state": self.state,
            "problem": self.problem,
            "holder": self.holder,
            "steps": self.steps,
            "target_steps": self.target_steps,
            "kimg": self.kimg,
            "target_kimg": self.target_kimg,
            "images_per_second": self.images_per_second,
            "seconds": self.seconds,
            "seconds_left": self.seconds_left,
            "losses": dict(self.losses),
            "score": None if best is None else {"name": self.score_name, "value": best[1], "kimg": best[0]},
            "samples": None if self.samples is None else str(self.samples),
        }

    def after(self, record: Mapping[str, Any], *, target: int | None = None) -> RunStatus:
        """The status after a line of the metrics."""
        numbers = {name: float(value) for name, value in record.items() if _is_number(value)}
        scores = {name: list(found) for name, found in self.scores.items()}
        for name, value in numbers.items():
            if name.startswith("score."):
                scores.setdefault(name, []).append((numbers.get("kimg", 0.0), value))
        if self.score_name in scores:  # the one that decides stays the first
            scores = {self.score_name: scores.pop(self.score_name), **scores}
        named = {name: value for name, value in numbers.items() if "." in name}
        steps = int(numbers.get("step", self.steps))
        kimg = numbers.get("kimg", self.kimg)
        aim = self.target_steps if target is None else target
        return replace(
            self,
            steps=steps,
            target_steps=aim,
            kimg=kimg,
            target_kimg=kimg / steps * aim if steps else self.target_kimg,
            images_per_second=numbers.get("images_per_second", self.images_per_second),
            seconds=numbers.get("seconds", self.seconds),
            losses={
                name: value
                for name, value in named.items()
                if not name.startswith("score.") and name.rpartition(".")[2] not in AUGMENTATION
            },
            augmentation={
                name.rpartition(".")[2]: value
                for name, value in named.items()
                if name.rpartition(".")[2] in AUGMENTATION
            },
            scores=scores,
            better="higher" if next(iter(scores), "") in _HIGHER else self.better,
        )


def read_status(path: Path, *, history: bool = True) -> RunStatus:
    """Of a run directory. What is damaged makes it `broken`; nothing is raised for a stranger's files.

    history: read all of the metrics; without it the newest line alone, and the best score.
    """
    status = RunStatus(path=path, state="stopped")
    try:
        tables = files.read_toml(files.check_inside(path / "config.toml", path, reading=True))
        run, train, data = tables["run"], tables["train"], tables["data"]
        known = ("batch_size", "kimg", "steps", "epochs")
        config = TrainConfig(**{key: train[key] for key in known if key in train})
        target, batch_size = target_steps(config), int(config.batch_size)
        architecture, trained = str(run["architecture"]), bool(data.get("source"))
        if batch_size < 1 or target < 1:
            raise ValueError(f"batch_size {batch_size}, {target} steps")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        problem = f"config.toml cannot be read: {one_line(error, limit=120)}"
        return replace(status, state="broken", problem=problem, holder=holder_of(path) or "")
    status = replace(
        status, architecture=printable(architecture), target_steps=target, target_kimg=target * batch_size / 1000
    )
    kept = checkpoints.listed(path / "checkpoints")
    with contextlib.suppress(OSError):
        for record in records_of(path, most_bytes=ENOUGH) if history else [newest_record(path)]:
            with contextlib.suppress(ArithmeticError, ValueError):
                status = status.after(record)
    if not history:
        status = replace(status, scores=_scores_of(kept))
    holder = holder_of(path)
    steps = max(status.steps if holder else 0, max((item.step for item in kept), default=0))
    status = replace(
        status,
        steps=steps,
        kimg=steps * batch_size / 1000,
        target_kimg=target * batch_size / 1000,
        holder=holder or "",
        better=_better(kept) or status.better,
        samples=max((path / "samples").glob("step-*.png"), default=None),
    )
    if status.images_per_second and steps < target:
        left = (target - steps) * batch_size / status.images_per_second
        status = replace(status, seconds_left=left)
    if holder is not None:
        return replace(status, state="running")
    if damage := _damage(kept):
        return replace(status, state="broken", problem=damage)
    if not trained:
        return replace(status, state="imported")
    return replace(status, state="finished" if kept and steps >= target else "stopped")


def _damage(kept: Sequence[Checkpoint]) -> str:
    """What is wrong with the newest checkpoint, by a glance that reads no weights; "" for nothing."""
    if kept:
        try:
            kept[0].glance()
        except CheckpointError as error:
            others = f"; {len(kept) - 1} older" if len(kept) > 1 else ""
            return f"{error.message}{others}"
    return ""


def _scores_of(kept: Sequence[Checkpoint]) -> dict[str, list[tuple[float, float]]]:
    """Of checkpoints that have one, by the name of the newest's, oldest first."""
    scores: dict[str, list[tuple[float, float]]] = {}
    for item in kept:
        with contextlib.suppress(CheckpointError):
            state = item.state()
            score = state.get("score")
            if score is not None and _is_number(score):
                name = str(state.get("score_of") or "score.frechet")
                scores.setdefault(name, []).insert(0, (float(state.get("kimg", 0.0)), float(score)))
    return dict(list(scores.items())[:1])


def _better(kept: Sequence[Checkpoint]) -> Literal["lower", "higher"] | None:
    for item in kept:
        with contextlib.suppress(CheckpointError):
            if (better := item.state().get("score_better")) in ("lower", "higher"):
                return "higher" if better == "higher" else "lower"
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
