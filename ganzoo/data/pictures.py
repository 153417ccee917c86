"""One picture file to one uint8 array of a stated shape, and back to files as grids."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganzoo.data.colour import colour_of
from ganzoo.data.decoding import opened_pictures
from ganzoo.datainfo import Picture
from ganzoo.files import open_regular, written_beside

_SOFTWARE = "ganzoo"
Region = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of a picture."""

RESIZE_FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}


def read_picture(path: Path, like: Picture, *, resize: str = "lanczos", fit: str = "crop") -> NDArray[np.uint8]:
    """(C, H, W) uint8 of a stated shape, see `opened_pictures`, whose errors it raises, and `fitted`."""
    with opened_pictures([path], [like.channels], about=(like.height, like.width)) as (image,):
        return fitted(image, height=like.height, width=like.width, resize=resize, fit=fit)


def fitted(
    image: Image.Image,
    *,
    height: int,
    width: int,
    resize: str = "lanczos",
    fit: str = "crop",
    region: Region | None = None,
    background: str = "white",
) -> NDArray[np.uint8]:
    """(C, height, width) uint8. `fit="crop"` takes the largest part of these proportions from the centre, `"stretch"`
    the whole, `"pad"` the whole in its proportions, in the middle of `background`. region: the part to take, in place
    of the centre.

    Resizing is Pillow's, which is antialiased.
    """
    if fit == "pad":
        return _padded(image, height, width, resize, background)
    if fit == "stretch":
        region = None
    else:
        region = region or central_region(image, height=height, width=width)
        if all(edge == int(edge) for edge in region):
            image, region = image.crop(tuple(map(int, region))), None  # type: ignore[arg-type]
    return pixels_of(image.resize((width, height), RESIZE_FILTERS[resize], box=region))


def _padded(image: Image.Image, height: int, width: int, resize: str, background: str) -> NDArray[np.uint8]:
    scale = min(height / image.height, width / image.width)
    across, down = (
        max(1, min(most, round(side * scale))) for side, most in ((image.width, width), (image.height, height))
    )
    small = image if image.size == (across, down) else image.resize((across, down), RESIZE_FILTERS[resize])
    colour = Image.new("RGB", (1, 1), colour_of(background)).convert(image.mode).getpixel((0, 0))
    whole = Image.new(image.mode, (width, height), colour)
    whole.paste(small, ((width - across) // 2, (height - down) // 2))
    return pixels_of(whole)


def central_region(image: Image.Image, *, height: int, width: int) -> Region:
    """The largest part of these proportions in the middle, in whole pixels: left, top, right, bottom."""
    # The side that is too long for the other is cut; one pixel at the least is left of it.
    wide = image.width * height > image.height * width
    across = max(1, round(image.height * width / height)) if wide else image.width
    down = image.height if wide else max(1, round(image.width * height / width))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    return left, top, left + across, top + down


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """A picture of mode L or RGB as (channels, H, W) uint8."""
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None])


def resized_pixels(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(1, C, H, W) -> (1, C, height, width), the middle of it."""
    image = Image.fromarray(pixels[0, 0] if pixels.shape[1] == 1 else pixels[0].transpose(1, 2, 0))
    return fitted(image, height=height, width=width)[None]


def to_uint8(images: NDArray[np.generic], *, low: float = -1.0, high: float = 1.0) -> NDArray[np.uint8]:
    """Pixels in [low, high] to 0..255, rounded, clipped; uint8 is returned as it is."""
    if images.dtype == np.uint8:
        return images  # type: ignore[return-value]
    scaled = (images.astype(np.float32) - low) * (255 / (high - low))
    return scaled.round().clip(0, 255).astype(np.uint8)


def grid(images: NDArray[np.uint8], *, columns: int | None = None) -> Image.Image:
    """(N, C, H, W) uint8 as one picture, row by row, as square as it can be.

    columns: in a row. Raises ValueError for a number of channels other than 1 or 3.
    """
    count, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"a picture has 1 or 3 channels, not {channels}")
    columns = columns or max(1, min(count, math.ceil(math.sqrt(count * height / width))))
    rows = math.ceil(count / columns)
    canvas = np.zeros((rows * columns, channels, height, width), dtype=np.uint8)
    canvas[:count] = images
    canvas = canvas.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    canvas = canvas.reshape(rows * height, columns * width, channels)
    return Image.fromarray(canvas if channels == 3 else canvas[:, :, 0])


def save_image(
    image: Image.Image, path: Path, *, within: Path | None = None, durable: bool = True, **options: Any
) -> None:
    """Write a picture, beside and renamed; within, durable: as for `written_beside`. A PNG says that it is ours.

    Raises OSError, ValueError.
    """
    if path.suffix.lower() == ".png":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Software", _SOFTWARE)
    with written_beside(path, within=within, durable=durable) as partial:
        image.save(partial, **options)


def is_picture(path: Path, *, ours: bool = False) -> bool:
    """Whether a file is a picture, by its header; ours: whether it is a PNG that was painted here. Raises OSError."""
    # Whatever it is, its header is looked at and nothing of it decoded.
    with open_regular(path) as source, contextlib.suppress(Exception), Image.open(source) as file:
        return not ours or file.info.get("Software") == _SOFTWARE
    return False


def side_by_side(*columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Several (N, C, H, W) uint8 as one, (N, C, H, W of all): grey beside colour becomes colour, a smaller picture is
    enlarged to the height of the largest, pixel by pixel where that is a whole number of times."""
    channels, height = max(each.shape[1] for each in columns), max(each.shape[2] for each in columns)
    return np.concatenate([_enlarged(each, channels, height) for each in columns], 3)


def _enlarged(images: NDArray[np.uint8], channels: int, height: int) -> NDArray[np.uint8]:
    if images.shape[1] < channels:
        images = np.repeat(images, channels, 1)
    width = max(1, round(images.shape[3] * height / images.shape[2]))
    rows, columns = (np.arange(new) * old // new for new, old in zip((height, width), images.shape[2:], strict=True))
    return images if images.shape[2] == height else images[:, :, rows][:, :, :, columns]
