"""From a picture file to pixels, whatever it is and however large: only raster decoders run, and memory has a limit.

A decoder's buffer is the picture at its own size, 4 bytes a pixel at most; everything behind it is done in bands, and a
picture several times as large as it will be is shrunk band by band: 144 megapixels take 0.6 GB and not five times that.
"""

from __future__ import annotations

import contextlib
import functools
import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganzoo.data import foreign, jpeg
from ganzoo.data.colour import flat
from ganzoo.data.containers import MOST_BYTES
from ganzoo.data.depth import Depth, Scale, to_eight_bits
from ganzoo.data.kinds import DEEP, HEAD_BYTES, HEIC, RAW, formats_here, kind_of, what_it_is
from ganzoo.files import open_regular

MOST_PIXELS = 150_000_000
_MOST_PIXELS_OF = dict.fromkeys(("WEBP", "AVIF", "HEIF", "JPEG2000"), 60_000_000)
"""Where the decoder keeps a picture of its own beside Pillow's."""

_MOST_PIXELS_OF_PYTHON = 4_000_000
"""Of formats that Pillow decodes in Python, a million pixels a second: QOI, PPM of 16 bits, some DDS."""

LARGE_PIXELS = 24_000_000  # from here on a picture is shrunk while it is read; below, its pixels are what they were
_STILL_LARGER = 3  # a shrunk picture is so many times as large as it will be, so that nobody sees that it was
_BAND_PIXELS = 2_000_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_KEEP_SIDES = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
_ORIENTATION = 0x0112
_DNG_VERSION = 50706
_DARK = 31  # of 255: the upper 8 bits of what uses less than an eighth of 16
_CLEAR_WITHIN = 2**16  # bytes of a PNG in which its clear colour is stated, if it has one
_SAMPLE_FORMATS = {2: "signed", 3: "float"}

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """How pixels follow from a file. scale: of more than 8 bits, see `ganzoo.data.depth`. background: what is seen
    through a picture. decode: `fast` lets a JPEG be decoded smaller than it is, when it will be made smaller anyway."""

    scale: Scale = "full"
    background: str = "white"
    decode: Literal["exact", "fast"] = "exact"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file held before it was made a picture of a stated shape. note: see `to_eight_bits`; `animated`."""

    format: str
    mode: str
    height: int
    width: int
    note: str = ""


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
    rules: Rules = Rules(),
    facts: list[FileFacts] | None = None,
) -> Iterator[list[Image.Image]]:
    """Pictures in mode L or RGB, see `as_mode`; threads that open large ones wait for each other until they are done.

    about: the size that they will be made; None: they are wanted at their own. facts: what is found is appended.
    Raises whatever a decoder makes of a damaged file: OSError, ValueError, SyntaxError and others.
    """
    with contextlib.ExitStack() as stack:
        opened, images = list[_Opened | _Jpeg](), list[Image.Image]()
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
class _Opened:
    """A file that has been opened and not yet decoded. depth: of more than 8 bits. turn: EXIF's number. inverted: its
    zero is white. halved: Pillow gives the upper 8 bits of 16."""

    image: Image.Image
    format: str
    depth: Depth | None = None
    turn: int = 1
    inverted: bool = False
    halved: bool = False

    @property
    def pixels(self) -> int:
        return self.image.width * self.image.height

    def close(self) -> None:
        del self.image  # not closed: it may be the result itself

    def decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        if self.pixels <= LARGE_PIXELS:
            return self._decoded(channels, about, rules)
        return _alone().submit(self._decoded, channels, about, rules).result()

    def _decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        mode, note = self.image.mode if self.depth is None else str(self.depth), ""
        if self.depth is not None:
            values = _numbers(self.image, self.depth)
            if self.inverted:
                values = 2**self.depth.bits - 1 - values
            eight, note = to_eight_bits(values, self.depth, rules.scale)
            small = Image.fromarray(eight)
            if isinstance(clear := self.image.info.get("transparency"), int):
                small.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
            small.info.update({key: self.image.info[key] for key in ("icc_profile",) if key in self.image.info})
            self.image = small
        elif self.halved:
            top = max(high for _, high in self.image.getextrema()[:3])  # type: ignore[misc, index]
            note = f"dark {256 * top + 255}" if top < _DARK else ""
        elif getattr(self.image, "is_animated", False) and self.format != "MPO":
            note = "animated"
        size = self.image.size
        result = _banded(self.image, self.turn, channels, about, rules)
        turned = self.turn in _TURNS and _TURNS[self.turn] not in _KEEP_SIDES
        width, height = size[::-1] if turned else size
        return result, FileFacts(self.format, mode, height, width, note)


@dataclass(slots=True)
class _Jpeg:
    """The same of a JPEG of usual size, in memory."""

    content: bytes
    pixels: int

    def close(self) -> None:
        self.content = b""

    def decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        found = jpeg.decode(self.content, channels, least(about, rules), LARGE_PIXELS)
        if found is None:
            with contextlib.ExitStack() as stack:
                return _opened_by_pillow(io.BytesIO(self.content), "", stack, rules).decoded(channels, about, rules)
        return jpeg_image(found, channels, rules), jpeg_facts(found)


def least(about: Size | None, rules: Rules) -> Size | None:
    """The height and width that a decoder has to give, where it may give less than all."""
    return about if rules.decode == "fast" else None


def jpeg_image(found: jpeg.Decoded, channels: int, rules: Rules) -> Image.Image:
    image = (
        found.image
        if isinstance(found.image, Image.Image)
        else Image.fromarray(found.image.squeeze(2) if found.image.shape[2] == 1 else found.image)
    )
    image = flat(image, "RGB" if channels == 3 else "L", rules.background)
    return image.transpose(_TURNS[found.turn]) if found.turn in _TURNS else image


def jpeg_facts(found: jpeg.Decoded) -> FileFacts:
    turned = found.turn in _TURNS and _TURNS[found.turn] not in _KEEP_SIDES
    height, width = found.size[::-1] if turned else found.size
    return FileFacts("JPEG", found.mode, height, width)


def _open(source: Source, stack: contextlib.ExitStack, rules: Rules) -> _Opened | _Jpeg:
    file = stack.enter_context(open_regular(source) if isinstance(source, Path) else source.open())
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(jpeg.MAGIC):
        content = _content(file)
        if 0 < (pixels := jpeg.pixels_of(content)) <= LARGE_PIXELS:
            return _Jpeg(content, pixels)
        file = io.BytesIO(content)
    return _opened_by_pillow(file, source.name, stack, rules)


def _opened_by_pillow(file: BinaryIO, name: str, stack: contextlib.ExitStack, rules: Rules) -> _Opened:
    """Or by another library that decodes to a Pillow image."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    kind = kind_of(head, name)
    if kind is not None:
        foreign.wanted(kind)
        if kind is not HEIC:
            given = file if kind is RAW else _content(file)
            image = foreign.DECODERS[kind](given, MOST_PIXELS)
            return _Opened(image, kind.name, turn=image.getexif().get(_ORIENTATION, 1))
    if head.startswith(b"\x89PNG") and head[24] == 16 and head[25] != 0:
        content = _content(file)
        if rules.scale != "full" or b"tRNS" in content[:_CLEAR_WITHIN]:
            return _deep(foreign.deep_png, content, "PNG")
        file = io.BytesIO(content)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limits say what is too large
    try:
        image = stack.enter_context(Image.open(file, formats=formats_here()))
    except UnidentifiedImageError:
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _deep_tiff(file)
        raise ValueError(what_it_is(head)) from None
    _check_pixels(image)
    if image.format == "TIFF":
        return _opened_tiff(image, file, rules)
    depth = None
    if image.mode[0] in "IF":
        depth = Depth("float", 32) if image.mode == "F" else Depth("unsigned", 16)  # PNG, PPM: 16 bits
    elif image.format == "PNG" and head[24] < 8 and isinstance(clear := image.info.get("transparency"), int):
        if image.mode == "L":
            image.info["transparency"] = clear * 255 // (2 ** head[24] - 1)  # Pillow scales pixels, and not this
    opened = _Opened(image, image.format or "", depth, image.getexif().get(_ORIENTATION, 1))
    opened.halved = image.format == "PNG" and head[24] == 16 and depth is None
    return opened


def _opened_tiff(image: Image.Image, file: BinaryIO, rules: Rules) -> _Opened:
    """A TIFF says what its numbers are. Pillow turns it by itself, and takes numbers with a sign for others."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    if _DNG_VERSION in tags:
        foreign.wanted(RAW)
        file.seek(0)
        return _Opened(foreign.decode_raw(file, MOST_PIXELS), RAW.name)
    formats, bits = tags.get(339) or (1,), max(tags.get(258) or (1,))
    kind = _SAMPLE_FORMATS.get(formats[0] if isinstance(formats, tuple) else int(formats), "unsigned")
    several = image.mode[0] not in "IF"
    apart = tags.get(284) == 2 and bits > 8  # each colour by itself, which Pillow mixes up
    if (
        apart
        or (several and (kind != "unsigned" or (bits > 8 and rules.scale != "full")))
        or (bits < 16 and kind != "unsigned")
    ):
        return _deep_tiff(file)
    opened = _Opened(image, "TIFF", None if several else Depth(kind, bits))  # type: ignore[arg-type]
    opened.halved = several and bits > 8
    opened.inverted = not several and tags.get(262) == 0 and kind == "unsigned"
    return opened


def _deep_tiff(file: BinaryIO) -> _Opened:
    file.seek(0)
    return _deep(foreign.deep_tiff, file, "TIFF")


def _deep(decode: object, given: object, name: str) -> _Opened:
    foreign.wanted(DEEP)
    values, depth, turn = decode(given, MOST_PIXELS)  # type: ignore[operator]
    opened = _Opened(_Numbers(values), name, depth, turn)  # type: ignore[arg-type]
    if values.dtype == np.uint8:
        opened.image, opened.depth = Image.fromarray(values), None
    return opened


class _Numbers:
    """An array that stands where a picture does until its numbers are scaled."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.height, self.width = values.shape[:2]
        self.mode = "I"
        self.info: dict[str, object] = {}

    def close(self) -> None: ...


def _numbers(image: Image.Image | _Numbers, depth: Depth) -> np.ndarray:
    if isinstance(image, _Numbers):
        return image.values
    values = np.asarray(image)
    return values.view(np.uint32) if depth.kind == "unsigned" and values.dtype == np.int32 else values


def _content(file: BinaryIO) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    return content


def _check_pixels(file: Image.Image) -> None:
    pixels, most = file.width * file.height, _MOST_PIXELS_OF.get(file.format or "", MOST_PIXELS)
    if any(tile[0] in Image.DECODERS for tile in getattr(file, "tile", ())):
        most = _MOST_PIXELS_OF_PYTHON
    if pixels > most:
        raise ValueError(f"it is a {file.format} of {pixels / 1e6:,.0f} megapixels; {most / 1e6:,.0f} are the most")


@functools.cache
def _alone() -> ThreadPoolExecutor:
    """One thread for all large pictures: what each thread has once allocated, the C library keeps for it."""
    return ThreadPoolExecutor(1, thread_name_prefix="ganzoo-large-pictures")


def as_mode(image: Image.Image, *, channels: int) -> Image.Image:
    """A picture in memory in mode L or RGB: turned by EXIF, in sRGB, transparency on white, more bits scaled to 8."""
    depth = None
    if image.mode[0] in "IF":
        depth = Depth("float", 32) if image.mode == "F" else Depth("unsigned", 16)
    turn = 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)
    return _Opened(image, image.format or "", depth, turn)._decoded(channels, None, Rules())[0]


def _banded(image: Image.Image, exif: int, channels: int, about: Size | None, rules: Rules) -> Image.Image:
    """In mode L or RGB, turned; about so many times as large as `about`, if it is large and that is stated."""
    factor, turn = 1, _TURNS.get(exif)
    if about is not None:
        wanted = about if turn is None or turn in _KEEP_SIDES else about[::-1]
        if image.width * image.height > LARGE_PIXELS:
            image.draft(None, (_STILL_LARGER * wanted[1], _STILL_LARGER * wanted[0]))  # a JPEG is decoded smaller
            factor = max(1, min(image.height // wanted[0], image.width // wanted[1]) // _STILL_LARGER)
        elif rules.decode == "fast" and image.format == "JPEG":
            image.draft(None, wanted[::-1])
    rows = max(1, _BAND_PIXELS // (image.width * factor)) * factor
    mode, size = "RGB" if channels == 3 else "L", (-(-image.width // factor), -(-image.height // factor))
    whole = Image.new(mode, size) if rows < image.height else None
    band = image
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows))) if whole is not None else image
        band.load()
        band = flat(band, mode, rules.background)
        if factor > 1:
            band = band.reduce(factor)
        if whole is not None:
            whole.paste(band, (0, top // factor))
    result = band if whole is None else whole
    return result if turn is None else result.transpose(turn)


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
