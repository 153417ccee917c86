"""Painting from noise: by seed, on a walk from seed to seed, with styles mixed.

Shapes: N pictures, Z latent, L layers, S numbers of a style, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, did_you_mean, first_few, printable
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet
from ganzoo.sampling.interpolation import eased, great_circle, straight
from ganzoo.sampling.pictures import PixelValues
from ganzoo.sampling.values import Values, checked_values, how_to_state
from ganzoo.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Inputs = list[list["NDArray[Any]"]]
"""The arrays of each graph of a chain, in the order of its inputs."""

Label = int | str | Sequence[int | str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InputChoices:
    """What is stated of the inputs besides seeds.

    label: a class by index or name, several to take in turn, `3,5`, or `all`; None leaves it to the seeds.
    values: of inputs that are numbers, by name: one, or as many as a vector has.
    """

    label: Label = None
    values: Values = field(default_factory=dict)


def paint(source: GraphSet, seeds: Sequence[int], choices: InputChoices | None = None) -> PixelValues:
    """One picture for each seed, label by label in turn: (N, C, H, W).

    Raises RequestError for labels or inputs that are not there.
    """
    import numpy as np

    graphs = source.painters()
    batches = [_through(graphs, arrays) for arrays in _inputs(graphs, seeds, choices or InputChoices(), source.path)]
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
    graphs, between = (source.styles, straight) if source.styles else (source.painters(), great_circle)
    *mapping, last = graphs
    # A row of inputs for each seed: of the first graph, and of the last what it takes besides.
    batches = [*_inputs(graphs, seeds, choices, source.path)]
    _check_walk(graphs, batches, source.path)
    stations = np.concatenate([_through(mapping, arrays) if mapping else arrays[0][0] for arrays in batches])
    fixed = [array[:1] for array in batches[0][-1][1:]]
    spec, count = last.outputs[0], len(seeds) * frames
    for start in range(0, count, BATCH):
        places = [divmod(number, frames) for number in range(start, min(start + BATCH, count))]
        rows = [between(stations[at], stations[(at + 1) % len(stations)], eased(step / frames)) for at, step in places]
        others = [np.repeat(array, len(rows), 0) for array in fixed]
        yield PixelValues(pixels=last.run([np.stack(rows), *others])[0], low=spec.low, high=spec.high)


def _check_walk(graphs: Sequence[GraphFunction], batches: Sequence[Inputs], path: Path) -> None:
    """Raises RequestError where the first input is no latent, or others change from seed to seed: those jump."""
    first = graphs[0].inputs[0]
    if first.kind != "normal":
        raise RequestError(f"{path} takes {first.name!r}, of kind {first.kind}, and a walk goes between latents.")
    changing = []
    for place, graph in enumerate(graphs):
        for position, spec in enumerate(graph.inputs):
            # The first input of the first is what is gone between, that of the others follows from it; what is
            # taken before styles may change, as styles are gone between.
            if position == 0 or place < len(graphs) - 1:
                continue
            rows = [row for arrays in batches for row in arrays[place][position]]
            if any((row != rows[0]).any() for row in rows):
                changing.append(spec)
    if changing:
        raise RequestError(
            f"{path} takes {' and '.join(f'{spec.name!r}' for spec in changing)} besides, which would jump from seed "
            "to seed, and a walk goes between latents.",
            hint=f"State one for all pictures: {' '.join(how_to_state(spec) for spec in changing)}",
        )


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

    graphs, known = source.styles, layer_count(source)
    if not known:
        raise RequestError(
            f"{source.path} has no styles to mix.",
            hint="Styles are what one graph gives and another paints: a run of such an architecture, or "
            "`ganzoo sample mapping.onnx synthesis.onnx -o grid.png`.",
        )
    *mapping, synthesis = graphs
    taken = range(known // 2) if layers is None else layers
    if any(not 0 <= layer < known for layer in taken):
        raise RequestError(f"{source.path} has the layers 0 to {known - 1}, not {list(taken)}.")
    sides = [[*_inputs(graphs, side, choices, source.path)] for side in (rows, columns)]
    down, along = (np.concatenate([_through(mapping, arrays) for arrays in side]) for side in sides)  # (N, L, S)
    spec, fixed = synthesis.outputs[0], [array[:1] for array in sides[0][0][-1][1:]]

    def painted(styles: NDArray[Any]) -> NDArray[Any]:
        parts = [styles[start : start + BATCH] for start in range(0, len(styles), BATCH)]
        others = [[np.repeat(array, len(part), 0) for array in fixed] for part in parts]
        return np.concatenate([synthesis.run([part, *rest])[0] for part, rest in zip(parts, others, strict=True)])

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
    shape = source.styles[-1].inputs[0].shape if source.styles else ()  # (B, L, S)
    return shape[1] if len(shape) == 3 and isinstance(shape[1], int) else 0


def _through(graphs: Sequence[GraphFunction], arrays: Inputs) -> NDArray[Any]:
    """The first output of the last graph, each given what the one before it made."""
    made: list[NDArray[Any]] = []
    for graph, given in zip(graphs, arrays, strict=False):
        made = [graph.run(made + given[len(made) :])[0]]
    return made[0]


def _inputs(
    graphs: Sequence[GraphFunction], seeds: Sequence[int], choices: InputChoices, path: Path
) -> Iterator[Inputs]:
    """The inputs of each graph, batch by batch: stated, default or drawn. The first of a later one is drawn in vain."""
    specs = [spec for place, graph in enumerate(graphs) for spec in graph.inputs[1 if place else 0 :]]
    labels, values = labels_of(choices.label, specs, len(seeds), path), checked_values(choices.values, specs, path)

    def rows(spec: TensorSpec, start: int, part: Sequence[int]) -> NDArray[Any]:
        if labels is not None and spec.kind == "class":
            return labels[start : start + len(part)]
        if spec.name in values:
            return spec.full(values[spec.name], len(part))
        return spec.default_or_sample(part)

    for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        yield [[rows(spec, start, part) for spec in graph.inputs] for graph in graphs]


def class_names(source: GraphSet, label: Label, count: int) -> list[str]:
    """Of each of `count` pictures asked for by label; empty where no label is stated, or classes have no names.

    Raises RequestError for classes that are not there.
    """
    specs = [spec for graph in source.painters() for spec in graph.inputs]
    spec = next((spec for spec in specs if spec.kind == "class"), None)
    if label is None or spec is None:
        return []
    labels = labels_of(label, specs, count, source.path)
    return [] if labels is None else [spec.names[index] if spec.names else str(index) for index in labels.tolist()]


def labels_of(label: Label, specs: Sequence[TensorSpec], count: int, path: Path) -> NDArray[np.int64] | None:
    """One class index per picture, (N,), in turn. Raises RequestError for classes that are not there."""
    import numpy as np

    if label is None:
        return None
    spec = next((spec for spec in specs if spec.kind == "class"), None)
    if spec is None:
        raise RequestError(f"{path} takes no labels: its generator is not class-conditional.")
    given: Iterable[object] = [label]
    if isinstance(label, str):
        given = _split(label, spec.names)
    elif isinstance(label, Iterable) and getattr(label, "ndim", 1) > 0:  # numpy's numbers call themselves iterable
        given = label
    exact = {name for name in spec.names if name != name.strip()}
    parts = [str(part) if str(part) in exact else str(part).strip() for part in given]
    if parts == ["all"]:
        parts = [str(number) for number in range(spec.classes)]
    if twice := [part for part in parts if spec.names.count(part) > 1 and not part.isdecimal()]:
        which = [index for index, name in enumerate(spec.names) if name == twice[0]]
        raise RequestError(f"label {label!r}: {twice[0]!r} is the name of the classes {first_few([*map(str, which)])}.")
    known = {name: index for index, name in enumerate(spec.names)}
    known |= {str(number): number for number in range(spec.classes)}  # an index wins over a name that looks like one
    if not parts or not all(part in known for part in parts):
        unknown = next((part for part in parts if part not in known), "")
        named = f", or names: {first_few([*map(printable, spec.names)])}" if _tell_names(spec) else ""
        raise RequestError(
            f"label {label!r}: expected class indices from 0 to {spec.classes - 1}, separated by commas, or all{named}."
            f"{did_you_mean(unknown, [*map(printable, spec.names)]) if _tell_names(spec) else ''}"
        )
    return np.resize(np.array([known[part] for part in parts], dtype=np.int64), count)


def _split(text: str, names: Sequence[str]) -> list[str]:
    """At commas, but for those that are in a name: the longest name counts."""
    pieces, found, start = text.split(","), list[str](), 0
    while start < len(pieces):
        ends = range(len(pieces), start + 1, -1)
        end = next((end for end in ends if ",".join(pieces[start:end]).strip() in names), start + 1)
        found.append(",".join(pieces[start:end]))
        start = end
    return found


def _tell_names(spec: TensorSpec) -> bool:
    """Whether the names say more than the indices, as those of digits do not."""
    return bool(spec.names) and spec.names != tuple(str(number) for number in range(spec.classes))
