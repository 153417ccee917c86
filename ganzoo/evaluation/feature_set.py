"""Features of many pictures, on disk: their number does not show in memory. Importing this needs no torch.

FOLDER/
  features.npy  (N, D) float32    logits.npy  (N, K) float32    labels.npy  (N,) int64      the last two if there are

Each read maps the file anew and lets it go, so that pages which were read do not pile up in the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ganzoo.errors import PluginError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = 1024


class Moments(NamedTuple):
    """mean (D,), covariance (D, D), both float64."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


class FeatureSet:
    """Features of one set of pictures. count, dimensions: N and D. classes: K, 0 without logits.

    Raises OSError, ValueError for a folder that holds none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count, self.dimensions = self._open("features").shape
        self.classes = self._open("logits").shape[1] if (folder / "logits.npy").is_file() else 0
        self._moments: Moments | None = None

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """(N,), of pictures of classes."""
        import numpy as np

        path = self.folder / "labels.npy"
        return np.array(np.load(path, allow_pickle=False)) if path.is_file() else None

    def rows(self, start: int, stop: int, *, of: str = "features") -> NDArray[np.float32]:
        """Rows from start to stop, copied: (n, D)."""
        import numpy as np

        return np.array(self._open(of)[start:stop])

    def take(self, indices: NDArray[np.int64], *, of: str = "features") -> NDArray[np.float32]:
        """Rows of these indices, in their order, copied: (n, D)."""
        import numpy as np

        # In the file's order first: a disk reads forwards.
        order = np.argsort(indices, kind="stable")
        found = np.empty((len(indices), self._open(of).shape[1]), dtype=np.float32)
        for start in range(0, len(order), _ROWS):
            part = order[start : start + _ROWS]
            found[part] = self._open(of)[indices[part]]
        return found

    def chunks(self, rows: int = _ROWS, *, of: str = "features") -> Iterator[NDArray[np.float32]]:
        """All rows in order, so many at once."""
        for start in range(0, self.count, rows):
            yield self.rows(start, start + rows, of=of)

    def whole(self, *, of: str = "features") -> NDArray[np.float32]:
        """All rows, mapped from the file; what is read of them stays in memory while it is held."""
        found: NDArray[np.float32] = self._open(of, mode="c")  # torch wants an array that can be written to
        return found

    def moments(self, indices: NDArray[np.int64] | None = None) -> Moments:
        """Mean and covariance (n - 1), in two passes of float64. indices: of the rows that count; all if None."""
        if indices is None and self._moments is not None:
            return self._moments
        found = _moments(self, indices)
        if indices is None:
            self._moments = found
        return found

    def _open(self, name: str, mode: Literal["r", "c"] = "r") -> Any:
        import numpy as np

        return np.load(self.folder / f"{name}.npy", mmap_mode=mode, allow_pickle=False)


def _moments(features: FeatureSet, indices: NDArray[np.int64] | None) -> Moments:
    import numpy as np

    def chunks() -> Iterator[NDArray[np.float64]]:
        if indices is None:
            yield from (part.astype(np.float64) for part in features.chunks())
        else:
            for start in range(0, len(indices), _ROWS):
                yield features.take(indices[start : start + _ROWS]).astype(np.float64)

    count = features.count if indices is None else len(indices)
    mean = np.zeros(features.dimensions)
    for part in chunks():
        mean += part.sum(0)
    mean /= count
    covariance = np.zeros((features.dimensions, features.dimensions))
    for part in chunks():
        apart = part - mean
        covariance += apart.T @ apart
    covariance /= max(1, count - 1)
    mean.flags.writeable = covariance.flags.writeable = False  # every metric reads them
    return Moments(mean, covariance)


class FeatureWriter:
    """Writes a feature set in order, so many rows in all."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._files: dict[str, Any] = {}
        self._widths: dict[str, tuple[int, ...]] = {}
        self._done = 0

    def add(self, arrays: Mapping[str, NDArray[Any]], labels: NDArray[np.int64] | None) -> None:
        """features (n, D), logits (n, K) if there are, labels (n,). Raises OSError."""
        import numpy as np

        parts = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
        if labels is not None:
            parts["labels"] = np.ascontiguousarray(labels, dtype=np.int64)
        for name, array in parts.items():
            if self._widths.setdefault(name, array.shape[1:]) != array.shape[1:]:
                wanted, got = self._widths[name][0], array.shape[1]
                raise PluginError(f"The feature network gave {got} {name} of a picture, and {wanted} of others.")
            if name not in self._files:
                file = (self._folder / f"{name}.npy").open("wb")
                header = {
                    "descr": np.lib.format.dtype_to_descr(array.dtype),
                    "fortran_order": False,
                    "shape": (self._count, *array.shape[1:]),
                }
                np.lib.format.write_array_header_1_0(file, header)
                self._files[name] = file
            self._files[name].write(array.tobytes())
        self._done += len(parts["features"])

    def finish(self) -> FeatureSet:
        """The set, once all rows are there."""
        assert self._done == self._count, f"{self._done} of {self._count} rows"
        self.close()
        return FeatureSet(self._folder)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}
