"""Everything that is installed and has a conformance suite, ours and other people's: `pytest --pyargs ganzoo.testing`.

What is installed is looked up when pytest collects. GANZOO_PLUGINS=a,b narrows it, and so does `-k NAME`.
A data source that wants an argument is left to its author, who subclasses `DataSourceConformance`.
"""

from __future__ import annotations

import re

from ganzoo.config import DataConfig
from ganzoo.data.checked import open_source
from ganzoo.errors import GanzooError, RequestError
from ganzoo.plugin.kinds import FEATURE_NETWORKS, METRICS, PROVIDERS
from ganzoo.plugin.registry import Registry
from ganzoo.testing import (
    ArchitectureConformance,
    DataSourceConformance,
    FeatureNetworkConformance,
    MetricConformance,
    ProviderConformance,
)


def _title(name: str) -> str:
    return "Test" + re.sub(r"\W", "_", name)


def _wants_an_argument(name: str, registry: Registry) -> bool:
    """What fails otherwise is collected, and fails."""
    try:
        open_source(DataConfig(source=name), registry, notify=lambda line: None)
    except RequestError:
        return True
    except GanzooError:
        return False
    return False


def _suites() -> dict[str, type]:
    registry = Registry.load()
    architectures = {
        _title(offer.qualified_name): type(
            _title(offer.qualified_name), (ArchitectureConformance,), {"architecture": offer.qualified_name}
        )
        for offer in registry.architectures
        if offer.spec.trains
    }
    sources = {
        f"{_title(offer.qualified_name)}_data": type(
            f"{_title(offer.qualified_name)}_data", (DataSourceConformance,), {"source": offer.qualified_name}
        )
        for offer in registry.data_sources
        if not _wants_an_argument(offer.qualified_name, registry)
    }
    providers = {
        f"{_title(offer.qualified_name)}_provider": type(
            f"{_title(offer.qualified_name)}_provider", (ProviderConformance,), {"provider": offer.name}
        )
        for offer in registry.of(PROVIDERS)
    }
    metrics = {
        f"{_title(offer.qualified_name)}_metric": type(
            f"{_title(offer.qualified_name)}_metric",
            (MetricConformance,),
            # A path length over features, as weights of the usual distance need not be there.
            {
                "metric": offer.qualified_name,
                "options": {"pairs": 40, "distance": "features"} if offer.name == "ppl" else {},
            },
        )
        for offer in registry.of(METRICS)
    }
    networks = {
        f"{_title(offer.qualified_name)}_network": type(
            f"{_title(offer.qualified_name)}_network", (FeatureNetworkConformance,), {"network": offer.qualified_name}
        )
        for offer in registry.of(FEATURE_NETWORKS)
    }
    return {**architectures, **sources, **providers, **metrics, **networks}


globals().update(_suites())
