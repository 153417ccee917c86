"""From a spec to a built architecture, which is where a plugin's torch code is first imported."""

from __future__ import annotations

from typing import Any, get_args

import torch

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import DataKind
from ganzoo.architecture.wanted import unbuilt
from ganzoo.errors import PluginError
from ganzoo.keys import derive_key
from ganzoo.plugin.call import call_plugin, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.tensors import ConditionKind, DataInfo


def implementation_class(offer: InstalledSpec[ArchitectureSpec]) -> type[Architecture]:
    """The class behind a spec. Raises PluginError when it cannot be imported or is no Architecture."""
    from ganzoo.architecture import Architecture

    implementation = load_object(offer.spec.implementation, offer=offer)
    if not isinstance(implementation, type) or not issubclass(implementation, Architecture):
        raise PluginError(f"{offer.spec.implementation} of {offer.distribution} is not an Architecture.")
    if implementation.wants not in get_args(DataKind):
        raise PluginError(
            f"{implementation.__name__} of {offer.distribution} has wants = {implementation.wants!r}.",
            hint=f"Expected one of {', '.join(get_args(DataKind))}.",
        )
    return implementation


def condition_of(implementation: type[Architecture], config: Any) -> ConditionKind:
    """What an architecture with these settings paints from besides noise, before it is built."""
    try:
        return unbuilt(implementation, config).painted_from()
    except Exception:  # a property over something else; building it says what is wrong
        return "none"


def build_architecture(
    offer: InstalledSpec[ArchitectureSpec], config: Any, data: DataInfo, *, seed: int
) -> Architecture:
    """The architecture with its initial weights, which depend on the seed alone, on the CPU.

    Leaves torch's default generator as it was. Raises what `implementation_class` raises, PluginError when the
    implementation fails to build, RequestError when it refuses config or data.
    """

    implementation = implementation_class(offer)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_key(seed, "build"))
        return call_plugin(implementation, config, data, failed=f"{offer.maker} could not be built")
