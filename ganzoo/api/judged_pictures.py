"""Pictures that are there, as a subject: a folder, an archive, or a data source, whoever painted them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.judged_data import Opened, SubjectRequest, colours, opened_source, settings_of, some
from ganzoo.config import DataConfig
from ganzoo.errors import DataError, RequestError, shell_word
from ganzoo.evaluation.protocol import LOSSLESS

if TYPE_CHECKING:
    from ganzoo.data.source import Notify
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.plugin.registry import Registry

_HEADERS = 64
_LOSSLESS = frozenset({"PNG", "BMP", "TIFF", "PPM", "QOI", "TGA", "in memory"})


def of_pictures(text: str, request: SubjectRequest, registry: Registry, notify: Notify) -> Opened:
    from ganzoo.evaluation.reals import SourcePictures

    if request.checkpoint is not None or request.direction or request.values or request.labels != "data":
        raise RequestError(f"{text} is a set of pictures: nothing of how they were painted can be stated.")
    options = dataclasses.replace(request.data, source=text, also=(), target="")
    if options.size is None:
        size, channels = _own_size(text, options)
        options = dataclasses.replace(options, size=size, channels=options.channels or channels)
    painted = SourcePictures(opened_source(options, registry, notify, None), title="reading painted pictures")
    shape = painted.source.info.picture
    reals = None
    if request.data.source:
        alike = dataclasses.replace(
            options, source=request.data.source, also=request.data.also, target=request.data.target,
            size=(shape.height, shape.width), channels=colours(shape.channels),
        )  # fmt: skip
        reals = some(SourcePictures(opened_source(alike, registry, notify, None)), request.real_count)
    if request.count:
        painted = some(painted, request.count, title="reading painted pictures")
    facts = {"kind": "pictures", "name": Path(text).name, "contents": painted.contents(), "formats": painted.formats()}
    subject = _Painted(painted, facts, {key: value for key, value in _changed(options).items() if value != ""})
    return Opened(subject=subject, reals=reals, settings=settings_of(options, reals))


class _Painted:
    """Pictures that are there."""

    repeats = False
    partners = None
    way_back = None
    history: Sequence[Mapping[str, Any]] = ()

    def __init__(self, pictures: SourcePictures, facts: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
        labelled = pictures.labels() is not None
        self.facts = facts
        self.settings: Mapping[str, Any] = {
            "count": pictures.count,
            "labels": "of the pictures" if labelled else "",
            "pictures": pictures.shape(),
            "values": {},
            **({"settings": dict(changed)} if changed else {}),
            "format": LOSSLESS if set(pictures.formats().split(" and ")) <= _LOSSLESS else pictures.formats(),
        }
        self._pictures = pictures

    def painted(self, first_seed: int) -> SourcePictures:
        return self._pictures

    def latents(self) -> None:
        return None

    def walk(self) -> None:
        return None


def _changed(options: DataConfig) -> dict[str, Any]:
    """Settings of the pixels that are not the usual ones."""
    from ganzoo.evaluation.reals import pixel_settings

    usual = pixel_settings(DataConfig())
    return {key: value for key, value in pixel_settings(options).items() if value != usual[key]}


def _own_size(text: str, options: DataConfig) -> tuple[Any, Any]:
    """Of picture files, what they have in common; (None, None) for another source. Raises RequestError for several."""
    from PIL import Image

    from ganzoo.data.finding import collect
    from ganzoo.data.kinds import formats_here
    from ganzoo.evaluation.reals import evenly

    place = Path(text.removeprefix("folder:"))
    if place.suffix.lower() == ".npz" or not place.exists():
        return None, None
    try:
        files = collect([place], options.split).files
    except DataError:
        return None, None  # another kind of source, which says so when it is opened
    sizes: set[tuple[int, int]] = set()
    modes: set[str] = set()
    for index in evenly(len(files), _HEADERS).tolist():
        try:
            with files[index].open() as file, Image.open(file, formats=formats_here()) as image:
                sizes.add((image.height, image.width))
                modes.add(image.mode)
        except Exception:  # what cannot be read is reported when all are
            continue
    if len(sizes) > 1:
        some = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)[:4])
        raise RequestError(
            f"The pictures of {text} are of several sizes: {some}.",
            hint=f"State one for all: ganzoo evaluate {shell_word(text)} --set data.size=256 ...",
        )
    if not sizes:
        return None, None
    return next(iter(sizes)), 1 if modes <= {"L", "1"} else 3
