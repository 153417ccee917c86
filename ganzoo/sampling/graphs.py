"""What paints: the graphs of a run or of ONNX files, each a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.tensors import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 16
"""Pictures painted at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFunction:
    """One graph. run: arrays in the order of `inputs` -> arrays in the order of `outputs`."""

    name: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    run: Callable[[Sequence[NDArray[Any]]], Sequence[NDArray[Any]]]

    @property
    def translates(self) -> bool:
        """Whether it takes pictures; otherwise it paints from noise."""
        return any(spec.kind == "image" for spec in self.inputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphSet:
    """The graphs that were loaded together. path: for messages. origin: in words, behind `64 pictures`."""

    path: Path
    graphs: Sequence[GraphFunction]
    origin: str = ""

    @property
    def translates(self) -> bool:
        """Whether any of them takes pictures."""
        return any(graph.translates for graph in self.graphs)
