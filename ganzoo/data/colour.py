"""From the colours of a file to grey or sRGB, which screens show: profiles, CMYK, Lab, palettes, transparency."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageColor

_SAME = 2  # levels by which a profile may differ from sRGB and be taken for it
_PROBE = np.array([[0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 120, 60],
                   [60, 160, 200]], dtype=np.uint8)[None]  # fmt: skip


@functools.cache
def colour_of(text: str) -> tuple[int, int, int]:
    """A colour by name or as #rrggbb. Raises ValueError for another text."""
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ValueError(f"background = {text!r}: expected a colour, as in white, black, grey or #ffcc00") from None


def flat(image: Image.Image, mode: str, background: str) -> Image.Image:
    """A loaded picture in mode L or RGB. What is transparent shows `background`."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "RGBa" or (image.mode in ("RGB", "L", "1") and image.has_transparency_data):
        image = image.convert("RGBA")
    image = as_srgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*colour_of(background), 255)), image)
    return image if image.mode == mode else image.convert(mode)


def as_srgb(image: Image.Image) -> Image.Image:
    """The same colours in sRGB. A profile that is damaged, or of another mode, is left out of account."""
    profile = image.info.get("icc_profile") or b""
    if image.mode == "LAB" or profile:
        transform = _transform(profile if isinstance(profile, bytes) else b"", image.mode)
        if transform is not None:
            result = ImageCms.applyTransform(image, transform)
            assert result is not None
            return result
    if image.mode == "LAB":  # of a profile that is for something else
        return as_srgb(Image.frombytes("LAB", image.size, image.tobytes()))
    return image


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:
    """To sRGB, perceptual; None where there is nothing to do, or nothing can be done."""
    space = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}.get(mode)
    if space is None:
        return None
    try:
        given: Any = ImageCms.createProfile("LAB") if not profile else ImageCms.getOpenProfile(io.BytesIO(profile))
        if profile and given.profile.xcolor_space != space:
            return None
        to = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, to)
        if mode in ("RGB", "RGBA"):
            check = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), "RGB", "RGB")
            seen = ImageCms.applyTransform(Image.fromarray(_PROBE), check)
            if np.abs(np.asarray(seen).astype(int) - _PROBE).max() <= _SAME:
                return None
        return transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
