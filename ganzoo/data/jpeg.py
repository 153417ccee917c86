"""JPEG files, which most pictures are, decoded by libjpeg-turbo without a detour: the pixels that Pillow gives, sooner.

What is unusual in a file (four colours, damage that can be borne) is left to Pillow, which decides.
"""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.data.rules import upright


def _library() -> ModuleType | None:
    try:
        import simplejpeg
    except ImportError:  # no wheel for this machine
        return None
    return simplejpeg  # type: ignore[no-any-return]


_SIMPLEJPEG: Any = _library()


VERSION = "pillow" if _SIMPLEJPEG is None else "libjpeg-turbo"
"""Who decodes: the same pixels of whole files, but a smaller decoding is another's."""

_SHORT = 2**15  # bytes that are sooner searched than walked through
MAGIC = b"\xff\xd8\xff"


class Decoded(NamedTuple):
    """image: (H, W, channels) uint8 when that is all there is to do, or else a picture whose profile and mode are to be
    followed. mode: of the file. size: its height and width. turn: EXIF's number, which is to be followed too."""

    image: Image.Image | NDArray[np.uint8]
    mode: str
    size: tuple[int, int]
    turn: int


def pixels_of(content: bytes) -> int:
    """By its header; 0 for what Pillow has to look at."""
    try:
        height, width, *_ = _SIMPLEJPEG.decode_jpeg_header(content)
    except (ValueError, AttributeError):
        return 0
    return int(height * width)


def decode(content: bytes, channels: int, least: tuple[int, int] | None, most: int) -> Decoded | None:
    """None for Pillow to decode. least: it may be decoded to a half, a quarter, an eighth of its size, but not below
    this height and width. most: pixels."""
    if _SIMPLEJPEG is None or not content.startswith(MAGIC):
        return None
    exif, profile = _told(content)
    turn, icc = 1, None
    try:
        height, width, colours, _ = _SIMPLEJPEG.decode_jpeg_header(content)
        if colours not in ("YCbCr", "RGB", "Gray") or height * width > most:
            return None
        if exif or profile:
            with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as file:  # its header alone
                turn, icc = file.getexif().get(0x0112, 1), file.info.get("icc_profile")
        if least is not None:
            least = upright(least, turn)
        smaller = {} if least is None else {"min_height": min(least[0], height), "min_width": min(least[1], width)}
        pixels = _SIMPLEJPEG.decode_jpeg(content, "GRAY" if colours == "Gray" else "RGB", **smaller)
    except (ValueError, OSError, SyntaxError):
        return None
    mode = "L" if colours == "Gray" else "RGB"
    if turn == 1 and icc is None and (mode == "RGB") == (channels == 3):
        return Decoded(pixels, mode, (height, width), 1)
    image = Image.fromarray(pixels if mode == "RGB" else pixels[:, :, 0])
    if icc is not None:
        image.info["icc_profile"] = icc
    return Decoded(image, mode, (height, width), turn)


def _told(content: bytes) -> tuple[bool, bool]:
    """Whether a file may say how it is turned, and whether it has a profile: its segments before the picture."""
    if len(content) < _SHORT and not any(sign in content for sign in (b"Exif", b"http:", b"ICC_PROFILE")):
        return False, False
    exif = profile = False
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker in (0xDA, 0xD9) or length < 2:
            break
        begin = content[place + 4 : place + 40]
        exif = exif or (marker == 0xE1 and begin.startswith((b"Exif", b"http://ns.adobe.com/xap")))
        profile = profile or (marker == 0xE2 and begin.startswith(b"ICC_PROFILE"))
        place += 2 + length
    return exif, profile
