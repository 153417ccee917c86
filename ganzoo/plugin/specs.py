"""The records by which plugins announce what they offer. Nothing here imports more than the standard library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Literal, get_args

Task = Literal["noise-to-image", "image-to-image"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_IMPORT_STRING = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{kind} name {name!r}: expected lower-case letters, digits, '.', '_' and '-'")


def _check_import_string(what: str, value: object) -> None:
    if not isinstance(value, str) or not _IMPORT_STRING.fullmatch(value):
        raise ValueError(f"{what} {value!r}: expected an import string such as 'mygan.model:MyGAN'")


def own_copy(spec: Any, kind: type) -> Any:
    """A record of this class with the same fields, whose plain values its author cannot change any more.

    Raises ValueError for a malformed field.
    """
    if not is_dataclass(kind):
        return spec
    return kind(**{item.name: _plain_copy(getattr(spec, item.name)) for item in fields(kind)})


def _plain_copy(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)  # of a class of its own, a plain one
    if isinstance(value, Preset):
        return own_copy(value, Preset)
    if isinstance(value, Mapping):
        return {_plain_copy(key): _plain_copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_plain_copy, value)) if type(value) in (list, tuple) else list(map(_plain_copy, value))
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """Named settings of an architecture, over the defaults and under the user's own.

    summary: one line for `ganzoo info`.
    architecture, train, data: values for the three tables of the configuration.
    computed: import string of a callable `(*, height, width, devices, batch_size) -> {table: {key: value}}` for values
        that follow from the pictures' size, the number of devices and the batch (None where nobody states it); over the
        preset's own. Imports no torch. Empty: there are none. One of API 1 is given `size` in place of the two.
    """

    summary: str
    architecture: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    computed: str = ""

    def __post_init__(self) -> None:
        if self.computed:
            _check_import_string("computed settings:", self.computed)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchitectureSpec:
    """How a plugin announces one architecture, without importing torch.

    name: what users type, e.g. `dcgan`.
    task: `noise-to-image` or `image-to-image`.
    summary: one line for `ganzoo list`.
    implementation: import string of the `Architecture` subclass.
    config: import string of its frozen dataclass of hyperparameters; empty: the task's own.
    paper: where the architecture was published, e.g. `arXiv:1511.06434`.
    importer: import string of a callable `(files: Sequence[Path]) -> ForeignWeights` that reads checkpoints of the
        original authors' code, see `ganzoo.architecture.foreign_weights`; empty: there is none.
    families: what the importer reads, by the names of families that `ganzoo.families` tells files by, e.g.
        ("StyleGAN2",), or by one of your own; who gives such a file to another architecture is sent to this one.
    presets: settings by name; `tiny` must train a step in well under a second on a CPU.
    trains: False for networks that are imported and paint, and have no game to learn in; they need no `tiny`.

    Raises ValueError for a malformed field, so that a broken plugin is caught where it is loaded.
    """

    name: str
    task: Task
    summary: str
    implementation: str
    config: str = ""
    paper: str = ""
    importer: str = ""
    families: tuple[str, ...] = ()
    presets: Mapping[str, Preset] = field(default_factory=dict)
    trains: bool = True

    def __post_init__(self) -> None:
        _check_name("architecture", self.name)
        if self.task not in get_args(Task):
            raise ValueError(f"task {self.task!r} of {self.name!r}: expected one of {', '.join(get_args(Task))}")
        if not isinstance(self.summary, str) or not isinstance(self.paper, str):
            raise ValueError(f"summary and paper of {self.name!r} must be strings")
        _check_import_string(f"implementation of {self.name!r}:", self.implementation)
        if self.config:
            _check_import_string(f"config of {self.name!r}:", self.config)
        if self.importer:
            _check_import_string(f"importer of {self.name!r}:", self.importer)
        if not isinstance(self.families, tuple) or not all(isinstance(name, str) and name for name in self.families):
            raise ValueError(f"families of {self.name!r} are {self.families!r}; expected a tuple of names")
        if self.families and not self.importer:
            raise ValueError(f"families of {self.name!r} are {self.families!r}, and it has no importer to read them")
        if not isinstance(self.trains, bool):
            raise ValueError(f"trains of {self.name!r} is {self.trains!r}; expected True or False")
        if not self.trains and not self.importer:
            raise ValueError(f"{self.name!r} does not train, and has no importer that brings its weights")
        for preset_name, preset in self.presets.items():
            _check_name(f"preset of {self.name!r}:", preset_name)
            if not isinstance(preset, Preset):
                raise ValueError(f"preset {preset_name!r} of {self.name!r} is {type(preset).__name__}, not Preset")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Announced:
    """What plugins announce of most kinds. _word: what users call one."""

    _word: ClassVar[str]

    name: str
    summary: str
    implementation: str

    def __post_init__(self) -> None:
        _check_name(self._word, self.name)
        if not isinstance(self.summary, str):
            raise ValueError(f"summary of {self.name!r} must be a string")
        _check_import_string(f"implementation of {self.name!r}:", self.implementation)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSourceSpec(_Announced):
    """How a plugin announces a data source.

    name: what users type after `--data`, alone or as `name:argument`.
    summary: one line about the pictures.
    implementation: import string of a callable
        `(argument: str, options: DataConfig, *, notify: Callable[[str], None]) -> DataSource`.

    Raises ValueError for a malformed field.
    """

    _word: ClassVar[str] = "data source"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggerSpec(_Announced):
    """How a plugin announces a logger.

    name: what users type in `train.loggers`.
    summary: one line about where the metrics go.
    implementation: import string of a callable `(run: Path, *, resume_step: int) -> Logger`.

    Raises ValueError for a malformed field.
    """

    _word: ClassVar[str] = "logger"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSpec(_Announced):
    """How a plugin announces an execution provider of ONNX Runtime.

    name: what users type after --provider.
    summary: one line about the devices.
    implementation: import string of a subclass of `ganzoo.Provider` of the same name. Imports no torch.

    Raises ValueError for a malformed field.
    """

    _word: ClassVar[str] = "provider"


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSpec(_Announced):
    """How a plugin announces a metric.

    name: what users type after --metrics.
    summary: one line about what it sees.
    implementation: import string of a subclass of `ganzoo.Metric` of the same name.

    Raises ValueError for a malformed field.
    """

    _word: ClassVar[str] = "metric"


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureNetworkSpec(_Announced):
    """How a plugin announces a feature network, in whose numbers pictures are compared.

    name: what users type after --features.
    summary: one line: what it was trained on, where its weights are.
    implementation: import string of a callable
        `(file: Path | None, options: Mapping[str, str], *, device: str) -> FeatureNetwork`.

    Raises ValueError for a malformed field.
    """

    _word: ClassVar[str] = "feature network"
