"""Pictures on one sheet, the rows named: by class, or by what was done to them."""

from __future__ import annotations

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
