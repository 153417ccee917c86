"""From a run's settings to its pictures."""

from __future__ import annotations

import contextlib
import dataclasses

from ganzoo.architecture import Architecture
from ganzoo.architecture.build import condition_of
from ganzoo.architecture.wanted import WantedData, wanted_by
from ganzoo.config import DataConfig
from ganzoo.config.resolve import RunConfig
from ganzoo.data.balanced import Balanced, Unlabelled
from ganzoo.data.crops import Centred
from ganzoo.data.degradation.recipe import parse_recipe
from ganzoo.data.degradation.source import Degraded
from ganzoo.data.domains import gives_pairs, has_own_sizes, kind_given, open_kind
from ganzoo.data.facts import facts_of
from ganzoo.data.flips import WithFlips, WithTurns
from ganzoo.data.folder import DEFAULT
from ganzoo.data.source import DataSource, Notify
from ganzoo.datainfo import Condition, DataInfo, Domain, Picture, height_and_width, size_text
from ganzoo.errors import GanzooError, RequestError
from ganzoo.plugin.registry import Registry


def completed(config: RunConfig, wanted: WantedData, registry: Registry) -> RunConfig:
    """The [data] table with what follows from the architecture: how partners are made, and how large they are.

    Raises RequestError for partners that shall be made where none are wanted, or were given.
    """
    data = config.data
    if wanted.kind != "pairs":
        if data.makes_partners:
            raise RequestError(
                f"data.degrade = {data.degrade!r} makes pairs of good pictures, and this architecture learns from "
                f"{'pictures' if wanted.kind == 'pictures' else 'two domains'}.",
                hint="`ganzoo list` names those that restore pictures.",
            )
        return config
    if data.makes_partners and data.target:
        raise RequestError(
            f"data.degrade = {data.degrade!r} makes the partners of pictures, and --target gives them.",
            hint="Leave one of the two out; --set data.degrade=none keeps what is given.",
        )
    if not data.degrade and not gives_pairs(data):
        data = dataclasses.replace(data, degrade=wanted.degradation)
    if data.makes_partners:
        parse_recipe(data.degrade, wanted.scale)  # before anything is read
    # Of who restores, resized pictures are not those that were given.
    restores = data.makes_partners or wanted.degradation
    resized = ("data", "fit") in config.origins or data.load_size is not None or data.cache
    if restores and not resized and has_own_sizes(data, registry):
        data = dataclasses.replace(data, fit="part")
    if not data.makes_partners and wanted.scale > 1 and data.source_size is None:
        height, width = height_and_width(data.size or (DEFAULT.height, DEFAULT.width))
        _check_multiple(height, width, wanted.scale)
        source_size = height // wanted.scale, width // wanted.scale
        data = dataclasses.replace(data, size=(height, width), source_size=source_size)
    return dataclasses.replace(config, data=data)


def _check_multiple(height: int, width: int, scale: int) -> None:
    if height % scale or width % scale:
        raise RequestError(
            f"Pictures of {size_text(height, width)} are no multiple of {scale}, and their partners are so many times "
            "smaller.",
            hint=f"--set data.size={size_text(*(max(1, side // scale) * scale for side in (height, width)))}",
        )


def open_data(config: RunConfig, wanted: WantedData, registry: Registry, notify: Notify) -> DataSource:
    """What the [data] table means, mirror images included; larger than they are shown if `load_size` says so.

    Raises what `open_kind` raises.
    """
    if wanted.kind == "pairs" and config.data.makes_partners:
        return _with_partners(config, wanted, registry, notify)
    source = open_kind(config.data.opened(), wanted.kind, registry, notify=notify)
    _warn_of_other_pictures(source, config.data.opened(), notify)
    return _seen(source, config)


def _with_partners(config: RunConfig, wanted: WantedData, registry: Registry, notify: Notify) -> DataSource:
    """Pictures, and what their recipe makes of them; or the pairs of a source that gives pairs by itself."""
    data = config.data
    opened = dataclasses.replace(data.opened(), source_size=None, source_channels=None, degrade="")
    kind = kind_given(opened, registry)
    if kind == "pairs" and ("data", "degrade") not in config.origins:
        return _seen(open_kind(data.opened(), "pairs", registry, notify=notify), config)
    source = open_kind(opened, "pictures", registry, notify=notify)
    _warn_of_other_pictures(source, opened, notify)
    source = _seen(source, config)
    target = data.shown(source.info).picture
    _check_multiple(target.height, target.width, wanted.scale)
    partner = Picture(
        channels=data.source_channels or target.channels,
        height=target.height // wanted.scale,
        width=target.width // wanted.scale,
    )
    if data.source_size is not None and height_and_width(data.source_size) != (partner.height, partner.width):
        raise RequestError(
            f"data.source_size = {size_text(*height_and_width(data.source_size))}, and partners of pictures of "
            f"{size_text(target.height, target.width)} at scale {wanted.scale} have "
            f"{size_text(partner.height, partner.width)}.",
            hint="Leave data.source_size out.",
        )
    shown = DataInfo({"source": partner, "target": target})
    return Degraded(source, parse_recipe(data.degrade, wanted.scale), shown)


def _seen(source: DataSource, config: RunConfig) -> DataSource:
    """With the labels, the balance and the views of its pictures that the settings ask for."""
    _check_labels(source, config.data)
    if config.data.labels == "none" and source.info.condition is not None:
        source = Unlabelled(source)
    if config.data.balance:
        source = Balanced(source)
    if config.data.flip:
        source = WithFlips(source)
    return WithTurns(source) if config.data.turn else source


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
    return max(source.lengths) // ((2 if config.data.flip else 1) * (4 if config.data.turn else 1))


def info_shown(source: DataSource, config: RunConfig) -> DataInfo:
    """What the pictures are like when the networks see them: a part of `size` if they are opened at `load_size`.

    Raises RequestError where the source gives smaller ones than are to be cut from them.
    """
    if isinstance(source, Degraded):
        return source.info
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
    wanted = wanted_by(implementation, config.architecture)
    domains: tuple[Domain, ...] = ("real",) if wanted.kind == "pictures" else ("source", "target")
    pictures = {domain: config.data.picture(DEFAULT, domain) for domain in domains}
    if wanted.scale > 1 and config.data.source_size is None and "source" in pictures:
        small = pictures["source"]
        pictures["source"] = dataclasses.replace(
            small, height=max(1, small.height // wanted.scale), width=max(1, small.width // wanted.scale)
        )
    if not condition_size:
        return DataInfo(pictures)
    if condition_of(implementation, config.architecture) != "vector":
        return DataInfo(pictures, Condition(kind="class", size=condition_size))
    condition = Condition(kind="vector", size=condition_size)
    with contextlib.suppress(GanzooError):
        if config.data.source:
            source = open_data(config, wanted, registry, lambda line: None)
            condition = source.info.condition or condition
    return DataInfo(pictures, condition)
