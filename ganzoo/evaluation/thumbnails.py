"""A score during training that needs no downloaded network.

Protocol: pictures are area-averaged to 8x8; the Frechet distance is over those pixels, all channels, and is
given as a share of the reals' variance, so that it has no unit: 0 is the reals' own distribution, 1 is as far as
painting their mean picture again and again. It sees colour, layout and variety, not texture. It compares
checkpoints of one run; it is no FID.

Shapes: N pictures, C channels, H, W; D = 64 C.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.data.source import DataSource
from ganzoo.evaluation.frechet import frechet_distance

_SIDE = 8
_MOST_REALS = 2000
_CHUNK = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """frechet: see the protocol above. diversity: variance of the samples' thumbnails over that of the reals'."""

    frechet: float
    diversity: float


class ThumbnailScorer:
    """Scores samples against up to 2,000 reals of a source, evenly spaced."""

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._reals: NDArray[np.float64] | None = None

    def score(self, images: Iterable[Tensor]) -> Score:
        """images: batches (N, C, H, W) in [-1, 1]. Raises what `DataSource.fetch` raises."""
        if self._reals is None:
            self._reals = self._thumbnails_of_reals()
        fakes = np.concatenate([thumbnails(batch) for batch in images])
        variance = float(self._reals.var(0).sum()) or 1.0
        return Score(
            frechet=frechet_distance(fakes, self._reals) / variance, diversity=float(fakes.var(0).sum()) / variance
        )

    def _thumbnails_of_reals(self) -> NDArray[np.float64]:
        lengths = self._source.lengths
        count = min(_MOST_REALS, *lengths)
        places = [np.linspace(0, length - 1, count).astype(np.int64) for length in lengths]
        found = []
        for start in range(0, count, _CHUNK):
            batch = self._source.fetch([side[start : start + _CHUNK] for side in places])
            real = getattr(batch, "real", None)
            pixels = real if real is not None else getattr(batch, "target")  # noqa: B009
            found.append(thumbnails(pixels.float() / 127.5 - 1))
        return np.concatenate(found)


def thumbnails(images: Tensor) -> NDArray[np.float64]:
    """(N, C, H, W) -> (N, 64 C), area averages."""
    with torch.no_grad():
        small = adaptive_avg_pool2d(images.float(), _SIDE).flatten(1)
    return small.cpu().numpy().astype(np.float64)
