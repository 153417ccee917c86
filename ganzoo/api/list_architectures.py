"""Which architectures there are."""

from __future__ import annotations

from typing import Any

from ganzoo.api.registry import installed
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec


def list_architectures() -> list[InstalledSpec[ArchitectureSpec]]:
    """Every architecture that the installed plugins offer, in order of name. Imports no torch.

    Each has a `spec` (name, task, summary, paper, presets), a `distribution` and a `version`.
    """
    return list(installed().architectures)


def architecture_json(offer: InstalledSpec[ArchitectureSpec]) -> dict[str, Any]:
    """What `ganzoo list --json` prints of one."""
    return {
        "name": offer.name,
        "task": offer.spec.task,
        "summary": offer.spec.summary,
        "paper": offer.spec.paper,
        "presets": list(offer.spec.presets),
        "distribution": offer.distribution,
        "version": offer.version,
    }
