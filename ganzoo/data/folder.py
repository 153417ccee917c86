"""A folder of pictures as a data source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data.pictures import read_picture
from ganzoo.data.store import PictureStore
from ganzoo.errors import DataError, nearest
from ganzoo.tensors import DataInfo

if TYPE_CHECKING:
    from ganzoo.architecture import Batch
    from ganzoo.data.source import Notify

DEFAULT_SIZE = 64


def open_folder(argument: str, options: DataConfig, *, notify: Notify) -> FolderSource:
    """The data source `folder:PATH`, or just PATH.

    Every picture is decoded once before training. Raises DataError for a folder that is not there, is empty or has
    no readable picture.
    """
    return FolderSource(Path(argument), options, notify=notify)


class FolderSource:
    """The pictures below a folder, in order of path; unreadable ones are left out and reported."""

    def __init__(self, folder: Path, options: DataConfig, *, notify: Notify) -> None:
        size = options.size or DEFAULT_SIZE
        self.info = DataInfo(channels=options.channels or 3, size=size)

        def read(path: Path) -> NDArray[np.uint8]:
            return read_picture(path, size=size, channels=self.info.channels, resize=options.resize, fit=options.fit)

        self._store = PictureStore(
            find_pictures(folder, notify),
            read,
            shape=(self.info.channels, size, size),
            name=lambda path: str(path.relative_to(folder)),
            where=str(folder),
            memory_gb=options.memory_gb,
            notify=notify,
        )
        self.description = f"folder, {len(self._store)} pictures"
        self.lengths: tuple[int, ...] = (len(self._store),)
        self.in_memory = self._store.in_memory

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch:
        import torch

        from ganzoo.architecture import Batch

        return Batch(real=torch.from_numpy(self._store.fetch(indices[0])))


def find_pictures(folder: Path, notify: Notify) -> list[Path]:
    """Files with a suffix that Pillow knows, in order of path, hidden ones left out.

    Raises DataError for a folder that is not there, is a file, or has none.
    """
    if not folder.exists():
        beside = [item.name for item in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise DataError(
            f"There is no folder {folder}.{nearest(folder.name, beside)}",
            hint="--data takes a folder of pictures, or a built-in source such as digits.",
        )
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; expected a folder of pictures.", hint="Unpack archives first.")
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    found, others = [], 0
    for base, folders, names in os.walk(folder, onerror=lambda error: notify(f"left out: {error}")):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in suffixes:
                found.append(Path(base, name))
            else:
                others += 1
    if not found:
        raise DataError(
            f"{folder} has no pictures: {others} other file{'' if others == 1 else 's'} and none that ends in "
            f".png, .jpg, .webp, .tif, .bmp or another suffix of a picture.",
            hint="Check the path, and that the pictures have their suffix.",
        )
    return found
