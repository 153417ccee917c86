"""What answers of several judges say: agreement, preference, strength. Needs no torch.

agreement    Krippendorff's alpha, nominal: 1 - observed / expected disagreement (Krippendorff 2011)
preference   sign test, exact binomial; ties are told and not counted
strength     Bradley-Terry, P(i beats j) = p_i / (p_i + p_j), by Hunter's MM steps (2004); a tie is half a win each
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

from ganzoo.evaluation.estimates import LEVEL, Estimate
from ganzoo.student import binomial_cdf, t_quantile

_NORMAL = 1e9
_MOST_STEPS = 10_000
_CLOSE = 1e-12


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Agreement on labels without order, from -1 to 1; 0 is chance. None where nothing can be said: no unit has two
    labels, or all labels are the same.

    units: of each item the labels that it was given, by whichever judges.
    """
    pairable = [list(labels) for labels in units if len(labels) > 1]
    totals = Counter(label for labels in pairable for label in labels)
    count = sum(totals.values())
    if count < 2 or len(totals) < 2:
        return None
    observed = 0.0
    for labels in pairable:
        seen = Counter(labels)
        same = sum(number * (number - 1) for number in seen.values())
        observed += (len(labels) * (len(labels) - 1) - same) / (len(labels) - 1)
    expected = (count * count - sum(number**2 for number in totals.values())) / (count - 1)
    return 1 - observed / expected


def sign_test(wins: int, losses: int) -> float:
    """The chance of so uneven a count, two-sided, if both were equally likely."""
    count = wins + losses
    return min(1.0, 2 * binomial_cdf(min(wins, losses), count, 0.5)) if count else 1.0


def bradley_terry(wins: Mapping[tuple[str, str], float]) -> dict[str, Estimate]:
    """The strength of each as the logarithm of p, whose mean is 0, with its 95% interval.

    wins: how often the first beat the second; a tie is half of each. Half a win is added to both sides of each pair
    that met, so that one who always won has a finite strength.
    """
    import numpy as np

    names = sorted({name for pair in wins for name in pair})
    place = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for (first, second), number in wins.items():
        table[place[first], place[second]] += number
    met = table + table.T
    table += 0.5 * (met > 0)
    met = table + table.T
    strength = np.ones(len(names))
    for _ in range(_MOST_STEPS):
        sums = (met / (strength[:, None] + strength[None])).sum(1)
        following = table.sum(1) / np.maximum(sums, 1e-300)
        following /= math.exp(float(np.log(following).mean()))
        done = float(np.abs(np.log(following) - np.log(strength)).max()) < _CLOSE
        strength = following
        if done:
            break
    # The information matrix of the logarithms, whose rows add up to 0; its pseudo-inverse has the mean at 0.
    share = strength[:, None] / (strength[:, None] + strength[None])
    information = -met * share * (1 - share)
    np.fill_diagonal(information, 0.0)
    np.fill_diagonal(information, -information.sum(1))
    errors = np.sqrt(np.diag(np.linalg.pinv(information)).clip(0))
    z = t_quantile((1 + LEVEL) / 2, _NORMAL)
    return {
        name: Estimate(
            value=float(value), low=float(value - z * error), high=float(value + z * error), error=float(error),
            count=round(float(met[place[name]].sum())), method="Bradley-Terry",
        )
        for name, value, error in zip(names, np.log(strength), errors, strict=True)
    }  # fmt: skip
