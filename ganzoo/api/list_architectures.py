"""Which architectures there are."""

from __future__ import annotations

from ganzoo.api.registry import installed
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec


def list_architectures() -> list[InstalledSpec[ArchitectureSpec]]:
    """Every architecture that the installed plugins offer, in order of name. Imports no torch.

    Each has a `spec` (name, task, summary, paper, presets), a `distribution` and a `version`.
    """
    return list(installed().architectures)
