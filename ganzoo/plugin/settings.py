"""The settings of an architecture: its config class, its presets, what a user lays over them. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.config.resolve import Layer, RunConfig, resolve
from ganzoo.config.tables import ImageToImageConfig, NoiseToImageConfig
from ganzoo.datainfo import height_and_width, size_text
from ganzoo.errors import PluginError, RequestError, did_you_mean, shell_word
from ganzoo.plugin.call import call_plugin, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.kinds import ARCHITECTURES
from ganzoo.plugin.published import publisher
from ganzoo.plugin.specs import ArchitectureSpec

_TASK_CONFIGS: Mapping[str, type] = {
    "noise-to-image": NoiseToImageConfig,
    "image-to-image": ImageToImageConfig,
}


def config_class(offer: InstalledSpec[ArchitectureSpec]) -> type:
    """The dataclass of an architecture's hyperparameters. Raises PluginError when it is not one."""
    import dataclasses

    if not offer.spec.config:
        return _TASK_CONFIGS[offer.spec.task]
    config = load_object(offer.spec.config, offer=offer)
    if not isinstance(config, type) or not dataclasses.is_dataclass(config):
        raise PluginError(f"{offer.spec.config} of {offer.distribution} is not a dataclass.")
    return config


def resolve_for(
    offer: InstalledSpec[ArchitectureSpec], layers: Sequence[Layer], *, preset: str | None = None, devices: int = 1
) -> RunConfig:
    """The configuration of an architecture: its defaults, a preset, what the preset computes, and `layers` over them.

    Raises RequestError for settings that are not valid, or a preset that computes and no size of pictures.
    """
    config = config_class(offer)
    if preset is None:
        return resolve(typed_name(offer), config, layers)
    below = preset_layer(offer.spec, preset, typed=typed_name(offer))
    resolved = resolve(typed_name(offer), config, [below, *layers])
    computed = offer.spec.presets[preset].computed
    if not computed:
        return resolved
    if resolved.data.size is None:
        raise RequestError(
            f"The preset {preset!r} follows from the size of the pictures, and none is stated.",
            hint="Add --set data.size=N.",
        )
    stated = ("train", "batch_size") in resolved.origins
    height, width = height_and_width(resolved.data.size)
    if offer.api < 2 and height != width:
        raise RequestError(
            f"The preset {preset!r} follows from the size of square pictures, not of {size_text(height, width)}.",
            hint=f"--set data.size={min(height, width)}, or another preset: `ganzoo info "
            f"{shell_word(typed_name(offer))}`.",
        )
    size: Mapping[str, Any] = {"size": height} if offer.api < 2 else {"height": height, "width": width}
    tables = call_plugin(
        load_object(computed, offer=offer),
        **size,
        devices=devices,
        batch_size=resolved.train.batch_size if stated else None,
        failed=f"The preset {preset!r} of {offer.maker} could not be computed",
    )
    if not isinstance(tables, Mapping) or not all(isinstance(values, Mapping) for values in tables.values()):
        raise PluginError(f"{computed} of {offer.maker} gave a {type(tables).__name__}; expected tables of settings.")
    above = Layer(origin=f"preset {preset}, computed", tables=tables)
    return resolve(typed_name(offer), config, [below, above, *layers])


def preset_layer(spec: ArchitectureSpec, name: str, *, typed: str = "") -> Layer:
    """The layer of a preset. typed: what a user types for the architecture, if it is not its name.

    Raises RequestError for a name the architecture does not have.
    """
    preset, typed = spec.presets.get(name), typed or spec.name
    if preset is None:
        raise RequestError(
            f"{typed} has no preset {name!r}.{did_you_mean(name, spec.presets)} "
            f"Presets: {', '.join(spec.presets) or 'none'}.",
            hint=f"See `ganzoo info {shell_word(typed)}`.",
        )
    tables = {"architecture": preset.architecture, "train": preset.train, "data": preset.data}
    return Layer(origin=f"preset {name}", tables=tables)


def typed_name(offer: InstalledSpec[ArchitectureSpec]) -> str:
    """What a user types for it: a name that is one of ours means ours, and a stranger's has a longer one."""
    ours = publisher(ARCHITECTURES.name, offer.name)
    return offer.name if ours in (None, offer.distribution) else offer.qualified_name
