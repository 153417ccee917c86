"""Looking at pictures before training, and preparing them once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_path, to_sources, to_text
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.config.resolve import Layer, RunConfig, resolve
from ganzoo.config.tables import NoiseToImageConfig
from ganzoo.datainfo import DataInfo, height_and_width
from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, Teller, listener

if TYPE_CHECKING:
    from PIL import Image

    from ganzoo.architecture import DataKind
    from ganzoo.config import DataConfig
    from ganzoo.data.facts import PictureFacts
    from ganzoo.data.source import DataSource
    from ganzoo.plugin.registry import Registry

_SHEET = 64
_CHUNK = 256


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PicturesInfo:
    """What a data source has.

    line: in one line. table: rows of what, which, how many. pictures: their shape. classes: pictures of each. advice:
    what to think about. suggested: settings that suggest themselves. copies, alike: groups of names, of the same bytes
    and of pictures that look the same. sheet: some of the pictures, by class where there are classes.
    """

    line: str
    table: Sequence[tuple[str, str, str]]
    pictures: str
    classes: Mapping[str, int]
    advice: Sequence[str]
    suggested: Sequence[str]
    copies: Sequence[Sequence[str]]
    alike: Sequence[Sequence[str]]
    report: Mapping[str, Any] = field(default_factory=dict)
    sheet: Image.Image

    def __repr__(self) -> str:
        return f"<{self.line}>"

    def save_sheet(self, path: Path | str) -> Path:
        """Write the sheet. Raises RequestError when it cannot be written."""
        from ganzoo.sampling.pictures import save_grid

        return save_grid(self.sheet, path)

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo data info --json` prints."""
        kept = {item.name: getattr(self, item.name) for item in dataclasses.fields(self) if item.name != "sheet"}
        return {**kept, "table": [list(row) for row in self.table]}


def data_info(
    data: Path | str | Sequence[Path | str],
    *,
    target: Path | str | None = None,
    unpaired: bool = False,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> PicturesInfo:
    """Counts, sizes, modes, labels, duplicates, and a sheet of some of the pictures.

    data, target, settings: as for `train`; settings are of [data], {"data.labels": "folders"}. unpaired: the pictures
    of data and target do not correspond, which is also how a folder with trainA and trainB is read. With `data.degrade`
    the sheet shows each picture behind a partner that is made of it; sizes say how many times smaller that is.
    Raises RequestError and DataError as `train` does.
    """
    said: list[str] = []
    stated = _stated(data, target, settings)
    source, _ = _opened(stated, _Noting(listener(progress), said), unpaired=unpaired)
    return _looked_at(source, said)


def prepare_data(
    data: Path | str | Sequence[Path | str],
    out: Path | str,
    *,
    target: Path | str | None = None,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> Path:
    """Write the decoded, fitted pictures to one file, FILE.npz, which `train(data=FILE)` takes, here and elsewhere.

    data, target, settings: as for `train`; with a target they are pairs. Raises RequestError and DataError as `train`
    does, RequestError for a name that is not FILE.npz, and for two domains whose pictures do not correspond.
    """
    from ganzoo.data.prepared import is_prepared, write_prepared
    from ganzoo.errors import GanzooError, one_line, shell_word
    from ganzoo.files import check_output

    place = to_path(out, "out")
    if place.suffix.lower() != ".npz":
        raise RequestError(f"{place.name!r}: expected a name that ends in .npz.", hint="For example photos.npz")
    told = listener(progress)
    stated = _stated(data, target, settings)
    if stated.data.makes_partners or stated.data.fit == "part":
        name, trains = ("degrade", place) if stated.data.makes_partners else ("fit", "FOLDER")
        raise RequestError(
            f"data.{name} = {getattr(stated.data, name)!r} shows something else at each step, and a prepared file has "
            "pictures that stay as they are.",
            hint=f"Leave it out here, and state it to: ganzoo train --data {shell_word(trains)}",
        )
    source, config = _opened(stated, Teller(told))
    if len(source.lengths) > 1:
        raise RequestError(
            "Two domains whose pictures do not correspond are two files.",
            hint="Prepare each by itself: --data A.npz --target B.npz",
        )
    if place.exists() and not is_prepared(place):
        raise RequestError(
            f"{place} is there, and was not prepared by ganzoo.", hint="Choose another -o, or remove it."
        )
    try:
        check_output(place)
        write_prepared(place, source, config.data, told)
    except (OSError, ValueError) as error:
        raise GanzooError(f"{place} cannot be written: {one_line(error)}") from None
    return place


class _Noting(Teller):
    """Keeps what is said, for the answer."""

    def __init__(self, progress: ProgressListener, said: list[str]) -> None:
        super().__init__(progress)
        self._said = said

    def __call__(self, text: str) -> None:
        self._said.append(text)

    def status(self, text: str) -> None: ...


def _stated(data: object, target: object, settings: Settings) -> RunConfig:
    layers: list[Layer] = [
        *as_layers(settings),
        *option_layers("data", {**to_sources(data, "data"), "target": to_text(target, "target")}),
    ]
    return resolve("ARCHITECTURE", NoiseToImageConfig, layers)


def _opened(config: RunConfig, teller: Teller, *, unpaired: bool = False) -> tuple[DataSource, RunConfig]:
    from ganzoo.architecture.wanted import WantedData
    from ganzoo.data.domains import kind_of, with_whole_paths
    from ganzoo.data.opening import completed, open_data

    registry = installed()
    kind: DataKind = "domains" if unpaired else "pairs"
    if not (config.data.target or unpaired or config.data.makes_partners):
        kind = _kind(config, registry, kind_of)
    # Mirror images and repetitions are how pictures are shown, and not what they are.
    shown = dataclasses.replace(config.data, flip=False, turn=False, balance=False)
    config, wanted = dataclasses.replace(config, data=shown), WantedData(kind=kind)
    if shown.makes_partners:
        wanted = WantedData(kind=kind, scale=_scale(shown))
        config = completed(config, wanted, registry)
    config = dataclasses.replace(config, data=with_whole_paths(config.data, kind, registry, teller))
    return open_data(config, wanted, registry, teller), config


def _scale(options: DataConfig) -> int:
    """How many times smaller partners are, as the sizes say. Raises RequestError where they do not."""
    if options.size is not None and options.source_size is not None:
        return max(1, height_and_width(options.size)[0] // height_and_width(options.source_size)[0])
    if re.search(r"\bdown\b", options.degrade):
        raise RequestError(
            f"data.degrade = {options.degrade!r}, and nothing says how many times smaller partners are.",
            hint="For example --set data.size=128 --set data.source_size=32",
        )
    return 1


def _kind(config: RunConfig, registry: Registry, kind_of: Any) -> DataKind:
    """What a source gives by itself; folders and archives give pictures, and are not read twice to know it."""
    from ganzoo.data.checked import open_source
    from ganzoo.data.domains import two_sides
    from ganzoo.data.source import locate

    text = locate(config.data.source, registry).text
    if text.startswith("folder:") and not config.data.also and two_sides(Path(text.partition(":")[2])) is not None:
        return "domains"
    if text.startswith(("folder:", "pairs:", "wds:", "hf:")):
        return "pairs" if text.startswith("pairs:") else "pictures"
    kind: DataKind = kind_of(open_source(config.data, registry, notify=lambda line: None))
    return kind


def _looked_at(source: DataSource, said: list[str]) -> PicturesInfo:
    from ganzoo.data.facts import facts_of

    facts = facts_of(source)
    if len(source.lengths) == 1:
        return _one_side(source, facts[0] if facts else None, said)
    sides = [_one_side(_Side(source, side), facts[side] if facts else None, said) for side in range(2)]
    names = ("source", "target")
    return PicturesInfo(
        line="; ".join(f"{name}: {side.line}" for name, side in zip(names, sides, strict=True)),
        table=[(f"{name}: {row[0]}", *row[1:]) for name, side in zip(names, sides, strict=True) for row in side.table],
        pictures=str(source.info),
        classes={},
        advice=said,
        suggested=(),
        copies=[group for side in sides for group in side.copies],
        alike=[group for side in sides for group in side.alike],
        report={name: side.report for name, side in zip(names, sides, strict=True)},
        sheet=_stacked([side.sheet for side in sides]),
    )


class _Side:
    """One of two domains, by itself. Raises what the source raises."""

    def __init__(self, source: DataSource, side: int) -> None:
        self._source, self._side = source, side
        self.lengths: tuple[int, ...] = (source.lengths[side],)
        picture = source.info.pictures["source" if side == 0 else "target"]
        self.info = DataInfo({"real": picture})
        self.description, self.in_memory = source.description, source.in_memory

    def fetch(self, indices: Sequence[Any]) -> Any:
        from ganzoo.architecture import Batch

        rows = [indices[0] % length for length in self._source.lengths]
        both: Any = self._source.fetch(rows)
        return Batch(real=both.source if self._side == 0 else both.target)


def _stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """One below the other."""
    from PIL import Image

    whole = Image.new("RGB", (max(one.width for one in sheets), sum(one.height for one in sheets)), "white")
    top = 0
    for one in sheets:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def _one_side(source: DataSource, facts: PictureFacts | None, said: list[str]) -> PicturesInfo:
    import numpy as np

    from ganzoo.data.duplicates import alike, look_of
    from ganzoo.data.pictures import grid, side_by_side
    from ganzoo.data.report import PictureReport
    from ganzoo.data.sheets import by_class, named_rows

    report = facts.report if facts else PictureReport(count=source.lengths[0])
    count = source.lengths[0]
    names = list(facts.names) if facts and len(facts.names) else [str(index) for index in range(count)]

    def pictures(rows: Any) -> Any:
        batch: Any = source.fetch([rows])
        sides = [batch.real] if hasattr(batch, "real") else [batch.source, batch.target]
        return side_by_side(*[side.numpy() for side in sides]), getattr(batch, "label", None)

    looks = [
        look_of(picture)
        for start in range(0, count, _CHUNK)
        for picture in pictures(np.arange(start, min(start + _CHUNK, count)))[0]
    ]
    hashes, thumbnails = np.array([look[0] for look in looks], dtype=np.uint64), np.array([look[1] for look in looks])
    groups = [[names[index] for index in group] for group in alike(hashes, thumbnails)]
    prints: dict[int, list[str]] = {}
    if facts and facts.whole and facts.contents is not None:
        for name, content in zip(names, facts.contents.tolist(), strict=True):
            prints.setdefault(content, []).append(name)
    condition = source.info.condition
    if condition is not None and condition.kind == "class":
        labels = facts.labels if facts and facts.labels is not None else pictures(np.arange(count))[1].numpy()
        rows = np.concatenate([np.flatnonzero(labels == label)[:8] for label in np.unique(labels)])
        chosen, shown = pictures(rows)
        sheet = named_rows(by_class(chosen, shown.numpy(), condition.names))
    else:
        sheet = grid(pictures(np.unique(np.linspace(0, count - 1, _SHEET).astype(np.int64)))[0])
    return PicturesInfo(
        line=report.line(),
        table=report.table(),
        pictures=str(source.info),
        classes=report.classes,
        advice=said,
        suggested=facts.hints if facts else (),
        copies=[group for group in prints.values() if len(group) > 1],
        alike=groups,
        report=report.to_json(),
        sheet=sheet,
    )
