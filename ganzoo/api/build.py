"""The untrained architecture, for people who want its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.api.arguments import to_name, to_size, to_whole
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.plugin.settings import resolve_for

if TYPE_CHECKING:
    from ganzoo.architecture import Architecture


def build(
    architecture: str,
    *,
    size: int | tuple[int, int] | str | None = None,
    channels: int | None = None,
    classes: int = 10,
    preset: str | None = None,
    settings: Settings = None,
    seed: int = 0,
) -> Architecture:
    """An architecture with its initial weights, on the CPU: a torch module whose children are the networks.

    size, channels: of the pictures; what neither they nor a preset state is 64 and 3. size is a number, or height and
    width. classes: labels that there would be, or numbers of a vector where it paints from one.
    seed: of the weights, which depend on nothing else; torch's own generator is left as it was.

    Raises RequestError for a name nobody offers or settings that do not fit, PluginError for a broken plugin.
    """
    from ganzoo.architecture.build import build_architecture, implementation_class
    from ganzoo.data.opening import imagined_info

    offer = installed().architecture(to_name(architecture, "architecture"))
    seed = to_whole(seed, "seed", least=0, most=2**32 - 1)
    classes = to_whole(classes, "classes", least=0)
    layers = [
        *as_layers(settings),
        *option_layers("data", {"size": to_size(size, "size", least=4, most=4096), "channels": channels}),
    ]
    resolved = resolve_for(offer, layers, preset=preset)
    data = imagined_info(implementation_class(offer), resolved, installed(), condition_size=classes)
    return build_architecture(offer, resolved.architecture, data, seed=seed)
