"""The plugins of this process, found when a verb first asks for them."""

from __future__ import annotations

from ganzoo.plugin.registry import Registry, installed_plugins
from ganzoo.progress import ProgressListener, listener, say_warning


def installed(progress: ProgressListener | None = None) -> Registry:
    """The one registry of this process. A broken plugin is said once, when it is loaded."""
    return installed_plugins(warn=say_warning(listener(progress)))
