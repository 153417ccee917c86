"""An architecture of a script or notebook, without packaging."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping

from ganzoo.api.arguments import to_name
from ganzoo.api.registry import installed
from ganzoo.errors import RequestError
from ganzoo.plugin.call import remember
from ganzoo.plugin.installed import SCRIPT, InstalledSpec
from ganzoo.plugin.kinds import ARCHITECTURES
from ganzoo.plugin.specs import ArchitectureSpec, Preset


def register(
    architecture: ArchitectureSpec | type,
    *,
    name: str = "",
    summary: str = "",
    presets: Mapping[str, Preset] | None = None,
) -> InstalledSpec[ArchitectureSpec]:
    """Make an architecture known to every verb of this process, in place of one registered before
    under that name.

    architecture: a spec, or a class that extends `NoiseToImage`, `FromNoise`, `ImageToImage` or `Architecture`; its
    settings are the dataclass that its annotation `config:` names.
    name: what it is called; the class's own in lower case if not stated.
    It belongs to the distribution `__main__`: a run of it opens where it has been registered.

    Raises RequestError for what is neither, and for a name that an installed distribution offers.
    """
    if isinstance(architecture, ArchitectureSpec):
        if name or summary or presets:
            raise RequestError("A spec has its own name, summary and presets; state them there.")
        spec = architecture
    elif isinstance(architecture, type):
        spec = _spec(architecture, name, summary, presets or {})
    else:
        raise RequestError(
            f"{architecture!r} is a {type(architecture).__name__}; expected an ArchitectureSpec or a class.",
            hint="ganzoo.register(MyGAN)",
        )
    offer = InstalledSpec(spec=spec, distribution=SCRIPT, version="")
    registry = installed()
    for other in registry.architectures:
        if other.name == spec.name and other.distribution != SCRIPT:
            raise RequestError(
                f"{spec.name!r} is offered by {other.distribution} {other.version}.",
                hint="Give yours another name: ganzoo.register(MyGAN, name=...)",
            )
    registry.add(ARCHITECTURES, offer)
    return offer


def _spec(implementation: type, name: str, summary: str, presets: Mapping[str, Preset]) -> ArchitectureSpec:
    from ganzoo.architecture import Architecture

    if not issubclass(implementation, Architecture):
        raise RequestError(
            f"{implementation.__name__} is no Architecture.",
            hint="Extend ganzoo.architecture.NoiseToImage, ImageToImage or Architecture.",
        )
    name = to_name(name, "name") or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", implementation.__name__).lower().strip("_")
    here = f"{SCRIPT}:registered_{name.encode().hex()}"
    remember(f"{here}_implementation", implementation)
    config = _config(implementation)
    if config is not None:
        remember(f"{here}_config", config)
    first_line = (implementation.__doc__ or "").strip().partition("\n")[0]
    try:
        return ArchitectureSpec(
            name=name,
            task="noise-to-image" if implementation.wants == "pictures" else "image-to-image",
            summary=summary or first_line or f"{implementation.__name__}, registered by a script",
            implementation=f"{here}_implementation",
            config=f"{here}_config" if config is not None else "",
            presets=presets,
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise RequestError(f"{error}", hint='ganzoo.register(MyGAN, name="my-gan")') from None


def _config(implementation: type) -> type | None:
    """The dataclass that the annotation `config` names; None leaves it to the task."""
    try:
        config = typing.get_type_hints(implementation).get("config")
    except Exception as error:  # names that a type checker alone knows
        raise RequestError(
            f"The annotations of {implementation.__name__} cannot be read: {error}",
            hint="Define or import the config class before the architecture.",
        ) from None
    if config is not None and not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise RequestError(
            f"{implementation.__name__} has the annotation config: {config!r}; expected a dataclass.",
            hint="See ganzoo.config.",
        )
    return config
