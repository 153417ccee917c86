"""Reading many picture files at once: each to an array of one shape, with what it held, or why it cannot be read."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data import jpeg
from ganzoo.data.cache import Cache
from ganzoo.data.colour import colour_of
from ganzoo.data.containers import PictureFile
from ganzoo.data.decoding import opened_pictures
from ganzoo.data.depth import read_scale
from ganzoo.data.kinds import by_suffix, formats_here, versions
from ganzoo.data.opened import jpeg_facts, jpeg_image
from ganzoo.data.pictures import fitted, pixels_of
from ganzoo.data.rules import LARGE_PIXELS, FileFacts, Rules, least
from ganzoo.datainfo import Picture
from ganzoo.errors import RequestError, one_line

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_CHUNK = 64  # items that a thread takes at once: handing one over costs more than decoding a small picture
_TOGETHER = 2**21  # bytes of small files and their pixels, that a thread reads and then decodes
_UNPACKED = 16  # bytes of pixels for one of a file, about
_DIGEST = 8


class Reading(NamedTuple):
    """What became of one item. pixels: of the shape that was asked for. facts: of each of its files. digest: of their
    bytes. error: why there are no pixels."""

    pixels: NDArray[np.uint8] | None
    facts: tuple[FileFacts, ...] = ()
    digest: bytes = bytes(_DIGEST)
    error: Exception | None = None


def rules_of(options: DataConfig) -> Rules:
    """Of the [data] table, how pixels follow from a file. Raises RequestError for a scale or colour that is none."""
    formats_here()  # before threads ask at once
    try:
        colour_of(options.background)
        return Rules(scale=read_scale(options.scale), background=options.background, decode=options.decode)
    except ValueError as error:
        raise RequestError(f"data.{error}") from None


@dataclass(frozen=True, slots=True)
class Held:
    """A file whose bytes are in memory."""

    name: str
    content: bytes

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)

    def __str__(self) -> str:
        return self.name


def digest_of(*contents: bytes) -> bytes:
    """Of a file's bytes; SHA-256, which processors have instructions for, cut to 8 bytes."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.digest()[:_DIGEST]


def file_digest(*files: PictureFile) -> bytes:
    """Zeros for what cannot be read."""
    try:
        return digest_of(*[by_suffix(file.name).encode() + file.read() for file in files])
    except Exception:  # archives raise anything
        return bytes(_DIGEST)


def cache_of(options: DataConfig, digest: Callable[[Any], bytes], **more: Any) -> Cache | None:
    """What [data] says of keeping decoded pictures. more: what else their pixels follow from."""
    if not options.cache:
        return None
    keys = ("resize", "fit", "background", "scale", "decode")
    recipe = {key: getattr(options, key) for key in keys} | {"jpeg": jpeg.VERSION, "libraries": versions()} | more
    try:
        return Cache(folder=Path(options.cache).expanduser(), recipe=recipe, digest=digest)
    except RuntimeError as error:
        raise RequestError(f"data.cache = {options.cache!r}: {one_line(error)}") from None


def read_files(
    files: Sequence[PictureFile], like: Picture, options: DataConfig, rules: Rules, *, hashed: bool = True
) -> Iterator[Reading]:
    """Pictures of a stated shape, in their order. What a damaged file raises is in its result.

    Small files are read some at a time and then decoded. Each call into the system hands the interpreter to another
    thread; between those of one file there is little to do, and threads that alternate between reading and decoding
    mostly wake each other: two read 64-pixel pictures no faster than one.
    """
    held, size = list[tuple[PictureFile, bytes | Exception]](), 0
    for file in files:
        try:
            content: bytes | Exception = file.read()
        except Exception as error:  # archives raise anything
            content = error
        held.append((file, content))
        size += like.pixels + (_UNPACKED * len(content) if isinstance(content, bytes) else 0)
        if size >= _TOGETHER:
            yield from _decoded(held, like, options, rules, hashed)
            held, size = [], 0
    yield from _decoded(held, like, options, rules, hashed)


def _decoded(
    held: Sequence[tuple[PictureFile, bytes | Exception]],
    like: Picture,
    options: DataConfig,
    rules: Rules,
    hashed: bool,
) -> list[Reading]:
    files = [Held(file.name, content) for file, content in held if isinstance(content, bytes)]
    digests = [digest_of(file.content) if hashed else bytes(_DIGEST) for file in files]
    least_size = least((like.height, like.width), rules)
    found = jpeg.decode([file.content for file in files], like.channels, least_size, LARGE_PIXELS)
    readings = map(partial(_reading, like=like, options=options, rules=rules), files, digests, found)
    return [Reading(None, error=what) if isinstance(what, Exception) else next(readings) for _, what in held]


def _reading(
    file: Held, digest: bytes, found: jpeg.Decoded | None, *, like: Picture, options: DataConfig, rules: Rules
) -> Reading:
    about = like.height, like.width
    try:
        if found is not None:
            facts = jpeg_facts(found)
            if not isinstance(found.image, Image.Image) and found.image.shape == (*about, like.channels):
                return Reading(found.image.transpose(2, 0, 1), (facts,), digest)
            return Reading(_fitted(jpeg_image(found, like.channels, rules), like, options), (facts,), digest)
        known: list[FileFacts] = []
        with opened_pictures([file], [like.channels], about=about, rules=rules, facts=known) as (image,):
            return Reading(_fitted(image, like, options), tuple(known), digest)
    except Exception as error:  # damaged files make decoders raise anything: struct, zlib, index errors
        return Reading(None, error=error)


def read_whole(
    files: Sequence[PictureFile], channels: Sequence[int], rules: Rules, *, hashed: bool
) -> tuple[Reading, tuple[NDArray[np.uint8], ...]]:
    """The pictures of an item at their own sizes, (C, H, W) each; the reading has a place for pixels, and none."""
    known: list[FileFacts] = []
    try:
        held = [Held(file.name, file.read()) for file in files]
        digest = digest_of(*[one.content for one in held]) if hashed else bytes(_DIGEST)
        with opened_pictures(held, channels, rules=rules, facts=known) as images:
            pictures = tuple(pixels_of(image) for image in images)
        return Reading(np.zeros(0, dtype=np.uint8), tuple(known), digest), pictures
    except Exception as error:  # damaged files make decoders raise anything
        return Reading(None, error=error), ()


def _fitted(image: Image.Image, like: Picture, options: DataConfig) -> NDArray[np.uint8]:
    return fitted(
        image,
        height=like.height,
        width=like.width,
        resize=options.resize,
        fit=options.fit,
        background=options.background,
    )


def thread_count() -> int:
    """One for each core that this process may use, and two at least: one can decode while another waits for a disk."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, min(cores, 32))


def read_in_threads(
    pool: ThreadPoolExecutor,
    read: Callable[[Sequence[ItemT]], Iterable[ResultT]],
    items: Sequence[ItemT],
    *,
    chunk: int = _CHUNK,
) -> Iterator[ResultT]:
    """The results in the order of the items; only so many chunks are under way that memory stays flat.

    read: of some of the items, one result each.
    """
    most, waiting = 2 * thread_count(), deque[Future[list[ResultT]]]()
    for start in range(0, len(items), chunk):
        part = items[start : start + chunk]
        waiting.append(pool.submit(lambda part=part: list(read(part))))  # type: ignore[misc]
        if len(waiting) > most:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()
