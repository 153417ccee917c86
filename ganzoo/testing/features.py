"""Feature sets of arrays, and evidence of them, for tests of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzoo.evaluation.feature_set import FeatureSet, FeatureWriter
from ganzoo.evaluation.metric import Evidence, Metric, settings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def feature_set(
    folder: Path,
    features: NDArray[Any],
    *,
    logits: NDArray[Any] | None = None,
    labels: NDArray[np.int64] | None = None,
) -> FeatureSet:
    """features (N, D), logits (N, K), labels (N,), written to `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = FeatureWriter(folder, len(features))
    writer.add({"features": features, **({} if logits is None else {"logits": logits})}, labels)
    return writer.finish()


def evidence_of(
    metric: Metric,
    folder: Path,
    real: NDArray[Any],
    painted: NDArray[Any],
    *,
    logits: NDArray[Any] | None = None,
    labels: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    stated: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evidence:
    """What a metric is given of real and painted features. logits: of the painted. labels: of both."""
    options = settings_of(metric, stated or {}, real=len(real), painted=len(painted))
    metric.check(options, len(real), len(painted))
    place = folder / f"features-{len(list(folder.iterdir()))}"
    both = labels or (None, None)
    return Evidence(
        options=options,
        seed=seed,
        real=feature_set(place / "real", real, labels=both[0]),
        painted=feature_set(place / "painted", painted, logits=logits, labels=both[1]),
    )
