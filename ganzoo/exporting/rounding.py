"""How exactly a network can be computed in float32, and the bound of a proof that follows from it.

    bound = 8 max |torch in float32 - torch in float64| / max(1, |picture|),   1e-5 at least, 1e-3 at most

on the inputs of the first cases of the proof. Over nine architectures ONNX Runtime differs from torch by 0.9 to 1.8
times what torch's own rounding is; a ResNet with instance norm rounds by 4e-6 where a DCGAN does by 1e-8, so that no
fixed bound tells a sound file from a wrong one.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.architecture import Graph
from ganzoo.exporting.proof_file import proof_dims
from ganzoo.runtime.session import draw
from ganzoo.runtime.tolerances import PROOF, PROOF_MOST, PROOF_TIMES, largest_error, peak
from ganzoo.tensors import BATCH

_CASES, _ROWS = 2, 2  # float64 takes two to four times as long


def parity_bound(graph: Graph, precision: str) -> float:
    """Largest error of a file of this graph relative to its largest value. graph: on the CPU, in float32."""
    least, most = PROOF[precision], PROOF_MOST[precision]
    own = _rounding(graph) if most > least else None
    if own is None or not math.isfinite(own):
        return least
    return min(most, max(least, _rounded_up(PROOF_TIMES * own)))


def _rounding(graph: Graph) -> float | None:
    """Of float32 against float64; None for a module that cannot be computed in float64."""
    exact = replace(graph, module=copy.deepcopy(graph.module).double())
    worst = 0.0
    for number, dims in enumerate(proof_dims(graph.inputs)[:_CASES]):
        seeds = range(number, number + min(_ROWS, dims[BATCH.name]))
        feed = draw(graph.inputs, seeds, {**dims, BATCH.name: len(seeds)})
        given = [torch.from_numpy(array) for array in feed.values()]
        try:
            found = graph.run(*given)
            expected = exact.run(*[_double(value) for value in given])
        except Exception:  # of an author's module: what is wrong in float32 is told when the file is proved
            return None
        for one, other in zip(found, expected, strict=True):
            if other.dtype != torch.float64:
                return None  # it goes back to float32 inside
            reference = other.numpy()
            worst = max(worst, largest_error(reference, one.numpy()) / peak(reference))
    return worst


def _double(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


def _rounded_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten, so that one file is written wherever its network is exported."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(step for step in (1, 2, 5, 10) if step * unit >= value) * unit:.0e}")
