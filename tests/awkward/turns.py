"""Pictures that are to be turned: `Orientation`, wherever it is."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awkward.case import Case, Pixels, alone, colour, deep, exact, saved, scaled
from awkward.depths import TIFFFILE, written
from awkward.formats import decoded_jpeg
from awkward.writers import (
    LONG,
    ORIENTATION,
    RGB,
    SHORT,
    chunk,
    exif,
    exif_segment,
    into_jpeg,
    png,
    segment,
    tags_of,
    tiff,
)

CODECS = ("imagecodecs",)


def shown(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """As EXIF has it."""
    turned = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(stored, 1),
    }
    return np.ascontiguousarray(turned[orientation])


def _everywhere() -> list[Case]:
    cases = []
    tags = tags_of(16, 24, [8, 8, 8], 2)
    for turn in range(1, 9):
        truth = shown(colour(), turn)
        cases += [
            alone(f"orientation_{turn}_jpeg", "a.jpg", lambda t=turn: _jpeg(exif_segment(exif(t))), _turned(turn),
                  needs=CODECS),
            exact(f"orientation_{turn}_png", "a.png",
                  lambda t=turn: png(colour(), RGB, before=[_exif_chunk(t)]), truth),
            exact(f"orientation_{turn}_webp", "a.webp",
                  lambda t=turn: saved(colour(), "WEBP", lossless=True, exif=exif(t)), truth),
            exact(f"orientation_{turn}_tiff", "a.tif",
                  lambda t=turn: tiff(({**tags, ORIENTATION: (SHORT, [t])}, colour().tobytes())), truth),
        ]  # fmt: skip
    return cases


def _jpeg(*segments: bytes, keep_jfif: bool = True) -> bytes:
    return into_jpeg(saved(colour(), "JPEG", quality=95, subsampling=0), *segments, keep_jfif=keep_jfif)


def _exif_chunk(turn: int) -> bytes:
    return chunk(b"eXIf", exif(turn, order=">"))


def _turned(turn: int) -> Any:
    def truth(path: Path) -> Pixels:
        return shown(decoded_jpeg(path), turn)

    return truth


def _odd() -> list[Case]:
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    comment = segment(0xFE, b"taken on a holiday")
    block = exif_segment(exif(6))
    tags = tags_of(16, 24, [8, 8, 8], 2)
    thumbnail = exif_segment(tiff(({271: (SHORT, [1])}, b""), ({ORIENTATION: (SHORT, [6])}, b"")))
    jpegs = {
        "without_jfif": (_jpeg(block, keep_jfif=False), 6),
        "big_endian": (_jpeg(exif_segment(exif(6, order=">"))), 6),
        "as_a_long": (_jpeg(exif_segment(exif(6, kind=LONG))), 6),
        "behind_xmp": (_jpeg(xmp, block), 6),
        "behind_a_comment_and_a_profile": (_jpeg(comment, segment(0xE2, b"MPF\0" + bytes(20)), block), 6),
        "of_the_thumbnail_only": (_jpeg(thumbnail), 1),
        "of_0": (_jpeg(exif_segment(exif(0))), 1),
        "of_9": (_jpeg(exif_segment(exif(9))), 1),
        "in_a_damaged_block": (_jpeg(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f")), 1),
        "in_an_empty_block": (_jpeg(segment(0xE1, b"Exif\0\0")), 1),
    }
    raw_profile = exif_segment(exif(6))[4:]
    hexed = b"\nexif\n%8d\n" % len(raw_profile) + raw_profile.hex().encode() + b"\n"
    text = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(hexed))
    deeper = deep(colour())
    two_pages = (tags, colour().tobytes()), ({**tags, ORIENTATION: (SHORT, [6])}, colour(1).tobytes())
    clear = np.dstack([colour(), np.full((16, 24), 255, np.uint8)])
    return [
        *(alone(f"orientation_{name}_jpeg", "a.jpg", lambda d=data: d, _turned(turn), needs=CODECS)
          for name, (data, turn) in jpegs.items()),
        exact("orientation_behind_the_pixels_png", "a.png", lambda: png(colour(), RGB, after=[_exif_chunk(6)]),
              shown(colour(), 6)),
        exact("orientation_in_a_text_of_imagemagick_png", "a.png", lambda: png(colour(), RGB, before=[text]),
              shown(colour(), 6)),
        alone("orientation_of_16_bits_png", "a.png", lambda: png(deeper, RGB, 16, before=[_exif_chunk(8)]),
              scaled(shown(deeper, 8))),
        exact("orientation_big_endian_tiff", "a.tif",
              lambda: tiff(({**tags, ORIENTATION: (SHORT, [6])}, colour().tobytes()), order=">"), shown(colour(), 6)),
        exact("orientation_as_a_long_tiff", "a.tif",
              lambda: tiff(({**tags, ORIENTATION: (LONG, [6])}, colour().tobytes())), shown(colour(), 6)),
        exact("orientation_of_the_second_page_tiff", "a.tif", lambda: tiff(*two_pages), colour()),
        alone("orientation_of_16_bits_tiff", "a.tif",
              lambda: written(deeper, extratags=[(ORIENTATION, 3, 1, 6, True)]), scaled(shown(deeper, 6)),
              needs=TIFFFILE),
        exact("orientation_of_16_bits_grey_tiff", "a.tif",
              lambda: written(deeper[:, :, 0], extratags=[(ORIENTATION, 3, 1, 5, True)]),
              scaled(shown(deeper[:, :, 0], 5)), needs=TIFFFILE),
        alone("orientation_of_floats_tiff", "a.tif",
              lambda: written((deeper / 65535).astype(np.float32), extratags=[(ORIENTATION, 3, 1, 7, True)]),
              scaled(shown(deeper, 7)), needs=TIFFFILE),
        exact("orientation_of_tiles_tiff", "a.tif",
              lambda: written(colour(), tile=(16, 16), compression="lzw", extratags=[(ORIENTATION, 3, 1, 8, True)]),
              shown(colour(), 8), needs=("tifffile", "imagecodecs")),
        exact("orientation_with_opacity_webp", "a.webp",
              lambda: saved(clear, "WEBP", lossless=True, exif=b"Exif\0\0" + exif(6)), shown(colour(), 6)),
        alone("orientation_avif", "a.avif", lambda: saved(colour(), "AVIF", quality=90, exif=exif(6)), _avif),
        alone("orientation_jpegxl", "a.jxl", _jpegxl, _jpegxl_upright, needs=("pylibjxl", "imagecodecs")),
        alone("orientation_heic", "a.heic", _heif, _as_heif_has_it, needs=("pillow_heif",)),
        alone("orientation_mpo", "a.jpg", _mpo, _turned(6), needs=CODECS),
    ]  # fmt: skip


def _avif(path: Path) -> Pixels:
    """Pillow leaves the turning to who opens it."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image))


def _jpegxl() -> bytes:
    """From a JPEG, whose orientation goes into the codestream: that in a block of EXIF is not to be used."""
    import pylibjxl

    return bytes(pylibjxl.jpeg_to_jxl(_jpeg(exif_segment(exif(6)))))


def _jpegxl_upright(_: Path) -> Pixels:
    import imagecodecs
    import pylibjxl

    return shown(np.asarray(imagecodecs.jpegxl_decode(pylibjxl.jpeg_to_jxl(_jpeg()))), 6)


def _heif() -> bytes:
    import io

    import pillow_heif
    from PIL import Image

    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(colour())).save(buffer, quality=90, exif=exif(6))
    return buffer.getvalue()


def _as_heif_has_it(path: Path) -> Pixels:
    """With what the file says of turning applied, which the library does itself."""
    import pillow_heif

    return np.asarray(pillow_heif.open_heif(path).to_pillow().convert("RGB"))


def _mpo() -> bytes:
    from PIL import Image

    second = Image.fromarray(colour(1))
    return saved(
        colour(), "MPO", save_all=True, append_images=[second], quality=92, subsampling=0, exif=b"Exif\0\0" + exif(6)
    )


CASES = [*_everywhere(), *_odd()]
