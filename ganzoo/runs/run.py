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
from ganzoo.plugin.installed import SCRIPT, InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.runs.checkpoint import MANIFEST, Checkpoint, clean, listed, way_back
from ganzoo.runs.lock import NAME, RunLock, is_run
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


def check_free(path: Path) -> None:
    """Raises CheckpointError when a new run in `path` would overwrite something.

    A run that ended before its first checkpoint learnt nothing and may be begun again.
    """
    try:
        if path.is_symlink() and not path.exists():
            raise CheckpointError(f"{path} is a link to what is not there.", hint="Choose another --out.")
        if not path.exists() or (path.is_dir() and not {item.name for item in path.iterdir()} - _NOBODYS):
            return
        holds_run = path.is_dir() and is_run(path)
        if holds_run and not any((path / "checkpoints").glob("step-*")):
            return
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{str(path)!r} cannot be a run directory: {one_line(error)}") from None
    if holds_run:
        raise CheckpointError(f"{path} exists already and holds a run.", hint=_way_on(path))
    what = "is neither empty nor a run" if path.is_dir() else "is a file"
    raise CheckpointError(f"{path} exists already and {what}.", hint="Choose another --out.")


_NOBODYS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", NAME})
"""What a folder may hold and be empty: what file managers leave in it, and the lock of a run that never began."""


def _way_on(path: Path) -> str:
    """What to do with a run that is there already."""
    try:
        trained = files.read_toml(path / "config.toml")["data"].get("source")
    except (OSError, ValueError, KeyError, AttributeError):
        trained = True
    if trained:
        return f"Go on with it: ganzoo train --resume {shell_word(path)}"
    return f"It was imported. Choose another --out; to train from it, add --init-from {shell_word(path)}"


def claim(path: Path) -> RunLock:
    """The lock of a directory that is free, or of a run that learnt nothing; without what a kill left in it.

    Raises CheckpointError when it holds something, or another process trains there.
    """
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"The run directory {path} cannot be written: {one_line(error)}") from None
    return hold(path)


def hold(path: Path) -> RunLock:
    """The lock of a run, without what a kill left in it. Raises CheckpointError when another process trains it."""
    lock = RunLock(path)
    clean(path / "checkpoints")
    for folder in (path, path / "samples"):
        files.remove_partial(folder)
    return lock


def open_run(path: Path, registry: Registry, changes: Layer | None = None) -> Run:
    """Read a run directory; `changes` are laid over its settings.

    Raises CheckpointError when it is not a run, RequestError when its architecture is not installed
    or a change is not allowed.
    """
    file = path / "config.toml"
    if not file.is_file():
        what = (
            "is not a run: it has no config.toml"
            if path.is_dir()
            else "is a file"
            if path.is_file()
            else "is not there"
        )
        raise CheckpointError(f"{path} {what}.", hint="A run is the directory that `ganzoo train --out` made.")
    if (path / MANIFEST).is_file():
        raise CheckpointError(
            f"{path} is a checkpoint of a run.", hint=f"Name the run, {path.parent.parent}, and which checkpoint."
        )
    try:
        tables = files.read_toml(files.check_inside(file, path, reading=True))
        run = dict(tables.pop("run"))
        if unknown := set(tables) - set(TABLES):
            raise ValueError(f"it has tables of other names: {', '.join(sorted(unknown))}")
        tables.get("train", {}).pop("max_seconds", None)  # a limit of the session that stated it, not of the run
        data = DataInfo.from_table(run)
        if "pictures" not in run and run["task"] == "image-to-image":  # of before there were several domains
            data = data.of("source", "target")
        name = f"{run['distribution']}:{run['architecture']}"
        trained_by = f"{run['distribution']} {run['version']}"
        preset, description = str(run.get("preset", "")), str(run["data_description"])
        layers = [Layer(origin="run", tables={table: dict(values) for table, values in tables.items()})]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged: {one_line(error)}", hint=way_back(path)) from None
    if changes is not None:
        layers.append(changes)
    offer = _maker(registry, name, path)
    config = resolve(offer.spec.name, config_class(offer), layers)
    return Run(
        path=path,
        offer=offer,
        config=config,
        data=data,
        preset=preset,
        data_description=description,
        trained_by=trained_by,
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


def target_steps(train: TrainConfig) -> int:
    """The length of a training in steps, from kimg when that is what was stated."""
    from ganzoo.config.train_table import DEFAULT_KIMG

    if train.steps is not None:
        return train.steps
    pictures = round(1000 * (DEFAULT_KIMG if train.kimg is None else train.kimg), 6)  # 200 epochs are not a hair more
    return max(1, -int(-pictures // train.batch_size))
