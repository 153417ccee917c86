"""What pictures are painted from, one step before the picture: styles where a generator has them, else latents.

Shapes: N pictures, Z latent, L layers, S numbers of a style. A row is (L, S) or (Z,).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, first_few
from ganzoo.sampling.graphs import BATCH, GraphFunction, GraphSet, checked_pixels
from ganzoo.sampling.noise import InputChoices, class_names, inputs_of, through
from ganzoo.sampling.pictures import PixelValues
from ganzoo.sampling.stated import to_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.sampling.latents import Latents


@dataclass(frozen=True, kw_only=True, slots=True)
class Stations:
    """graph: paints from a row. rows: (N, L, S) or (N, Z). others: of the graph's further inputs, (N, ...) each.

    names: of each row, `seed 3` or of a projected picture, with its class.
    """

    graph: GraphFunction
    rows: NDArray[Any]
    others: Sequence[NDArray[Any]]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_styles(self) -> bool:
        """Whether a row is of styles, for each layer of the generator."""
        return self.rows.ndim == 3

    def painted(self) -> Iterator[PixelValues]:
        """Batch by batch. Raises GanzooError for a picture that is not finite."""
        spec = self.graph.outputs[0]
        for start in range(0, len(self.rows), BATCH):
            part = slice(start, start + BATCH)
            pixels = self.graph.run([self.rows[part], *[array[part] for array in self.others]])[0]
            yield PixelValues(pixels=checked_pixels(pixels, self.names[part]), low=spec.low, high=spec.high)

    def with_rows(self, rows: NDArray[Any]) -> Stations:
        """The same of other rows, the further inputs those of the first."""
        import numpy as np

        others = [np.repeat(array[:1], len(rows), 0) for array in self.others]
        return replace(self, rows=rows, others=others, names=[""] * len(rows))


def stations_of(
    source: GraphSet,
    seeds: Sequence[int],
    choices: InputChoices,
    *,
    latents: Latents | None = None,
    cutoff: int | None = None,
) -> Stations:
    """Of latents, if there are, and then of seeds.

    cutoff: stated values, such as of a truncation, move the first so many layers alone. Raises RequestError for inputs
    or layers that are not there, and latents of another kind or size.
    """
    import numpy as np

    graphs = source.styles or source.painters()
    *mapping, last = graphs
    if cutoff is not None:
        _check_cutoff(source, choices, cutoff)
    if latents is not None and latents.space != "z" and not seeds and choices.values:
        raise RequestError(
            f"{', '.join(choices.values)}: a stated value, such as a truncation, acts where seeds become styles, and "
            f"these latents are styles already (space {latents.space})."
        )
    parts: list[NDArray[Any]] = []
    others: list[list[NDArray[Any]]] = []
    names: list[str] = []
    if latents is not None:
        rows, labels = latents.rows_for(source, last)
        given = replace(choices, label=labels) if labels else choices
        batches = list(inputs_of(graphs, range(len(rows)), given, source.path))
        if mapping and latents.space == "z":
            for start, arrays in zip(range(0, len(rows), BATCH), batches, strict=True):
                arrays[0][0] = rows[start : start + BATCH]
            rows = np.concatenate([through(mapping, arrays) for arrays in batches])
        parts.append(rows)
        others += [arrays[-1][1:] for arrays in batches]
        names += latents.names
    if seeds:
        batches = list(inputs_of(graphs, seeds, choices, source.path))
        found = np.concatenate([through(mapping, arrays) if mapping else arrays[0][0] for arrays in batches])
        if cutoff is not None:
            usual = list(inputs_of(graphs, seeds, replace(choices, values={}), source.path))
            found[:, cutoff:] = np.concatenate([through(mapping, arrays) for arrays in usual])[:, cutoff:]
        parts.append(found)
        others += [arrays[-1][1:] for arrays in batches]
        classes = class_names(source, choices.label, len(seeds))
        classes = classes or [""] * len(seeds)
        names += [f"seed {seed} {name}".rstrip() for seed, name in zip(seeds, classes, strict=True)]
    further = [np.concatenate(arrays) for arrays in zip(*others, strict=True)]
    return Stations(graph=last, rows=np.concatenate(parts), others=further, names=names)


def layer_count(source: GraphSet) -> int:
    """How many styles a picture is painted from; 0 for a generator without."""
    shape = source.styles[-1].inputs[0].shape if source.styles else ()  # (B, L, S)
    return shape[1] if len(shape) == 3 and isinstance(shape[1], int) else 0


def check_layers(source: GraphSet, layers: Sequence[int]) -> None:
    """Raises RequestError for layers that a generator has not."""
    known = layer_count(source)
    if not known or any(not 0 <= layer < known for layer in layers):
        has = f"has the layers 0 to {known - 1}" if known else "has no layers"
        raise RequestError(f"{source.path} {has}, not {first_few([str(layer) for layer in layers])}.")


def _check_cutoff(source: GraphSet, choices: InputChoices, cutoff: int) -> None:
    known, cutoff = layer_count(source), to_count(cutoff, "cutoff")
    if not known or cutoff > known:
        has = f"has {known} layers of styles: expected 1 to {known}" if known else "has no layers of styles"
        hint = "" if known else "Styles are what mapping.onnx gives and synthesis.onnx paints from: name both."
        raise RequestError(f"A cut-off at {cutoff}: {source.path} {has}.", hint=hint)
    if not choices.values:
        raise RequestError(
            "A cut-off says how far a stated value reaches, and none is stated.",
            hint="For example --value psi=0.7 --cutoff 4",
        )
