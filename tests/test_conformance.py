"""The conformance suite over every installed architecture, and over the toys the contract was settled with."""

from toy_zoo import OFFERS, SHAPES

from ganzoo.plugin.registry import Registry
from ganzoo.testing import ArchitectureConformance

SUBJECTS = {offer.qualified_name: offer.qualified_name for offer in Registry.load().architectures if offer.spec.trains}
SUBJECTS |= {offer.qualified_name: offer for offer in [*OFFERS, *SHAPES]}

for _name, _subject in SUBJECTS.items():
    _title = "Test" + _name.replace(":", "_").replace("-", "_")
    globals()[_title] = type(_title, (ArchitectureConformance,), {"architecture": _subject})
