"""The other pictures of a translation that takes several, such as a style: which, and tables of what becomes of each.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import RequestError, did_you_mean, shell_word
from ganzoo.sampling.graphs import GraphFunction
from ganzoo.sampling.translation import read_pixels, translate_pixels
from ganzoo.sampling.values import Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Further = Mapping[str, "NDArray[np.uint8]"]
"""Of other pictures that a translation takes, (1, C, H, W), by the names of its inputs."""


def names_of(graph: GraphFunction) -> list[str]:
    """Of the pictures that a translation takes besides the first."""
    return [spec.name for spec in graph.inputs[1:] if spec.kind == "picture"]


def check_further(graph: GraphFunction, given: Sequence[str], path: Path) -> None:
    """Raises RequestError where a translation takes other pictures besides the first than those given."""
    wanted = names_of(graph)
    if odd := [name for name in given if name not in wanted]:
        raise RequestError(
            f"{graph.name} of {path} takes no picture {odd[0]!r}.{did_you_mean(odd[0], wanted)} "
            + (f"It takes {', '.join(wanted)} besides the first." if wanted else "It takes one picture."),
        )
    if lacking := [name for name in wanted if name not in given]:
        raise RequestError(
            f"{graph.name} of {path} takes another picture, {lacking[0]!r}, and none is given.",
            hint=f"--with {shell_word(f'{lacking[0]}=PICTURE')}",
        )


def choices_of(graph: GraphFunction, files: Mapping[str, Sequence[Path]], path: Path) -> list[tuple[str, Further]]:
    """Each choice of the other pictures, and what it is called: one, without any, for a translation of one picture.

    files: by the names of inputs; "" is the only one. Raises RequestError for pictures that it does not take, or lacks,
    DataError for one that cannot be read.
    """
    wanted = names_of(graph)
    if "" in files and len(wanted) > 1:
        raise RequestError(
            f"{graph.name} takes {', '.join(wanted)} besides the first picture.",
            hint=f"--with {shell_word(f'{wanted[0]}=PICTURE')}",
        )
    if files and not wanted:
        raise RequestError(f"{graph.name} of {path} takes one picture, and --with names another.")
    named = {name or wanted[0]: paths for name, paths in files.items()}
    check_further(graph, list(named), path)
    specs = {spec.name: spec for spec in graph.inputs}
    read = {
        name: [
            (title, read_pixels(path, graph, None, spec=specs[name]))
            for title, path in zip(_titles(paths), paths, strict=True)
        ]
        for name, paths in named.items()
    }
    return [
        ("-".join(stem for stem, _ in chosen), dict(zip(read, [pixels for _, pixels in chosen], strict=True)))
        for chosen in itertools.product(*read.values())
    ]


def _titles(paths: Sequence[Path]) -> list[str]:
    """Names for folders: those of the files, and where two have one name its place behind it."""
    stems = Counter(path.stem for path in paths)
    return [path.stem if stems[path.stem] == 1 else f"{path.stem}-{place}" for place, path in enumerate(paths)]


def table(
    graph: GraphFunction,
    given: Sequence[NDArray[np.uint8]],
    further: Sequence[tuple[str, Further]],
    values: Values,
) -> NDArray[np.uint8]:
    """(1, C, H, W): pictures down, the others along, and inside what becomes of each two. given: (1, C, H, W) each."""
    import numpy as np

    from ganzoo.data.pictures import resized_pixels

    height, width = given[0].shape[2:]
    heads = [resized_pixels(next(iter(others.values())), height, width) for _, others in further]
    rows = [np.concatenate([np.full_like(given[0], 255), *heads], 3)]
    for pixels in given:
        painted = [translate_pixels(pixels, graph, values=values, further=others)[0] for _, others in further]
        rows.append(np.concatenate([pixels, *painted], 3))
    return np.concatenate(rows, 2)
