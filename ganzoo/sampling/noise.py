"""Painting from noise: by seed, on a walk from seed to seed, with styles mixed.

Shapes: N pictures, Z latent, L layers, S numbers of a style, C channels, H, W.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, did_you_mean
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet
from ganzoo.sampling.interpolation import eased, great_circle, straight
from ganzoo.sampling.pictures import PixelValues
from ganzoo.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = int | str | Sequence[int | str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InputChoices:
    """What is stated of the inputs besides seeds.

    label: a class index, several to take in turn, `3,5`, or `all`; None leaves it to the seeds.
    values: of inputs that are one number, by name.
    """

    label: Label = None
    values: Mapping[str, float] = field(default_factory=dict)


def paint(source: GraphSet, seeds: Sequence[int], choices: InputChoices | None = None) -> PixelValues:
    """One picture for each seed, label by label in turn: (N, C, H, W).

    Raises RequestError for labels or inputs that are not there.
    """
    import numpy as np

    graphs = _painters(source)
    batches = [_through(graphs, arrays) for arrays in _inputs(graphs[0], seeds, choices or InputChoices(), source.path)]
    spec = graphs[-1].outputs[0]
    return PixelValues(pixels=np.concatenate(batches), low=spec.low, high=spec.high)


def walk(source: GraphSet, seeds: Sequence[int], frames: int, choices: InputChoices) -> Iterator[PixelValues]:
    """Batches of `frames` pictures for each seed, on a closed way through all of them.

    Between styles where the generator has two halves, else on the sphere between latents.
    Raises RequestError for a single seed, or inputs that cannot be gone between.
    """
    import numpy as np

    if len(seeds) < 2:
        raise RequestError("A walk goes from seed to seed: state two or more.", hint="For example the seeds 0 to 4.")
    halves = _halves(source)
    if halves is not None:
        mapping, graph = halves
        parts = [mapping.run(arrays)[0] for arrays in _inputs(mapping, seeds, choices, source.path)]
        stations, fixed, between = np.concatenate(parts), [], straight
    else:
        (graph,) = _painters(source)
        stations, *fixed = [
            np.concatenate(column) for column in zip(*_inputs(graph, seeds, choices, source.path), strict=True)
        ]
        if graph.inputs[0].kind != "normal" or any((array != array[:1]).any() for array in fixed):
            names = ", ".join(spec.name for spec in graph.inputs)
            raise RequestError(
                f"{source.path} takes {names}, and a walk goes between latents.",
                hint="State the others: one label, one value each.",
            )
        between = great_circle
    spec, count = graph.outputs[0], len(seeds) * frames
    for start in range(0, count, BATCH):
        places = [divmod(number, frames) for number in range(start, min(start + BATCH, count))]
        rows = [between(stations[at], stations[(at + 1) % len(stations)], eased(step / frames)) for at, step in places]
        others = [np.repeat(array[:1], len(rows), 0) for array in fixed]
        yield PixelValues(pixels=graph.run([np.stack(rows), *others])[0], low=spec.low, high=spec.high)


def mix(
    source: GraphSet,
    rows: Sequence[int],
    columns: Sequence[int],
    layers: Sequence[int] | None,
    choices: InputChoices,
) -> PixelValues:
    """A grid: pictures of `rows` down the side, of `columns` along the top, and inside, rows with the columns' styles.

    layers: which take the column's style; the coarse half if None. Raises RequestError for a generator without styles,
    or layers that it has not.
    """
    import numpy as np

    halves, known = _halves(source), layer_count(source)
    if halves is None:
        raise RequestError(
            f"{source.path} has no styles to mix.",
            hint="Styles are what one graph gives and another paints: a run of such an architecture, or "
            "`ganzoo sample mapping.onnx synthesis.onnx`.",
        )
    mapping, synthesis = halves
    taken = range(known // 2) if layers is None else layers
    if any(not 0 <= layer < known for layer in taken):
        raise RequestError(f"{source.path} has the layers 0 to {known - 1}, not {list(taken)}.")
    down, along = (  # (N, L, S)
        np.concatenate([mapping.run(arrays)[0] for arrays in _inputs(mapping, side, choices, source.path)])
        for side in (rows, columns)
    )
    spec = synthesis.outputs[0]

    def painted(styles: NDArray[Any]) -> NDArray[Any]:
        parts = [synthesis.run([styles[start : start + BATCH]])[0] for start in range(0, len(styles), BATCH)]
        return np.concatenate(parts)

    top = painted(along)
    blank = np.full_like(top[:1], spec.high)
    lines = [np.concatenate([blank, top])]
    for one in down:
        mixed = np.repeat(one[None], len(along), 0)
        mixed[:, list(taken)] = along[:, list(taken)]
        lines.append(painted(np.concatenate([one[None], mixed])))
    return PixelValues(pixels=np.concatenate(lines), low=spec.low, high=spec.high)


def layer_count(source: GraphSet) -> int:
    """How many styles a picture is painted from; 0 for a generator without."""
    halves = _halves(source)
    layers = halves[1].inputs[0].shape[1] if halves is not None else 0
    return layers if isinstance(layers, int) else 0


def _halves(source: GraphSet) -> tuple[GraphFunction, GraphFunction] | None:
    """Noise to styles and styles to pictures, if there are two such graphs."""
    for second in source.graphs:
        if second.outputs[0].kind != "image" or len(second.inputs) != 1 or len(second.inputs[0].shape) != 3:
            continue
        for first in source.graphs:
            if first.outputs[0].name == second.inputs[0].name:
                return first, second
    return None


def _painters(source: GraphSet) -> tuple[GraphFunction, ...]:
    """What paints pictures from noise, in order: one graph, or the two halves. Raises RequestError for none."""
    pictures = [graph for graph in source.graphs if graph.outputs[0].kind == "image"]
    halves = _halves(source)
    if pictures and (halves is None or pictures[0] is not halves[1]):
        return (pictures[0],)
    if halves is not None:
        return halves
    raise RequestError(
        f"{source.path} paints no pictures: it gives {', '.join(spec.name for spec in source.graphs[0].outputs)}.",
        hint="Name the file that paints them beside it: ganzoo sample mapping.onnx synthesis.onnx -o grid.png",
    )


def _through(graphs: Sequence[GraphFunction], arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The first output of the last graph, each given what the one before it made."""
    for graph in graphs:
        arrays = graph.run(arrays)[:1]
    return arrays[0]


def _inputs(
    graph: GraphFunction, seeds: Sequence[int], choices: InputChoices, path: Path
) -> Iterator[list[NDArray[Any]]]:
    """The inputs of a graph, batch by batch: stated, usual or drawn."""
    labels, values = _labels(choices.label, graph, len(seeds), path), _values(choices.values, graph, path)

    def rows(spec: TensorSpec, start: int, part: Sequence[int]) -> NDArray[Any]:
        if labels is not None and spec.kind == "class":
            return labels[start : start + len(part)]
        if spec.name in values:
            return spec.full(values[spec.name], len(part))
        return spec.default_or_sample(part)

    for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        yield [rows(spec, start, part) for spec in graph.inputs]


def _values(values: Mapping[str, float], graph: GraphFunction, path: Path) -> Mapping[str, float]:
    """Raises RequestError for an input that is not there, or is no single number."""
    able = [spec.name for spec in graph.inputs if len(spec.shape) == 1 and spec.kind != "class"]
    for name, value in values.items():
        if not math.isfinite(value):
            raise RequestError(f"The value of {name!r} is {value}: expected a finite number.")
        if name not in able:
            raise RequestError(
                f"{path} has no input {name!r} that is a number.{did_you_mean(name, able)} "
                f"It has: {', '.join(able) or 'none'}."
            )
    return values


def _labels(label: Label, graph: GraphFunction, count: int, path: Path) -> NDArray[np.int64] | None:
    """One class index per picture, (N,), in turn. Raises RequestError for classes that are not there."""
    import numpy as np

    if label is None:
        return None
    classes = next((spec.classes for spec in graph.inputs if spec.kind == "class"), 0)
    if not classes:
        raise RequestError(f"{path} takes no labels: its generator is not class-conditional.")
    given: Iterable[object] = [label]
    if isinstance(label, str):
        given = label.split(",")
    elif isinstance(label, Iterable) and getattr(label, "ndim", 1) > 0:  # numpy's numbers call themselves iterable
        given = label
    parts = [str(part).strip() for part in given]
    if parts == ["all"]:
        parts = [str(number) for number in range(classes)]
    if not parts or not all(part.isdecimal() and int(part) < classes for part in parts):
        raise RequestError(
            f"label {label!r}: expected class indices from 0 to {classes - 1}, separated by commas, or all."
        )
    return np.resize(np.array([int(part) for part in parts], dtype=np.int64), count)
