"""A score during training that needs no downloaded network.

Protocol: pictures are area-averaged to 8x8; the Frechet distance is over those pixels, all channels, and is
given as a share of the reals' variance, so that it has no unit: 0 is the reals' own distribution, 1 is as far as
painting their mean picture again and again. It sees colour, layout and variety, not texture. It compares
checkpoints of one run; it is no FID.

Shapes: N pictures, C channels, H, W; D = 64 C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.architecture import Batch, Pair
from ganzoo.data.source import DataSource
from ganzoo.evaluation.frechet import frechet_distance

_SIDE = 8
_MOST_REALS = 2000
_CHUNK = 100
_LEAST_OF_CLASS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """frechet: see the protocol above. diversity: variance of the samples' thumbnails over that of the reals'.

    classes: of each class with enough pictures, the distance of its samples from its reals, in the same unit.
    """

    frechet: float
    diversity: float
    classes: Mapping[int, float] = field(default_factory=dict)


class ThumbnailScorer:
    """Scores samples against up to 2,000 reals of a source, evenly spaced."""

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._reals: dict[str, NDArray[np.float64]] = {}
        self._labels: NDArray[np.int64] | None = None

    def score(
        self, images: Iterable[Tensor], *, against: str = "real", labels: NDArray[np.int64] | None = None
    ) -> Score:
        """images: batches (N, C, H, W) in [-1, 1]. against: the field of the source's batches that has their reals.
        labels: of the images, all of them (N,), where they are of classes.

        Raises what `DataSource.fetch` raises.
        """
        if against not in self._reals:
            batches = list(evenly_spaced(self._source, _MOST_REALS, of=against, chunk=_CHUNK))
            found = [thumbnails(getattr(batch, against).float() / 127.5 - 1) for batch in batches]
            self._reals[against] = np.concatenate(found)
            known = [batch.label for batch in batches if isinstance(batch, Batch) and batch.label is not None]
            if len(known) == len(batches) and known[0].ndim == 1:
                self._labels = torch.cat(known).cpu().numpy()
        reals = self._reals[against]
        fakes = np.concatenate([thumbnails(batch) for batch in images])
        variance = float(reals.var(0).sum()) or 1.0
        classes = {}
        if labels is not None and self._labels is not None and against == "real":
            for label in np.unique(labels).tolist():
                some, others = fakes[labels == label], reals[self._labels == label]
                if min(len(some), len(others)) >= _LEAST_OF_CLASS:
                    classes[label] = frechet_distance(some, others) / variance
        return Score(
            frechet=frechet_distance(fakes, reals) / variance,
            diversity=float(fakes.var(0).sum()) / variance,
            classes=classes,
        )


def evenly_spaced(source: DataSource, most: int, *, of: str, chunk: int) -> Iterator[Batch | Pair]:
    """Up to `most` pictures, evenly spaced, in batches of `chunk`, uint8.

    of: the field of the batches that counts; a smaller other side shows pictures more than once.
    """
    count = min(most, source.lengths[-1 if of == "target" else 0])
    places = [np.linspace(0, length - 1, count).astype(np.int64) for length in source.lengths]
    for start in range(0, count, chunk):
        yield source.fetch([side[start : start + chunk] for side in places])


def thumbnails(images: Tensor) -> NDArray[np.float64]:
    """(N, C, H, W) -> (N, 64 C), area averages."""
    with torch.no_grad():
        small = adaptive_avg_pool2d(images.float(), _SIDE).flatten(1)
    return small.cpu().numpy().astype(np.float64)
