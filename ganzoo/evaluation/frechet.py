"""The Frechet distance between two sets of features, each taken for a Gaussian (arXiv:1706.08500)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets of features, each (N, D).

    The trace of the root is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which is
    symmetric, so that no complex numbers and no tolerance are needed. Raises ValueError for fewer than
    two rows or different D.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(f"expected two arrays (N, D) with N > 1 and one D, got {first.shape} and {second.shape}")
    means = first.mean(0) - second.mean(0)
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(one))
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ np.atleast_2d(two) @ root).clip(0)
    return float(means @ means + np.trace(np.atleast_2d(one + two)) - 2 * np.sqrt(cross).sum())
