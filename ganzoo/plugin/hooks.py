"""The hooks that a plugin can implement: one for each row of `kinds.py`.

A plugin is a module named by an entry point in the group `ganzoo`. Its life:

    find     importlib.metadata lists the entry point        nothing imported
    load     the module is imported, GANZOO_API is read      must not import torch
    collect  each hook is called once and exhausted          returns torch-free records
    build    `implementation` is imported on first use       torch may be imported here

A failure in load or collect disables that plugin alone. A hook takes no arguments and returns an iterable of the
specs of its kind. It is an API for ever: new needs get new hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pluggy

from ganzoo.plugin.kinds import Kind

GROUP = "ganzoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


def hook_specifications(kinds: Sequence[Kind]) -> type:
    """A namespace of hook specifications, as pluggy's `add_hookspecs` takes it."""
    return type("Hooks", (), {kind.hook: staticmethod(_specification(kind)) for kind in kinds})


def _specification(kind: Kind) -> Any:
    def specification() -> Iterable[object]:
        return ()

    specification.__name__ = kind.hook
    specification.__doc__ = (
        f"The {kind.words} this plugin offers. Called once per process; must not import torch. Since {kind.added}."
    )
    return hookspec(specification)
