"""From a spec to a built architecture, which is where a plugin's torch code is first imported."""

from __future__ import annotations

from typing import Any, Literal

import torch

from ganzoo.architecture.base import Architecture
from ganzoo.config.resolve import RunConfig
from ganzoo.errors import PluginError
from ganzoo.keys import derive_key
from ganzoo.plugin.call import call_plugin, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.tensors import Condition, ConditionKind, DataInfo, Domain, Picture

_PHOTOGRAPH = Picture(channels=3, height=64, width=64)


def implementation_class(offer: InstalledSpec[ArchitectureSpec]) -> type[Architecture]:
    """The class behind a spec. Raises PluginError when it cannot be imported or is no Architecture."""
    from ganzoo.architecture import Architecture

    implementation = load_object(offer.spec.implementation, offer=offer)
    if not isinstance(implementation, type) or not issubclass(implementation, Architecture):
        raise PluginError(f"{offer.spec.implementation} of {offer.distribution} is not an Architecture.")
    return implementation


def condition_of(implementation: type[Architecture], config: Any) -> ConditionKind:
    """What an architecture with these settings paints from besides noise, before it is built."""
    if isinstance(implementation.condition, property):
        bare = implementation.__new__(implementation)
        torch.nn.Module.__init__(bare)
        bare.config = config
        return bare.condition
    declared: ConditionKind = implementation.condition
    return "class" if declared == "none" and getattr(implementation, "conditional", False) else declared


def imagined_data(implementation: type[Architecture], resolved: RunConfig, *, condition_size: int = 10) -> DataInfo:
    """What the pictures would be like where there are none: as the settings say, or else as a folder of photographs.

    condition_size: how many classes there would be, or numbers of a vector; 0 for neither.
    """
    domains: tuple[Domain, ...] = ("real",) if implementation.wants == "pictures" else ("source", "target")
    pictures = {domain: resolved.data.picture(_PHOTOGRAPH, domain) for domain in domains}
    if not condition_size:
        return DataInfo(pictures)
    kind: Literal["class", "vector"] = (
        "vector" if condition_of(implementation, resolved.architecture) == "vector" else "class"
    )
    return DataInfo(pictures, Condition(kind=kind, size=condition_size))


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
