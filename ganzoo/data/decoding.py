"""From a picture file to pixels, whatever it is and however large: only raster decoders run, and memory has a limit.

A decoder's buffer is the picture at its own size, 4 bytes a pixel at most; everything behind it is done in bands, and a
picture several times as large as it will be is shrunk band by band: 144 megapixels take 0.6 GB and not five times that.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganzoo.files import open_regular

FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI",
    "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""What is decoded. Pillow knows others, among them PostScript, which it hands to an interpreter, and icons, which hold
pictures of a size that nobody has stated and are decoded when they are opened."""

MOST_PIXELS = 150_000_000
_MOST_PIXELS_OF = dict.fromkeys(("WEBP", "AVIF", "HEIF", "JPEG2000"), 60_000_000)
"""Where the decoder keeps a picture of its own beside Pillow's."""

_MOST_PIXELS_OF_PYTHON = 4_000_000
"""Of formats that Pillow decodes in Python, a million pixels a second: QOI, PPM of 16 bits, some DDS."""

_LARGE_PIXELS = 24_000_000  # from here on a picture is shrunk while it is read; below, its pixels are what they were
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
_ORIENTATION = 0x0112

Size = tuple[int, int]
"""Height and width."""


class UnreadableFileError(ValueError):
    """One of several files of an item. name: of the file, in place of the item's. reason: what was raised."""

    def __init__(self, name: str, reason: BaseException) -> None:
        super().__init__(name)
        self.name, self.reason = name, reason


def suffixes() -> set[str]:
    """Of files that can be decoded here, in lower case with their dot."""
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in _here()}


def _here() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextlib.contextmanager
def opened_pictures(
    paths: Sequence[Path], channels: Sequence[int], *, about: Size | None = None
) -> Iterator[list[Image.Image]]:
    """Pictures in mode L or RGB, see `as_mode`; threads that open large ones wait for each other until they are done.

    about: the size that they will be made; None: they are wanted at their own. Raises whatever a decoder makes of a
    damaged file: OSError, ValueError, SyntaxError, DecompressionBombError and others.
    """
    with contextlib.ExitStack() as stack:
        files, images = list[Image.Image](), list[Image.Image]()
        for path in paths:
            with _named(path, paths):
                files.append(_open(path, stack))
        stack.enter_context(_room.taken(sum(file.width * file.height for file in files)))
        for path, file, count in zip(paths, files, channels, strict=True):
            with _named(path, paths):
                images.append(_decoded(file, count, about))
            file.close()  # its pixels are given back before the next picture has room
        yield images


@contextlib.contextmanager
def _named(path: Path, paths: Sequence[Path]) -> Iterator[None]:
    """What is raised for another than the first says for which."""
    try:
        yield
    except Exception as error:  # damaged files make decoders raise anything
        if path is paths[0]:
            raise
        raise UnreadableFileError(str(path), error) from error


def _open(path: Path, stack: contextlib.ExitStack) -> Image.Image:
    source = stack.enter_context(open_regular(path))
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limits say what is too large
    try:
        file = stack.enter_context(Image.open(source, formats=_here()))
    except UnidentifiedImageError:
        raise ValueError("it is no picture of a kind that is decoded here") from None
    pixels, most = file.width * file.height, _MOST_PIXELS_OF.get(file.format or "", MOST_PIXELS)
    if any(tile[0] in Image.DECODERS for tile in getattr(file, "tile", ())):
        most = _MOST_PIXELS_OF_PYTHON
    if pixels > most:
        raise ValueError(f"it is a {file.format} of {pixels / 1e6:,.0f} megapixels; {most / 1e6:,.0f} are the most")
    return file


@functools.cache
def _alone() -> ThreadPoolExecutor:
    """One thread for all large pictures: what each thread has once allocated, the C library keeps for it."""
    return ThreadPoolExecutor(1, thread_name_prefix="ganzoo-large-pictures")


def _decoded(file: Image.Image, channels: int, about: Size | None) -> Image.Image:
    if file.width * file.height <= _LARGE_PIXELS:
        return as_mode(file, channels=channels, about=about)
    return _alone().submit(as_mode, file, channels=channels, about=about).result()


def as_mode(image: Image.Image, *, channels: int, about: Size | None = None) -> Image.Image:
    """A picture in mode L or RGB; about so many times as large as `about`, if it is large and that is stated.

    EXIF rotation is applied, transparency is laid on white, 16-bit and float greys are scaled to 8 bits, an animation
    gives its first frame.
    """
    factor, turn = 1, _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    if about is not None and image.width * image.height > _LARGE_PIXELS:
        wanted = about if turn is None or turn in _KEEP_SIDES else about[::-1]
        image.draft(None, (_STILL_LARGER * wanted[1], _STILL_LARGER * wanted[0]))  # a JPEG is decoded smaller
        factor = max(1, min(image.height // wanted[0], image.width // wanted[1]) // _STILL_LARGER)
    scale = _scale_to_eight_bits(image)
    rows = max(1, _BAND_PIXELS // (image.width * factor)) * factor
    mode, size = "RGB" if channels == 3 else "L", (-(-image.width // factor), -(-image.height // factor))
    whole = Image.new(mode, size) if rows < image.height else None
    band = image
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        band = _flat(band, scale).convert(mode)
        if factor > 1:
            band = band.reduce(factor)
        if whole is not None:
            whole.paste(band, (0, top // factor))
    result = band if whole is None else whole
    return result if turn is None else result.transpose(turn)


_KEEP_SIDES = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)


def _flat(image: Image.Image, scale: float | None) -> Image.Image:
    """8 bits a channel, on white."""
    if scale is not None:
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("it has values that are not finite")
        image = Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _scale_to_eight_bits(image: Image.Image) -> float | None:
    """Of grey of 16 or 32 bits, or float, which `convert` would clip to white; None for what has 8 bits."""
    if image.mode[0] not in "IF":
        return None
    image.load()
    largest = max((float(np.asarray(band).max(initial=0)) for band in _bands(image)), default=0.0)
    if image.mode == "F":
        return 255.0 if largest <= 1 else 1.0
    return 255 / 65535 if largest > 255 or image.mode.startswith("I;16") else 1.0


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(image.height, top + rows)))


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


_room = _Room(_LARGE_PIXELS)
