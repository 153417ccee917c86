"""How pixels follow from a picture file, what a file held, and how large a picture may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from PIL import Image

from ganzoo.data.depth import Scale

MOST_PIXELS = 150_000_000
LARGE_PIXELS = 24_000_000  # from here on a picture is shrunk while it is read; below, its pixels are what they were

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_KEEP_SIDES = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
ORIENTATION = 0x0112

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """How pixels follow from a file. scale: of more than 8 bits, see `ganzoo.data.depth`. background: what is seen
    through a picture. decode: `fast` lets a JPEG be decoded smaller than it is, when it will be made smaller anyway."""

    scale: Scale = "full"
    background: str = "white"
    decode: Literal["exact", "fast"] = "exact"


AS_IT_IS = Rules()


class FileFacts(NamedTuple):
    """What a file held before it was made a picture of a stated shape. note: see `to_eight_bits`; `animated`."""

    format: str
    mode: str
    height: int
    width: int
    note: str = ""


def least(about: Size | None, rules: Rules) -> Size | None:
    """The height and width that a decoder has to give, where it may give less than all."""
    return about if rules.decode == "fast" else None


def keeps_sides(exif: int) -> bool:
    """Whether a picture that is turned as EXIF says is as high as before."""
    return exif not in TURNS or TURNS[exif] in _KEEP_SIDES


def upright(size: Size, exif: int) -> Size:
    """Height and width of a picture once it is turned."""
    return size if keeps_sides(exif) else size[::-1]
