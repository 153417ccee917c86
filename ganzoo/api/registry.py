"""The plugins of this process, found when a verb first asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.plugin.registry import Registry, installed_plugins

if TYPE_CHECKING:
    from ganzoo.progress import ProgressListener


def installed(progress: ProgressListener | None = None) -> Registry:
    """The one registry of this process. A broken plugin is said once, when it is loaded."""

    def warn(line: str) -> None:
        from ganzoo.progress import listener, say_warning

        say_warning(listener(progress))(line)

    return installed_plugins(warn=warn)
