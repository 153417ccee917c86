"""Painted pictures: in memory, in a notebook, and in files.

Shapes: N pictures, C channels (1 or 3), H, W.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ganzoo.errors import RequestError, one_line
from ganzoo.sampling.names import check_picture_name, check_place, to_place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


MOST_PIXELS = 2**28
"""Of a grid: 0.8 GB in colour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelValues:
    """What a graph gave: pixels (N, C, H, W) in [low, high]."""

    pixels: NDArray[Any]
    low: float
    high: float

    def to_uint8(self) -> NDArray[np.uint8]:
        """(N, H, W, C), rounded to the nearest of 256 levels."""
        from ganzoo.data.pictures import to_uint8

        return to_uint8(self.pixels, low=self.low, high=self.high).transpose(0, 2, 3, 1)


class Pictures(Sequence["Image.Image"]):
    """Pictures of one size: a sequence of PIL images, an array for numpy, a grid in a notebook.

    pixels: (N, H, W, C) uint8. columns: in a row of the grid; None for as square as it can be. names: of the class of
    each, where it was asked for by name; empty if not. captions: of each, such as `seed 3`. edges: of a table, the
    names of its rows and of its columns.
    """

    def __init__(self, pixels: NDArray[np.uint8], *, columns: int | None = None) -> None:
        """Raises RequestError for what is no array (N, H, W, C) of uint8 with 1 or 3 channels."""
        shape: tuple[int, ...] = getattr(pixels, "shape", ())
        dtype = getattr(pixels, "dtype", type(pixels).__name__)
        if len(shape) != 4 or str(dtype) != "uint8" or shape[3] not in (1, 3):
            raise RequestError(f"Pictures of {dtype} {list(shape)}: expected uint8 (N, H, W, C) with 1 or 3 channels.")
        self.pixels = pixels
        self.columns = columns
        self.names: Sequence[str] = ()
        self.captions: Sequence[str] = ()
        self.edges: tuple[Sequence[str], Sequence[str]] = ((), ())

    @classmethod
    def of(cls, parts: Iterable[PixelValues], *, columns: int | None = None) -> Pictures:
        """The pictures of all parts, one after the other."""
        import numpy as np

        return cls(np.concatenate([part.to_uint8() for part in parts]), columns=columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy as np

        array = np.asarray(self.pixels, dtype=dtype)
        return array.copy() if copy and array is self.pixels else array

    def __len__(self) -> int:
        return len(self.pixels)

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> Pictures: ...
    def __getitem__(self, index: int | slice) -> Image.Image | Pictures:
        chosen = self.pixels[index]
        if chosen.ndim == self.pixels.ndim:  # of a slice, a list or a mask
            pictures = Pictures(chosen, columns=self.columns)
            if isinstance(index, slice):
                pictures.captions = self.captions[index]
            return pictures
        return self._grid(chosen[None], 1)

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        count, height, width, channels = self.pixels.shape
        return f"<{count} pictures, {height}x{width}, {'grey' if channels == 1 else 'colour'}>"

    def _repr_png_(self) -> bytes | None:
        if not len(self):
            return None
        buffer = io.BytesIO()
        (self.edged() if self.edges[0] else self.grid()).save(buffer, format="PNG")
        return buffer.getvalue()

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""
        return self.pixels.shape

    def grid(self, columns: int | None = None) -> Image.Image:
        """All of them as one picture, row by row. Raises RequestError for none, or for columns below 1."""
        if not len(self):
            raise RequestError("There are no pictures to show.")
        height, width = self.pixels.shape[1:3]
        if len(self) * height * width > MOST_PIXELS:
            raise RequestError(
                f"{len(self):,} pictures of {height}x{width} make a grid that hardly a program opens.",
                hint="One file each: --each, or save_each.",
            )
        if columns is not None and (isinstance(columns, str | bool) or columns < 1 or columns != int(columns)):
            raise RequestError(f"columns = {columns!r}: expected a whole number from 1.")
        return self._grid(self.pixels, columns or self.columns)

    def sheet(self) -> Image.Image:
        """A row for each class, its name beside it. Raises RequestError for pictures that no class was asked of."""
        import numpy as np

        from ganzoo.data.sheets import named_rows

        if not self.names:
            raise RequestError("There are no names to show: no class was asked for.", hint="State a label.")
        names, images = np.array(self.names), self.pixels.transpose(0, 3, 1, 2)
        return named_rows([(name, images[names == name]) for name in dict.fromkeys(self.names)])

    def edged(self, columns: int | None = None) -> Image.Image:
        """The grid with names on its edges: of a table's rows and columns, or at the left which pictures a row has.

        Raises RequestError as `grid` does, and for pictures of which no names are known.
        """
        from ganzoo.data.sheets import edged

        image = self.grid(columns)
        height, width = self.pixels.shape[1:3]
        down, along = self.edges
        if not down:
            if not self.captions:
                raise RequestError("There are no seeds to show: these pictures were not painted from any.")
            across = image.width // width
            rows = [self.captions[start : start + across] for start in range(0, len(self), across)]
            down = [_row_name(row) for row in rows]
        return edged(image, cell=(height, width), rows=down, columns=along)

    def save(self, path: Path | str, *, columns: int | None = None, named: bool = False, edges: bool = False) -> Path:
        """Write the grid, or if named the sheet, or the grid with names on its edges, to a file whose name ends like a
        picture.

        Raises RequestError when it cannot be written.
        """
        make = self.sheet if named else (lambda: self.edged(columns)) if edges else (lambda: self.grid(columns))
        return save_grid(make, path)

    def save_each(self, folder: Path | str, *, names: Sequence[str] | None = None) -> list[Path]:
        """Write a PNG file each. names: without suffix; numbers from 0 if not stated. Raises RequestError."""
        digits = max(4, len(str(len(self) - 1)))
        names = [f"{number:0{digits}}" for number in range(len(self))] if names is None else list(names)
        if len(set(names)) != len(self) or any(Path(name).name != name for name in names):
            raise RequestError(f"{len(self)} pictures want as many different names, without folders; got {names!r}.")
        paths = [Path(to_place(folder), f"{name}.png") for name in names]
        for path, image in zip(paths, self, strict=True):
            with _writing(path):
                _save(image, path)
        return paths

    def save_animation(self, path: Path | str, *, fps: float | None = None, codec: str | None = None) -> Path:
        """Write pictures that move as MP4, WebM, WebP, GIF or PNG; `Model.save_walk` does it without holding them.

        fps: pictures a second, 24 if None. Raises RequestError when the name does not end like one of them, or cannot
        be written.
        """
        from ganzoo.sampling.video import FPS, write_film

        out = to_place(path)
        write_film(out, self.pixels, count=len(self), fps=FPS if fps is None else fps, codec=codec)
        return out

    @staticmethod
    def _grid(pixels: NDArray[np.uint8], columns: int | None) -> Image.Image:
        from ganzoo.data.pictures import grid

        return grid(pixels.transpose(0, 3, 1, 2), columns=columns)


def _row_name(captions: Sequence[str]) -> str:
    """`seeds 0 to 7` of neighbours, else each: `seeds 3, 14`, `face, seed 2`."""
    numbers = [text.removeprefix("seed ") for text in captions]
    plain = all(text.startswith("seed ") for text in captions) and all(map(str.isdecimal, numbers))
    if not plain or len(captions) == 1:
        return ", ".join(captions)
    found = [int(number) for number in numbers]
    if len(found) > 2 and found == list(range(found[0], found[0] + len(found))):
        return f"seeds {found[0]} to {found[-1]}"
    return f"seeds {', '.join(numbers)}"


def save_grid(image: Image.Image | Callable[[], Image.Image], path: Path | str) -> Path:
    """Write one picture under a name that ends like one. Raises RequestError when it cannot be written."""
    out = to_place(path)
    check_picture_name(out)
    with _writing(out):
        _save(image() if callable(image) else image, out)
    return out


def _save(image: Image.Image, path: Path, **options: Any) -> None:
    from ganzoo.data.pictures import save_image

    check_place(path)
    save_image(image, path, **options)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Makes the folder of a file; what cannot be written becomes a RequestError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be written: {one_line(error)}") from None
