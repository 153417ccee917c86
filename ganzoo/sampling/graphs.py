"""What paints: the graphs of a run or of ONNX files, each a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, RequestError, first_few, shell_word
from ganzoo.roles import Role, missing_before, painting_chain, style_chain, translations
from ganzoo.tensors import Domain, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 16
"""Pictures painted at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFunction:
    """One graph. run: arrays in the order of `inputs` -> arrays in the order of `outputs`.

    role, after, back, reads, paints, reach: as `ganzoo.architecture.Graph` declares them.
    """

    name: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    run: Callable[[Sequence[NDArray[Any]]], Sequence[NDArray[Any]]]
    role: Role | None
    after: str | None = None
    back: str | None = None
    reads: Domain | None = None
    paints: Domain | None = None
    reach: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphSet:
    """The graphs that were loaded together. path: for messages. origin: in words, behind `64 pictures`.

    identity: asks for the hash of all weights, the same of a run and of what was exported from it; "" for unknown.
    """

    path: Path
    graphs: Sequence[GraphFunction]
    origin: str = ""
    identity: Callable[[], str] = str

    @property
    def translations(self) -> list[GraphFunction]:
        """Those that translate pictures."""
        return translations(self.graphs)

    @property
    def styles(self) -> list[GraphFunction]:
        """What maps noise to styles and what paints from them; empty for a generator without."""
        return style_chain(self.graphs)

    @property
    def paints(self) -> bool:
        """Whether any of them paints from noise, perhaps with another that is not here."""
        return any(graph.role in ("paint", "synthesize", "map") for graph in self.graphs)

    def painters(self) -> list[GraphFunction]:
        """What paints pictures from noise, in order: one graph, or those that come after each other.

        Raises RequestError for none.
        """
        if chain := painting_chain(self.graphs):
            return chain
        given = f"{self.path} paints no pictures: "
        hint = "Name the file that paints them beside it: ganzoo sample mapping.onnx synthesis.onnx -o grid.png"
        if absent := missing_before(self.graphs):
            graph, before = absent[0]
            raise RequestError(
                f"{given}{graph.name} paints from what the graph {before!r} gives, which is not here.",
                hint=f"Name its file too: ganzoo sample {shell_word(self.path.parent / f'{before}.onnx')} "
                f"{shell_word(self.path)} -o grid.png",
            )
        names = ", ".join(spec.name for spec in self.graphs[0].outputs)
        raise RequestError(f"{given}it gives {names}.", hint=hint)


def checked_pixels(pixels: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """The pictures themselves. Raises GanzooError that names those that hold what is no number."""
    import numpy as np

    good = np.isfinite(pixels).reshape(len(pixels), -1).all(1)
    if not good.all():
        known = [*names, *[""] * (len(pixels) - len(names))]
        spoilt = [name or f"picture {place}" for place, name in enumerate(known) if not good[place]]
        raise GanzooError(
            f"{int((~good).sum())} of {len(pixels)} pictures hold what is no number (NaN or infinity): "
            f"{first_few(spoilt)}.",
            hint="Did the training diverge, or is a stated value far from what the model was made for? Of a run "
            "another checkpoint can be named: --checkpoint.",
        )
    return pixels
