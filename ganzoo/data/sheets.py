"""Pictures on one sheet, the rows named: by class, or by what was done to them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganzoo.data.pictures import grid

_LEAST_HEIGHT = 16  # of a row, to be read beside it
_MOST_LETTERS = 24
_GAP = 4


def named_rows(rows: Sequence[tuple[str, NDArray[np.uint8]]]) -> Image.Image:
    """Each row is a name and its pictures, (N, C, H, W); at the left stands the name, on white.

    Small pictures are enlarged pixel by pixel, so that their names can be read. Raises ValueError for no rows.
    """
    height = rows[0][1].shape[2]
    times = -(-_LEAST_HEIGHT // height)
    strips = [grid(images, columns=len(images)) for _, images in rows]
    strips = [strip.resize((strip.width * times, strip.height * times), Image.Resampling.NEAREST) for strip in strips]
    names = [name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}\u2026" for name, _ in rows]
    font = ImageFont.load_default(size=max(9, min(20, height * times // 2)))
    margin = 2 * _GAP + max(round(_width(name, font)) for name in names)
    sheet = Image.new(
        "RGB", (margin + max(strip.width for strip in strips), sum(strip.height for strip in strips)), "white"
    )
    pen, top = ImageDraw.Draw(sheet), 0
    for name, strip in zip(names, strips, strict=True):
        pen.text((_GAP, top + strip.height / 2), _drawable(name), fill="black", font=font, anchor="lm")
        sheet.paste(strip.convert("RGB"), (margin, top))
        top += strip.height
    return sheet


def edged(
    image: Image.Image, *, cell: tuple[int, int], rows: Sequence[str], columns: Sequence[str] = ()
) -> Image.Image:
    """A grid with names at the left of its rows and, if there are any, above its columns, on white.

    cell: height and width of a picture in it. Small pictures are enlarged pixel by pixel, so that names can be read.
    """
    times = -(-_LEAST_HEIGHT * 3 // min(cell)) if min(cell) < _LEAST_HEIGHT * 3 else 1
    image = image.convert("RGB").resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    height, width = cell[0] * times, cell[1] * times
    font = ImageFont.load_default(size=max(9, min(20, height // 3)))
    left = 2 * _GAP + max(round(_width(name, font)) for name in rows)
    most = max(1, int(width / max(1.0, font.getlength("0"))))
    lines = [textwrap.wrap(_drawable(name), most)[:3] or [""] for name in columns]
    step = round(sum(font.getmetrics()) if isinstance(font, ImageFont.FreeTypeFont) else 12)
    top = max(map(len, lines)) * step + 2 * _GAP if lines else 0
    sheet = Image.new("RGB", (left + image.width, top + image.height), "white")
    sheet.paste(image, (left, top))
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(rows):
        pen.text((_GAP, top + (number + 0.5) * height), _drawable(name), fill="black", font=font, anchor="lm")
    for number, words in enumerate(lines):
        place = (left + (number + 0.5) * width, top - _GAP)
        pen.multiline_text(place, "\n".join(words), fill="black", font=font, anchor="md", align="center")
    return sheet


def with_caption(pixels: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """(H, W, C) uint8 with a text in its lower left corner, white with a dark edge. One too small for it is left."""
    height, width = pixels.shape[:2]
    size = max(9, height // 18)
    font = ImageFont.load_default(size=size)
    if not text or _width(text, font) > width - 2 * _GAP:
        return pixels
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    light, dark = (255, 0) if pixels.shape[2] == 1 else ("white", "black")
    pen = ImageDraw.Draw(image)
    pen.text(
        (size // 2, height - size // 2), _drawable(text), fill=light, font=font, anchor="ls",
        stroke_width=max(1, size // 10), stroke_fill=dark,
    )  # fmt: skip
    written = np.asarray(image, dtype=np.uint8)
    return written if written.ndim == 3 else written[:, :, None]


def by_class(
    images: NDArray[np.uint8], labels: NDArray[np.int64], names: Sequence[str], *, most: int = 16, columns: int = 8
) -> list[tuple[str, NDArray[np.uint8]]]:
    """Rows for `named_rows`: of each class that is there, at most `most` of them, its first pictures."""
    present = np.unique(labels)
    chosen = present[np.unique(np.linspace(0, len(present) - 1, min(most, len(present))).astype(int))]
    rows = []
    for label in chosen.tolist():
        name = names[label] if label < len(names) else str(label)
        rows.append((name, images[labels == label][:columns]))
    return rows


def _width(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> float:
    return font.getlength(_drawable(name))


def _drawable(name: str) -> str:
    """A font without Unicode refuses what it does not have."""
    return name.encode("latin-1", "replace").decode("latin-1")
