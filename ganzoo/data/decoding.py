"""From a picture file to pixels, whatever it is and however large: only raster decoders run, and memory has a limit.

A decoder's buffer is the picture at its own size, 4 bytes a pixel at most; everything behind it is done in bands, and a
picture several times as large as it will be is shrunk band by band: 144 megapixels take 0.6 GB and not five times that.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from PIL import Image

from ganzoo.data import jpeg
from ganzoo.data.depth import Depth
from ganzoo.data.kinds import HEAD_BYTES
from ganzoo.data.opened import Opened, jpeg_facts, jpeg_image
from ganzoo.data.openers import content_of, opened_by_library
from ganzoo.data.rules import AS_IT_IS, LARGE_PIXELS, ORIENTATION, FileFacts, Rules, Size, least
from ganzoo.files import open_regular


class UnreadableFileError(ValueError):
    """One of several files of an item. name: of the file, in place of the item's. reason: what was raised."""

    def __init__(self, name: str, reason: BaseException) -> None:
        super().__init__(name)
        self.name, self.reason = name, reason


class Readable(Protocol):
    """A file by name, wherever it lies."""

    @property
    def name(self) -> str: ...

    def open(self) -> BinaryIO: ...


Source = Path | Readable


@contextlib.contextmanager
def opened_pictures(
    files: Sequence[Source],
    channels: Sequence[int],
    *,
    about: Size | None = None,
    rules: Rules = AS_IT_IS,
    facts: list[FileFacts] | None = None,
) -> Iterator[list[Image.Image]]:
    """Pictures in mode L or RGB, see `as_mode`; threads that open large ones wait for each other until they are done.

    about: the size that they will be made; None: they are wanted at their own. facts: what is found is appended.
    Raises whatever a decoder makes of a damaged file: OSError, ValueError, SyntaxError and others.
    """
    with contextlib.ExitStack() as stack:
        opened, images = list[Opened | _Jpeg](), list[Image.Image]()
        for file in files:
            with _named(file, files):
                opened.append(_open(file, stack, rules))
        stack.enter_context(_room.taken(sum(one.pixels for one in opened)))
        for file, one, count in zip(files, opened, channels, strict=True):
            with _named(file, files):
                image, found = one.decoded(count, about, rules)
                images.append(image)
            if facts is not None:
                facts.append(found)
            one.close()  # its pixels are given back before the next picture has room
        yield images


@contextlib.contextmanager
def _named(file: Source, files: Sequence[Source]) -> Iterator[None]:
    """What is raised for another than the first says for which."""
    try:
        yield
    except Exception as error:  # damaged files make decoders raise anything
        if file is files[0]:
            raise
        raise UnreadableFileError(str(file), error) from error


@dataclass(slots=True)
class _Jpeg:
    """The same of a JPEG of usual size, in memory."""

    content: bytes
    pixels: int

    def close(self) -> None:
        self.content = b""

    def decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        (found,) = jpeg.decode([self.content], channels, least(about, rules), LARGE_PIXELS)
        if found is None:
            with contextlib.ExitStack() as stack:
                return opened_by_library(io.BytesIO(self.content), "", stack, rules).decoded(channels, about, rules)
        return jpeg_image(found, channels, rules), jpeg_facts(found)


def _open(source: Source, stack: contextlib.ExitStack, rules: Rules) -> Opened | _Jpeg:
    file = stack.enter_context(open_regular(source) if isinstance(source, Path) else source.open())
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(jpeg.MAGIC):
        content = content_of(file)
        if 0 < (pixels := jpeg.pixels_of(content)) <= LARGE_PIXELS:
            return _Jpeg(content, pixels)
        file = io.BytesIO(content)
    return opened_by_library(file, source.name, stack, rules)


def as_mode(image: Image.Image, *, channels: int) -> Image.Image:
    """A picture in memory in mode L or RGB: turned by EXIF, in sRGB, transparency on white, more bits scaled to 8."""
    depth = None
    if image.mode[0] in "IF":
        depth = Depth("float", 32) if image.mode == "F" else Depth("unsigned", 16)
    turn = 1 if image.format == "TIFF" else image.getexif().get(ORIENTATION, 1)
    return Opened(image, image.format or "", depth, turn)._decoded(channels, None, AS_IT_IS)[0]


class _Room:
    """So many pixels at once among threads; one that is larger than all of it is read alone."""

    def __init__(self, pixels: int) -> None:
        self._whole = self._left = pixels
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self._whole)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= pixels)
            self._left -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._left += pixels
                self._changed.notify_all()


_room = _Room(LARGE_PIXELS)
