"""One picture through a translation, whole or in tiles: with its transparency and all its bits, into a file.

Shapes: H, W, C channels, s how many times as large what is painted is.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, RequestError, one_line
from ganzoo.progress import Progress, ProgressListener, Silent
from ganzoo.sampling.graphs import GraphFunction
from ganzoo.sampling.tiles import USUAL_OVERLAP, USUAL_TILE, least_tile, paint_tiles, plan_tiles
from ganzoo.sampling.values import Values
from ganzoo.scratch import scratch
from ganzoo.tensors import Dim

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from ganzoo.data.originals import Original

_ROWS = 256
_OPAQUE = (".jpg", ".jpeg", ".bmp")
_LOSSY = (".jpg", ".jpeg", ".webp")
_WHOLE = 1_500_000
"""Pixels that are read at once where nobody says anything of tiles: a trunk of 64 features of them is 0.4 GB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiling:
    """tile: pixels of a side; 0 for whole pictures, None for tiles where a picture is large and its network can.

    overlap: of surroundings on each side of a tile; None for what the network needs, up to 32.
    Raises RequestError for what are no whole numbers from 0.
    """

    tile: int | None = None
    overlap: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("tile", self.tile), ("overlap", self.overlap)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise RequestError(f"{name} = {value!r}: expected a whole number of pixels from 0.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Enlarging:
    """A translation with what goes with each picture.

    further: other pictures (1, C, H, W) that it takes. say: a line for the user. progress: told after each tile.
    """

    graph: GraphFunction
    tiling: Tiling
    values: Values = field(default_factory=dict)
    further: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    say: Callable[[str], None] = lambda line: None
    progress: ProgressListener = field(default_factory=Silent)

    def to_array(self, original: Original) -> NDArray[np.uint8]:
        """(s H, s W, C). Raises RequestError for tiles that do not fit."""
        import numpy as np

        with self._painted(original, np.uint8) as canvas:
            return np.array(canvas.pixels)

    def to_file(self, original: Original, out: Path) -> None:
        """Raises RequestError for tiles that do not fit, or a file that cannot be written."""
        import numpy as np

        deep = original.pixels.dtype == np.uint16 and out.suffix.lower() == ".png"
        with self._painted(original, np.uint16 if deep else np.uint8) as canvas:
            try:
                out.parent.mkdir(parents=True, exist_ok=True)
                canvas.save(out, original.alpha)
            except (OSError, ValueError) as error:
                raise RequestError(f"{out} cannot be written: {one_line(error)}") from None

    @contextlib.contextmanager
    def _painted(self, original: Original, kind: Any) -> Iterator[_Canvas]:
        """In a temporary file that is gone behind it. kind: of its numbers."""
        height, width = original.pixels.shape[:2]
        scale, channels = scale_of(self.graph), self.graph.outputs[0].shape[1]
        assert isinstance(channels, int)
        with scratch("ganzoo-picture-") as folder:
            canvas = _Canvas(folder / "pixels", (height * scale, width * scale, channels), kind)
            try:
                self._paint(original, canvas)
                yield canvas
            finally:
                canvas.close()

    def _paint(self, original: Original, canvas: _Canvas) -> None:
        import numpy as np

        painted = canvas.pixels
        most, level = original.most, int(np.iinfo(painted.dtype).max)
        height, width = original.pixels.shape[:2]
        spec, scale = self.graph.inputs[0], scale_of(self.graph)
        sides = spec.shape[2:]
        wanted = [
            side.smallest(have) if isinstance(side, Dim) else side
            for side, have in zip(sides, (height, width), strict=True)
        ]
        tile = self._tile(height * width)
        if not all(isinstance(side, Dim) for side in sides):  # it has one size, and larger pictures are tiles of it
            if wanted[0] != wanted[1] or self.tiling.tile not in (None, wanted[0]):
                raise RequestError(
                    f"{self.graph.name} takes pictures of {wanted[0]}x{wanted[1]} alone.",
                    hint=f"--tile {wanted[0]} cuts them so."
                    if wanted[0] == wanted[1]
                    else f"--size {wanted[0]}x{wanted[1]} makes them fit.",
                )
            tile, wanted = wanted[0], [max(wanted[0], height), max(wanted[1], width)]
        reader = _Reader(original.pixels)
        multiple = max(side.multiple if isinstance(side, Dim) else 1 for side in sides)
        reach = self.graph.reach
        overlap = self.tiling.overlap
        if overlap is None:
            overlap = USUAL_OVERLAP if reach is None else min(reach, USUAL_OVERLAP)
        plan = plan_tiles(wanted[0], wanted[1], tile=tile or max(wanted), overlap=overlap, multiple=multiple)

        def write(rows: slice, columns: slice, values: NDArray[np.float32]) -> None:
            bottom, right = min(rows.stop, height * scale), min(columns.stop, width * scale)
            inside = slice(rows.start, bottom), slice(columns.start, right)
            part = values[:, : max(0, bottom - rows.start), : max(0, right - columns.start)]
            painted[inside] = part.transpose(1, 2, 0).round().clip(0, level).astype(painted.dtype)

        apart = 0.0
        for done, seam in enumerate(paint_tiles(reader, self._painter(most, level), plan, scale, write), start=1):
            apart = seam.largest
            canvas.let_go()
            if len(plan) > 1:
                self.progress.update(Progress(done=done, total=len(plan), unit="tiles", values={"status": "painting"}))
        if apart > level / 255:
            what = f"tiles differ by up to {apart * 255 / level:.1f} grey levels where they meet"
            if reach is None:
                self.say(
                    f"{what}: {self.graph.name} may look at the whole picture, as norms over it do, and then paints "
                    "something else in tiles; --tile 0 for none"
                )
            else:
                more = min(2 * max(overlap, 16), reach)
                larger = f" --tile {least_tile(more, multiple)}" if tile < least_tile(more, multiple) else ""
                self.say(f"{what}, and fade into each other:{larger} --overlap {more} makes that less")

    def _tile(self, pixels: int) -> int:
        if self.tiling.tile is not None:
            return self.tiling.tile
        if pixels <= _WHOLE or self.graph.reach is None:
            return 0
        self.say(f"a picture of {pixels / 1e6:.1f} megapixels: in tiles of {USUAL_TILE} pixels (--tile 0 for none)")
        return USUAL_TILE

    def _painter(self, most: int, level: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """most: the value of white in what is read. level: in what is painted."""
        import numpy as np

        from ganzoo.sampling.translation import as_input, same_rows

        read, paints, scale = self.graph.inputs[0], self.graph.outputs[0], scale_of(self.graph)
        further = {
            spec.name: as_input(self.graph, spec, self.further[spec.name])
            for spec in self.graph.inputs[1:]
            if spec.name in self.further
        }

        def paint(part: NDArray[np.float32]) -> NDArray[np.float32]:
            given = (part[None] * ((read.high - read.low) / most) + np.float32(read.low)).astype(read.dtype)
            dims = {
                side.name: size
                for side, size in zip(read.shape[1:], given.shape[1:], strict=True)
                if isinstance(side, Dim)
            }
            others = [
                further[spec.name] if spec.name in further else same_rows(spec, 1, dims, self.values)
                for spec in self.graph.inputs[1:]
            ]
            made = self.graph.run([given, *others])[0][0]
            if not np.isfinite(made).all():
                raise GanzooError(f"{self.graph.name} painted values that are not finite.")
            # Some networks round the size of what they paint up.
            made = made[:, : part.shape[1] * scale, : part.shape[2] * scale]
            values: NDArray[np.float32] = (made.astype(np.float32) - paints.low) * (level / (paints.high - paints.low))
            return values.clip(0, level)

        return paint


class _Reader:
    """Parts of a picture as (C, h, w), its numbers as floats; beyond its right and lower border it is mirrored."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels

    def __call__(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        import numpy as np

        down, across = (
            _mirrored(wanted.start, wanted.stop, side)
            for wanted, side in zip((rows, columns), self._pixels.shape[:2], strict=True)
        )
        part = self._pixels[down[:, None], across[None, :]]
        return part.transpose(2, 0, 1).astype(np.float32)


def _mirrored(start: int, stop: int, side: int) -> NDArray[np.int64]:
    import numpy as np

    places = np.arange(start, stop)
    if side == 1:
        return np.zeros_like(places)
    places = places % (2 * side - 2)
    return np.where(places < side, places, 2 * side - 2 - places)


def scale_of(graph: GraphFunction) -> int:
    """How many times as large what a translation paints is."""
    side = graph.outputs[0].shape[2]
    if isinstance(side, Dim):
        return side.times
    read = graph.inputs[0].shape[2]
    return max(1, side // read) if isinstance(read, int) else 1


class _Canvas:
    """What is painted, mapped from a file: only what is being worked at is in memory."""

    def __init__(self, path: Path, shape: tuple[int, int, int], kind: Any) -> None:
        import numpy as np

        self.pixels = np.memmap(path, dtype=kind, mode="w+", shape=shape)

    def let_go(self) -> None:
        """Write what was painted, and give its memory back."""
        mapped: Any = self.pixels
        mapped.flush()
        with contextlib.suppress(AttributeError, OSError):  # of systems that do without
            mapped._mmap.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        del self.pixels

    def save(self, out: Path, alpha: NDArray[Any] | None) -> None:
        """alpha: of what was read, (h, w). Raises OSError, ValueError."""
        from PIL import Image

        from ganzoo.data.pictures import save_image
        from ganzoo.data.png import write_png

        height, width, channels = self.pixels.shape
        if out.suffix.lower() == ".png":
            write_png(out, self._bands(alpha), height=height, width=width)
            return
        whole = next(self._bands(alpha, rows=height))
        image = Image.fromarray(whole if whole.shape[2] > 1 else whole[:, :, 0])
        if alpha is not None and out.suffix.lower() in _OPAQUE:
            ground = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB" if channels == 3 else "L")
        quality: dict[str, Any] = {"quality": 95} if out.suffix.lower() in _LOSSY else {}
        save_image(image, out, **quality)

    def _bands(self, alpha: NDArray[Any] | None, rows: int = _ROWS) -> Iterator[NDArray[Any]]:
        import numpy as np

        height, width = self.pixels.shape[:2]
        values = None if alpha is None else _as_image(alpha)
        for top in range(0, height, rows):
            band = np.array(self.pixels[top : top + rows])
            if values is not None:
                seen = _enlarged(values, top, len(band), height, width, self.pixels.dtype)
                band = np.concatenate([band, seen[:, :, None]], 2)
            yield band
            self.let_go()


def _as_image(alpha: NDArray[Any]) -> Image.Image:
    import numpy as np
    from PIL import Image

    return Image.fromarray(alpha.astype(np.float32) / np.float32(np.iinfo(alpha.dtype).max))


def _enlarged(values: Image.Image, top: int, rows: int, height: int, width: int, kind: Any) -> NDArray[Any]:
    """Rows of the transparency, bicubic: a network would make up edges that are not those of the colours."""
    import numpy as np
    from PIL import Image

    box = (0, top * values.height / height, values.width, (top + rows) * values.height / height)
    level = np.iinfo(kind).max
    seen = np.asarray(values.resize((width, rows), Image.Resampling.BICUBIC, box=box))
    made: NDArray[Any] = (seen * level).round().clip(0, level).astype(kind)
    return made
