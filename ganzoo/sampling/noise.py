"""Painting from noise by seed: what each input is given, and what is painted.

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, did_you_mean, first_few, printable
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet, checked_pixels
from ganzoo.sampling.pictures import PixelValues
from ganzoo.sampling.values import Values, checked_values
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

    Raises RequestError for labels or inputs that are not there, GanzooError for a picture that is not finite.
    """
    import numpy as np

    parts = list(paint_batches(source, seeds, choices))
    return PixelValues(pixels=np.concatenate([part.pixels for part in parts]), low=parts[0].low, high=parts[0].high)


def paint_batches(source: GraphSet, seeds: Sequence[int], choices: InputChoices | None = None) -> Iterator[PixelValues]:
    """The same, batch by batch, as it is asked for. Raises what `paint` raises."""
    graphs = source.painters()
    spec = graphs[-1].outputs[0]
    for number, arrays in enumerate(inputs_of(graphs, seeds, choices or InputChoices(), source.path)):
        names = [f"seed {seed}" for seed in seeds[number * BATCH : (number + 1) * BATCH]]
        yield PixelValues(pixels=checked_pixels(through(graphs, arrays), names), low=spec.low, high=spec.high)


def through(graphs: Sequence[GraphFunction], arrays: Inputs) -> NDArray[Any]:
    """The first output of the last graph, each given what the one before it made."""
    made: list[NDArray[Any]] = []
    for graph, given in zip(graphs, arrays, strict=False):
        made = [graph.run(made + given[len(made) :])[0]]
    return made[0]


def inputs_of(
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


def drawn_classes(source: GraphSet, seeds: Sequence[int], choices: InputChoices) -> list[tuple[int, str]]:
    """Index and name of the class of each picture, stated or drawn by its seed; empty where they are of none.

    Raises RequestError for classes that are not there.
    """
    specs = [spec for graph in source.painters() for spec in graph.inputs]
    spec = next((spec for spec in specs if spec.kind == "class"), None)
    if spec is None:
        return []
    labels = labels_of(choices.label, specs, len(seeds), source.path)
    drawn = spec.default_or_sample(seeds) if labels is None else labels
    return [(index, spec.names[index] if spec.names else "") for index in drawn.astype(int).tolist()]


def stated_classes(label: Label, specs: Sequence[TensorSpec], path: Path) -> int:
    """How many different classes are stated. Raises RequestError for classes that are not there."""
    spec = next((spec for spec in specs if spec.kind == "class"), None)
    most = 1 if spec is None else spec.classes + (label.count(",") if isinstance(label, str) else 0)
    found = labels_of(label, specs, most, path)
    return len(set(found.tolist())) if found is not None else 0


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
