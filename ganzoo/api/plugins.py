"""What became of the installed plugins."""

from __future__ import annotations

from ganzoo.api.registry import installed
from ganzoo.plugin.report import PluginReport


def plugins() -> list[PluginReport]:
    """A report for each entry point: loaded, broken and why, or left out by GANZOO_PLUGINS. Imports no torch."""
    return list(installed().plugins)
