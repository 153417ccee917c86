"""From a run's settings to its pictures."""

from __future__ import annotations

import contextlib

from ganzoo.architecture import Architecture, DataKind
from ganzoo.architecture.build import condition_of
from ganzoo.config import DataConfig
from ganzoo.config.resolve import RunConfig
from ganzoo.data.balanced import Balanced, Unlabelled
from ganzoo.data.crops import Centred
from ganzoo.data.domains import open_kind
from ganzoo.data.facts import facts_of
from ganzoo.data.flips import WithFlips
from ganzoo.data.folder import DEFAULT
from ganzoo.data.source import DataSource, Notify
from ganzoo.datainfo import Condition, DataInfo, Domain, size_text
from ganzoo.errors import GanzooError, RequestError
from ganzoo.plugin.registry import Registry


def open_data(config: RunConfig, kind: DataKind, registry: Registry, notify: Notify) -> DataSource:
    """What the [data] table means, mirror images included; larger than they are shown if `load_size` says so.

    Raises what `open_kind` raises.
    """
    source = open_kind(config.data.opened(), kind, registry, notify=notify)
    _warn_of_other_pictures(source, config.data.opened(), notify)
    _check_labels(source, config.data)
    if config.data.labels == "none" and source.info.condition is not None:
        source = Unlabelled(source)
    if config.data.balance:
        source = Balanced(source)
    return WithFlips(source) if config.data.flip else source


def _check_labels(source: DataSource, options: DataConfig) -> None:
    """Raises RequestError where labels are asked for and there are none: a source that does not know the setting."""
    if options.labels not in ("", "none") and source.info.condition is None:
        raise RequestError(
            f"data.labels = {options.labels!r}, and {options.source!r} gives no labels.",
            hint="Labels are of folders and archives of pictures, for an architecture that paints from noise.",
        )


def _warn_of_other_pictures(source: DataSource, asked: DataConfig, notify: Notify) -> None:
    """A source may have one size only; who stated another shall know."""
    for domain, picture in source.info.pictures.items():
        wanted = asked.picture(picture, domain)
        if wanted != picture:
            of = "" if domain == "real" else f" of {domain}"
            notify(
                f"warning: {asked.source!r} gives pictures{of} of {picture}, whatever it is asked for; {wanted} was "
                "asked for in [data]"
            )


def pictures_per_epoch(source: DataSource, config: RunConfig) -> int:
    """Of the larger side, as the papers count. A mirror image is another view of a picture, not another picture."""
    if config.data.balance and (facts := facts_of(source)):
        return facts[0].report.count  # those that come again are none either
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


def imagined_info(
    implementation: type[Architecture], config: RunConfig, registry: Registry, *, condition_size: int = 10
) -> DataInfo:
    """What the pictures would be like where there are none: as the settings say, or else as a folder of photographs.

    condition_size: how many classes there would be, or numbers of a vector; 0 for neither. A vector has as many as that
    of the source that the settings name, if it can be opened.
    """
    domains: tuple[Domain, ...] = ("real",) if implementation.wants == "pictures" else ("source", "target")
    pictures = {domain: config.data.picture(DEFAULT, domain) for domain in domains}
    if not condition_size:
        return DataInfo(pictures)
    if condition_of(implementation, config.architecture) != "vector":
        return DataInfo(pictures, Condition(kind="class", size=condition_size))
    condition = Condition(kind="vector", size=condition_size)
    with contextlib.suppress(GanzooError):
        if config.data.source:
            source = open_data(config, implementation.wants, registry, lambda line: None)
            condition = source.info.condition or condition
    return DataInfo(pictures, condition)
