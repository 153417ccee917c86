"""Directions in the space of styles: what a generator varies most, found without labels (arXiv:2004.02546).

The principal components of the styles of many seeds: w = mean + sum of c_k * v_k, with v_k of length 1 and the
deviation s_k of c_k. A move by `amount` along direction k adds amount * s_k * v_k.

Shapes: N seeds, L layers, S numbers of a style, K directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.sampling.array_file import FORMAT, read_arrays, write_arrays
from ganzoo.sampling.graphs import GraphSet
from ganzoo.sampling.noise import InputChoices, inputs_of, through
from ganzoo.sampling.stations import Stations

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "directions"
SEEDS = 10_000
"""Whose styles the directions are found from, if not stated otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Directions:
    """components: (K, S), of length 1, the largest deviation first. deviations: (K,). mean: (S,).

    explained: (K,), the share of all variance. model: the hash of the weights that they are of.
    """

    components: NDArray[Any]
    deviations: NDArray[Any]
    mean: NDArray[Any]
    explained: NDArray[Any]
    model: str = ""

    def __len__(self) -> int:
        return len(self.components)

    def save(self, path: Path | str) -> Path:
        """Write a file that `load` reads, and numpy too. Raises RequestError when it cannot be written."""
        arrays = {name: getattr(self, name) for name in ("components", "deviations", "mean", "explained")}
        write_arrays(Path(path), arrays, {"kind": KIND, "format": FORMAT, "model": self.model})
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> Directions:
        """What `save` wrote. Raises RequestError for a file that is not there, or holds none."""
        import numpy as np

        place = Path(path)
        arrays, about = read_arrays(place, KIND)
        names = ("components", "deviations", "mean", "explained")
        found = {name: arrays.get(name, np.empty(0)) for name in names}
        count = len(found["deviations"])
        shapes = [found[name].shape for name in names]
        size = found["mean"].size
        if (
            not count
            or shapes != [(count, size), (count,), (size,), (count,)]
            or not all(np.issubdtype(array.dtype, np.floating) and np.isfinite(array).all() for array in found.values())
        ):
            raise RequestError(f"{place} holds no directions that can be gone along.")
        return cls(**found, model=str(about.get("model", "")))

    def moved(self, stations: Stations, moves: Mapping[int, float], *, layers: Sequence[int] | None = None) -> Stations:
        """The stations moved along directions, by so many deviations. layers: those alone, all if None.

        Raises RequestError for a direction that is not there, or styles of another size.
        """
        import numpy as np

        if any(not 0 <= number < len(self) for number in moves):
            raise RequestError(f"There are the directions 0 to {len(self) - 1}, not {list(moves)}.")
        if not stations.has_styles or stations.rows.shape[2] != self.components.shape[1]:
            raise RequestError(
                f"The directions are of styles of {self.components.shape[1]} numbers; these have "
                f"{list(stations.rows.shape[1:])}."
            )
        shift = sum(amount * self.deviations[number] * self.components[number] for number, amount in moves.items())
        rows = stations.rows.copy()
        rows[:, slice(None) if layers is None else list(layers)] += np.asarray(shift, dtype=rows.dtype)
        return Stations(graph=stations.graph, rows=rows, others=stations.others, names=stations.names)


def find_directions(
    source: GraphSet, *, count: int = 16, seeds: int = SEEDS, choices: InputChoices | None = None, model: str = ""
) -> Directions:
    """From the styles of the seeds 0 to `seeds` - 1. Raises RequestError for a generator without styles."""
    import numpy as np

    if not source.styles:
        raise RequestError(
            f"{source.path} has no styles, in which directions are found.",
            hint="Styles are what one graph gives and another paints: a run of such an architecture, or "
            "mapping.onnx beside synthesis.onnx.",
        )
    mapping = source.styles[:-1]
    size = source.styles[-1].inputs[0].shape[-1]
    if not isinstance(size, int) or not 1 <= count <= min(size, seeds - 1):
        raise RequestError(f"{count} directions: expected 1 to {min(int(str(size)), seeds - 1)}.")
    batches = inputs_of(mapping, range(seeds), choices or InputChoices(), source.path)
    styles = np.concatenate([through(mapping, arrays).mean(1) for arrays in batches]).astype(np.float64)  # (N, S)
    mean = styles.mean(0)
    values, vectors = np.linalg.eigh(np.cov((styles - mean).T))
    order = np.argsort(values)[::-1][:count]
    components = vectors[:, order].T
    # The sign of an eigenvector is free: the largest number of each is made positive, so that runs agree.
    largest = np.abs(components).argmax(1)
    components = components * np.sign(components[np.arange(count), largest])[:, None]
    found = np.maximum(values[order], 0)
    return Directions(
        components=components.astype(np.float32),
        deviations=np.sqrt(found).astype(np.float32),
        mean=mean.astype(np.float32),
        explained=(found / max(values.sum(), 1e-30)).astype(np.float32),
        model=model,
    )
