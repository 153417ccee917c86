"""From an offer to a built architecture: the place where torch is first imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.config.resolve import Layer, Resolved, preset_layer, resolve
from ganzoo.config.tables import ImageToImageConfig, NoiseToImageConfig
from ganzoo.errors import GanzooError, PluginError, RequestError, one_line
from ganzoo.plugins import Offer, load_object
from ganzoo.specs import ArchitectureSpec, DataInfo

if TYPE_CHECKING:
    from ganzoo.architecture import Architecture

_TASK_CONFIGS: Mapping[str, type] = {
    "noise-to-image": NoiseToImageConfig,
    "image-to-image": ImageToImageConfig,
}


def config_class(offer: Offer[ArchitectureSpec]) -> type:
    """The dataclass of an architecture's hyperparameters. Raises PluginError when it is not one."""
    import dataclasses

    if not offer.spec.config:
        return _TASK_CONFIGS[offer.spec.task]
    config = load_object(offer.spec.config, offer=offer)
    if not isinstance(config, type) or not dataclasses.is_dataclass(config):
        raise PluginError(f"{offer.spec.config} of {offer.distribution} is not a dataclass.")
    return config


def resolve_for(
    offer: Offer[ArchitectureSpec], layers: Sequence[Layer], *, preset: str | None = None, devices: int = 1
) -> Resolved:
    """The configuration of an architecture: its defaults, a preset, what the preset computes, and `layers` over them.

    Raises RequestError for settings that are not valid, or a preset that computes and no size of pictures.
    """
    config = config_class(offer)
    if preset is None:
        return resolve(offer.spec.name, config, layers)
    below = preset_layer(offer.spec, preset)
    resolved = resolve(offer.spec.name, config, [below, *layers])
    computed = offer.spec.presets[preset].computed
    if not computed:
        return resolved
    if resolved.data.size is None:
        raise RequestError(
            f"The preset {preset!r} follows from the size of the pictures, and none is stated.",
            hint="Add --set data.size=N.",
        )
    stated = ("train", "batch_size") in resolved.origins
    tables = load_object(computed, offer=offer)(
        size=resolved.data.size, devices=devices, batch_size=resolved.train.batch_size if stated else None
    )
    return resolve(offer.spec.name, config, [below, Layer(origin=f"preset {preset}, computed", tables=tables), *layers])


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
    import torch

    from ganzoo.architecture.step import derive_key

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
