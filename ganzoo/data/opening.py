"""From a run's settings to its pictures."""

from __future__ import annotations

import dataclasses

from ganzoo.config.resolve import RunConfig
from ganzoo.data.domains import Kind, open_kind
from ganzoo.data.flips import WithFlips
from ganzoo.data.source import DataSource, Notify
from ganzoo.errors import RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.tensors import DataInfo


def open_data(config: RunConfig, kind: Kind, registry: Registry, notify: Notify) -> DataSource:
    """What the [data] table means, mirror images included; larger than they are shown if `load_size` says so.

    Raises what `open_kind` raises.
    """
    options = dataclasses.replace(config.data, size=config.data.load_size or config.data.size)
    source = open_kind(options, kind, registry, notify=notify)
    return WithFlips(source) if config.data.flip else source


def pictures_per_epoch(source: DataSource, config: RunConfig) -> int:
    """Of the larger side, as the papers count. A mirror image is another view of a picture, not another picture."""
    return max(source.lengths) // (2 if config.data.flip else 1)


def info_shown(source: DataSource, config: RunConfig) -> DataInfo:
    """What the pictures are like when the networks see them: cut to `size` if they are read at `load_size`."""
    size = config.data.size
    if config.data.load_size is None or size is None:
        return source.info
    if source.info.size < size:
        raise RequestError(
            f"{config.data.source!r} gives pictures of {source.info.size} pixels, and squares of {size} are to be cut "
            "from them.",
            hint=f"--set data.size={source.info.size}, or leave data.load_size out.",
        )
    return dataclasses.replace(source.info, size=size)
