"""Improved precision and recall (arXiv:1904.06991), by torch-fidelity; density and coverage (arXiv:2002.09797), ours.

    precision   share of painted pictures inside a ball of some real one      looks right
    recall      share of real pictures inside a ball of some painted one      leaves nothing out
    density     mean number of real balls around a painted picture, over k
    coverage    share of real balls with a painted picture inside

A ball reaches to the k-th neighbour of its own kind. Intervals are of the pictures that are counted, given the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo
from ganzoo.evaluation.metrics.neighbours import distance_blocks, radii

_BLOCK_NUMBERS = 2**22  # of a block of distances, of which torch makes several copies


class PrecisionRecall(Metric):
    """`precision`, `recall`."""

    name = "pr"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "precision": ScoreInfo(title="precision", better="higher", least=0, most=1),
        "recall": ScoreInfo(title="recall", better="higher", least=0, most=1),
    }
    options: ClassVar[Mapping[str, Any]] = {"k": 3}

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import torch
        from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

        real, painted = evidence.both()
        k = _check_k("pr", evidence, real.count, painted.count)
        most = max(16, _BLOCK_NUMBERS // max(real.count, painted.count))
        found: dict[str, float] = prc_features_to_metric(
            torch.from_numpy(painted.whole()), torch.from_numpy(real.whole()),
            prc_neighborhood=k, prc_batch_size=most, save_cpu_ram=True, verbose=False,
        )  # fmt: skip
        precision, recall = found[KEY_METRIC_PRECISION], found[KEY_METRIC_RECALL]
        return {
            "precision": Estimate.of_share(round(precision * painted.count), painted.count),
            "recall": Estimate.of_share(round(recall * real.count), real.count),
        }


class DensityCoverage(Metric):
    """`density`, `coverage`."""

    name = "dc"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "density": ScoreInfo(title="density", better="higher", least=0),
        "coverage": ScoreInfo(title="coverage", better="higher", least=0, most=1),
    }
    options: ClassVar[Mapping[str, Any]] = {"k": 5}

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        k = _check_k("dc", evidence, real.count, painted.count)
        reach = radii(real, k)
        around: list[float] = []
        covered = np.zeros(real.count, dtype=bool)
        for _, squares in distance_blocks(painted, real):
            inside = squares < reach
            around += (inside.sum(1) / k).tolist()
            covered |= inside.any(0)
        return {
            "density": Estimate.of_values(around, method=f"t over {painted.count:,} painted"),
            "coverage": Estimate.of_share(int(covered.sum()), real.count),
        }


def _check_k(name: str, evidence: Evidence, real: int, painted: int) -> int:
    k: int = evidence.options["k"]
    if not 1 <= k < min(real, painted):
        raise RequestError(f"{name}.k = {k}: there are {real} real and {painted} painted pictures to be neighbours.")
    return k
