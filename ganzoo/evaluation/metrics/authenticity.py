"""Has it learnt by heart? What lies nearest to each painted picture, in feature space (after arXiv:2102.08921).

authenticity   share of painted pictures that lie no nearer to their nearest real one than that one lies to its own
               nearest other real picture; copies have 0, more real pictures about a half
novelty        median distance of a painted picture to the nearest real one, over that of a real picture to its
               nearest neighbour; copies have 0, more real pictures about 1
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo
from ganzoo.evaluation.metrics.neighbours import nearest, to_another


class Authenticity(Metric):
    """`authenticity`, `novelty`: whether pictures were copied from the real ones that are given. Give it those that
    were trained on."""

    name = "authenticity"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "authenticity": ScoreInfo(title="authenticity", better="higher", least=0, most=1),
        "novelty": ScoreInfo(title="novelty", better="higher", least=0),
    }

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        if real < 2:
            raise RequestError("authenticity wants two real pictures or more.")

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        reach = to_another(real)
        if not np.isfinite(reach).all():
            raise RequestError("The real pictures are all the same: authenticity cannot be judged.")
        found = nearest(painted, real)
        own = int((found.squares >= reach[found.rows]).sum())
        novelty = float(np.sqrt(np.median(found.squares) / np.median(reach)))
        return {
            "authenticity": Estimate.of_share(own, painted.count),
            "novelty": Estimate(value=novelty, count=painted.count),
        }
