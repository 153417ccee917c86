"""Find, load, isolate and report plugins.

pluggy's own `load_setuptools_entrypoints` stops at the first broken plugin, silently skips a second
distribution that uses the same entry-point name, and lets misspelt hooks pass; hence this loop.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

import pluggy

from ganzoo.errors import GanzooError, PluginError, RequestError, nearest, one_line
from ganzoo.plugin import hooks
from ganzoo.plugin.discovery import allow_list, entry_points, normalize
from ganzoo.plugin.specs import ArchitectureSpec, DataSourceSpec, LoggerSpec
from ganzoo.version import API_VERSION, OLDEST_API_VERSION, __version__

FIRST_PARTY = {
    "ganzoo-dcgan": ("dcgan",),
    "ganzoo-classics": ("gan", "cgan", "wgan", "wgan-gp"),
    "ganzoo-cyclegan": ("cyclegan", "pix2pix"),
    "ganzoo-stylegan": ("stylegan2",),
}
"""Distributions of this repository and what they offer, so that a missing one can be named."""

_MOST_SPECS = 1000  # of one hook; an endless iterator must not hang `ganzoo list`

SpecT = TypeVar("SpecT", ArchitectureSpec, DataSourceSpec, LoggerSpec)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer(Generic[SpecT]):
    """A spec and the distribution that offers it."""

    spec: SpecT
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        return f"{self.distribution}:{self.spec.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginReport:
    """What became of one entry point.

    status: `loaded`, `broken` (see `problem`) or `disabled` (not on the GANZOO_PLUGINS list).
    api: the contract version it states, None when it was not read.
    architectures, data_sources, loggers: names it offered, those of a broken plugin included as far as known.
    problem: one line; empty unless broken.
    """

    distribution: str
    version: str
    entry_point: str
    status: Literal["loaded", "broken", "disabled"]
    api: int | None = None
    architectures: tuple[str, ...] = ()
    data_sources: tuple[str, ...] = ()
    loggers: tuple[str, ...] = ()
    problem: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.architectures, *self.data_sources, *self.loggers)


@dataclass(slots=True)
class _Collected:
    api: int | None = None
    architectures: list[ArchitectureSpec] = field(default_factory=list)
    data_sources: list[DataSourceSpec] = field(default_factory=list)
    loggers: list[LoggerSpec] = field(default_factory=list)


class Registry:
    """Every architecture, data source and logger that the installed plugins offer.

    plugins: a report for each entry point, in order of distribution name.
    architectures, data_sources, loggers: offers in order of name. Two distributions may offer one name.
    """

    def __init__(self) -> None:
        self.plugins: list[PluginReport] = []
        self.architectures: list[Offer[ArchitectureSpec]] = []
        self.data_sources: list[Offer[DataSourceSpec]] = []
        self.loggers: list[Offer[LoggerSpec]] = []
        self._manager = pluggy.PluginManager(hooks.GROUP)
        self._manager.add_hookspecs(hooks)

    @classmethod
    def load(cls, *, warn: Callable[[str], None] | None = None) -> Registry:
        """Load every installed plugin that GANZOO_PLUGINS allows.

        warn: called with one line for each broken plugin.
        Raises PluginError at the first broken plugin when GANZOO_STRICT=1.
        """
        registry = cls()
        registry._register_builtin()
        allowed = allow_list()
        seen = set()
        for entry_point, distribution, version in entry_points():
            seen.add(normalize(distribution))
            if allowed is not None and normalize(distribution) not in allowed:
                registry.plugins.append(
                    PluginReport(
                        distribution=distribution,
                        version=version,
                        entry_point=entry_point.name,
                        status="disabled",
                    )
                )
                continue
            registry._register(entry_point.load, entry_point.name, distribution, version)
        for name in sorted((allowed or set()) - seen):
            registry._report_broken(name, "", "", _Collected(), "GANZOO_PLUGINS names it, but it is not installed")
        for offers in (registry.architectures, registry.data_sources, registry.loggers):
            offers.sort(key=lambda offer: (offer.spec.name, offer.distribution))
        if warn is not None:
            for report in registry.problems:
                version = f" {report.version}" if report.version else ""
                warn(f"plugin {report.distribution}{version} is broken and was left out: {report.problem}")
        return registry

    @property
    def problems(self) -> list[PluginReport]:
        return [report for report in self.plugins if report.status == "broken"]

    def architecture(self, name: str) -> Offer[ArchitectureSpec]:
        """The offer for `name` or `distribution:name`.

        Raises RequestError when nobody offers it or several do.
        """
        return self._find("architecture", name, self.architectures)

    def data_source(self, name: str) -> Offer[DataSourceSpec]:
        """The offer for `name` or `distribution:name`. Raises RequestError as `architecture` does."""
        return self._find("data source", name, self.data_sources)

    def logger(self, name: str) -> Offer[LoggerSpec]:
        """The offer for `name` or `distribution:name`. Raises RequestError as `architecture` does."""
        return self._find("logger", name, self.loggers)

    def _find(self, kind: str, name: str, offers: Sequence[Offer[SpecT]]) -> Offer[SpecT]:
        found = [offer for offer in offers if name in (offer.spec.name, offer.qualified_name)]
        if len(found) == 1:
            return found[0]
        if found:
            choices = [offer.qualified_name for offer in found]
            raise RequestError(
                f"{len(found)} distributions offer the {kind} {name!r}: {', '.join(choices)}.",
                hint=f"Say which: {' or '.join(choices)}.",
            )
        lines = [f"There is no {kind} {name!r}.{nearest(name, [offer.spec.name for offer in offers])}"]
        installed = [f"{offer.spec.name} ({offer.distribution} {offer.version})" for offer in offers]
        lines.append(f"Installed: {', '.join(installed) or 'none'}.")
        lines += self._suspects(name)
        hint = "See `ganzoo list` and `ganzoo plugins list`."
        for distribution, names in FIRST_PARTY.items():
            if name in names and distribution not in [item.distribution for item in self.plugins]:
                hint = f"It is published as {distribution}: pip install {distribution}"
        raise RequestError("\n".join(lines), hint=hint)

    def _suspects(self, name: str) -> list[str]:
        """Lines about plugins that did not load and may be where `name` is."""
        lines = []
        for report in self.plugins:
            plugin = f"{report.distribution} {report.version}"
            if report.status == "disabled":
                lines.append(f"Left out by GANZOO_PLUGINS: {plugin}")
            elif report.status == "broken" and name in report.names:
                lines.append(f"Offered by {plugin}, which is broken: {report.problem}")
            elif report.status == "broken":
                lines.append(f"Broken, might offer it: {plugin}: {report.problem}")
        return lines

    def _register_builtin(self) -> None:
        from ganzoo.data import plugin as data
        from ganzoo.loggers import plugin as loggers

        self._register(lambda: data, "data", "ganzoo", __version__)
        self._register(lambda: loggers, "loggers", "ganzoo", __version__)

    def _register(self, load: Callable[[], Any], entry_point: str, distribution: str, version: str) -> None:
        collected = _Collected()
        name = f"{distribution}:{entry_point}"
        try:
            # A plugin that prints must not spoil the JSON on stdout.
            with contextlib.redirect_stdout(sys.stderr):
                self._collect(load(), name, collected)
            self._refuse_repeats(distribution, collected)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a plugin must not end the program
            with contextlib.suppress(Exception):
                self._manager.unregister(name=name)
            self._report_broken(distribution, version, entry_point, collected, _reason(error), cause=error)
            return
        source = {"distribution": distribution, "version": version}
        self.architectures += [Offer(spec=spec, **source) for spec in collected.architectures]
        self.data_sources += [Offer(spec=spec, **source) for spec in collected.data_sources]
        self.loggers += [Offer(spec=spec, **source) for spec in collected.loggers]
        self.plugins.append(_report("loaded", distribution, version, entry_point, collected))

    def _collect(self, module: object, name: str, collected: _Collected) -> None:
        if not isinstance(module, ModuleType):
            raise PluginError(f"its entry point names a {type(module).__name__}; expected a module")
        # Read before any spec is built: a newer plugin may use fields that this core does not know.
        collected.api = _check_api(module)
        self._manager.register(module, name=name)
        for caller in self._manager.get_hookcallers(module) or []:
            if not caller.has_spec():
                known = [hook for hook in vars(hooks) if hook.startswith("ganzoo_")]
                raise PluginError(f"it implements the unknown hook {caller.name!r}.{nearest(caller.name, known)}")
        self._call(module, "ganzoo_architectures", ArchitectureSpec, collected.architectures)
        self._call(module, "ganzoo_data_sources", DataSourceSpec, collected.data_sources)
        self._call(module, "ganzoo_loggers", LoggerSpec, collected.loggers)

    def _call(self, module: ModuleType, hook: str, kind: type[SpecT], into: list[SpecT]) -> None:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin is not module:
                continue
            for spec in itertools.islice(implementation.function(), _MOST_SPECS + 1):
                if len(into) == _MOST_SPECS:
                    raise PluginError(f"{hook}() yields more than {_MOST_SPECS} specs")
                if not isinstance(spec, kind):
                    raise PluginError(f"{hook}() gave a {type(spec).__name__}; expected {kind.__name__}")
                into.append(spec)

    def _refuse_repeats(self, distribution: str, collected: _Collected) -> None:
        _refuse_repeat("architecture", distribution, self.architectures, collected.architectures)
        _refuse_repeat("data source", distribution, self.data_sources, collected.data_sources)
        _refuse_repeat("logger", distribution, self.loggers, collected.loggers)

    def _report_broken(
        self,
        distribution: str,
        version: str,
        entry_point: str,
        collected: _Collected,
        reason: str,
        cause: BaseException | None = None,
    ) -> None:
        if os.environ.get("GANZOO_STRICT") == "1":
            raise PluginError(
                f"plugin {distribution} {version} is broken: {reason}",
                hint="GANZOO_STRICT=1 makes this fatal; without it the plugin is left out.",
            ) from cause
        self.plugins.append(_report("broken", distribution, version, entry_point, collected, reason))


def load_object(import_string: str, *, offer: Offer[Any]) -> Any:
    """The object that an import string names.

    Raises PluginError, which names the distribution, when it cannot be imported; a GanzooError of its own passes.
    """
    module_name, _, attribute = import_string.partition(":")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return getattr(importlib.import_module(module_name), attribute)
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:
        if os.environ.get("GANZOO_STRICT") == "1":
            raise
        raise PluginError(
            f"{offer.spec.name!r} of {offer.distribution} {offer.version} cannot be loaded: "
            f"{import_string}: {_reason(error)}",
            hint=f"Report it to the authors of {offer.distribution}; GANZOO_STRICT=1 shows the whole traceback.",
        ) from error


def _refuse_repeat(kind: str, distribution: str, offers: Sequence[Offer[SpecT]], specs: Sequence[SpecT]) -> None:
    taken: list[str] = [offer.spec.name for offer in offers if offer.distribution == distribution]
    names = [*taken, *(spec.name for spec in specs)]
    for name in names:
        if names.count(name) > 1:
            raise PluginError(f"it offers the {kind} {name!r} twice")


def _report(
    status: Literal["loaded", "broken"],
    distribution: str,
    version: str,
    entry_point: str,
    collected: _Collected,
    problem: str = "",
) -> PluginReport:
    return PluginReport(
        distribution=distribution,
        version=version,
        entry_point=entry_point,
        status=status,
        api=collected.api,
        architectures=tuple(spec.name for spec in collected.architectures),
        data_sources=tuple(spec.name for spec in collected.data_sources),
        loggers=tuple(spec.name for spec in collected.loggers),
        problem=problem,
    )


def _check_api(module: ModuleType) -> int:
    api = getattr(module, "GANZOO_API", None)
    if api is None:
        raise PluginError(f"{module.__name__} does not state GANZOO_API; add `GANZOO_API = {API_VERSION}`")
    if not isinstance(api, int) or isinstance(api, bool):
        raise PluginError(f"GANZOO_API is {api!r}; expected a whole number such as {API_VERSION}")
    if api > API_VERSION:
        raise PluginError(
            f"it is written for plugin API {api}, and ganzoo {__version__} understands up to {API_VERSION}; "
            "upgrade ganzoo"
        )
    if api < OLDEST_API_VERSION:
        raise PluginError(
            f"it is written for plugin API {api}, and ganzoo {__version__} needs {OLDEST_API_VERSION} or newer; "
            "upgrade the plugin"
        )
    return api


def _reason(error: BaseException) -> str:
    """One line: what was raised, and where in the plugin."""
    if isinstance(error, PluginError):
        return one_line(error).removeprefix("PluginError: ")
    frames = traceback.extract_tb(error.__traceback__)
    here = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    return one_line(error) + here
