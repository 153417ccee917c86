"""The one table of what a plugin can offer. A new kind is a row here, and what is done with its specs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin.specs import (
    ArchitectureSpec,
    DataSourceSpec,
    FeatureNetworkSpec,
    LoggerSpec,
    MetricSpec,
    ProviderSpec,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of offer.

    name: its key in reports and JSON. word: what users call one. hook: what a plugin implements.
    spec: the class of its records, which have a `name`. added: the version of ganzoo that brought the hook.
    own: import string of a function that gives ganzoo's own, or "". They are there whatever GANZOO_PLUGINS says.
    """

    name: str
    word: str
    hook: str
    spec: type
    added: str
    own: str = ""

    @property
    def words(self) -> str:
        """What users call several."""
        return self.name.replace("_", " ")


ARCHITECTURES = Kind(
    name="architectures", word="architecture", hook="ganzoo_architectures", spec=ArchitectureSpec, added="0.1"
)
DATA_SOURCES = Kind(
    name="data_sources",
    word="data source",
    hook="ganzoo_data_sources",
    spec=DataSourceSpec,
    added="0.1",
    own="ganzoo.data.own:data_sources",
)
LOGGERS = Kind(
    name="loggers",
    word="logger",
    hook="ganzoo_loggers",
    spec=LoggerSpec,
    added="0.1",
    own="ganzoo.loggers.own:loggers",
)
PROVIDERS = Kind(
    name="providers",
    word="provider",
    hook="ganzoo_providers",
    spec=ProviderSpec,
    added="0.1",
    own="ganzoo.runtime.providers.own:providers",
)

METRICS = Kind(
    name="metrics",
    word="metric",
    hook="ganzoo_metrics",
    spec=MetricSpec,
    added="0.1",
    own="ganzoo.evaluation.own:metrics",
)
FEATURE_NETWORKS = Kind(
    name="feature_networks",
    word="feature network",
    hook="ganzoo_feature_networks",
    spec=FeatureNetworkSpec,
    added="0.1",
    own="ganzoo.evaluation.own:feature_networks",
)

KINDS = (ARCHITECTURES, DATA_SOURCES, LOGGERS, PROVIDERS, METRICS, FEATURE_NETWORKS)
