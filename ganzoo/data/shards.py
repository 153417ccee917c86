"""WebDataset shards as a data source: `wds:shards-{000..099}.tar`, read in place and streamed.

A shard is a tar of samples; the files of one share their name up to the first dot: `0001.jpg`, `0001.cls`, `0001.json`.
Of them pictures, class and JSON are read, by an index of our own: nothing in a shard is run, and nothing is fetched.
"""

from __future__ import annotations

import contextlib
import glob
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import files
from ganzoo.config import DataConfig
from ganzoo.data.archives import Tar, open_archive
from ganzoo.data.containers import PictureFile
from ganzoo.data.finding import Collection
from ganzoo.data.folder import FilesSource
from ganzoo.data.kinds import suffixes
from ganzoo.data.label_tables import Label
from ganzoo.data.labels import settled
from ganzoo.errors import DataError, RequestError

if TYPE_CHECKING:
    from ganzoo.data.source import Notify

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")
_MOST_SHARDS = 100_000
_MOST_JSON = 2**20

Sample = dict[str, str]
"""Of a sample, the names of its files by what follows the first dot."""


def open_shards(argument: str, options: DataConfig, *, notify: Notify) -> FilesSource:
    """The data source `wds:PATTERN`; a folder means all its tars.

    data.labels: `cls` (the default, where every sample has one), `json:KEY`, or none. Pictures that do not fit memory
    are streamed: shuffled by shard and within a buffer, each rank reads its share.
    Raises DataError for shards that are not there or damaged, RequestError for labels that they do not have.
    """
    paths = list(_expand(argument))
    shards = [_shard(path) for path in paths]
    samples = [(shard, sample) for shard in shards for sample in _samples(shard)]
    chosen, pictures, left_out = list[tuple[Tar, Sample]](), list[PictureFile](), Counter[str]()
    for shard, sample in samples:
        name = _picture(sample)
        if name is None:
            left_out["samples without a picture"] += 1
            continue
        chosen.append((shard, sample))
        pictures.append(PictureFile(shard, name))
        left_out["second pictures of a sample"] += sum(_is_picture(extension) for extension in sample) - 1
    if not pictures:
        raise DataError(
            f"{argument} has no pictures in {len(samples):,} samples.", hint="Samples look like 0001.jpg, 0001.cls"
        )
    collection = Collection(pictures, shards, "", +left_out)
    given = _labels(chosen, options)
    labels = None if given is None else settled(collection, given, options)
    return FilesSource(
        collection,
        labels,
        options,
        notify=notify,
        lies_in=lambda file: id(file.container),
        stream=True,
        hints=() if given is not None or options.labels else tuple(_hints(chosen[0])),
    )


def _expand(pattern: str) -> Iterator[Path]:
    """The files of a pattern with braces and stars. Raises DataError for one that is not there."""
    folder = Path(pattern)
    if folder.is_dir():
        found = sorted(item for item in folder.iterdir() if item.suffix in (".tar", ".tgz") or ".tar." in item.name)
        if not found:
            raise DataError(
                f"{folder} has no tars.", hint="Shards of WebDataset end in .tar; other pictures: --data FOLDER"
            )
        yield from found
        return
    count = 0
    for text in _braced(pattern):
        names = sorted(glob.glob(text)) if any(sign in text for sign in "*?[") else [text]  # noqa: PTH207 - of any folder
        if not names:
            raise DataError(f"No shard is called {text}.", hint="For example wds:shards-{000..099}.tar")
        for name in names:
            count += 1
            if count > _MOST_SHARDS:
                raise DataError(f"{pattern} means more than {_MOST_SHARDS:,} shards.")
            yield Path(name)


def _braced(pattern: str) -> Iterator[str]:
    match = _RANGE.search(pattern)
    if match is None:
        yield pattern
        return
    first, last, listed = match.groups()
    if listed is not None:
        middles: Iterator[str] = iter(listed.split(","))
    else:
        middles = (f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
    for middle in itertools.islice(middles, _MOST_SHARDS + 1):
        yield from _braced(pattern[: match.start()] + middle + pattern[match.end() :])


def _shard(path: Path) -> Tar:
    if not path.is_file():
        raise DataError(f"There is no shard {path}.", hint="For example wds:shards-{000..099}.tar, all of them there.")
    shard = open_archive(path)
    if not isinstance(shard, Tar):
        raise DataError(f"{path} is a {shard.kind}; shards of WebDataset are tars.", hint="--data PATH reads others.")
    return shard


def _samples(shard: Tar) -> Iterator[Sample]:
    """In the order of the shard, whose files of one sample follow each other."""
    samples: dict[str, Sample] = {}
    for name in shard.places:
        folder, slash, last = name.rpartition("/")
        base, dot, extension = last.partition(".")
        if dot:
            samples.setdefault(f"{folder}{slash}{base}", {})[extension.lower()] = name
    yield from samples.values()


def _is_picture(extension: str) -> bool:
    return f".{extension.rpartition('.')[2]}" in suffixes()


def _picture(sample: Sample) -> str | None:
    """The picture of a sample: that whose name has no second dot before others, as in 0001.jpg and 0001.mask.png."""
    found = sorted((extension for extension in sample if _is_picture(extension)), key=lambda text: text.count("."))
    return sample[found[0]] if found else None


def _labels(samples: list[tuple[Tar, Sample]], options: DataConfig) -> list[Label | None] | None:
    how = options.labels
    if how == "none" or (not how and not all("cls" in sample for _, sample in samples)):
        return None
    if how in ("", "cls"):
        return [_class(shard, sample) for shard, sample in samples]
    if how.startswith("json:") and len(how) > len("json:"):
        return [_of_json(shard, sample, how.removeprefix("json:")) for shard, sample in samples]
    raise RequestError(
        f"data.labels = {how!r}: of shards, expected cls, json:KEY or none.", hint="For example json:label"
    )


def _class(shard: Tar, sample: Sample) -> Label | None:
    if "cls" not in sample:
        return None
    text = shard.read(sample["cls"])[:1000].decode("utf-8", "replace").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text or None


def _hints(first: tuple[Tar, Sample]) -> Iterator[str]:
    """What data.labels could be, by the JSON of the first sample."""
    shard, sample = first
    with contextlib.suppress(ValueError, TypeError, OSError, KeyError):
        for key, value in files.as_object(files.parse_json(shard.read(sample["json"])[:_MOST_JSON].decode())).items():
            if isinstance(value, int | str) and ("label" in key or "class" in key or "category" in key):
                yield f"data.labels=json:{key}"


def _of_json(shard: Tar, sample: Sample, key: str) -> Label | None:
    if "json" not in sample:
        return None
    content = shard.read(sample["json"])
    try:
        if len(content) > _MOST_JSON:
            raise ValueError(f"it has {len(content):,} bytes")
        value = files.as_object(files.parse_json(content.decode())).get(key)
        if isinstance(value, list):
            return tuple(float(number) for number in value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{shard.where}: {sample['json']} cannot be read: {error}") from None
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | str) else (value,) if isinstance(value, float) else None
