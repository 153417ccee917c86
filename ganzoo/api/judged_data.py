"""What is asked of a subject, and how the pictures that it is held against are opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.config import DataConfig
from ganzoo.errors import RequestError
from ganzoo.progress import Teller

if TYPE_CHECKING:
    from ganzoo.architecture.wanted import WantedData
    from ganzoo.data.source import DataSource, Notify
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.evaluation.subject import Subject
    from ganzoo.plugin.registry import Registry
    from ganzoo.sampling.model import Model


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectRequest:
    """data: settings of the reals. stated: which of them; the rest is the run's own. count,
    real_count: 0 leaves them to the pictures. labels: data, seeds, or a class. values: of inputs that are numbers.
    """

    data: DataConfig
    stated: frozenset[str]
    count: int = 0
    real_count: int = 0
    labels: str = "data"
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    direction: str | None = None
    checkpoint: str | int | None = None
    device: str = "cpu"
    provider: str = "cpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The subject, the reals that it is held against, and the settings of their pixels."""

    subject: Subject
    reals: SourcePictures | None
    settings: Mapping[str, Any]


def colours(channels: int) -> Literal[1, 3]:
    return 1 if channels == 1 else 3


def some(pictures: SourcePictures, count: int, *, title: str = "") -> SourcePictures:
    from ganzoo.evaluation.reals import SourcePictures as Some
    from ganzoo.evaluation.reals import evenly

    if count > pictures.available:
        raise RequestError(f"{count:,} pictures are asked for, and there are {pictures.available:,}.")
    indices = evenly(pictures.available, count)
    return Some(pictures.source, domain=pictures.domain, indices=indices, title=title)


def opened_source(
    options: DataConfig, registry: Registry, notify: Notify, model: Model | None, wanted: WantedData | None = None
) -> DataSource:
    """wanted: pictures if None."""
    from ganzoo.architecture.wanted import WantedData
    from ganzoo.config.resolve import resolve
    from ganzoo.config.tables import NoiseToImageConfig
    from ganzoo.data.domains import with_whole_paths
    from ganzoo.data.opening import completed, info_shown, open_data, seen_by_networks

    wanted = wanted or WantedData(kind="pictures")
    config = resolve("ARCHITECTURE", NoiseToImageConfig, [])
    options = dataclasses.replace(options, flip=False, turn=False, balance=False)
    config = completed(dataclasses.replace(config, data=options), wanted, registry)
    config = dataclasses.replace(config, data=with_whole_paths(config.data, wanted.kind, registry, notify))
    source = open_data(config, wanted, registry, notify)
    if model is not None and model.run is not None and wanted.kind == "pictures":
        return seen_by_networks(source, model.run.data)
    return seen_by_networks(source, info_shown(source, config))


def settings_of(options: DataConfig, reals: SourcePictures | None) -> Mapping[str, Any]:
    from ganzoo.evaluation.reals import pixel_settings

    return {} if reals is None else pixel_settings(options)


class ScoringTeller(Teller):
    """A reader's listener where nothing is trained: no advice on that."""

    wants_advice = False
