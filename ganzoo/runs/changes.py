"""What may change when a run goes on, what when it branches, and what has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ganzoo.config.fields import changeable
from ganzoo.config.resolve import Layer, RunConfig
from ganzoo.config.train_table import LENGTHS, MAY_CHANGE_ON_RESUME
from ganzoo.errors import RequestError, shell_word, short
from ganzoo.plugin.settings import config_class, typed_name
from ganzoo.runs.run import Run, target_steps

MAY_MOVE = frozenset(
    ("data", key) for key in ("source", "also", "target", "memory_gb", "device_memory_gb", "cache", "unreadable")
)
"""Settings outside [train] that say where pictures are and are held, not what they look like."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingChange:
    """A setting that a run goes on with another value of. before, after: as TOML has them; None for not stated."""

    table: str
    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        name = self.key if self.table == "architecture" else f"{self.table}.{self.key}"
        return f"{name} from {_words(self.before)} to {_words(self.after)}"

    def to_json(self) -> dict[str, Any]:
        return {"from": self.before, "to": self.after}


def may_change(run: Run) -> dict[str, list[str]]:
    """Names of the settings that may change when the run is resumed, by table."""
    return {
        "architecture": sorted(changeable(config_class(run.offer))),
        "train": sorted(MAY_CHANGE_ON_RESUME),
        "data": sorted(key for _, key in MAY_MOVE),
    }


def check_changes(run: Run, changes: Layer) -> None:
    """Raises RequestError for a change on resume that would alter what the weights become, learning rates apart."""
    allowed = may_change(run)
    for table, values in changes.tables.items():
        for key in values:
            if key not in allowed[table]:
                _refuse(run, table, key, values[key], allowed)


def check_branch(run: Run, changes: Layer) -> None:
    """Raises RequestError for a change that a branch of the run cannot begin with: its counting would be another."""
    batch_size = changes.tables.get("train", {}).get("batch_size", run.config.train.batch_size)
    if batch_size != run.config.train.batch_size:
        raise RequestError(
            f"train.batch_size = {batch_size}: a fork goes on at a step of the run, whose steps have "
            f"{run.config.train.batch_size} pictures.",
            hint=f"From its weights alone: {_anew(run, 'train', 'batch_size', batch_size)}",
        )


def check_length(run: Run, changes: Layer, done: int) -> None:
    """Raises RequestError for a length that is stated, can be counted already, and ends before what was done."""
    train = run.config.train
    stated = set(LENGTHS) & set(changes.tables.get("train", {}))
    if not stated or train.epochs is not None:
        return
    if (length := target_steps(train)) < done:
        raise RequestError(
            f"{run.path} is at step {done:,} already, beyond the {length:,} that are asked for.",
            hint="State a longer length, or none to go on to the run's own.",
        )


def check_left(run: Run, done: int) -> None:
    """Raises RequestError for a branch at a step at which its own length ends."""
    train = run.config.train
    if train.epochs is None and target_steps(train) <= done:
        kimg = done * train.batch_size / 1000
        raise RequestError(
            f"A fork at step {done:,} would have nothing to do: the run was {target_steps(train):,} steps long.",
            hint=f"State a longer length: --kimg {2 * kimg:g}",
        )


def changes_between(before: RunConfig, after: RunConfig) -> list[SettingChange]:
    """Settings that differ, but for a limit of time, which is of a session."""
    was, now = before.tables(), after.tables()
    return [
        SettingChange(table=table, key=key, before=was[table].get(key), after=value)
        for table, values in now.items()
        for key, value in values.items()
        if key != "max_seconds" and was[table].get(key) != value
    ]


def to_record(changes: Iterable[SettingChange]) -> dict[str, Any]:
    """As record.json keeps them."""
    return {f"{change.table}.{change.key}": change.to_json() for change in changes}


def is_free(run: Run, table: str, key: str) -> bool:
    """Whether config.toml and a checkpoint may differ in it."""
    return (
        (table, key) in MAY_MOVE or (table == "train" and key in MAY_CHANGE_ON_RESUME) or key in may_change(run)[table]
    )


def _refuse(run: Run, table: str, key: str, value: object, allowed: dict[str, list[str]]) -> None:
    rates = f"{', '.join(allowed['architecture'])}, " if allowed["architecture"] else ""
    branch = (
        ""
        if key == "batch_size"
        else "\nIf no shape changes by it, a branch with all that was learnt: "
        f"ganzoo train --fork {shell_word(run.path)} "
        f"{_assignment(table, key, value)}{_longer(run)} --out RUN"
    )
    raise RequestError(
        f"{key!r} of [{table}] cannot change on resume: the weights would no longer be those of one run.",
        hint=f"May change: {rates}{', '.join(f'train.{name}' for name in allowed['train'])}.\n"
        f"A new run from its weights: {_anew(run, table, key, value)}{branch}",
    )


def _longer(run: Run) -> str:
    """The length that a branch of a finished run wants."""
    train = run.config.train
    if train.epochs is not None or run.steps < target_steps(train):
        return ""
    return f" --kimg {2 * run.steps * train.batch_size / 1000:g}"


def _anew(run: Run, table: str, key: str, value: object) -> str:
    return (
        f"ganzoo train {shell_word(typed_name(run.offer))} -c {shell_word(run.path / 'config.toml')} "
        f"{_assignment(table, key, value)} --init-from {shell_word(run.path)} --out RUN"
    )


def _assignment(table: str, key: str, value: object) -> str:
    name = key if table == "architecture" else f"{table}.{key}"
    text = str(value).lower() if isinstance(value, bool) else value
    return f"--set {shell_word(f'{name}={text}')}"


def _words(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else short(value)
