"""The run directory: everything a training leaves behind.

RUN/
  run.lock         marks the directory as a run, and says who trains it
  config.toml      [run] what was trained and by whom; [architecture], [train], [data] as resolved
  record.json      versions, machine, and every resume with what it changed
  metrics.jsonl    one line per log interval
  log.txt          what was said, with the time
  pictures.bin     hashes of the pictures' names and contents, to know them again
  samples/         reals.png, step-00000500.png, ...
  checkpoints/     step-00000500/, ...
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.config import TrainConfig, toml
from ganzoo.config.resolve import TABLES, Layer, RunConfig, resolve
from ganzoo.datainfo import DataInfo
from ganzoo.errors import CheckpointError, RequestError, one_line, shell_word
from ganzoo.families import family_of
from ganzoo.plugin.installed import SCRIPT, InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.runs.checkpoint import MANIFEST, Checkpoint, listed, way_back
from ganzoo.runs.metrics import records_of
from ganzoo.version import API_VERSION, __version__


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOutcome:
    """How a training ended.

    steps, kimg: where it stands. new_steps, seconds: of this session. interrupted: by Ctrl-C or SIGTERM, and saved.
    best: the checkpoint with the best score, if there are scores. leads: whether this process writes and talks.
    """

    steps: int
    kimg: float
    seconds: float
    images_per_second: float
    interrupted: bool
    finished: bool
    checkpoint: Path
    samples: Path
    best: Path | None
    leads: bool = True
    new_steps: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON values, the paths as texts; `leads` is of a process and left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "leads"}
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Run:
    """A run directory and what its config.toml says.

    offer: the plugin that trains it. data: what the pictures are like. preset: "" for none.
    data_description: the source in words. trained_by: distribution and version that began the run.
    outcome: how the training ended that this process has just done; None for a run that was opened.
    """

    path: Path
    offer: InstalledSpec[ArchitectureSpec]
    config: RunConfig
    data: DataInfo
    preset: str = ""
    data_description: str = ""
    trained_by: str = ""
    outcome: TrainingOutcome | None = None

    def __repr__(self) -> str:
        return (
            f"<Run {self.path}: {self.architecture}, {f'step {self.steps:,}' if self.steps else 'no checkpoint yet'}>"
        )

    @property
    def architecture(self) -> str:
        """The name of what was trained."""
        return self.offer.name

    @property
    def interrupted(self) -> bool:
        """Whether the training that made this object was stopped, and saved, before its end."""
        return self.outcome is not None and self.outcome.interrupted

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """By name alone, newest first; `Checkpoint.verify` looks into one."""
        return listed(self.checkpoint_folder)

    @property
    def steps(self) -> int:
        """Steps done at the newest checkpoint; 0 before the first."""
        return max((checkpoint.step for checkpoint in self.checkpoints), default=0)

    @property
    def exports(self) -> list[Path]:
        """The ONNX files in RUN/exports, by name."""
        return sorted(path for path in (self.path / "exports").glob("*.onnx") if not path.name.startswith("."))

    @property
    def grids(self) -> list[Path]:
        """The grids of samples, the oldest first."""
        return sorted(self.samples.glob("step-*.png"))

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a kill has cut is left out. Empty where nothing was logged."""
        return records_of(self.path)

    @property
    def checkpoint_folder(self) -> Path:
        """Where the checkpoints are; `checkpoints` lists them."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """Where the grids of samples are."""
        return self.path / "samples"

    def to_toml(self) -> str:
        """The text of config.toml."""
        run = {
            "architecture": self.offer.spec.name,
            "task": self.offer.spec.task,
            "distribution": self.offer.distribution,
            "version": self.offer.version,
            "api": API_VERSION,
            "ganzoo": __version__,
            "preset": self.preset or None,
            "data_description": self.data_description,
            **self.data.to_table(),
        }
        return toml.dump({"run": run, **self.config.tables()})

    def create(self, *, machine: Mapping[str, Any], origin: Mapping[str, Any] | None = None) -> None:
        """Make the directory, if it is not there, and what is in it. Raises CheckpointError.

        machine, origin: JSON values for the record, of what trains and of where the first weights are from.
        """
        try:
            files.check_inside(self.samples, self.path)
            self.samples.mkdir(parents=True, exist_ok=True)
            self.write_config()
            self._write_record({"resumes": [], **(origin or {}), **machine})
        except (OSError, UnicodeError) as error:
            raise CheckpointError(f"The run directory {self.path} cannot be written: {one_line(error)}") from None

    def write_config(self) -> None:
        """Write config.toml anew, whole or not at all. Raises OSError."""
        files.write_text(self.path / "config.toml", self.to_toml(), within=self.path)

    def record_resume(self, *, step: int, changed: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
        """Note a resume and rewrite config.toml with what it changed."""
        try:
            record = files.read_json(files.check_inside(self.path / "record.json", self.path, reading=True))
            resumes = list(record["resumes"])
        except (OSError, ValueError, KeyError, TypeError):
            record, resumes = {}, []  # a damaged record must not keep a good checkpoint from going on
        resumes.append({"step": step, "changed": dict(changed), **machine})
        try:
            self._write_record({**record, "resumes": resumes})
            self.write_config()
        except (OSError, UnicodeError) as error:
            raise CheckpointError(f"The run directory {self.path} cannot be written: {one_line(error)}") from None

    def _write_record(self, record: Mapping[str, Any]) -> None:
        files.write_text(self.path / "record.json", json.dumps(record, indent=1), within=self.path)


def open_run(path: Path, registry: Registry, changes: Layer | None = None) -> Run:
    """Read a run directory; `changes` are laid over its settings.

    Raises CheckpointError when it is not a run, RequestError when its architecture is not installed
    or a change is not allowed.
    """
    file = path / "config.toml"
    if not file.is_file():
        raise _no_run(path)
    if (path / MANIFEST).is_file():
        raise CheckpointError(
            f"{path} is a checkpoint of a run.", hint=f"Name the run, {path.parent.parent}, and which checkpoint."
        )
    try:
        tables = files.read_toml(files.check_inside(file, path, reading=True))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged: {one_line(error)}", hint=way_back(path)) from None
    return run_of(path, read_tables(tables, file), registry, changes)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTables:
    """What a config.toml says, taken apart."""

    name: str
    trained_by: str
    preset: str
    description: str
    data: DataInfo
    settings: Mapping[str, Mapping[str, Any]]


def read_tables(tables: Mapping[str, Any], file: Path) -> RunTables:
    """file: that they are of. Raises CheckpointError for tables that `Run.to_toml` never wrote."""
    try:
        tables = dict(tables)
        run = dict(tables.pop("run"))
        if unknown := set(tables) - set(TABLES):
            raise ValueError(f"it has tables of other names: {', '.join(sorted(unknown))}")
        tables.get("train", {}).pop("max_seconds", None)  # a limit of the session that stated it, not of the run
        data = DataInfo.from_table(run)
        if "pictures" not in run and run["task"] == "image-to-image":  # of before there were several domains
            data = data.of("source", "target")
        return RunTables(
            name=f"{run['distribution']}:{run['architecture']}",
            trained_by=f"{run['distribution']} {run['version']}",
            preset=str(run.get("preset", "")),
            description=str(run["data_description"]),
            data=data,
            settings={table: dict(values) for table, values in tables.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged: {one_line(error)}", hint=way_back(file.parent)) from None


def run_of(path: Path, read: RunTables, registry: Registry, changes: Layer | None = None) -> Run:
    """The run in `path`; `changes` are laid over its settings. Raises RequestError."""
    layers = [Layer(origin="run", tables=read.settings), *([changes] if changes is not None else [])]
    offer = _maker(registry, read.name, path)
    config = resolve(offer.spec.name, config_class(offer), layers)
    return Run(
        path=path,
        offer=offer,
        config=config,
        data=read.data,
        preset=read.preset,
        data_description=read.description,
        trained_by=read.trained_by,
    )


def _maker(registry: Registry, name: str, path: Path) -> InstalledSpec[ArchitectureSpec]:
    if name.startswith(f"{SCRIPT}:") and name not in [offer.qualified_name for offer in registry.architectures]:
        known = name.removeprefix(f"{SCRIPT}:")
        raise RequestError(
            f"{path} was trained with {known!r}, which a script or notebook registered; it is not installed here.",
            hint=f"In Python: ganzoo.register(...) first, under the name {known!r}. From a shell: an exported file "
            "needs nobody; or make it a plugin.",
        )
    return registry.architecture(name)


def _no_run(path: Path) -> CheckpointError:
    """What is there in place of a run: other people's checkpoint is named as what it is."""
    if path.suffix == ".safetensors" and path.is_file() and family_of(path) is None:
        return CheckpointError(
            f"{path} is a file of weights, and there is no training to go on with.",
            hint=f"Begin one from them: ganzoo train ARCHITECTURE --init-from {shell_word(path)} --data ... --out ...",
        )
    if family := family_of(path):
        return CheckpointError(
            f"{path} is a checkpoint of the family {family}, and no run of ganzoo's.",
            hint=f"Where an architecture reads it: ganzoo import {shell_word(path)} --as ARCHITECTURE --out RUN; "
            "docs/importing.md says which.",
        )
    what = "is a file" if path.is_file() else "is not there"
    what = "is not a run: it has no config.toml" if path.is_dir() else what
    return CheckpointError(f"{path} {what}.", hint="A run is the directory that `ganzoo train --out` made.")


def target_steps(train: TrainConfig) -> int:
    """The length of a training in steps, from kimg when that is what was stated."""
    from ganzoo.config.train_table import DEFAULT_KIMG

    if train.steps is not None:
        return train.steps
    pictures = round(1000 * (DEFAULT_KIMG if train.kimg is None else train.kimg), 6)  # 200 epochs are not a hair more
    return max(1, -int(-pictures // train.batch_size))
