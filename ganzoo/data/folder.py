"""Folders and archives of pictures as a data source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganzoo.config import DataConfig
from ganzoo.data.facts import PictureFacts, prints_of
from ganzoo.data.finding import Collection, collect
from ganzoo.data.labels import Labels, label, looks_labelled
from ganzoo.data.prepared import PreparedSource, is_prepared
from ganzoo.data.reading import Reading, cache_of, file_digest, read_files, read_whole, rules_of
from ganzoo.data.report import PictureReport
from ganzoo.data.rules import Rules
from ganzoo.data.store import PictureStore, StoreSettings
from ganzoo.data.whole import Cut, Whole, WholeStore
from ganzoo.datainfo import DataInfo, Picture
from ganzoo.errors import RequestError
from ganzoo.progress import augments, status_of, wants_advice

if TYPE_CHECKING:
    from ganzoo.architecture import Batch
    from ganzoo.data.containers import PictureFile
    from ganzoo.data.source import Notify

DEFAULT = Picture(channels=3, height=64, width=64)
"""What the pictures of files become where nobody states it."""

_SAMPLE = 64


def open_folder(argument: str, options: DataConfig, *, notify: Notify) -> FilesSource | PreparedSource:
    """The data source `folder:PATH`, or just PATH, of a folder, a zip or a tar; and those in `options.also`.

    Raises DataError for a place that is not there, is empty or has too many unreadable pictures, RequestError for
    labels that are not there.
    """
    if is_prepared(Path(argument)):
        if options.also:
            raise RequestError(f"{argument} is a file of prepared pictures, which stands alone.", hint="One --data.")
        prepared = PreparedSource(Path(argument), options)
        status_of(notify)(f"read {prepared.lengths[0]:,} prepared pictures of {prepared.info}")
        return prepared
    paths = [Path(argument), *(Path(text.removeprefix("folder:")) for text in options.also)]
    collection = collect(paths, options.split)
    labels = label(collection, options) if options.labels not in ("", "none") else None
    kind = WholeFilesSource if options.fit == "part" else FilesSource
    return kind(collection, labels, options, notify=notify)


def FolderSource(folder: Path, options: DataConfig, *, notify: Notify) -> FilesSource | PreparedSource:  # noqa: N802 - it was a class
    """The pictures of one folder or archive."""
    return open_folder(str(folder), options, notify=notify)


class FilesSource:
    """Picture files as they lie somewhere, in their order; unreadable ones are left out and reported.

    labels: one for each file, or None. lies_in: of files that lie together, as in shards, the number of their group.
    """

    def __init__(
        self,
        collection: Collection,
        labels: Labels | None,
        options: DataConfig,
        *,
        notify: Notify,
        lies_in: Callable[[PictureFile], int] | None = None,
        stream: bool = False,
        hints: tuple[str, ...] = (),
    ) -> None:
        like = options.picture(DEFAULT)
        rules = rules_of(options)
        for line in collection.notices:
            notify(line)

        report = PictureReport(left_out=collection.left_out)
        files = collection.files
        settings: StoreSettings = {
            "name": collection.name,
            "where": collection.where,
            "memory_gb": options.memory_gb,
            "unreadable": options.unreadable,
            "report": report,
            "notify": notify,
            "stream": stream,
        }
        self._store = self._open_store(files, like, options, rules, settings)
        kept = self._store.kept
        self._labels = None if labels is None else labels.values[kept]
        if labels is not None:
            report.classes = labels.counts(kept)
        self.info = DataInfo({"real": like}, None if labels is None else labels.condition)
        self.lengths: tuple[int, ...] = (len(kept),)
        self.in_memory = self._store.in_memory
        kinds = " and ".join(dict.fromkeys(container.kind for container in collection.containers))
        self.description = f"{kinds}, {len(kept)} pictures"
        if labels is not None:
            self.description += f", {labels.condition}"
        if not hints and labels is None and not options.labels and (found := looks_labelled(collection)):
            hints = (f"data.labels={found}",)
        contents = self._store.contents(lambda file: file.container.size(file.name))
        self.facts = (
            PictureFacts(
                report=report,
                prints=prints_of(
                    [files[index].name[len(collection.root) :] for index in kept],
                    contents,
                    self._labels,
                ),
                whole=self._store.digests is not None,
                labels=self._labels,
                groups=self._groups(lies_in, [files[index] for index in kept]),
                hints=hints,
                names=[collection.name(files[index]) for index in kept],
                contents=contents,
                shown=self._store.shown,
            ),
        )
        status_of(notify)(report.line())
        sample = np.unique(np.linspace(0, len(kept) - 1, _SAMPLE).astype(np.int64))
        shown = self._store.fetch(sample) if self.in_memory else None
        for line in (
            report.advice(like, options.fit, shown, balanced=options.balance, augments=augments(notify))
            if wants_advice(notify)
            else ()
        ):
            notify(line)

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch:
        return self._batch(self._store.fetch(indices[0]), indices[0])

    def _batch(self, found: NDArray[np.uint8], chosen: NDArray[np.int64]) -> Batch:
        import torch

        from ganzoo.architecture import Batch

        pixels = torch.from_numpy(found)
        if self._labels is None:
            return Batch(real=pixels)
        return Batch(real=pixels, label=torch.from_numpy(self._labels[self._store.shown(chosen)]))

    def _open_store(
        self,
        files: Sequence[PictureFile],
        like: Picture,
        options: DataConfig,
        rules: Rules,
        settings: StoreSettings,
    ) -> PictureStore[PictureFile]:
        def read(some: Sequence[PictureFile], hashed: bool) -> Iterator[Reading]:
            return read_files(some, like, options, rules, hashed=hashed)

        return PictureStore(files, read, shape=like.shape, cache=cache_of(options, file_digest), **settings)

    def _groups(self, lies_in: Callable[[PictureFile], int] | None, files: Sequence[PictureFile]) -> tuple[int, ...]:
        """How many pictures of each group follow each other; where all are in memory it does not matter."""
        if lies_in is None or self.in_memory:
            return ()
        return tuple(len(list(group)) for _, group in itertools.groupby(map(lies_in, files)))


class WholeFilesSource(FilesSource):
    """Picture files at their own sizes, of which parts are shown."""

    has_parts = True
    _store: WholeStore[PictureFile]

    def _open_store(
        self,
        files: Sequence[PictureFile],
        like: Picture,
        options: DataConfig,
        rules: Rules,
        settings: StoreSettings,
    ) -> WholeStore[PictureFile]:
        def read(some: Sequence[PictureFile], hashed: bool) -> Iterator[tuple[Reading, Whole]]:
            return (read_whole([file], [like.channels], rules, hashed=hashed) for file in some)

        return WholeStore(files, read, likes=[like], **settings)

    def parts(self, indices: Sequence[NDArray[np.int64]], cut: Cut) -> Batch:
        """See `ganzoo.data.whole.GivesParts`."""
        return self._batch(self._store.parts(indices[0], cut)[0], indices[0])

    def whole(self, index: int) -> Batch:
        """See `ganzoo.data.whole.GivesParts`."""
        return self._batch(self._store.whole(index)[0][None], np.array([index]))
