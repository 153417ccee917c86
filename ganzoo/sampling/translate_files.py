"""Translating files: one to one, a folder of them, or many as a grid."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError, RequestError
from ganzoo.progress import Progress, ProgressListener, Silent
from ganzoo.sampling.enlarging import Enlarging, Tiling
from ganzoo.sampling.further import Further, choices_of, table
from ganzoo.sampling.graphs import GraphFunction, GraphSet
from ganzoo.sampling.names import check_picture_name, check_place, ends_like_a_picture
from ganzoo.sampling.pictures import Pictures
from ganzoo.sampling.translation import (
    channels_read,
    choose_direction,
    read_pixels,
    translate_strips,
    usual_size,
)
from ganzoo.sampling.values import Values, beyond, checked_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IN_A_GRID = 16

LearntPictures = Callable[[int], tuple["NDArray[np.uint8]", "NDArray[np.uint8] | None"]]
"""count -> the pictures that a run learnt from, (N, C, H, W) uint8, and their targets where they are pairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslateRequest:
    """What is to be translated, and where to.

    inputs: files and folders; empty: the pictures that the run learnt from. out: a picture file, or a folder.
    direction: by name; None for the first. size: height and width to make the pictures first. count, columns: of a
    grid. values: of inputs besides the picture, by name. further: of a translation that takes
    other pictures, these, by the name of the input, "" for its only one; several of one are painted each.
    tiling: how large pictures are cut.
    """

    inputs: tuple[Path, ...]
    out: Path
    direction: str | None = None
    size: tuple[int, int] | None = None
    count: int | None = None
    columns: int | None = None
    values: Values = field(default_factory=dict)
    further: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    tiling: Tiling = field(default_factory=Tiling)
    progress: ProgressListener = field(default_factory=Silent)

    @property
    def into_folder(self) -> bool:
        return self.out.is_dir() or not ends_like_a_picture(self.out)

    @property
    def one_file(self) -> bool:
        return len(self.inputs) == 1 and not self.inputs[0].is_dir()


def translate_files(
    source: GraphSet,
    request: TranslateRequest,
    *,
    say: Callable[[str], None],
    learnt: Callable[[GraphFunction], LearntPictures],
) -> str:
    """Translate and write; one line about what was written.

    One file to one file, many to a folder, many to one file as a grid of source, translation and way back.
    learnt: how to get at the pictures that a run learnt from; raises RequestError where there are none.
    Raises RequestError for a request that does not fit, DataError for pictures that cannot be read.
    """
    graph = choose_direction(source, request.direction)
    stated = checked_values(request.values, graph.inputs[1:], source.path)
    for line in beyond(stated, graph.inputs):
        say(line)
    named = {name: list(_files(paths, say)) for name, paths in request.further.items()}
    further = choices_of(graph, named, source.path)
    if (request.into_folder or request.one_file) and (request.count or request.columns):
        raise RequestError(
            "--count and --columns are for a grid: pictures to translate, and -o that ends like a picture."
        )
    each = request.inputs and (request.into_folder or (request.one_file and len(further) == 1))
    if not each and (request.tiling.tile is not None or request.tiling.overlap is not None):
        raise RequestError("--tile and --overlap are for one picture to a file, or many to a folder; not for a grid.")
    if not request.inputs:
        return _grid_of_learnt(source, graph, request, learnt, further[0][1])
    if request.into_folder:
        return _each(source, graph, request, say, further)
    if request.one_file and len(further) == 1:
        return _one(source, graph, request, say, further[0][1])
    return _grid_of_files(source, graph, request, say, further)


def _one(
    source: GraphSet, graph: GraphFunction, request: TranslateRequest, say: Callable[[str], None], further: Further
) -> str:
    (path,) = _files(request.inputs, say)
    check_picture_name(request.out)
    _spare(request.out, _originals([path]))
    check_place(request.out)
    _translate(path, request.out, graph, request, say, further)
    return f"{graph.name}{source.origin}: {request.out}"


def _each(
    source: GraphSet,
    graph: GraphFunction,
    request: TranslateRequest,
    say: Callable[[str], None],
    further: Sequence[tuple[str, Further]],
) -> str:
    """Each picture; with several choices of the others, a folder for each of those."""
    files = _files(request.inputs, say)
    work = [
        (path, target, others)
        for name, others in further
        for path, target in _targets(files, request.out / name if len(further) > 1 else request.out).items()
    ]
    done = 0
    for number, (path, target, others) in enumerate(work, start=1):
        try:
            _translate(path, target, graph, request, say, others)
        except DataError as error:
            say(f"left out: {error.message}")
        else:
            done += 1
        request.progress.update(Progress(done=number, total=len(work), unit="pictures", values={"status": graph.name}))
    if not done:
        raise DataError(f"None of the {len(files)} pictures can be read.")
    return f"{done} picture{'' if done == 1 else 's'} through {graph.name}{source.origin}: {request.out}"


def _translate(
    path: Path,
    out: Path,
    graph: GraphFunction,
    request: TranslateRequest,
    say: Callable[[str], None],
    further: Further,
) -> None:
    """One file to one file. Raises DataError for one that cannot be read."""
    from ganzoo.data.originals import read_original

    original = read_original(path, channels_read(graph), say)
    if request.size is not None:
        original = original.fitted(*request.size)
    # A folder has a bar of its own; of one picture the tiles are what takes time.
    progress = request.progress if request.one_file else Silent()
    Enlarging(
        graph=graph, tiling=request.tiling, values=request.values, further=further, say=say, progress=progress
    ).to_file(original, out)


def _targets(files: dict[Path, Path], out: Path) -> dict[Path, Path]:
    """Where each picture goes. Raises RequestError for two that would go to one place, or over what is not ours."""
    from ganzoo.data.pictures import is_picture

    originals, targets, taken = _originals(files), dict[Path, Path](), set[Path]()
    names = Counter(place.with_suffix(".png") for place in files.values())
    for path, place in files.items():
        plain = place.with_suffix(".png")
        # Of a.jpg and a.png the second becomes a.png.
        target = out / (plain if names[plain] == 1 or place == plain else Path(f"{place}.png"))
        if target in taken:
            raise RequestError(
                f"Two of the pictures would become {target}.", hint="Translate them one folder at a time."
            )
        _spare(target, originals)
        if target.exists() and not is_picture(target, ours=True):
            raise RequestError(f"{target} is there, and ganzoo did not paint it.", hint="Choose another -o.")
        targets[path] = target
        taken.add(target)
    return targets


def _grid_of_files(
    source: GraphSet,
    graph: GraphFunction,
    request: TranslateRequest,
    say: Callable[[str], None],
    further: Sequence[tuple[str, Further]],
) -> str:
    import numpy as np

    files = list(_files(request.inputs, say))[: request.count or IN_A_GRID]
    _spare(request.out, _originals(files))
    size = request.size or usual_size(graph)
    pictures = [pixels for _, pixels in _readable(files, graph, size, say)]
    if further[0][1]:
        _write(table(graph, pictures, further, request.values), request.out)
        return f"{len(pictures)} pictures by {len(further)}; {graph.name}{source.origin}: {request.out}"
    return _write_strips(source, graph, np.concatenate(pictures), None, request)


def _grid_of_learnt(
    source: GraphSet,
    graph: GraphFunction,
    request: TranslateRequest,
    learnt: Callable[[GraphFunction], LearntPictures],
    further: Further,
) -> str:
    if request.into_folder:
        raise RequestError("Which pictures?", hint=f"Add --input FOLDER, or end {request.out} like a picture: .png")
    ask = learnt(graph)
    if request.size is not None:
        raise RequestError("--size goes with --input; the pictures of the run have the size it learnt at.")
    given, truth = ask(request.count or IN_A_GRID)
    return _write_strips(source, graph, given, truth, request, further)


def _write_strips(
    source: GraphSet,
    graph: GraphFunction,
    given: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    request: TranslateRequest,
    further: Further | None = None,
) -> str:
    strips, third = translate_strips(source, graph, given, truth, request.values, further)
    _write(strips, request.out, request.columns)
    return f"{len(given)} times source, translation{third}; {graph.name}{source.origin}: {request.out}"


def _write(pixels: NDArray[np.uint8], out: Path, columns: int | None = 1) -> None:
    Pictures(pixels.transpose(0, 2, 3, 1)).save(out, columns=columns)


def _readable(
    files: Sequence[Path], graph: GraphFunction, size: tuple[int, int] | None, say: Callable[[str], None]
) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Those that can be read; a line for each that cannot. Raises DataError when none can."""
    read = 0
    for path in files:
        try:
            pixels = read_pixels(path, graph, size)
        except DataError as error:
            say(f"left out: {error.message}")
            continue
        read += 1
        yield path, pixels
    if not read:
        raise DataError(f"None of the {len(files)} pictures can be read.")


def _files(inputs: Sequence[Path], say: Callable[[str], None]) -> dict[Path, Path]:
    """Each picture, and where it goes below a folder of translations. Raises RequestError for one that is not there."""
    from ganzoo.data.finding import find_pictures

    found: dict[Path, Path] = {}
    for item in inputs:
        if item.is_dir():
            found |= {path: path.relative_to(item) for path in find_pictures(item, say)}
        elif item.is_file():
            found[item] = Path(item.name)
        else:
            raise RequestError(f"There is no file {item}.")
    return found


def _originals(files: Iterable[Path]) -> set[tuple[int, int]]:
    """Files by what the system calls them, whatever their names and links."""
    return {(found.st_dev, found.st_ino) for path in files if (found := path.stat())}


def _spare(target: Path, originals: set[tuple[int, int]]) -> None:
    """Raises RequestError when writing `target` would destroy a picture that is to be translated."""
    with contextlib.suppress(OSError):
        found = target.stat()
        if (found.st_dev, found.st_ino) in originals:
            raise RequestError(f"{target} is one of the pictures to translate.", hint="Choose another -o.")
