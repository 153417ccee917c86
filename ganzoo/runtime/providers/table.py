"""The execution providers by the name that users type: ganzoo's own, and those that plugins offered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.errors import PluginError, RequestError, did_you_mean, short
from ganzoo.plugin.call import call_plugin, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ProviderSpec
from ganzoo.runtime.providers.own import providers
from ganzoo.runtime.providers.provider import Option, Provider
from ganzoo.version import __version__

_offers: dict[str, InstalledSpec[ProviderSpec]] = {
    spec.name: InstalledSpec(spec=spec, distribution="ganzoo", version=__version__) for spec in providers()
}
_made: dict[str, Provider] = {}


def offer(offers: Iterable[InstalledSpec[ProviderSpec]]) -> None:
    """Make what plugins offer known in this process, too. ganzoo's own names stay ganzoo's."""
    for one in offers:
        _offers.setdefault(one.name, one)


def is_known(name: str) -> bool:
    """Whether `find_provider` finds it."""
    return name in _offers


def known_names() -> list[str]:
    """ganzoo's own first."""
    return list(_offers)


def implementation_of(name: str) -> str:
    """The import string of a known provider, by which another process finds it."""
    return _offers[name].spec.implementation


def find_provider(name: str, implementation: str = "") -> Provider:
    """Raises RequestError for one that nobody offers, PluginError for one that cannot be made.

    implementation: where it is, as a process that knows its plugin says.
    """
    if implementation and name not in _offers:
        spec = ProviderSpec(name=name, summary="", implementation=implementation)
        offer([InstalledSpec(spec=spec, distribution=implementation.partition(".")[0], version="")])
    if name not in _offers:
        raise RequestError(
            f"There is no provider {name!r}.{did_you_mean(name, _offers)} Providers: {', '.join(_offers)}.",
            hint="`ganzoo doctor` says which of them work here.",
        )
    if name not in _made:
        _made[name] = _make(_offers[name])
    return _made[name]


def _make(one: InstalledSpec[ProviderSpec]) -> Provider:
    made: Any = load_object(one.spec.implementation, offer=one)
    if isinstance(made, type):
        made = call_plugin(made, failed=f"The provider {one.maker} cannot be made")
    if not isinstance(made, Provider) or getattr(made, "name", None) != one.name:
        raise PluginError(
            f"{one.maker}: {one.spec.implementation} is {type(made).__name__}, no provider of that name; it must be a "
            "subclass of ganzoo.Provider with this `name`."
        )
    for what, kind in (("options", Mapping), ("always", Mapping), ("precisions", Mapping), ("packages", tuple)):
        if not isinstance(getattr(made, what), kind):
            raise PluginError(f"{one.maker}: its {what} are {short(getattr(made, what))}; expected a {kind.__name__}.")
    if odd := [key for key, option in made.options.items() if not isinstance(option, Option)]:
        raise PluginError(f"{one.maker}: its option {short(odd[0])} is no Option.")
    texts = [getattr(made, what) for what in ("ort_name", "device_option", "graph_option", "memory", "maker", "tried")]
    if odd := [text for text in texts if not isinstance(text, str)]:
        raise PluginError(f"{one.maker}: it declares {short(odd[0])} where a text is expected.")
    return made
