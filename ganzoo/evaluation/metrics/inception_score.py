"""The Inception score (arXiv:1606.03498): exp E KL(p(y|x) || p(y)), by torch-fidelity, over `splits` parts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, Need, ScoreInfo


class InceptionScore(Metric):
    """`is`: of the painted pictures alone; the mean over splits."""

    name = "is"
    needs: ClassVar[tuple[Need, ...]] = ("painted", "logits")
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "is": ScoreInfo(title="Inception score", better="higher", least=1 - 1e-9)
    }
    options: ClassVar[Mapping[str, Any]] = {"splits": 10, "shuffle_seed": 2020}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        if not 1 <= options["splits"] <= painted:
            raise RequestError(f"is.splits = {options['splits']}: expected 1 to {painted}, the painted pictures.")

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np
        import torch
        from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

        painted, splits = evidence.painted, evidence.options["splits"]
        assert painted is not None
        # What torch-fidelity does with all logits at once, split by split: its shuffle, its parts.
        order = np.random.RandomState(evidence.options["shuffle_seed"] % 2**32).permutation(painted.count)
        edges = [part * painted.count // splits for part in range(splits + 1)]
        scores = [
            isc_features_to_metric(
                torch.from_numpy(painted.take(order[start:stop].astype(np.int64), of="logits")),
                splits=1, shuffle=False,
            )[KEY_METRIC_ISC_MEAN]
            for start, stop in itertools.pairwise(edges)
        ]  # fmt: skip
        return {"is": Estimate.of_values(scores, method=f"t over {splits} splits")}
