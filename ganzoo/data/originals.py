"""A picture file as it is: its transparency apart, and all 16 bits where it has them.

Shapes: H, W, C channels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.data import foreign
from ganzoo.data.colour import flat
from ganzoo.data.depth import to_eight_bits
from ganzoo.data.kinds import DEEP
from ganzoo.data.opened import Numbers
from ganzoo.data.openers import content_of, opened_by_library
from ganzoo.data.pictures import central_region
from ganzoo.data.rules import AS_IT_IS, TURNS
from ganzoo.errors import DataError, one_line
from ganzoo.files import open_regular

_HIDDEN = "white"  # what is said of transparent pixels' colours where a mode has none
_MOST_PIXELS = 150_000_000


@dataclass(frozen=True, slots=True)
class Original:
    """pixels: (H, W, C) uint8 or uint16, C 1 or 3, in sRGB, upright. alpha: (H, W) of the same type; None for none."""

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None

    @property
    def most(self) -> int:
        """The value of white."""
        return int(np.iinfo(self.pixels.dtype).max)

    def fitted(self, height: int, width: int) -> Original:
        """The largest part of these proportions from the middle, made this large, as `ganzoo.data.pictures.fitted`."""
        planes = [*self.pixels.transpose(2, 0, 1), *([] if self.alpha is None else [self.alpha])]
        made = [self._resized(plane, height, width) for plane in planes]
        channels = self.pixels.shape[2]
        return Original(np.stack(made[:channels], 2), made[channels] if self.alpha is not None else None)

    def _resized(self, plane: NDArray[Any], height: int, width: int) -> NDArray[Any]:
        image = Image.fromarray(plane if plane.dtype == np.uint8 else plane.astype(np.float32))
        box = central_region(image, height=height, width=width)
        small = image.crop(box).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(small).round().clip(0, self.most).astype(plane.dtype)


def read_original(path: Path, channels: int, say: Callable[[str], None]) -> Original:
    """channels: 1 or 3, that the colours are brought to. Raises DataError for what cannot be read as a picture."""
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_regular(path))
            opened = opened_by_library(file, path.name, stack, AS_IT_IS)
            if opened.halved:
                if DEEP.is_here:
                    file.seek(0)
                    return _of_numbers(foreign.deep_png(content_of(file), _MOST_PIXELS)[0], channels, opened.turn)
                say(f"{path.name}: 8 of its 16 bits are read; all of them with pip install 'ganzoo[deep]'")
            if opened.depth is not None:
                image: Any = opened.image
                values = image.values if isinstance(image, Numbers) else np.asarray(image)
                if opened.depth.kind == "unsigned" and opened.depth.bits <= 16:
                    top = 2**opened.depth.bits - 1
                    values = values.astype(np.int64).clip(0, top)
                    values = (top - values if opened.inverted else values) * 65535 // top
                    return _of_numbers(values.astype(np.uint16), channels, opened.turn)
                return _of_numbers(to_eight_bits(values, opened.depth, "full")[0], channels, opened.turn)
            return _of_image(opened.image, channels, opened.turn)
    except DataError:
        raise
    except Exception as error:  # damaged files make decoders raise anything
        raise DataError(f"{path} cannot be read as a picture: {one_line(error)}") from None


def _of_image(image: Image.Image, channels: int, turn: int) -> Original:
    image.load()
    alpha = None
    if image.has_transparency_data:
        shown = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
        alpha = np.asarray(shown.getchannel("A"))
        profile = shown.info.get("icc_profile")
        image = shown.convert("RGB" if shown.mode == "RGBA" else "L")  # what is below the transparency
        if profile and image.mode == "RGB":
            image.info["icc_profile"] = profile
        image.info.pop("transparency", None)
    pixels = np.asarray(flat(image, "RGB" if channels == 3 else "L", _HIDDEN))
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return Original(_turned(pixels, turn), None if alpha is None else _turned(alpha, turn))


def _of_numbers(values: NDArray[Any], channels: int, turn: int) -> Original:
    values = values if values.ndim == 3 else values[:, :, None]
    alpha = values[:, :, -1] if values.shape[2] in (2, 4) else None
    colours = values[:, :, : values.shape[2] - 1] if alpha is not None else values
    if channels == 3 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, 2)
    elif channels == 1 and colours.shape[2] == 3:
        grey = colours.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        colours = grey.round().astype(values.dtype)[:, :, None]
    return Original(_turned(colours, turn), None if alpha is None else _turned(alpha, turn))


def _turned(values: NDArray[Any], exif: int) -> NDArray[Any]:
    """Upright, as EXIF says."""
    if exif not in TURNS:
        return values
    moves: dict[Image.Transpose, Callable[[NDArray[Any]], NDArray[Any]]] = {
        Image.Transpose.FLIP_LEFT_RIGHT: lambda v: v[:, ::-1],
        Image.Transpose.ROTATE_180: lambda v: v[::-1, ::-1],
        Image.Transpose.FLIP_TOP_BOTTOM: lambda v: v[::-1],
        Image.Transpose.TRANSPOSE: lambda v: v.swapaxes(0, 1),
        Image.Transpose.ROTATE_270: lambda v: np.rot90(v, -1),
        Image.Transpose.TRANSVERSE: lambda v: v[::-1, ::-1].swapaxes(0, 1),
        Image.Transpose.ROTATE_90: lambda v: np.rot90(v, 1),
    }
    return np.ascontiguousarray(moves[TURNS[exif]](values))
