"""What a logger is, and how `train.loggers` finds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ganzoo.plugin.call import call_plugin, expect, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import LoggerSpec


@runtime_checkable
class Logger(Protocol):
    """Told the metrics of a training. One that raises is switched off with a warning; training goes on."""

    def log(self, record: Mapping[str, Any]) -> None:
        """step, kimg, seconds, images_per_second, and each loss and statistic as `phase.name`."""
        ...

    def picture(self, path: Path, step: int) -> None:
        """A grid of samples was written to `path`."""
        ...

    def close(self) -> None:
        """Training ended, well or not."""
        ...


Factory = Callable[..., Logger]
"""(run: Path, *, resume_step: int) -> Logger. What was logged after `resume_step` is void: it will come again."""


def find_loggers(names: str, registry: Registry) -> list[tuple[InstalledSpec[LoggerSpec], Factory]]:
    """The factories of loggers named in a comma-separated text, imported.

    Raises RequestError for a name nobody offers or a package that is missing, PluginError for a broken plugin.
    """
    offers = [registry.logger(name.strip()) for name in names.split(",") if name.strip()]
    return [(offer, load_object(offer.spec.implementation, offer=offer)) for offer in offers]


def open_loggers(
    factories: Sequence[tuple[InstalledSpec[LoggerSpec], Factory]], run: Path, *, resume_step: int
) -> dict[str, Logger]:
    """Loggers by name. Raises PluginError for one that cannot begin."""
    loggers: dict[str, Logger] = {}
    for offer, factory in factories:
        logger = call_plugin(factory, run, resume_step=resume_step, failed=f"The logger {offer.maker} failed")
        expect(logger, Logger, offer.spec.implementation, offer)
        loggers[offer.qualified_name] = logger
    return loggers
