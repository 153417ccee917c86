"""Everything about one architecture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.api.arguments import to_name
from ganzoo.api.registry import installed
from ganzoo.config.fields import FieldInfo, describe
from ganzoo.config.tables import DataConfig
from ganzoo.config.train_table import TrainConfig
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ArchitectureInfo:
    """One architecture: what announces it, who offers it, and every setting by table, in words."""

    spec: ArchitectureSpec
    distribution: str
    version: str
    settings: Mapping[str, Sequence[FieldInfo]]

    def __repr__(self) -> str:
        tables = ", ".join(f"{len(fields)} settings in [{name}]" for name, fields in self.settings.items())
        return f"<{self.spec.name} of {self.distribution} {self.version}: {self.spec.task}, {tables}>"

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo info --json` prints."""
        return {
            "name": self.spec.name,
            "task": self.spec.task,
            "summary": self.spec.summary,
            "paper": self.spec.paper,
            "distribution": self.distribution,
            "version": self.version,
            "presets": {name: dataclasses.asdict(preset) for name, preset in self.spec.presets.items()},
            "settings": {name: [dataclasses.asdict(info) for info in infos] for name, infos in self.settings.items()},
        }


def info(architecture: str) -> ArchitectureInfo:
    """architecture: a name, or `distribution:name`.

    Raises RequestError for a name nobody offers, PluginError for a config that cannot be imported.
    """
    offer = installed().architecture(to_name(architecture, "architecture"))
    tables = {
        "architecture": describe(config_class(offer)),
        "train": describe(TrainConfig),
        "data": describe(DataConfig),
    }
    return ArchitectureInfo(spec=offer.spec, distribution=offer.distribution, version=offer.version, settings=tables)
