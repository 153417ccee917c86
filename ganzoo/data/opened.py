"""A picture file that has been opened, and what is left to do: decode, turn, bring to 8 bits and to the mode wanted."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ganzoo.data import jpeg
from ganzoo.data.colour import flat
from ganzoo.data.depth import Depth, to_eight_bits
from ganzoo.data.rules import LARGE_PIXELS, TURNS, FileFacts, Rules, Size, upright

_STILL_LARGER = 3  # a shrunk picture is so many times as large as it will be, so that nobody sees that it was
_BAND_PIXELS = 2_000_000
_DARK = 31  # of 255: the upper 8 bits of what uses less than an eighth of 16


@dataclass(slots=True)
class Opened:
    """A file that has been opened and not yet decoded. depth: of more than 8 bits. turn: EXIF's number. inverted: its
    zero is white. halved: Pillow gives the upper 8 bits of 16."""

    image: Image.Image
    format: str
    depth: Depth | None = None
    turn: int = 1
    inverted: bool = False
    halved: bool = False

    @property
    def pixels(self) -> int:
        return self.image.width * self.image.height

    def close(self) -> None:
        del self.image  # not closed: it may be the result itself

    def decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        if self.pixels <= LARGE_PIXELS:
            return self._decoded(channels, about, rules)
        return _alone().submit(self._decoded, channels, about, rules).result()

    def _decoded(self, channels: int, about: Size | None, rules: Rules) -> tuple[Image.Image, FileFacts]:
        mode, note = self.image.mode if self.depth is None else str(self.depth), ""
        if self.depth is not None:
            values = _numbers(self.image, self.depth)
            if self.inverted:
                values = 2**self.depth.bits - 1 - values
            eight, note = to_eight_bits(values, self.depth, rules.scale)
            small = Image.fromarray(eight)
            if isinstance(clear := self.image.info.get("transparency"), int):
                small.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
            small.info.update({key: self.image.info[key] for key in ("icc_profile",) if key in self.image.info})
            self.image = small
        elif self.halved:
            top = max(high for _, high in self.image.getextrema()[:3])  # type: ignore[misc]
            note = f"dark {256 * top + 255}" if top < _DARK else ""
        elif getattr(self.image, "is_animated", False) and self.format != "MPO":
            note = "animated"
        width, height = self.image.size
        result = _banded(self.image, self.turn, channels, about, rules)
        return result, FileFacts(self.format, mode, *upright((height, width), self.turn), note)


def jpeg_image(found: jpeg.Decoded, channels: int, rules: Rules) -> Image.Image:
    image = (
        found.image
        if isinstance(found.image, Image.Image)
        else Image.fromarray(found.image.squeeze(2) if found.image.shape[2] == 1 else found.image)
    )
    image = flat(image, "RGB" if channels == 3 else "L", rules.background)
    return image.transpose(TURNS[found.turn]) if found.turn in TURNS else image


def jpeg_facts(found: jpeg.Decoded) -> FileFacts:
    return FileFacts("JPEG", found.mode, *upright(found.size, found.turn))


class Numbers:
    """An array that stands where a picture does until its numbers are scaled."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.height, self.width = values.shape[:2]
        self.mode = "I"
        self.info: dict[str, object] = {}

    def close(self) -> None: ...


def _numbers(image: Image.Image | Numbers, depth: Depth) -> np.ndarray:
    if isinstance(image, Numbers):
        return image.values
    values = np.asarray(image)
    return values.view(np.uint32) if depth.kind == "unsigned" and values.dtype == np.int32 else values


@functools.cache
def _alone() -> ThreadPoolExecutor:
    """One thread for all large pictures: what each thread has once allocated, the C library keeps for it."""
    return ThreadPoolExecutor(1, thread_name_prefix="ganzoo-large-pictures")


def _banded(image: Image.Image, exif: int, channels: int, about: Size | None, rules: Rules) -> Image.Image:
    """In mode L or RGB, turned; about so many times as large as `about`, if it is large and that is stated."""
    factor, turn = 1, TURNS.get(exif)
    if about is not None:
        wanted = upright(about, exif)
        if image.width * image.height > LARGE_PIXELS:
            image.draft(None, (_STILL_LARGER * wanted[1], _STILL_LARGER * wanted[0]))  # a JPEG is decoded smaller
            factor = max(1, min(image.height // wanted[0], image.width // wanted[1]) // _STILL_LARGER)
        elif rules.decode == "fast" and image.format == "JPEG":
            image.draft(None, wanted[::-1])
    rows = max(1, _BAND_PIXELS // (image.width * factor)) * factor
    mode, size = "RGB" if channels == 3 else "L", (-(-image.width // factor), -(-image.height // factor))
    whole = Image.new(mode, size) if rows < image.height else None
    band = image
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows))) if whole is not None else image
        band.load()
        band = flat(band, mode, rules.background)
        if factor > 1:
            band = band.reduce(factor)
        if whole is not None:
            whole.paste(band, (0, top // factor))
    result = band if whole is None else whole
    return result if turn is None else result.transpose(turn)
