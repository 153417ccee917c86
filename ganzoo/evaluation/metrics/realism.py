"""How real each painted picture looks: the realism score of arXiv:1904.06991.

    R(g) = max over reals r of reach(r) / |g - r|,   reach: to the k-th real neighbour

Reals that lie apart, whose reach is above the median, do not count. 1 and more: inside a ball of some real picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.evaluation.metrics.neighbours import distance_blocks, radii

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.feature_set import FeatureSet


def realism(real: FeatureSet, painted: FeatureSet, *, k: int = 3) -> NDArray[np.float64]:
    """Of each painted picture, (N,)."""
    import numpy as np

    reach = radii(real, min(k, real.count - 1))
    near = reach <= np.median(reach)
    found = np.empty(painted.count)
    for start, squares in distance_blocks(painted, real):
        ratio = reach[near] / np.maximum(squares[:, near], np.finfo(float).tiny)
        found[start : start + len(ratio)] = np.sqrt(ratio.max(1))
    return found
