"""The conformance suites for authors of architectures, data sources, providers, metrics and feature networks.

    # tests/test_mygan.py
    from ganzoo.testing import ArchitectureConformance

    class TestMyGAN(ArchitectureConformance):
        architecture = "mygan"

    class TestMyPictures(DataSourceConformance):
        source = "mypictures:argument"

    class TestMyProvider(ProviderConformance):
        provider = "myprovider"

    class TestMyMetric(MetricConformance):
        metric = "mymetric"

    class TestMyNetwork(FeatureNetworkConformance):
        network = "mynetwork"

Every check of an architecture runs with the `tiny` preset on random pictures, on the CPU, in seconds.
`pytest --pyargs ganzoo.testing` runs them over everything that is installed. Each is imported when it is first asked
for: that of providers needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.testing.absent_device import Mistake
    from ganzoo.testing.conformance import ArchitectureConformance
    from ganzoo.testing.metrics import FeatureNetworkConformance, MetricConformance
    from ganzoo.testing.pictures import RandomPictures
    from ganzoo.testing.providers import ProviderConformance
    from ganzoo.testing.rehearsal import rehearse
    from ganzoo.testing.sources import DataSourceConformance
    from ganzoo.testing.subject import Subject

__all__ = [
    "ArchitectureConformance",
    "DataSourceConformance",
    "FeatureNetworkConformance",
    "MetricConformance",
    "Mistake",
    "ProviderConformance",
    "RandomPictures",
    "Subject",
    "rehearse",
]

_PLACES = {
    "ArchitectureConformance": "conformance",
    "DataSourceConformance": "sources",
    "FeatureNetworkConformance": "metrics",
    "MetricConformance": "metrics",
    "Mistake": "absent_device",
    "ProviderConformance": "providers",
    "RandomPictures": "pictures",
    "Subject": "subject",
    "rehearse": "rehearsal",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        place = _PLACES.get(name)
        if place is None:
            raise AttributeError(f"module 'ganzoo.testing' has no attribute {name!r}")
        return getattr(importlib.import_module(f"ganzoo.testing.{place}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
