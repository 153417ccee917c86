"""Old public names, kept for one version: what plugins of API 1 call things, and what those are called now.

One table each for modules, for names in modules, for fields and for methods. Who uses an old name is noted, and told in
`ganzoo plugins` and once a training. This file imports nothing of ganzoo, so that anything may import it.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, TypeVar

ClassT = TypeVar("ClassT", bound=type)

MOVED_MODULES: Mapping[str, tuple[str, ...]] = {
    "ganzoo.cli.models": ("ganzoo.sampling.graphs", "ganzoo.sampling.model"),
    "ganzoo.cli.noise": ("ganzoo.sampling.noise", "ganzoo.cli.parse"),
    "ganzoo.cli.pictures": ("ganzoo.sampling.pictures",),
    "ganzoo.cli.translate": ("ganzoo.sampling.translation", "ganzoo.sampling.translate_files"),
    "ganzoo.data.plugin": ("ganzoo.data.own",),
    "ganzoo.discovery": ("ganzoo.plugin.discovery",),
    "ganzoo.hookspecs": ("ganzoo.plugin.hooks",),
    "ganzoo.importing": ("ganzoo.architecture.foreign_weights",),
    "ganzoo.loading": ("ganzoo.plugin.settings", "ganzoo.architecture.build"),
    "ganzoo.loggers.plugin": ("ganzoo.loggers.own",),
    "ganzoo.objectives.width": ("ganzoo.objectives.dtype",),
    "ganzoo.onnx_file": ("ganzoo.runtime.file",),
    "ganzoo.plugins": (
        "ganzoo.plugin.registry",
        "ganzoo.plugin.call",
        "ganzoo.plugin.installed",
        "ganzoo.plugin.report",
    ),
    "ganzoo.provider_failures": ("ganzoo.runtime.providers.failures",),
    "ganzoo.providers": ("ganzoo.runtime.providers.requirements", "ganzoo.runtime.providers.table"),
    "ganzoo.sessions": ("ganzoo.runtime.session",),
    "ganzoo.specs": ("ganzoo.plugin.specs", "ganzoo.tensors"),
    "ganzoo.training.adopt": ("ganzoo.training.import_weights",),
    "ganzoo.training.checkpoint": ("ganzoo.runs.checkpoint", "ganzoo.runs.weights", "ganzoo.training.engine_state"),
    "ganzoo.training.keeper": ("ganzoo.training.run_writer",),
    "ganzoo.training.run": ("ganzoo.runs.run",),
    "ganzoo.training.watch": ("ganzoo.training.collapse",),
}
"""Where the names of a module are now, in the order in which they are looked for."""

MOVED_NAMES: Mapping[str, Mapping[str, str]] = {
    "ganzoo.architecture.step": {"derive_key": "ganzoo.keys:derive_key"},
    "ganzoo.cli.models": {
        "Painter": "ganzoo.sampling.graphs:GraphFunction",
        "open_model": "ganzoo.api.load:load",
    },
    "ganzoo.cli.pictures": {"Painted": "ganzoo.sampling.pictures:PixelValues"},
    "ganzoo.cli.translate": {"Wish": "ganzoo.sampling.translate_files:TranslateRequest"},
    "ganzoo.cli.noise": {"Chosen": "ganzoo.sampling.noise:InputChoices"},
    "ganzoo.config.resolve": {
        "Resolved": "ganzoo.config.resolve:RunConfig",
        "preset_layer": "ganzoo.plugin.settings:preset_layer",
    },
    "ganzoo.data.folder": {"find_pictures": "ganzoo.data.finding:find_pictures"},
    "ganzoo.data.source": {
        "Located": "ganzoo.data.source:SourceAddress",
        "open_source": "ganzoo.data.checked:open_source",
    },
    "ganzoo.errors": {"nearest": "ganzoo.errors:did_you_mean"},
    "ganzoo.evaluation.neighbours": {"nearest": "ganzoo.evaluation.neighbours:nearest_class"},
    "ganzoo.importing": {"Imported": "ganzoo.architecture.foreign_weights:ForeignWeights"},
    "ganzoo.objectives": {
        "PAIRED": "ganzoo.objectives:RELATIVE",
        "between": "ganzoo.objectives:interpolate",
    },
    "ganzoo.objectives.adversarial": {"PAIRED": "ganzoo.objectives.adversarial:RELATIVE"},
    "ganzoo.objectives.penalties": {"between": "ganzoo.objectives.penalties:interpolate"},
    "ganzoo.plugins": {"Offer": "ganzoo.plugin.installed:InstalledSpec"},
    "ganzoo.specs": {"Draw": "ganzoo.tensors:InputKind"},
    "ganzoo.sessions": {"Opened": "ganzoo.runtime.session:CheckedSession"},
    "ganzoo.training.adopt": {"adopt": "ganzoo.training.import_weights:import_weights"},
    "ganzoo.training.checkpoint": {
        "Contents": "ganzoo.runs.weights:CheckpointContents",
        "write": "ganzoo.training.engine_state:save_engine",
        "write_contents": "ganzoo.runs.weights:write_checkpoint",
    },
    "ganzoo.training.device": {"is_out_of_memory": "ganzoo.nn:is_out_of_memory"},
    "ganzoo.training.ema": {"evaluation_copy": "ganzoo.architecture.evaluation:evaluation_copy"},
    "ganzoo.training.keeper": {"Keeper": "ganzoo.training.run_writer:RunWriter"},
    "ganzoo.training.reporting": {
        "Observer": "ganzoo.progress:ProgressListener",
        "Silent": "ganzoo.progress:Silent",
    },
    "ganzoo.training.start": {
        "pictures_of": "ganzoo.sampling.from_run:first_pictures",
        "begin": "ganzoo.training.start:start_run",
        "go_on": "ganzoo.training.resuming:resume_run",
        "load_trained": "ganzoo.runs.trained:load_trained",
        "Trained": "ganzoo.runs.trained:TrainedModel",
    },
    "ganzoo.training.trainer": {"Outcome": "ganzoo.runs.run:TrainingOutcome"},
}
"""What a name of a module, moved or not, is now."""

RENAMED_FIELDS: Mapping[str, Mapping[str, str]] = {
    "Dim": {"usual": "default"},
    "TensorSpec": {"usual": "default", "draw": "kind"},
}
RENAMED_VALUES: Mapping[tuple[str, str], Mapping[object, object]] = {("TensorSpec", "kind"): {"image": "picture"}}
"""Values of fields that are called otherwise now."""

RENAMED_METHODS: Mapping[str, Mapping[str, str]] = {
    "Step": {"once": "shared", "mine": "local_rows"},
    "TensorSpec": {"stated": "full", "chosen": "default_or_sample"},
}
RENAMED_OVERRIDES: Mapping[str, Mapping[str, str]] = {
    "Architecture": {"finished": "can_be_scored", "remarks": "warnings_before"},
    "FromNoise": {"_labels": "labels_of"},
}
"""Old names of what a plugin's class may define."""

_uses: dict[str, dict[str, str]] = {}


def notice(package: str) -> str:
    """What a package has used under its old name in this process, in one clause; "" for nothing."""
    told = [f"{old} is {new} now" for old, new in _uses.get(package, {}).items()]
    return f"uses old names, which a later version will not have: {'; '.join(told)}" if told else ""


_BETWEEN = frozenset({__name__, "ganzoo.plugin.old_paths", "dataclasses", "functools", "importlib"})
"""Modules whose frames stand between an old name and who uses it."""


def note(old: str, new: str) -> None:
    """The caller has used an old name. ganzoo itself does not count."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name not in _BETWEEN and not name.startswith("importlib."):
            package = name.partition(".")[0]
            if package != "ganzoo":
                _uses.setdefault(package, {})[old] = new
            return
        frame = frame.f_back


def old_names(module: str) -> Callable[[str], Any]:
    """A module's `__getattr__`, for names that it had. Raises AttributeError for any other."""
    table = MOVED_NAMES[module]

    def get(name: str) -> Any:
        if name not in table:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return find(module, name)

    return get


def _public(place: str, name: str) -> str:
    """The front door's name of something, where it has one."""
    door = sys.modules.get("ganzoo")
    return f"ganzoo.{name}" if f"ganzoo.{getattr(door, '_PLACES', {}).get(name)}" == place else f"{place}.{name}"


def names_of(module: str) -> list[str]:
    """The public names that a moved module had, as far as they are known."""
    found = {
        name
        for place in MOVED_MODULES[module]
        for name, value in vars(importlib.import_module(place)).items()
        if not name.startswith("_") and getattr(value, "__module__", place) == place
    }
    return sorted(found | set(MOVED_NAMES.get(module, ())))


def find(module: str, name: str) -> Any:
    """What `module.name` was. Raises AttributeError when it was nothing."""
    address = MOVED_NAMES.get(module, {}).get(name, "")
    places = [address.partition(":")] if address else [(new, ":", name) for new in MOVED_MODULES.get(module, ())]
    for place, _, now in places:
        found = getattr(importlib.import_module(place), now, _NOTHING)
        if found is not _NOTHING:
            note(f"{module}.{name}", _public(place, now))
            return found
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def renamed(kind: ClassT) -> ClassT:
    """A class decorator: old keywords of the constructor, old fields and old methods go on working, in subclasses too.

    The keywords are translated in a wrapped `__init__`, where an old one wins: `dataclasses.replace` hands over the new
    one with the value that it had, beside the old one with the value that is wanted.
    """
    fields, methods = RENAMED_FIELDS.get(kind.__name__, {}), RENAMED_METHODS.get(kind.__name__, {})
    if fields:
        kind.__init__ = _translating(kind.__name__, fields, kind.__init__)  # type: ignore[misc]
    for old, new in fields.items():
        setattr(kind, old, property(functools.partial(_get, kind.__name__, old, new)))
    for old, new in methods.items():
        setattr(kind, old, _noted(kind.__name__, old, new, vars(kind)[new]))

    def init_subclass(cls: type, **named: Any) -> None:
        super(kind, cls).__init_subclass__(**named)  # type: ignore[arg-type]
        _map_methods(kind, methods, cls)

    kind.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment, arg-type]
    return kind


class Translating(type):
    """The metaclass of a record with renamed fields: a dataclass made of one has a constructor of its own."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        base = next((kind for kind in cls.__mro__ if kind.__name__ in RENAMED_FIELDS), None)
        if base is not None and base is not cls:
            named = _as_accepted(base.__name__, cls, named)
        return super().__call__(*arguments, **named)


def _as_accepted(base: str, kind: type, named: dict[str, Any]) -> dict[str, Any]:
    """Keywords under the names that the constructor of `kind` has."""
    accepted = _parameters(kind)
    translated = dict(named)
    for old, new in RENAMED_FIELDS[base].items():
        for given, wanted in ((old, new), (new, old)):
            if given in translated and given not in accepted and wanted in accepted:
                note(f"{base}({old}=)", f"{base}({new}=)")
                translated[wanted] = translated.pop(given)
    return translated


@functools.cache
def _parameters(kind: type) -> frozenset[str]:
    import inspect

    return frozenset(inspect.signature(kind.__init__).parameters)  # type: ignore[misc]


def map_overrides(base: type, kind: type) -> None:
    """For `__init_subclass__`: a method defined under its old name is the new one too, and the other way round.

    So whoever asks a class, or its base with `super()`, is answered by the method of that very class; a mixin's method
    under the old name comes before those of the classes behind it.
    """
    _map_methods(base, RENAMED_OVERRIDES[base.__name__], kind)


def _map_methods(base: type, names: Mapping[str, str], kind: type) -> None:
    for old, new in names.items():
        first = next((each for each in kind.__mro__ if old in vars(each) or new in vars(each)), base)
        if first is base or (old in vars(first) and new in vars(first)):
            continue
        if old in vars(first):
            _uses.setdefault(kind.__module__.partition(".")[0], {})[f"{base.__name__}.{old}"] = f"{base.__name__}.{new}"
        method = vars(first)[old if old in vars(first) else new]
        for name in (old, new):
            if name not in vars(kind):
                setattr(kind, name, method)


def _translating(kind: str, fields: Mapping[str, str], original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def init(self: Any, *arguments: Any, **named: Any) -> None:
        for old, new in fields.items():
            if old in named:
                note(f"{kind}({old}=)", f"{kind}({new}=)")
                named[new] = named.pop(old)
            if new in named and (value := current_value(kind, new, named[new])) != named[new]:
                note(f"{kind}({new}={named[new]!r})", f"{kind}({new}={value!r})")
                named[new] = value
        original(self, *arguments, **named)

    return init


_NOTHING = object()


def _get(kind: str, old: str, new: str, instance: Any) -> Any:
    note(f"{kind}.{old}", f"{kind}.{new}")
    value = getattr(instance, new)
    before = {now: then for then, now in RENAMED_VALUES.get((kind, new), {}).items()}
    return before.get(value, value)  # who asks under the old name knows the old value


def current_value(kind: str, field: str, value: Any) -> Any:
    """What a value of a field is called now."""
    try:
        return RENAMED_VALUES.get((kind, field), {}).get(value, value)
    except TypeError:  # of a damaged file: no value of any field is a list
        return value


def _noted(kind: str, old: str, new: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        note(f"{kind}.{old}", f"{kind}.{new}")
        return method(self, *arguments, **named)

    call.__name__ = old
    call.__doc__ = f"The old name of `{new}`."
    return call
