"""From a run's settings to its pictures."""

from __future__ import annotations

from ganzoo.architecture import DataKind
from ganzoo.config.resolve import RunConfig
from ganzoo.data.crops import Centred
from ganzoo.data.domains import open_kind
from ganzoo.data.flips import WithFlips
from ganzoo.data.source import DataSource, Notify
from ganzoo.datainfo import DataInfo, size_text
from ganzoo.errors import RequestError
from ganzoo.plugin.registry import Registry


def open_data(config: RunConfig, kind: DataKind, registry: Registry, notify: Notify) -> DataSource:
    """What the [data] table means, mirror images included; larger than they are shown if `load_size` says so.

    Raises what `open_kind` raises.
    """
    source = open_kind(config.data.opened(), kind, registry, notify=notify)
    return WithFlips(source) if config.data.flip else source


def pictures_per_epoch(source: DataSource, config: RunConfig) -> int:
    """Of the larger side, as the papers count. A mirror image is another view of a picture, not another picture."""
    return max(source.lengths) // (2 if config.data.flip else 1)


def info_shown(source: DataSource, config: RunConfig) -> DataInfo:
    """What the pictures are like when the networks see them: a part of `size` if they are opened at `load_size`.

    Raises RequestError where the source gives smaller ones than are to be cut from them.
    """
    shown = config.data.shown(source.info)
    for domain, picture in shown.pictures.items():
        opened = source.info.pictures[domain]
        if opened.height < picture.height or opened.width < picture.width:
            given, wanted = (size_text(one.height, one.width) for one in (opened, picture))
            raise RequestError(
                f"{config.data.source!r} gives pictures of {given} pixels, and parts of {wanted} are to be cut "
                "from them.",
                hint=f"--set data.size={given}, or leave data.load_size out.",
            )
    return shown


def seen_by_networks(source: DataSource, shown: DataInfo) -> DataSource:
    """A source of what is scored and shown in grids: the centres, where pictures are opened larger than shown."""
    return source if source.info.pictures == shown.pictures else Centred(source, shown)
