"""A folder of pictures as a data source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganzoo.config import DataConfig
from ganzoo.data.finding import find_pictures
from ganzoo.data.pictures import read_picture
from ganzoo.data.store import PictureStore
from ganzoo.datainfo import DataInfo, Picture

if TYPE_CHECKING:
    from ganzoo.architecture import Batch
    from ganzoo.data.source import Notify

DEFAULT = Picture(channels=3, height=64, width=64)
"""What the pictures of files become where nobody states it."""


def open_folder(argument: str, options: DataConfig, *, notify: Notify) -> FolderSource:
    """The data source `folder:PATH`, or just PATH.

    Every picture is decoded once before training. Raises DataError for a folder that is not there, is empty or has
    no readable picture.
    """
    return FolderSource(Path(argument), options, notify=notify)


class FolderSource:
    """The pictures below a folder, in order of path; unreadable ones are left out and reported."""

    def __init__(self, folder: Path, options: DataConfig, *, notify: Notify) -> None:
        like = options.picture(DEFAULT)
        self.info = DataInfo({"real": like})

        def read(path: Path) -> NDArray[np.uint8]:
            return read_picture(path, like, resize=options.resize, fit=options.fit)

        self._store = PictureStore(
            find_pictures(folder, notify),
            read,
            shape=like.shape,
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
