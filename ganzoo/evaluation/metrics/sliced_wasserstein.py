"""The sliced Wasserstein distance: over random directions u, how far apart both sets are on them.

    SW_2 = sqrt(E_u W_2^2(u.X, u.Y)),    W_2^2 of a line = the mean over quantiles of the squared difference

Between N(a, I) and N(b, I) it is |a - b| / sqrt(D): the closed form that the tests hold it against.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.feature_set import FeatureSet

_AT_ONCE = 64


class SlicedWasserstein(Metric):
    """`swd`: over `directions` random directions, by `seed`."""

    name = "swd"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "swd": ScoreInfo(title="sliced Wasserstein distance", better="lower", least=0)
    }
    options: ClassVar[Mapping[str, Any]] = {"directions": 256, "seed": 0}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        if options["directions"] < 1:
            raise RequestError(f"swd.directions = {options['directions']}: expected 1 or more.")

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        directions = evidence.options["directions"]
        generator = np.random.RandomState(evidence.options["seed"] % 2**32)
        squares: list[float] = []
        for start in range(0, directions, _AT_ONCE):
            drawn = generator.randn(min(_AT_ONCE, directions - start), real.dimensions)
            drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
            sides = [np.sort(_projected(side, drawn), axis=0) for side in (real, painted)]
            squares += _distances(*sides).tolist()
        return {"swd": Estimate(value=float(np.sqrt(np.mean(squares))), count=directions)}


def _projected(features: FeatureSet, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, number of directions)."""
    import numpy as np

    return np.concatenate([part.astype(np.float64) @ directions.T for part in features.chunks()])


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """W_2^2 of each column of two sorted sets, exactly, though they are of unequal size."""
    import numpy as np

    n, m = len(first), len(second)
    # The steps of both quantile functions: between two edges both are constant.
    edges = np.unique(np.concatenate([np.arange(1, n + 1) * m, np.arange(1, m + 1) * n]))
    widths = np.diff(edges, prepend=0) / (n * m)
    rows = (edges - 1) // m, (edges - 1) // n
    result: NDArray[np.float64] = (widths[:, None] * (first[rows[0]] - second[rows[1]]) ** 2).sum(0)
    return result
