"""What a data source is, and how `--data SOURCE` finds one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ganzoo.datainfo import DataInfo
from ganzoo.errors import DataError, RequestError, one_line
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import DataSourceSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.architecture import Batch, Pair

Notify = Callable[[str], None]
"""Receives one line for the user: what was read, a skipped picture. One that has `update`, as `ganzoo.progress` has it,
is told how far a long reading is."""


@runtime_checkable
class DataSource(Protocol):
    """Pictures that can be asked for by index.

    info: what the pictures are like once prepared: uint8, all of one size; with a condition, each has a label.
    description: one line for the record of a run; no path in it.
    lengths: how many there are; one number for each side that is shuffled on its own, so that
        unpaired translation has two.
    in_memory: fetching is only copying; otherwise it is done ahead, in a background thread.

    It may have `facts` besides, one `ganzoo.data.facts.PictureFacts` for each side: what was read, hashes, labels.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAddress:
    """Who offers a source, the argument it is opened with, and a text that means the same anywhere."""

    offer: InstalledSpec[DataSourceSpec]
    argument: str
    text: str


def locate(text: str, registry: Registry, *, bare_path: str = "folder") -> SourceAddress:
    """What `--data` means: NAME, NAME:ARGUMENT (NAME may be `distribution:name`), or the path of a folder.

    bare_path: which of our own sources a path alone means.
    Raises RequestError for a name nobody offers, with suggestions.
    """
    if not text:
        raise RequestError("No data source is given.", hint="Try --data digits, or --data PATH with your own pictures.")
    for offer in registry.data_sources:
        for name in (offer.qualified_name, offer.spec.name):
            if text == name or text.startswith(f"{name}:"):
                registry.data_source(name)  # raises when several offer it
                return _located(offer, name, text[len(name) + 1 :])
    if _looks_like_path(text) or _exists(text):
        return _located(registry.data_source(f"ganzoo:{bare_path}"), bare_path, text)
    name = text.partition(":")[0]
    if name not in [offer.name for offer in registry.data_sources]:
        try:
            registry.data_source(name)
        except RequestError as error:
            raise RequestError(f"{error.message}\nNor is there a folder {text!r} here.", hint=error.hint) from None
    return _located(registry.data_source(name), text, "")


def _located(offer: InstalledSpec[DataSourceSpec], name: str, argument: str) -> SourceAddress:
    if offer.qualified_name in ("ganzoo:folder", "ganzoo:pairs", "ganzoo:wds", "ganzoo:hf"):
        if not argument:
            raise RequestError(
                f"The data source {name!r} wants a folder: {name}:PATH.", hint=f"For a folder of that name: ./{name}"
            )
        try:
            argument = str(Path(argument).expanduser().absolute())
            Path(argument).exists()
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f"{argument!r} is not a path: {one_line(error)}") from None
    return SourceAddress(offer=offer, argument=argument, text=f"{name}:{argument}" if argument else name)


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return False


def _looks_like_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith((".", "~"))
