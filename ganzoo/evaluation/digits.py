"""Judging painted digits against the built-in real ones, without a downloaded network.

Protocol: samples are area-averaged to 8x8, in the originals' range of 0 to 16; the Frechet distance
is over the 64 pixels against all 1,797 originals. Enlarging the real digits by Lanczos to 32x32 and
averaging them back costs 55 by itself; random halves of the real digits differ by 17 to 21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.digits import DEEPEST, Digits, load_digits
from ganzoo.evaluation.frechet import frechet_distance
from ganzoo.evaluation.neighbours import nearest_class


@dataclass(frozen=True, kw_only=True, slots=True)
class DigitsReport:
    """What the judge saw.

    frechet: distance to the real digits. held_out: the same to the held-out ones alone, for few training digits; it
        is larger, as 297 say less of their mean and covariance. shares: of the ten classes, as a classifier sees them.
    novelty: median distance to the nearest training digit, over that of the held-out digits; copies
        would have 0. classifier_accuracy: on the held-out real digits.
    """

    frechet: float
    held_out: float
    shares: list[float]
    novelty: float
    classifier_accuracy: float

    @property
    def rarest(self) -> float:
        return min(self.shares)


def judge(images: NDArray[Any], *, low: float = -1.0, high: float = 1.0) -> DigitsReport:
    """Judge pictures (N, 1 or 3, S, S) in [low, high], S a multiple of 8. Raises ValueError for other shapes."""
    train, held_out = load_digits()
    pixels = to_originals(images, low=low, high=high)
    real = np.concatenate([_flat(train), _flat(held_out)])
    distances, labels = nearest_class(pixels, _flat(train), train.labels)
    held_out_distances, held_out_labels = nearest_class(_flat(held_out), _flat(train), train.labels)
    return DigitsReport(
        frechet=frechet_distance(pixels, real),
        held_out=frechet_distance(pixels, _flat(held_out)),
        shares=(np.bincount(labels, minlength=10) / len(labels)).tolist(),
        novelty=float(np.median(distances) / np.median(held_out_distances)),
        classifier_accuracy=float((held_out_labels == held_out.labels).mean()),
    )


def classify(images: NDArray[Any], *, low: float = -1.0, high: float = 1.0) -> NDArray[np.int64]:
    """The digit of each picture (N, 1 or 3, S, S) by its three nearest real training digits: (N,)."""
    train, _ = load_digits()
    return nearest_class(to_originals(images, low=low, high=high), _flat(train), train.labels)[1]


def to_originals(images: NDArray[Any], *, low: float = -1.0, high: float = 1.0) -> NDArray[np.float64]:
    """(N, C, S, S) in [low, high] to (N, 64) in 0..16, by averaging channels and areas."""
    count, _, height, width = images.shape
    if height % 8 or width % 8:
        raise ValueError(f"pictures of {height}x{width} do not divide into 8x8 areas")
    grey = images.astype(np.float64).mean(1)
    areas = grey.reshape(count, 8, height // 8, 8, width // 8).mean((2, 4))
    originals: NDArray[np.float64] = (areas - low) * (DEEPEST / (high - low))
    return originals.reshape(count, 64)


def _flat(digits: Digits) -> NDArray[np.float64]:
    return digits.images.reshape(len(digits.images), 64)
