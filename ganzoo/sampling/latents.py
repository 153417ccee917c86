"""Latents in a file: what a picture was projected to, to be painted, walked between, mixed and moved.

space  rows        what they are
z      (N, Z)      what the generator or its mapping takes
w      (N, S)      one style for all layers
w+     (N, L, S)   a style for each layer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.errors import RequestError, printable
from ganzoo.sampling.array_file import FORMAT, read_arrays, write_arrays
from ganzoo.sampling.graphs import GraphFunction, GraphSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

Space = Literal["z", "w", "w+"]
_DIMS = {"z": 2, "w": 2, "w+": 3}
KIND = "latents"
_LARGEST = 3e38  # of float32


@dataclass(frozen=True, kw_only=True, slots=True)
class Latents:
    """rows: float32, as the space has them. names: of each row. labels: its class, where the generator takes one with
    z. model: the hash of the weights that they are of; "" where it is not known.
    """

    space: Space
    rows: NDArray[Any]
    names: Sequence[str] = ()
    labels: Sequence[int] = ()
    model: str = ""

    def __post_init__(self) -> None:
        """Raises RequestError for rows that are none of such a space."""
        shape = getattr(self.rows, "shape", ())
        if self.space not in _DIMS or len(shape) != _DIMS[self.space] or not shape or not shape[0]:
            raise RequestError(
                f"Latents of the space {self.space!r} and the shape {list(shape)}: expected z (N, Z), w (N, S) or "
                "w+ (N, L, S), one or more."
            )
        if any(len(given) not in (0, shape[0]) for given in (self.names, self.labels)):
            raise RequestError(f"{shape[0]} latents have {len(self.names)} names and {len(self.labels)} labels.")
        if not self.names:
            object.__setattr__(self, "names", [f"latent {number}" for number in range(shape[0])])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice) -> Latents:
        return Latents(
            space=self.space, rows=self.rows[index], names=self.names[index], labels=self.labels[index],
            model=self.model,
        )  # fmt: skip

    def save(self, path: Path | str) -> Path:
        """Write a file that `load` reads, and numpy too. Raises RequestError when it cannot be written."""
        about = {
            "kind": KIND,
            "format": FORMAT,
            "space": self.space,
            "names": list(self.names),
            "labels": [int(label) for label in self.labels],
            "model": self.model,
        }
        write_arrays(Path(path), {"latents": self.rows}, about)
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> Latents:
        """What `save` wrote. Raises RequestError for a file that is not there, or holds no latents."""
        import numpy as np

        place = Path(path)
        arrays, about = read_arrays(place, KIND)
        rows, names, labels = arrays.get("latents"), about.get("names", []), about.get("labels", [])
        sound = (
            rows is not None
            and np.issubdtype(rows.dtype, np.floating)
            and bool((np.abs(rows) < _LARGEST).all())  # nor a NaN
            and isinstance(names, list)
            and about.get("space") in list(_DIMS)
            and isinstance(labels, list)
            and all(isinstance(label, int) for label in labels)
        )
        if rows is None or not sound:
            raise RequestError(f"{place} holds no latents that can be painted.")
        return cls(
            space=about["space"],
            rows=rows.astype(np.float32),
            names=[printable(str(name)) for name in names],
            labels=labels,
            model=str(about.get("model", "")),
        )

    def rows_for(self, source: GraphSet, last: GraphFunction) -> tuple[NDArray[Any], list[int]]:
        """The rows as the last graph takes them, or for z its mapping; and the classes. Raises RequestError."""
        import numpy as np

        graphs = source.styles or source.painters()
        taker = graphs[0] if self.space == "z" else last
        wanted = taker.inputs[0].shape[1:]
        if self.space != "z" and not source.styles:
            raise RequestError(
                f"The latents are of the space {self.space}, and {source.path} has no styles: it paints from z."
            )
        rows = self.rows
        if self.space == "w" and isinstance(wanted[0], int):
            rows = np.repeat(rows[:, None], wanted[0], 1)
        if rows.shape[1:] != wanted:
            raise RequestError(
                f"The latents have {'x'.join(map(str, self.rows.shape[1:]))} numbers each in the space {self.space}; "
                f"{source.path} takes {'x'.join(map(str, wanted))}.",
                hint="Are they of another model?",
            )
        return rows.astype(np.float32), [int(label) for label in self.labels] if self.space == "z" else []
