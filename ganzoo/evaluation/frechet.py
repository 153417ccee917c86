"""The Frechet distance between two sets of features, each taken for a Gaussian (arXiv:1706.08500)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def frechet_distance(first: Array, second: Array) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets of features, each (N, D).

    Raises ValueError for fewer than two rows or different D.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(f"expected two arrays (N, D) with N > 1 and one D, got {first.shape} and {second.shape}")
    return distance_of_moments(first.mean(0), np.cov(first, rowvar=False), second.mean(0), np.cov(second, rowvar=False))


def distance_of_moments(mean: Array, covariance: Array, other_mean: Array, other_covariance: Array) -> float:
    """The same of means (D,) and covariances (D, D).

    The trace of the root is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which is symmetric, so
    that no complex numbers and no tolerance are needed.
    """
    means = mean - other_mean
    one, two = np.atleast_2d(covariance), np.atleast_2d(other_covariance)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ two @ root).clip(0)
    return float(means @ means + np.trace(one + two) - 2 * np.sqrt(cross).sum())
