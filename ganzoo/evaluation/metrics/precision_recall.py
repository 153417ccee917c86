"""Improved precision and recall (arXiv:1904.06991); density and coverage (arXiv:2002.09797).

    precision   share of painted pictures inside a ball of some real one      looks right
    recall      share of real pictures inside a ball of some painted one      leaves nothing out
    density     mean number of real balls around a painted picture, over k
    coverage    share of real balls with a painted picture inside

A ball reaches to the k-th neighbour of its own kind. Intervals are of the pictures that are counted, given the others.
torch-fidelity has the first two and holds blocks of distances that grow with the count, 4 GB for 50,000 pictures; these
are the same numbers in flat memory, and a test holds them against its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo
from ganzoo.evaluation.metrics.neighbours import distance_blocks, radii

_GIVEN = "the painted"


class PrecisionRecall(Metric):
    """`precision`, `recall`."""

    name = "pr"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "precision": ScoreInfo(title="precision", better="higher", least=0, most=1),
        "recall": ScoreInfo(title="recall", better="higher", least=0, most=1),
    }
    options: ClassVar[Mapping[str, Any]] = {"k": 3}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        _check_k("pr", options["k"], real, painted)

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        k: int = evidence.options["k"]
        reach_of_real, reach_of_painted = radii(real, k), radii(painted, k)
        right, reached = 0, np.zeros(real.count, dtype=bool)
        for start, squares in distance_blocks(painted, real):
            right += int((squares <= reach_of_real).any(1).sum())
            reached |= (squares <= reach_of_painted[start : start + len(squares), None]).any(0)
        return {
            "precision": Estimate.of_share(right, painted.count),
            "recall": Estimate.of_share(int(reached.sum()), real.count, given=_GIVEN),
        }


class DensityCoverage(Metric):
    """`density`, `coverage`."""

    name = "dc"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "density": ScoreInfo(title="density", better="higher", least=0),
        "coverage": ScoreInfo(title="coverage", better="higher", least=0, most=1),
    }
    options: ClassVar[Mapping[str, Any]] = {"k": 5}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        _check_k("dc", options["k"], real, painted)

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        k: int = evidence.options["k"]
        reach = radii(real, k)
        around: list[float] = []
        covered = np.zeros(real.count, dtype=bool)
        for _, squares in distance_blocks(painted, real):
            inside = (squares < reach) | (squares == 0)
            around += (inside.sum(1) / k).tolist()
            covered |= inside.any(0)
        return {
            "density": Estimate.of_values(around, method=f"t over {painted.count:,} painted"),
            "coverage": Estimate.of_share(int(covered.sum()), real.count, given=_GIVEN),
        }


def _check_k(name: str, k: int, real: int, painted: int) -> None:
    if not 1 <= k < min(real, painted):
        raise RequestError(f"{name}.k = {k}: there are {real} real and {painted} painted pictures to be neighbours.")
