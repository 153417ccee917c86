"""The half of `ganzoo sample` that translates: a picture, folders of them, or a grid. Needs no torch for a file.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.common import warn
from ganzoo.cli.pictures import Painted, check_picture_name, ends_like_a_picture, write_grid
from ganzoo.errors import DataError, RequestError, nearest, one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.cli.models import Model, Painter

_IN_A_GRID = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the user asked for. inputs: files and folders; empty: the pictures that the run learnt from."""

    inputs: tuple[Path, ...]
    out: Path
    direction: str | None
    size: int | None
    count: int | None
    columns: int | None

    @property
    def into_folder(self) -> bool:
        return self.out.is_dir() or not ends_like_a_picture(self.out)


def translate(model: Model, wish: Wish) -> str:
    """Translate and write; one line about what was written.

    One file to one file, many to a folder, many to one file as a grid of source, translation and way back.
    Raises RequestError for a wish that does not fit, DataError for pictures that cannot be read.
    """
    painter = _choose(model, wish.direction)
    alone = len(wish.inputs) == 1 and not wish.inputs[0].is_dir()
    if (wish.into_folder or alone) and (wish.count or wish.columns):
        raise RequestError(
            "--count and --columns are for a grid: pictures to translate, and -o that ends like a picture."
        )
    if not wish.inputs:
        if wish.into_folder:
            raise RequestError("Which pictures?", hint=f"Add --input FOLDER, or end {wish.out} like a picture: .png")
        return _grid_of_data(model, painter, wish)
    if wish.into_folder:
        return _each(model, painter, wish)
    return _one(model, painter, wish) if alone else _grid_of_files(model, painter, wish)


def _choose(model: Model, name: str | None) -> Painter:
    translations = {painter.name: painter for painter in model.painters if painter.translates}
    if name is None:
        chosen = next(iter(translations.values()))
    elif name in translations:
        chosen = translations[name]
    else:
        raise RequestError(
            f"{model.path} has no direction {name!r}.{nearest(name, translations)} "
            f"Directions: {', '.join(translations)}."
        )
    if len(chosen.inputs) > 1:
        raise RequestError(f"{chosen.name} of {model.path} takes {len(chosen.inputs)} inputs, not one picture.")
    return chosen


def _way_back(model: Model, there: Painter) -> Painter | None:
    domains = (there.outputs[0].name, there.inputs[0].name)
    return next((p for p in model.painters if (p.inputs[0].name, p.outputs[0].name) == domains), None)


def translate_pixels(pixels: NDArray[np.uint8], *painters: Painter) -> list[NDArray[np.uint8]]:
    """(N, C, H, W) uint8 of any size -> what each painter makes of what the one before it made, of the same shape.

    A size that the network does not take is filled up by reflection, and cut back afterwards. Nothing is rounded
    between two painters.
    """
    from ganzoo.data.pictures import to_uint8

    height, width = pixels.shape[2:]
    painted, results = _as_input(painters[0], pixels), []
    for painter in painters:
        painted = painter.run([painted])[0]
        spec = painter.outputs[0]
        results.append(to_uint8(painted[:, :, :height, :width], low=spec.low, high=spec.high))
    return results


def _as_input(painter: Painter, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    import numpy as np

    from ganzoo.tensors import Dim

    spec, given = painter.inputs[0], pixels.shape[1:]
    wanted = [
        size.smallest(have) if isinstance(size, Dim) else size for size, have in zip(spec.shape[1:], given, strict=True)
    ]
    if any(want < have for want, have in zip(wanted, given, strict=True)):
        expected, found = ("x".join(map(str, shape)) for shape in (wanted, given))
        raise RequestError(
            f"{painter.name} takes pictures of {expected}, not {found}.", hint="--size makes them square."
        )
    padding = [(0, 0), (0, 0), *((0, want - have) for want, have in zip(wanted[1:], given[1:], strict=True))]
    filled = np.pad(pixels, padding, mode="symmetric")
    return (filled.astype(np.float32) * ((spec.high - spec.low) / 255) + np.float32(spec.low)).astype(spec.dtype)


def _read(path: Path, painter: Painter, size: int | None) -> NDArray[np.uint8]:
    """(1, C, H, W), square if a size is stated."""
    from ganzoo.data.pictures import open_picture, pixels_of, square

    channels = painter.inputs[0].shape[1]
    assert isinstance(channels, int)
    try:
        image = open_picture(path, channels=channels)
        return (pixels_of(image) if size is None else square(image, size=size))[None]
    except Exception as error:  # damaged files make decoders raise anything
        raise DataError(f"{path} cannot be read as a picture: {one_line(error)}") from None


def _readable(files: Sequence[Path], painter: Painter, size: int | None) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Those that can be read; a line for each that cannot. Raises DataError when none can."""
    read = 0
    for path in files:
        try:
            pixels = _read(path, painter, size)
        except DataError as error:
            warn(f"left out: {error.message}")
            continue
        read += 1
        yield path, pixels
    if not read:
        raise DataError(f"None of the {len(files)} pictures can be read.")


def _write(pixels: NDArray[np.uint8], out: Path, columns: int | None = 1) -> None:
    write_grid(Painted(pixels=pixels, low=0.0, high=255.0), out, columns)


def _files(inputs: Sequence[Path]) -> dict[Path, Path]:
    """Each picture, and where it goes below a folder of translations. Raises RequestError for one that is not there."""
    from ganzoo.data.folder import find_pictures

    found: dict[Path, Path] = {}
    for item in inputs:
        if item.is_dir():
            found |= {path: path.relative_to(item) for path in find_pictures(item, warn)}
        elif item.is_file():
            found[item] = Path(item.name)
        else:
            raise RequestError(f"There is no file {item}.")
    return found


def _originals(files: Iterable[Path]) -> set[Path]:
    return {path.resolve() for path in files}


def _spared(target: Path, originals: set[Path]) -> None:
    """Raises RequestError when writing `target` would destroy a picture that is to be translated."""
    if target.resolve() in originals:
        raise RequestError(f"{target} is one of the pictures to translate.", hint="Choose another -o.")


def _one(model: Model, painter: Painter, wish: Wish) -> str:
    (path,) = _files(wish.inputs)
    check_picture_name(wish.out)
    _spared(wish.out, _originals([path]))
    _write(translate_pixels(_read(path, painter, wish.size), painter)[0], wish.out)
    return f"{painter.name}{model.origin}: {wish.out}"


def _each(model: Model, painter: Painter, wish: Wish) -> str:
    files = _files(wish.inputs)
    originals, targets = _originals(files), dict[Path, Path]()
    taken: set[Path] = set()
    for path, place in files.items():
        target = wish.out / place.with_suffix(".png")
        if target in taken:  # a.jpg and a.png
            target = wish.out / f"{place}.png"
        if target in taken:
            raise RequestError(
                f"Two of the pictures would become {target}.", hint="Translate them one folder at a time."
            )
        _spared(target, originals)
        taken.add(target)
        targets[path] = target
    done = 0
    for path, pixels in _readable(list(files), painter, wish.size):
        _write(translate_pixels(pixels, painter)[0], targets[path])
        done += 1
    return f"{done} picture{'' if done == 1 else 's'} through {painter.name}{model.origin}: {wish.out}"


def _grid_of_files(model: Model, painter: Painter, wish: Wish) -> str:
    import numpy as np

    files = list(_files(wish.inputs))[: wish.count or _IN_A_GRID]
    _spared(wish.out, _originals(files))
    height = painter.inputs[0].shape[2]
    size = wish.size or (height if isinstance(height, int) else height.usual or 256)
    pictures = [pixels for _, pixels in _readable(files, painter, size)]
    return _write_strips(model, painter, np.concatenate(pictures), None, wish)


def _grid_of_data(model: Model, painter: Painter, wish: Wish) -> str:
    from ganzoo.cli.common import load_registry
    from ganzoo.training.start import pictures_of

    if model.trained is None:
        raise RequestError("Which pictures shall be translated?", hint="Add --input FILE or --input FOLDER.")
    if not model.trained.run.config.data.source:
        raise RequestError(
            f"{model.path} was imported and knows no pictures.", hint="Add --input FILE or --input FOLDER."
        )
    if wish.size is not None:
        raise RequestError("--size goes with --input; the pictures of the run have the size it learnt at.")
    try:
        pair, paired = pictures_of(model.trained.run, load_registry(), wish.count or _IN_A_GRID, notify=warn)
    except DataError as error:
        raise DataError(
            f"The pictures that {model.path} learnt from cannot be read: {error.message}",
            hint="Add --input FILE or --input FOLDER.",
        ) from None
    given = getattr(pair, painter.inputs[0].name).numpy()
    truth = getattr(pair, painter.outputs[0].name).numpy() if paired else None
    return _write_strips(model, painter, given, truth, wish)


def _write_strips(
    model: Model, painter: Painter, given: NDArray[np.uint8], truth: NDArray[np.uint8] | None, wish: Wish
) -> str:
    """Source and translation, and behind them the way back if there is one, or else the truth if it is known."""
    import numpy as np

    from ganzoo.cli.models import BATCH

    back = _way_back(model, painter)
    rows = []
    ways = (painter,) if back is None else (painter, back)
    for start in range(0, len(given), BATCH):
        part = slice(start, start + BATCH)
        beside = [given[part], *translate_pixels(given[part], *ways)]
        if back is None and truth is not None:
            beside.append(truth[part])
        rows.append(np.concatenate(beside, 3))
    _write(np.concatenate(rows), wish.out, wish.columns)
    third = ", way back" if back is not None else ", truth" if truth is not None else ""
    return f"{len(given)} times source, translation{third}; {painter.name}{model.origin}: {wish.out}"
