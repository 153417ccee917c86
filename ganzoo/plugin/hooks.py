"""The hooks that a plugin can implement.

A plugin is a module named by an entry point in the group `ganzoo`. Its life:

    find     importlib.metadata lists the entry point        nothing imported
    load     the module is imported, GANZOO_API is read      must not import torch
    collect  each hook is called once and exhausted          returns torch-free records
    build    `implementation` is imported on first use       torch may be imported here

A failure in load or collect disables that plugin alone. A hook is an API for ever: new needs get
new hooks.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from ganzoo.plugin.specs import ArchitectureSpec, DataSourceSpec, LoggerSpec

GROUP = "ganzoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ganzoo_architectures() -> Iterable[ArchitectureSpec]:  # type: ignore[empty-body]
    """The architectures this plugin offers. Called once per process; must not import torch."""


@hookspec
def ganzoo_data_sources() -> Iterable[DataSourceSpec]:  # type: ignore[empty-body]
    """The data sources this plugin offers. Called once per process; must not import torch."""


@hookspec
def ganzoo_loggers() -> Iterable[LoggerSpec]:  # type: ignore[empty-body]
    """The loggers this plugin offers. Called once per process; must not import torch."""
