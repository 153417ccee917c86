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
    "ganzoo.cli.noise": {"Chosen": "ganzoo.sampling.noise:InputChoices"},
    "ganzoo.config.resolve": {
        "Resolved": "ganzoo.config.resolve:RunConfig",
        "preset_layer": "ganzoo.plugin.settings:preset_layer",
    },
    "ganzoo.data.folder": {"find_pictures": "ganzoo.data.finding:find_pictures"},
    "ganzoo.data.source": {"Located": "ganzoo.data.source:SourceAddress"},
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
    "ganzoo.sessions": {"Opened": "ganzoo.runtime.session:CheckedSession"},
    "ganzoo.training.adopt": {"adopt": "ganzoo.training.import_weights:import_weights"},
    "ganzoo.training.checkpoint": {"write": "ganzoo.training.engine_state:save_engine"},
    "ganzoo.training.device": {"is_out_of_memory": "ganzoo.nn:is_out_of_memory"},
    "ganzoo.training.ema": {"evaluation_copy": "ganzoo.architecture.evaluation:evaluation_copy"},
    "ganzoo.training.keeper": {"Keeper": "ganzoo.training.run_writer:RunWriter"},
    "ganzoo.training.start": {
        "begin": "ganzoo.training.start:start_run",
        "go_on": "ganzoo.training.start:resume_run",
        "load_trained": "ganzoo.runs.weights:load_trained",
        "Trained": "ganzoo.runs.weights:TrainedModel",
    },
    "ganzoo.training.trainer": {"Outcome": "ganzoo.runs.run:TrainingOutcome"},
}
"""What a name of a module, moved or not, is now."""

RENAMED_FIELDS: Mapping[str, Mapping[str, str]] = {
    "Dim": {"usual": "default"},
    "TensorSpec": {"usual": "default", "draw": "kind"},
}
RENAMED_METHODS: Mapping[str, Mapping[str, str]] = {
    "Step": {"once": "shared", "mine": "local_rows"},
    "TensorSpec": {"stated": "full", "chosen": "default_or_sample"},
}
RENAMED_OVERRIDES: Mapping[str, Mapping[str, str]] = {
    "Architecture": {"finished": "can_be_scored", "remarks": "warnings_before"},
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


def find(module: str, name: str) -> Any:
    """What `module.name` was. Raises AttributeError when it was nothing."""
    address = MOVED_NAMES.get(module, {}).get(name, "")
    places = [address.partition(":")] if address else [(new, ":", name) for new in MOVED_MODULES.get(module, ())]
    for place, _, now in places:
        found = getattr(importlib.import_module(place), now, _NOTHING)
        if found is not _NOTHING:
            note(f"{module}.{name}", f"{place}.{now}")
            return found
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def renamed(kind: ClassT) -> ClassT:
    """A class decorator: old keywords of the constructor, old fields and old methods go on working.

    The keywords are translated in a wrapped `__init__`, where an old one wins: `dataclasses.replace` hands over the new
    one with the value that it had, beside the old one with the value that is wanted.
    """
    fields, methods = RENAMED_FIELDS.get(kind.__name__, {}), RENAMED_METHODS.get(kind.__name__, {})
    if fields:
        original = kind.__init__  # type: ignore[misc]

        @functools.wraps(original)
        def init(self: Any, *arguments: Any, **named: Any) -> None:
            for old, new in fields.items():
                if old in named:
                    note(f"{kind.__name__}({old}=)", f"{kind.__name__}({new}=)")
                    named[new] = named.pop(old)
            original(self, *arguments, **named)

        kind.__init__ = init  # type: ignore[misc]
    for old, new in fields.items():
        setattr(kind, old, property(functools.partial(_get, kind.__name__, old, new)))
    for old, new in methods.items():
        setattr(kind, old, _method(kind.__name__, old, new))
    return kind


def map_overrides(base: str, kind: type) -> None:
    """For `__init_subclass__`: a method defined under its old name is the new one too, and the other way round.

    So whoever asks a class, or its base with `super()`, is answered by the method of that very class.
    """
    for old, new in RENAMED_OVERRIDES[base].items():
        if old in vars(kind) and new not in vars(kind):
            _uses.setdefault(kind.__module__.partition(".")[0], {})[f"{base}.{old}"] = f"{base}.{new}"
            setattr(kind, new, vars(kind)[old])
        elif new in vars(kind) and old not in vars(kind):
            setattr(kind, old, vars(kind)[new])


_NOTHING = object()


def _get(kind: str, old: str, new: str, instance: Any) -> Any:
    note(f"{kind}.{old}", f"{kind}.{new}")
    return getattr(instance, new)


def _method(kind: str, old: str, new: str) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        note(f"{kind}.{old}", f"{kind}.{new}")
        return getattr(self, new)(*arguments, **named)

    call.__name__ = old
    call.__doc__ = f"The old name of `{new}`."
    return call
