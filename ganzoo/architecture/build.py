"""From a spec to a built architecture, which is where a plugin's torch code is first imported."""

from __future__ import annotations

import os
from typing import Any

import torch

from ganzoo.architecture.base import Architecture
from ganzoo.errors import GanzooError, PluginError, one_line
from ganzoo.keys import derive_key
from ganzoo.plugin.registry import Offer, load_object
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.tensors import DataInfo


def implementation_class(offer: Offer[ArchitectureSpec]) -> type[Architecture]:
    """The class behind a spec. Raises PluginError when it cannot be imported or is no Architecture."""
    from ganzoo.architecture import Architecture

    implementation = load_object(offer.spec.implementation, offer=offer)
    if not isinstance(implementation, type) or not issubclass(implementation, Architecture):
        raise PluginError(f"{offer.spec.implementation} of {offer.distribution} is not an Architecture.")
    return implementation


def build_architecture(offer: Offer[ArchitectureSpec], config: Any, data: DataInfo, *, seed: int) -> Architecture:
    """The architecture with its initial weights, which depend on the seed alone, on the CPU.

    Leaves torch's default generator as it was. Raises what `implementation_class` raises, PluginError when the
    implementation fails to build, RequestError when it refuses config or data.
    """

    implementation = implementation_class(offer)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_key(seed, "build"))
        try:
            return implementation(config, data)
        except GanzooError:
            raise
        except (Exception, SystemExit) as error:
            if os.environ.get("GANZOO_STRICT") == "1":
                raise
            raise PluginError(
                f"{offer.spec.name!r} of {offer.distribution} {offer.version} could not be built: {one_line(error)}",
                hint="GANZOO_STRICT=1 shows the whole traceback.",
            ) from error
