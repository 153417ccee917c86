"""Find, load, isolate and report plugins.

pluggy's own `load_setuptools_entrypoints` stops at the first broken plugin, silently skips a second
distribution that uses the same entry-point name, and lets misspelt hooks pass; hence this loop.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pluggy

from ganzoo.errors import PluginError, RequestError, did_you_mean, shell_word
from ganzoo.plugin import api1, hooks
from ganzoo.plugin.call import is_strict, reason, resolve
from ganzoo.plugin.discovery import Found, allow_list, entry_points, normalize
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.isolation import Isolated, Patience
from ganzoo.plugin.kinds import ARCHITECTURES, DATA_SOURCES, KINDS, LOGGERS, Kind
from ganzoo.plugin.published import publisher
from ganzoo.plugin.report import PluginReport
from ganzoo.plugin.specs import ArchitectureSpec, DataSourceSpec, LoggerSpec, own_copy
from ganzoo.version import API_VERSION, OLDEST_API_VERSION, __version__

_MOST_SPECS = 1000  # of one hook; an endless iterator must not hang `ganzoo list`

Collected = dict[str, list[Any]]
"""Specs by kind."""


class Registry:
    """Everything that the installed plugins offer.

    plugins: a report for each entry point, in order of distribution name.
    kinds: what can be offered. Two distributions may offer one name.
    """

    def __init__(self, kinds: Sequence[Kind] = KINDS) -> None:
        self.kinds = kinds
        self.plugins: list[PluginReport] = []
        self._offers: dict[str, list[InstalledSpec[Any]]] = {kind.name: [] for kind in kinds}
        self._manager = pluggy.PluginManager(hooks.GROUP)
        self._manager.add_hookspecs(hooks.hook_specifications(kinds))

    @classmethod
    def load(cls, *, warn: Callable[[str], None] | None = None, kinds: Sequence[Kind] = KINDS) -> Registry:
        """Load every installed plugin that GANZOO_PLUGINS allows, and ganzoo's own.

        warn: called with one line for each broken plugin.
        Raises PluginError at the first broken plugin when GANZOO_STRICT=1.
        """
        registry = cls(kinds)
        registry._add_own()
        allowed = allow_list()
        seen = set()
        with Patience(warn or (lambda line: None)) as patience:
            for found in entry_points():
                seen.add(normalize(found.distribution))
                if allowed is not None and normalize(found.distribution) not in allowed:
                    registry._report(
                        "disabled", found.distribution, found.version, found.entry_point.name, {}, api=None
                    )
                    continue
                patience.wait_for(f"plugin {found.title}")
                registry._load(found)
        for name in sorted((allowed or set()) - seen):
            problem = "GANZOO_PLUGINS names it, but it is not installed"
            registry._report_broken(name, "", "", {}, problem, api=None)
        for offers in registry._offers.values():
            offers.sort(key=lambda offer: (offer.name, offer.distribution))
        if warn is not None:
            for report in registry.problems:
                warn(f"plugin {report.title} is broken and was left out: {report.problem}")
            for report in registry.plugins:
                if report.status == "loaded" and not report.names:
                    warn(f"plugin {report.title} {report.notice}")
        return registry

    @property
    def problems(self) -> list[PluginReport]:
        return [report for report in self.plugins if report.status == "broken"]

    def of(self, kind: Kind) -> list[InstalledSpec[Any]]:
        """Everything of one kind, in order of name."""
        return self._offers[kind.name]

    @property
    def architectures(self) -> list[InstalledSpec[ArchitectureSpec]]:
        return self.of(ARCHITECTURES)

    @property
    def data_sources(self) -> list[InstalledSpec[DataSourceSpec]]:
        return self.of(DATA_SOURCES)

    def architecture(self, name: str) -> InstalledSpec[ArchitectureSpec]:
        """`find` of an architecture."""
        return self.find(ARCHITECTURES, name)

    def data_source(self, name: str) -> InstalledSpec[DataSourceSpec]:
        """`find` of a data source."""
        return self.find(DATA_SOURCES, name)

    def logger(self, name: str) -> InstalledSpec[LoggerSpec]:
        """`find` of a logger."""
        return self.find(LOGGERS, name)

    def find(self, kind: Kind, name: str) -> InstalledSpec[Any]:
        """What `name` or `distribution:name` means. Raises RequestError when nobody offers it or several do."""
        offers = self.of(kind)
        found = [offer for offer in offers if name in (offer.name, offer.qualified_name)]
        if len(found) == 1:
            return found[0]
        if ours := [offer for offer in found if _is_ours(kind, offer)]:
            return ours[0]
        if found:
            choices = [offer.qualified_name for offer in found]
            raise RequestError(
                f"{len(found)} distributions offer the {kind.word} {name!r}: {', '.join(choices)}.",
                hint=f"Say which: {' or '.join(choices)}.",
            )
        lines = [f"There is no {kind.word} {name!r}.{did_you_mean(name, [offer.name for offer in offers])}"]
        installed = [f"{offer.name} ({offer.distribution} {offer.version})" for offer in offers]
        lines.append(f"Installed: {', '.join(installed) or 'none'}.")
        lines += self._suspects(name)
        hint = "See `ganzoo list` and `ganzoo plugins list`."
        distribution = publisher(kind.name, name)
        if distribution is not None and distribution not in [item.distribution for item in self.plugins]:
            hint = f"It is published as {distribution}: pip install {shell_word(distribution)}"
        raise RequestError("\n".join(lines), hint=hint)

    def add(self, kind: Kind, offer: InstalledSpec[Any]) -> None:
        """One more, or another in place of one of that distribution and name."""
        offers = self._offers[kind.name]
        offers[:] = [other for other in offers if other.qualified_name != offer.qualified_name]
        offers.append(offer)
        offers.sort(key=lambda other: (other.name, other.distribution))

    def _suspects(self, name: str) -> list[str]:
        """Lines about plugins that did not load and may be where `name` is."""
        lines = []
        for report in self.plugins:
            if report.status == "disabled":
                lines.append(f"Left out by GANZOO_PLUGINS: {report.title}")
            elif report.status == "broken" and name in report.names:
                lines.append(f"Offered by {report.title}, which is broken: {report.problem}")
            elif report.status == "broken":
                lines.append(f"Broken, might offer it: {report.title}: {report.problem}")
        return lines

    def _add_own(self) -> None:
        """What ganzoo offers itself, which no allow-list touches."""
        for kind in self.kinds:
            if kind.own:
                specs = list(resolve(kind.own)())
                self._take("ganzoo", __version__, {kind.name: specs}, API_VERSION)
                entry_point = kind.own.partition(":")[0].removeprefix("ganzoo.").partition(".")[0]
                self._report("loaded", "ganzoo", __version__, entry_point, {kind.name: specs}, api=API_VERSION)

    def _load(self, found: Found) -> None:
        named, distribution, version = found.entry_point, found.distribution, found.version
        entry_point, package = named.name, named.value.partition(":")[0].partition(".")[0]
        collected: Collected = {}
        apis: list[int] = []
        name = f"{distribution}:{entry_point}"
        guest = Isolated(filters=True)
        try:
            if found.problem:
                raise PluginError(found.problem)
            with guest:
                self._collect(named.load(), name, collected, apis)
            self._refuse_repeats(distribution, collected)
        except BaseException as error:  # SystemExit too: a plugin must not end the program
            if guest.interrupted:
                raise
            with contextlib.suppress(Exception):
                self._manager.unregister(name=name)
            api = apis[0] if apis else None
            self._report_broken(distribution, version, entry_point, collected, reason(error), api=api, cause=error)
            return
        self._take(distribution, version, collected, apis[0])
        notices = [api1.notice(package), "" if any(collected.values()) else self._offers_nothing(named)]
        notice = "; ".join(filter(None, notices))
        self._report("loaded", distribution, version, entry_point, collected, api=apis[0], notice=notice)

    def _take(self, distribution: str, version: str, collected: Collected, api: int) -> None:
        for kind, specs in collected.items():
            self._offers[kind] += [
                InstalledSpec(spec=spec, distribution=distribution, version=version, api=api) for spec in specs
            ]

    def _collect(self, module: object, name: str, collected: Collected, apis: list[int]) -> None:
        if not isinstance(module, ModuleType):
            raise PluginError(f"its entry point names a {type(module).__name__}; expected a module")
        # Read before any spec is built: a newer plugin may use fields that this core does not know.
        apis.append(_check_api(module))
        self._manager.register(module, name=name)
        for caller in self._manager.get_hookcallers(module) or []:
            if not caller.has_spec():
                known = [kind.hook for kind in self.kinds]
                raise PluginError(f"it implements the unknown hook {caller.name!r}.{did_you_mean(caller.name, known)}")
        for kind in self.kinds:
            self._call(module, kind, collected.setdefault(kind.name, []))

    def _call(self, module: ModuleType, kind: Kind, into: list[Any]) -> None:
        for implementation in getattr(self._manager.hook, kind.hook).get_hookimpls():
            if implementation.plugin is not module:
                continue
            for spec in itertools.islice(implementation.function(), _MOST_SPECS + 1):
                if len(into) == _MOST_SPECS:
                    raise PluginError(f"{kind.hook}() yields more than {_MOST_SPECS} specs")
                if not isinstance(spec, kind.spec):
                    raise PluginError(f"{kind.hook}() gave a {type(spec).__name__}; expected {kind.spec.__name__}")
                name = getattr(spec, "name", None)
                if not isinstance(name, str):
                    raise PluginError(f"{kind.hook}() gave a spec whose name is {name!r}; expected a text")
                into.append(own_copy(spec, kind.spec))

    def _offers_nothing(self, named: EntryPoint) -> str:
        """In one clause, with the functions that would be hooks if they said so."""
        module = named.load()  # loaded before
        if self._manager.get_hookcallers(module):
            return "offers nothing: its hooks gave no spec"
        hooks_named = {kind.hook for kind in self.kinds}
        forgotten = [name for name in vars(module) if name in hooks_named]
        close = [name for name in vars(module) if name.startswith("ganzoo_") and name not in hooks_named]
        if forgotten:
            return f"offers nothing: {', '.join(forgotten)} of {named.value} lacks @hookimpl"
        if close:
            return f"offers nothing: {named.value} has {close[0]}.{did_you_mean(close[0], hooks_named)}"
        return f"offers nothing: {named.value} has no hook, such as @hookimpl def {self.kinds[0].hook}(): ..."

    def _refuse_repeats(self, distribution: str, collected: Collected) -> None:
        for kind in self.kinds:
            taken = [offer.name for offer in self.of(kind) if offer.distribution == distribution]
            names = [*taken, *(spec.name for spec in collected.get(kind.name, ()))]
            for name in names:
                if names.count(name) > 1:
                    raise PluginError(f"it offers the {kind.word} {name!r} twice")

    def _report(
        self, status: Any, distribution: str, version: str, entry_point: str, collected: Collected, *,
        api: int | None, problem: str = "", notice: str = "",
    ) -> None:  # fmt: skip
        self.plugins.append(
            PluginReport(
                distribution=distribution,
                version=version,
                entry_point=entry_point,
                status=status,
                api=api,
                offers={kind.name: tuple(spec.name for spec in collected.get(kind.name, ())) for kind in self.kinds},
                problem=problem,
                notice=notice,
            )
        )

    def _report_broken(
        self, distribution: str, version: str, entry_point: str, collected: Collected, problem: str, *,
        api: int | None, cause: BaseException | None = None,
    ) -> None:  # fmt: skip
        if is_strict():
            raise PluginError(
                f"plugin {distribution} {version} is broken: {problem}",
                hint="GANZOO_STRICT=1 makes this fatal; without it the plugin is left out.",
            ) from cause
        self._report("broken", distribution, version, entry_point, collected, api=api, problem=problem)


def _is_ours(kind: Kind, offer: InstalledSpec[Any]) -> bool:
    """Whether ganzoo or a distribution of this repository offers it: what others call by that name has a longer one."""
    return normalize(offer.distribution) in ("ganzoo", publisher(kind.name, offer.name))


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


_installed: list[Registry] = []
_loading = threading.RLock()


def installed_plugins(*, warn: Callable[[str], None] | None = None) -> Registry:
    """The one registry of this process, loaded when it is first asked for. Raises what `Registry.load` raises."""
    with _loading:
        if not _installed:
            _installed.append(Registry.load(warn=warn))
        return _installed[0]
