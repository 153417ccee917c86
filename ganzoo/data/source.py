"""What a data source is, and how `--data SOURCE` finds one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ganzoo.config import DataConfig
from ganzoo.errors import DataError, GanzooError, RequestError, one_line
from ganzoo.plugins import Registry, load_object
from ganzoo.specs import DataInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.architecture import Batch, Pair

Notify = Callable[[str], None]
"""Receives one line for the user: a skipped picture, progress of a long scan."""


@runtime_checkable
class DataSource(Protocol):
    """Pictures that can be asked for by index.

    info: what the pictures are like once prepared.
    description: one line for the record of a run; no path in it.
    lengths: how many there are; one number for each side that is shuffled on its own, so that
        unpaired translation has two.
    in_memory: fetching is only copying; otherwise it is done ahead, in a background thread.
    """

    info: DataInfo
    description: str
    lengths: tuple[int, ...]
    in_memory: bool

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        """The pictures of these indices, one array for each side: uint8 tensors on the CPU.

        Called from a background thread unless `in_memory`. Raises DataError for a picture that has become unreadable.
        """
        ...


def open_source(options: DataConfig, registry: Registry, *, notify: Notify) -> DataSource:
    """The source that `options.source` names: NAME, NAME:ARGUMENT, or the path of a folder.

    Raises RequestError for a name nobody offers, DataError when its pictures cannot be read,
    PluginError when a plugin's source is broken.
    """
    text = options.source
    if not text:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    name, _, argument = text.partition(":")
    names = [offer.spec.name for offer in registry.data_sources]
    qualified = [offer.qualified_name for offer in registry.data_sources]
    for offered in qualified:
        if text == offered or text.startswith(f"{offered}:"):
            name, argument = offered, text[len(offered) + 1 :]
    if name not in names and name not in qualified:
        if Path(text).expanduser().exists() or _looks_like_path(text):
            name, argument = "ganzoo:folder", text
        else:
            registry.data_source(name)  # raises, with suggestions
    offer = registry.data_source(name)
    factory = load_object(offer.spec.implementation, offer=offer)
    try:
        source: Any = factory(argument, options, notify=notify)
    except GanzooError:
        raise
    except Exception as error:
        raise DataError(
            f"The data source {offer.spec.name!r} of {offer.distribution} {offer.version} failed: {one_line(error)}"
        ) from error
    if not isinstance(source, DataSource):
        raise DataError(
            f"{offer.spec.implementation} of {offer.distribution} gave a {type(source).__name__}, not a DataSource."
        )
    return source


def _looks_like_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith((".", "~"))
