"""JPEG files, which most pictures are, decoded by libjpeg-turbo without a detour: the pixels that Pillow gives, sooner.

What is unusual in a file (four colours, damage that can be borne) is left to Pillow, which decides.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
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

MAGIC = b"\xff\xd8\xff"


class Decoded(NamedTuple):
    """image: (H, W, channels) uint8 when that is all there is to do, or else a picture whose profile and mode are to be
    followed. mode: of the file. size: its height and width. turn: EXIF's number, which is to be followed too."""

    image: Image.Image | NDArray[np.uint8]
    mode: str
    size: tuple[int, int]
    turn: int


class _Header(NamedTuple):
    """exif: it may say how the picture is turned. profile: it has one."""

    height: int
    width: int
    colours: int
    exif: bool
    profile: bool


def pixels_of(content: bytes) -> int:
    """By its header; 0 for what Pillow has to look at."""
    header = None if _SIMPLEJPEG is None else _header(content)
    return 0 if header is None else header.height * header.width


def decode(contents: Sequence[bytes], channels: int, least: tuple[int, int] | None, most: int) -> list[Decoded | None]:
    """Of each file; None for Pillow to decode. least: it may be decoded to a half, a quarter, an eighth of its size,
    but not below this height and width. most: pixels.

    In steps for all of them: while a file is decoded another thread runs, so that what is between costs most.
    """
    plans = [_plan(content, channels, least, most) for content in contents]
    pixels = [None if plan is None else _pixels(content, plan) for content, plan in zip(contents, plans, strict=True)]
    return [
        None if plan is None or one is None else _decoded(one, plan) for one, plan in zip(pixels, plans, strict=True)
    ]


class _Plan(NamedTuple):
    """Of one file. smaller: what the decoder is told of sizes. ready: there is nothing else to do."""

    mode: str
    size: tuple[int, int]
    smaller: dict[str, int]
    turn: int
    icc: bytes | None
    ready: bool


def _plan(content: bytes, channels: int, least: tuple[int, int] | None, most: int) -> _Plan | None:
    if _SIMPLEJPEG is None or not content.startswith(MAGIC):
        return None
    header = _header(content)
    if header is None or header.height * header.width > most:
        return None
    size, turn, icc = (header.height, header.width), 1, None
    if header.exif or header.profile:
        try:
            with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as file:  # its header alone
                turn, icc = file.getexif().get(0x0112, 1), file.info.get("icc_profile")
        except (ValueError, OSError, SyntaxError):
            return None
    smaller = {}
    if least is not None:
        height, width = upright(least, turn)
        smaller = {"min_height": min(height, size[0]), "min_width": min(width, size[1])}
    ready = turn == 1 and icc is None and header.colours == channels
    return _Plan("L" if header.colours == 1 else "RGB", size, smaller, turn, icc, ready)


def _pixels(content: bytes, plan: _Plan) -> NDArray[np.uint8] | None:
    try:
        return _SIMPLEJPEG.decode_jpeg(content, "GRAY" if plan.mode == "L" else "RGB", **plan.smaller)  # type: ignore[no-any-return]
    except (ValueError, OSError):
        return None


def _decoded(pixels: NDArray[np.uint8], plan: _Plan) -> Decoded:
    if plan.ready:
        return Decoded(pixels, plan.mode, plan.size, 1)
    image = Image.fromarray(pixels if plan.mode == "RGB" else pixels[:, :, 0])
    if plan.icc is not None:
        image.info["icc_profile"] = plan.icc
    return Decoded(image, plan.mode, plan.size, plan.turn)


def _header(content: bytes) -> _Header | None:
    """Of 8 bits and one or three colours, or None. By its segments up to the picture, and here: what a library says of
    a header costs a change of threads, which is more than that."""
    exif = profile = False
    size, place, end = None, 2, len(content) - 10
    while place < end and content[place] == 0xFF:
        marker, length = content[place + 1], content[place + 2] << 8 | content[place + 3]
        if marker in _ALONE:  # unusual here: Pillow decides
            return None
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker == 0xDA or length < 2:
            break
        if marker == 0xE1:
            exif = exif or content.startswith((b"Exif", b"http://ns.adobe.com/xap"), place + 4)
        elif marker == 0xE2:
            profile = profile or content.startswith(b"ICC_PROFILE", place + 4)
        elif marker in _FRAMES and size is None:
            bits, *size = content[place + 4 : place + 10]
            if bits != 8:
                return None
        place += 2 + length
    if size is None or size[4] not in (1, 3):
        return None
    height, width = size[0] << 8 | size[1], size[2] << 8 | size[3]
    return _Header(height, width, size[4], exif, profile) if height and width else None


_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers that have no length behind them."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of what says how large a picture is."""
