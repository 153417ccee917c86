"""Opening a picture file by the library for its kind, and finding what its numbers are."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganzoo.data import foreign
from ganzoo.data.containers import MOST_BYTES
from ganzoo.data.depth import Depth
from ganzoo.data.kinds import DEEP, HEAD_BYTES, HEIC, RAW, formats_here, kind_of, what_it_is
from ganzoo.data.opened import Numbers, Opened
from ganzoo.data.rules import MOST_PIXELS, ORIENTATION, Rules

_MOST_PIXELS_OF = dict.fromkeys(("WEBP", "AVIF", "HEIF", "JPEG2000"), 60_000_000)
"""Where the decoder keeps a picture of its own beside Pillow's."""

_MOST_PIXELS_OF_PYTHON = 4_000_000
"""Of formats that Pillow decodes in Python, a million pixels a second: QOI, PPM of 16 bits, some DDS."""

_DNG_VERSION = 50706
_CLEAR_WITHIN = 2**16  # bytes of a PNG in which its clear colour is stated, if it has one
_SAMPLE_FORMATS = {2: "signed", 3: "float"}


def opened_by_library(file: BinaryIO, name: str, stack: contextlib.ExitStack, rules: Rules) -> Opened:
    """Or by another library that decodes to a Pillow image."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    kind = kind_of(head, name)
    if kind is not None:
        foreign.wanted(kind)
        if kind is not HEIC:
            given = file if kind is RAW else content_of(file)
            image = foreign.DECODERS[kind](given, MOST_PIXELS)
            return Opened(image, kind.name, turn=image.getexif().get(ORIENTATION, 1))
    if head.startswith(b"\x89PNG") and head[24] == 16 and head[25] != 0:
        content = content_of(file)
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
    clear = image.info.get("transparency")
    if image.format == "PNG" and head[24] < 8 and image.mode == "L" and isinstance(clear, int):
        image.info["transparency"] = clear * 255 // (2 ** head[24] - 1)  # Pillow scales pixels, and not this
    opened = Opened(image, image.format or "", depth, image.getexif().get(ORIENTATION, 1))
    opened.halved = image.format == "PNG" and head[24] == 16 and depth is None
    return opened


def _opened_tiff(image: Image.Image, file: BinaryIO, rules: Rules) -> Opened:
    """A TIFF says what its numbers are. Pillow turns it by itself, and takes numbers with a sign for others."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    if _DNG_VERSION in tags:
        foreign.wanted(RAW)
        file.seek(0)
        return Opened(foreign.decode_raw(file, MOST_PIXELS), RAW.name)
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
    opened = Opened(image, "TIFF", None if several else Depth(kind, bits))  # type: ignore[arg-type]
    opened.halved = several and bits > 8
    opened.inverted = not several and tags.get(262) == 0 and kind == "unsigned"
    return opened


def _deep_tiff(file: BinaryIO) -> Opened:
    file.seek(0)
    return _deep(foreign.deep_tiff, file, "TIFF")


def _deep(decode: object, given: object, name: str) -> Opened:
    foreign.wanted(DEEP)
    values, depth, turn = decode(given, MOST_PIXELS)  # type: ignore[operator]
    opened = Opened(Numbers(values), name, depth, turn)  # type: ignore[arg-type]
    if values.dtype == np.uint8:
        opened.image, opened.depth = Image.fromarray(values), None
    return opened


def content_of(file: BinaryIO) -> bytes:
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
