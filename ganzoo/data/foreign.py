"""Kinds of pictures that Pillow alone does not decode, each by a library that is asked for when a file is met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.data.depth import Depth
from ganzoo.data.kinds import DEEP, JXL, RAW, Kind

_PHOTOMETRIC = (0, 1, 2)  # grey whose zero is white, grey, RGB

Array = tuple[NDArray[Any], Depth, int]
"""Numbers (H, W) or (H, W, C), what they are, and how the picture is turned (EXIF)."""


def decode_jxl(content: bytes, most: int) -> Image.Image:
    """Raises ValueError for more than `most` pixels, or what the library raises."""
    import pylibjxl

    info = pylibjxl.probe(content)
    _check(info["width"] * info["height"], most, "JPEG XL")
    pixels, metadata = pylibjxl.decode(content, metadata=True)
    pixels = np.asarray(pixels)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    image = Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes())
    profile = metadata.get("icc_profile") or metadata.get("icc")
    if isinstance(profile, bytes):
        image.info["icc_profile"] = profile
    return image  # the decoder has turned it


def decode_raw(content: Any, most: int) -> Image.Image:
    """A camera's picture developed as it was set: its white balance, sRGB. content: a file. Raises as `decode_jxl`."""
    import rawpy

    with rawpy.imread(content) as raw:
        _check(raw.sizes.width * raw.sizes.height, most, "camera RAW")
        return Image.fromarray(raw.postprocess(use_camera_wb=True, output_bps=8))


def deep_png(content: bytes, most: int) -> Array:
    """All 16 bits of a PNG in colour. Raises as `decode_jxl`."""
    import imagecodecs

    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    _check(width * height, most, "PNG")
    return imagecodecs.png_decode(content), Depth("unsigned", 16), 1


def deep_tiff(file: Any, most: int) -> Array:
    """The first page of a TIFF that Pillow cannot open, or not with all its bits. Raises as `decode_jxl`."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages[0]
        height, width = int(page.imagelength), int(page.imagewidth)
        _check(height * width * max(1, page.samplesperpixel), 4 * most, "TIFF")
        if int(page.photometric) not in _PHOTOMETRIC:
            name = getattr(page.photometric, "name", page.photometric)
            raise ValueError(f"it is a TIFF of {name} colours in a form that is not read: save it as RGB")
        values = np.asarray(page.asarray())
        if page.axes in ("SYX",):
            values = np.moveaxis(values, 0, -1)
        elif page.axes not in ("YX", "YXS"):
            raise ValueError(f"it has the axes {page.axes}; a picture has height, width and colours")
        kind = {"u": "unsigned", "i": "signed", "f": "float"}.get(values.dtype.kind)
        if kind is None:
            raise ValueError(f"it has numbers of {values.dtype}")
        bits = int(page.bitspersample) if kind == "unsigned" else values.dtype.itemsize * 8
        tag = page.tags.get(274)
        if int(page.photometric) == 0 and kind == "unsigned":
            values = (2**bits - 1) - values
        return values, Depth(kind, bits), int(tag.value) if tag is not None else 1  # type: ignore[arg-type]


def wanted(kind: Kind) -> None:
    """Raises ValueError that says what to install where the library of a kind is not here."""
    if not kind.is_here:
        raise ValueError(kind.missing())


DECODERS: dict[Kind, Callable[[Any, int], Image.Image]] = {JXL: decode_jxl, RAW: decode_raw}

__all__ = ["DECODERS", "DEEP", "decode_jxl", "decode_raw", "deep_png", "deep_tiff", "wanted"]


def _check(pixels: int, most: int, what: str) -> None:
    if pixels > most:
        raise ValueError(f"it is a {what} of {pixels / 1e6:,.0f} megapixels; {most / 1e6:,.0f} are the most")
