"""Which files of a container are pictures, and which of them are meant: all, or those to train on. No torch."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.data.archives import open_archive
from ganzoo.data.containers import Container, Folder, PictureFile
from ganzoo.data.kinds import HEAD_BYTES, may_be_picture, suffix_of
from ganzoo.errors import DataError, did_you_mean, first_few, printable

_TRAIN = ("train", "training")
_HELD_OUT = ("val", "valid", "validation", "test", "testing", "eval", "dev")
ALL = "all"


def is_split(name: str) -> bool:
    """Whether a folder of that name holds one split of a data set."""
    return name.lower() in (*_TRAIN, *_HELD_OUT)


@dataclass(slots=True)
class Collection:
    """Picture files in their order. containers: where they lie. root: the folders that all of them share, with `/`.

    left_out: reasons, and how many. notices: what the user should know of how they were chosen.
    """

    files: list[PictureFile]
    containers: Sequence[Container]
    root: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return " and ".join(container.where for container in self.containers)

    def name(self, file: PictureFile) -> str:
        """For messages; with where it lies, if there are several places."""
        return file.name if len(self.containers) == 1 else f"{file.container.where}: {file.name}"


def collect(paths: Sequence[Path], split: str = "") -> Collection:
    """The pictures of folders and archives, one place after the other, each in order of path; hidden ones left out.

    split: of a place with sub-folders `train` and `val` (or `test`), which is meant; "": the first; `all`: no
    difference. Raises DataError for a place that is not there, is neither folder nor archive, or has none.
    """
    containers, files = list[Container](), list[PictureFile]()
    left_out, notices, seen = Counter[str](), list[str](), dict[Path, Path]()
    for path in paths:
        if (first := seen.setdefault(path.resolve(), path)) is not path:
            notices.append(f"{printable(str(path))} is {printable(str(first))} again, and is read once")
        else:
            containers.append(open_container(path))
    for container in containers:
        found, others = _pictures_of(container)
        left_out.update(others)
        if not found:
            _refuse_empty(container, others)
        kept, notice = _of_split(found, split, container.where)
        if notice:
            left_out["of another split"] += len(found) - len(kept)
            notices.append(notice)
        files += [PictureFile(container, name) for name in kept]
        notices += filter(None, [_left_out(container)])
        left_out["links and what is no regular file"] += len(container.left_out)
    return Collection(files, containers, shared_root([file.name for file in files]), +left_out, notices)


def find_pictures(folder: Path, notify: Callable[[str], None]) -> list[Path]:
    """The picture files below a folder, in order of path, hidden ones left out. Raises what `collect` raises."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; expected a folder of pictures.", hint="Unpack archives first.")
    container = open_container(folder)
    found, others = _pictures_of(container)
    if lines := _left_out(container):
        notify(lines)
    if not found:
        _refuse_empty(container, others)
    return [folder / name for name in found]


def _left_out(container: Container) -> str:
    """In one line, the first of them by name; "" for none."""
    named = first_few([*map(printable, container.left_out)], 3, separator="; ")
    return f"left out: {named}" if named else ""


def _pictures_of(container: Container) -> tuple[list[str], Counter[str]]:
    found, others = [], Counter[str]()
    for name in container.names:
        if may_be_picture(name, lambda name=name: _head(container, name)):  # type: ignore[misc]
            found.append(name)
        else:
            others[f"no pictures ({suffix_of(name) or 'without a suffix'})"] += 1
    return found, others


def _head(container: Container, name: str) -> bytes:
    with contextlib.suppress(Exception), container.open(name) as file:  # archives raise anything
        return file.read(HEAD_BYTES)
    return b""


def _refuse_empty(container: Container, others: Counter[str]) -> None:
    count = others.total()
    raise DataError(
        f"{container.where} has no pictures: {count} other file{'' if count == 1 else 's'} and none that ends in "
        f".png, .jpg, .webp, .tif, .bmp or another suffix of a picture, or begins as one.",
        hint=next(
            (hint for kind, hint in _OF_OTHERS.items() if others[kind]),
            "Check the path, and that the pictures are what their names say.",
        ),
    )


_OF_OTHERS = {
    "no pictures (.parquet)": "A Hugging Face dataset is read as hf:PATH.",
    "no pictures (.arrow)": "A Hugging Face dataset is read as hf:PATH.",
    "no pictures (.tar)": "Shards of WebDataset are read as wds:PATH; of other tars, name one: --data FILE.tar",
    "no pictures (.zip)": "Of archives, name one: --data FILE.zip; or several.",
}


def shared_root(names: Sequence[str]) -> str:
    """The folders that all names begin with, each with its `/`."""
    if not names:
        return ""
    first, last = min(names).split("/")[:-1], max(names).split("/")[:-1]
    shared = []
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        shared.append(one)
    return "".join(f"{part}/" for part in shared)


def _of_split(names: list[str], split: str, where: str) -> tuple[list[str], str]:
    """The names of one split, and what to say of it, "" where there is no choice."""
    root = shared_root(names)
    folders = Counter(rest.split("/")[0] for name in names if "/" in (rest := name[len(root) :]))
    by_name = {folder.lower(): folder for folder in folders}
    if split == ALL:
        return names, ""
    if split:
        if split not in folders and Path(where).name == split:
            return names, ""
        if split not in folders and not root.startswith(f"{split}/"):
            raise DataError(
                f"{where} has no folder {split!r}.{did_you_mean(split, folders)} "
                f"It has {first_few(sorted(map(printable, folders))) or 'none'}.",
                hint="--set data.split=all reads everything.",
            )
        kept = [name for name in names if name.startswith(f"{root}{split}/") or root.startswith(f"{split}/")]
        return kept, f"{where}: of its folders, {split} is read ({len(kept):,} of {len(names):,} pictures)"
    chosen = next((by_name[name] for name in _TRAIN if name in by_name), None)
    others = [by_name[name] for name in _HELD_OUT if name in by_name]
    if chosen is None or not others:
        return names, ""
    kept = [name for name in names if name.startswith(f"{root}{chosen}/")]
    return kept, (
        f"{where} has {chosen} and {' and '.join(others)}: {chosen} is read, {len(kept):,} of {len(names):,} pictures "
        "(--set data.split=all reads everything, data.split=NAME another)"
    )


def open_container(path: Path) -> Container:
    """A folder or an archive. Raises DataError for a path that is neither, or is not there."""
    if "\0" in str(path):
        raise DataError(f"{str(path)!r} is no name of a folder.")
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            f"There is no folder {path}.{did_you_mean(path.name, beside)}",
            hint="--data takes a folder of pictures, a zip or tar of them, or a built-in source such as digits.",
        )
    return open_archive(path)
