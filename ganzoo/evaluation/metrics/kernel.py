"""The kernel distance (arXiv:1801.01401): the squared maximum mean discrepancy with a polynomial kernel, by
torch-fidelity over random subsets. Unbiased, unlike FID: its expectation does not depend on the number of pictures.

The interval is of disjoint subsets, which are independent as the random ones are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_BLOCKS, _LEAST_OF_BLOCK = 20, 25


class Kernel(Metric):
    """`kid`: the mean over `subsets` random subsets of `subset_size`; at most 1,000, and no more than there are."""

    name = "kid"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {"kid": ScoreInfo(title="kernel distance", better="lower")}
    options: ClassVar[Mapping[str, Any]] = {"subsets": 100, "subset_size": 1000}

    def settings(self, real: int, painted: int) -> Mapping[str, Any]:
        return {**self.options, "subset_size": _most(real, painted)}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        size, subsets = options["subset_size"], options["subsets"]
        if not 2 <= size <= min(real, painted) or subsets < 1:
            raise RequestError(
                f"kid of {subsets} subsets of {size}: there are {real} real and {painted} painted.",
                hint=f"--set kid.subset_size={_most(real, painted)}",
            )

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import torch
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

        real, painted = evidence.both()
        size, subsets = evidence.options["subset_size"], evidence.options["subsets"]
        found: dict[str, float] = kid_features_to_metric(
            torch.from_numpy(painted.whole()), torch.from_numpy(real.whole()),
            kid_subsets=subsets, kid_subset_size=size, rng_seed=evidence.seed % 2**32, verbose=False,
        )  # fmt: skip
        value = found[KEY_METRIC_KID_MEAN]
        blocks = min(_MOST_BLOCKS, min(real.count, painted.count) // _LEAST_OF_BLOCK)
        if blocks < 3:
            return {"kid": Estimate(value=value, count=painted.count)}
        return {"kid": Estimate.of_values(
            _block_values(evidence, blocks), value=value, method=f"t over {blocks} disjoint subsets",
        )}  # fmt: skip


def _most(real: int, painted: int) -> int:
    """Of a subset."""
    return max(2, min(1000, real, painted))


def _block_values(evidence: Evidence, blocks: int) -> list[float]:
    import numpy as np

    real, painted = evidence.both()
    generator = np.random.RandomState((evidence.seed + 1) % 2**32)
    size = min(1000, min(real.count, painted.count) // blocks)
    orders = [generator.permutation(side.count).astype(np.int64) for side in (painted, real)]
    return [
        squared_discrepancy(*(side.take(order[block * size : (block + 1) * size]) for side, order in zip(
            (painted, real), orders, strict=True)))
        for block in range(blocks)
    ]  # fmt: skip


def squared_discrepancy(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Unbiased MMD^2 with k(x, y) = (x.y / D + 1)^3 of two sets (n, D), (m, D)."""
    import numpy as np

    x, y = first.astype(np.float64), second.astype(np.float64)

    def kernel(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = (one @ other.T / one.shape[1] + 1) ** 3
        return result

    xx, yy = kernel(x, x), kernel(y, y)
    n, m = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * kernel(x, y).mean())
