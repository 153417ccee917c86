"""Metrics and feature networks by what users type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, short
from ganzoo.evaluation.metric import Metric, checked_metric
from ganzoo.evaluation.network import FeatureNetwork, checked_network
from ganzoo.plugin.call import call_plugin, load_object
from ganzoo.plugin.kinds import FEATURE_NETWORKS, METRICS

if TYPE_CHECKING:
    from ganzoo.plugin.registry import Registry

OFFICIAL = "inception-2015"
_WEIGHTS = (".pth", ".pt", ".pkl", ".safetensors")


def find_metrics(names: Sequence[str | Metric], registry: Registry) -> list[Metric]:
    """Metrics by name, or themselves. Raises RequestError for one that nobody offers, PluginError for a broken one."""
    found = []
    for name in names:
        if isinstance(name, Metric):
            found.append(checked_metric(name, getattr(name, "name", ""), short(name)))
            continue
        offer = registry.find(METRICS, name)
        made: Any = load_object(offer.spec.implementation, offer=offer)
        if isinstance(made, type):
            made = call_plugin(made, failed=f"The metric {offer.maker} cannot be made")
        found.append(checked_metric(made, offer.name, offer.maker))
    return found


def find_network(given: Any, options: Mapping[str, str], device: str, registry: Registry) -> FeatureNetwork:
    """A network by name, by NAME=FILE, by an ONNX file, or itself.

    Raises RequestError for one that nobody offers or whose weights are not there, PluginError for a broken one,
    ModuleNotFoundError for one whose package is not installed.
    """
    if isinstance(given, FeatureNetwork):
        return checked_network(given, short(given))
    text = str(getattr(given, "path", given))
    name, equals, file = text.partition("=")
    path: Path | None = None
    if equals and name in {offer.name for offer in registry.of(FEATURE_NETWORKS)}:
        path = Path(file).expanduser()
    elif text.endswith(".onnx"):
        name, path = "onnx", Path(text).expanduser()
    elif text.endswith(_WEIGHTS):
        name, path = OFFICIAL, Path(text).expanduser()
    else:
        name = text
    offer = registry.find(FEATURE_NETWORKS, name)
    make = load_object(offer.spec.implementation, offer=offer)
    try:
        network = call_plugin(
            make, path, dict(options), device=device, failed=f"The feature network {offer.maker} cannot be made"
        )
    except GanzooError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise error.__cause__ from None
        raise
    return checked_network(network, offer.maker)
