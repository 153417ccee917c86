"""The Frechet distance between two sets of features, each taken for a Gaussian (arXiv:1706.08500).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

In the features of Inception-2015 it is called FID. It falls with the number of pictures: a line through its values for
several numbers over 1 / n meets 0 at FID for infinitely many (arXiv:1911.07023). Of classes: the same, class by class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.frechet import distance_of_moments
from ganzoo.evaluation.metric import Evidence, Metric, Need, ScoreInfo

if TYPE_CHECKING:
    from ganzoo.evaluation.feature_set import Moments

_LEAST = 2


class Frechet(Metric):
    """`fid`, by torch-fidelity from means and covariances."""

    name = "fid"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {"fid": ScoreInfo(title="Frechet distance", better="lower", least=-0.1)}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        _check_counts(real, painted)

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        real, painted = evidence.both()
        return {"fid": Estimate(value=by_torch_fidelity(painted.moments(), real.moments()), count=painted.count)}


def by_torch_fidelity(first: Moments, second: Moments) -> float:
    """The distance as torch-fidelity computes it of statistics. Raises MissingPackageError without it."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    found: dict[str, Any] = fid_statistics_to_metric(
        {"mu": first.mean, "sigma": first.covariance}, {"mu": second.mean, "sigma": second.covariance}, False
    )
    return float(found[KEY_METRIC_FID])


class FrechetInfinity(Metric):
    """`fid_infinity`: the line through `points` numbers of painted pictures, from a `least` share of them to all."""

    name = "fid-infinity"
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "fid_infinity": ScoreInfo(title="Frechet distance, infinitely many painted", better="lower")
    }
    options: ClassVar[Mapping[str, Any]] = {"points": 8, "least": 0.25}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        points, least = options["points"], options["least"]
        if points < 3 or not 0 < least < 1:
            raise RequestError(
                f"fid-infinity of {points} points from a share of {least}: expected 3 or more, from 0 to 1."
            )
        if painted * least < max(_LEAST, points) or real < _LEAST:
            raise RequestError(f"{painted} painted pictures are too few for a line through {points} points.")

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        real, painted = evidence.both()
        points, least = evidence.options["points"], evidence.options["least"]
        generator = np.random.RandomState(evidence.seed % 2**32)
        counts = np.unique(np.linspace(painted.count * least, painted.count, points).astype(int))
        against = real.moments()
        values = [
            distance_of_moments(
                *painted.moments(np.sort(generator.permutation(painted.count)[:count]).astype(np.int64)), *against
            )
            for count in counts
        ]
        over = 1 / counts
        slope, value = np.polyfit(over, values, 1)
        residual = np.array(values) - (slope * over + value)
        spread = np.sqrt((residual**2).sum() / (len(counts) - 2))
        leverage = np.sqrt(1 / len(counts) + over.mean() ** 2 / ((over - over.mean()) ** 2).sum())
        # Subsets of one set are not independent: how far the points lie off the line is shown, and no interval made.
        method = f"line through {len(counts)} numbers of pictures, off it by {spread * leverage:.2g}"
        return {"fid_infinity": Estimate(value=float(value), count=painted.count, method=method)}


class ClassFrechet(Metric):
    """`fid_classes`: the mean over classes of the distance within each; `fid_worst_class`: the largest."""

    name = "fid-classes"
    needs: ClassVar[tuple[Need, ...]] = ("real", "painted", "labels")
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "fid_classes": ScoreInfo(title="Frechet distance within classes, mean", better="lower", least=-0.1),
        "fid_worst_class": ScoreInfo(title="Frechet distance of the worst class", better="lower", least=-0.1),
    }
    options: ClassVar[Mapping[str, Any]] = {"least": 20}

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        distances = class_distances(evidence, least=evidence.options["least"])
        if not distances:
            raise RequestError(
                f"No class has {evidence.options['least']} pictures on both sides.",
                hint="--count N paints more; --set fid-classes.least=10 asks for fewer.",
            )
        values, all_of_them = list(distances.values()), len(set(evidence.both()[0].labels.tolist()))  # type: ignore[union-attr]
        method = f"{len(values)} of {all_of_them} classes, with {evidence.options['least']} pictures or more"
        return {
            "fid_classes": Estimate(value=sum(values) / len(values), count=len(values), method=method),
            "fid_worst_class": Estimate(value=max(values), count=len(values), method=method),
        }


def class_distances(evidence: Evidence, *, least: int) -> dict[int, float]:
    """The distance within each class that has `least` pictures on both sides, by label."""
    import numpy as np

    real, painted = evidence.both()
    true, made = real.labels, painted.labels
    assert true is not None and made is not None
    found = {}
    for label in np.intersect1d(np.unique(true), np.unique(made)).tolist():
        sides = [np.flatnonzero(labels == label).astype(np.int64) for labels in (true, made)]
        if min(map(len, sides)) >= max(_LEAST, least):
            found[label] = distance_of_moments(*painted.moments(sides[1]), *real.moments(sides[0]))
    return found


def _check_counts(real: int, painted: int) -> None:
    if min(real, painted) < _LEAST:
        raise RequestError(
            f"A covariance wants two pictures or more of each; there are {real} real, {painted} painted."
        )
