"""Projecting pictures: the latents from which a model paints what comes nearest to them.

First the nearest of many painted pictures are found; from the best few of them Adam makes the distance small, over
coordinates in which random latents are N(0, 1); the best goes on by Gauss-Newton steps, where the model is small enough
to pay for them (arXiv:1912.04958, appendix D, has the middle part).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.architecture.graphs import graphs_of
from ganzoo.architecture.hashes import model_sha256
from ganzoo.architecture.perceptual import FeatureExtractor
from ganzoo.progress import Progress, ProgressListener
from ganzoo.projection.distance import PictureDistance
from ganzoo.projection.search import descend, refine
from ganzoo.projection.space import LatentSpace
from ganzoo.runs.trained import TrainedModel
from ganzoo.sampling.latents import Latents, Space
from ganzoo.sampling.pictures import Pictures, PixelValues

_REFINE_STEPS = 15
_STARTS = (8, 3)  # of a picture, of a small model and of a large one
_REFINED = 2  # of the starts of a picture
_MOST_WORK = 2**18  # coordinates times pixels, of a small model
_AT_ONCE = 2**21  # pixels painted at once, with gradients
_PAINTED = 64
_LAST = 24  # frames for which the last of a way stays
_TOLD_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRequest:
    """space: w or z of the model if None. label: the class by index, of a generator that takes one.

    starts: from so many of the nearest of `candidates` painted pictures, by default 8 of a
    small model and 3 of a large one. steps: of Adam. refine: Gauss-Newton steps; as
    many as a small model can pay for if None. prior: how strongly latents are held where random ones are.
    """

    space: Space | None = None
    label: int | None = None
    steps: int = 400
    starts: int | None = None
    candidates: int = 2000
    refine: int | None = None
    prior: float = 0.0
    seed: int = 0
    features: FeatureExtractor | None = None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Projection:
    """What was found. latents: of each picture. targets: what was projected, as the model sees it; pictures: what is
    painted from the latents.

    distances: of each, the root of the mean squared difference, of 1 from black to white; nearest: that of the nearest
    of the painted pictures that were looked at.
    """

    latents: Latents
    targets: Pictures
    pictures: Pictures
    distances: Sequence[float]
    nearest: Sequence[float]
    _frames: int = 0
    _way: Callable[[], Iterator[NDArray[np.uint8]]] = field(repr=False)

    def __repr__(self) -> str:
        mean = sum(self.distances) / len(self.distances)
        return f"<Projection of {len(self.latents)} pictures into {self.latents.space}, distance {mean:.4f}>"

    def _repr_png_(self) -> bytes | None:
        return self.beside()._repr_png_()

    def beside(self) -> Pictures:
        """Each target, and what is painted for it beside."""
        both = np.concatenate([np.asarray(self.targets), np.asarray(self.pictures)], 2)
        return Pictures(both)

    def save_way(self, path: Path | str, *, fps: float = 24.0, codec: str | None = None) -> int:
        """Write a film of the way there, targets beside, and say how many frames it has. Raises as `write_film`."""
        from ganzoo.sampling.video import write_film

        return write_film(Path(path), self._way(), count=self._frames, fps=fps, codec=codec)


def project(
    trained: TrainedModel,
    targets: NDArray[Any],
    names: Sequence[str],
    request: ProjectRequest,
    *,
    device: torch.device,
    progress: ProgressListener,
) -> Projection:
    """targets: (N, C, H, W) uint8 of the model's size. names: of each.

    Raises RequestError for a space that is not there.
    """
    graphs = graphs_of(trained.architecture)
    space = LatentSpace(graphs, request.space, device=device, path=trained.run.path)
    spec = space.output
    scaled = torch.from_numpy(targets).float() * ((spec.high - spec.low) / 255) + spec.low
    classes = None if request.label is None else torch.tensor([request.label])
    features = None if request.features is None else request.features.to(device)
    latents, labels = space.begin(range(request.candidates), classes)
    distance = PictureDistance(scaled.to(device), spec, features)
    bar = _Bar(progress)
    nearest, ordered = _nearest(space, latents, labels, distance, bar)
    pixels = scaled.shape[2] * scaled.shape[3]
    small = latents.shape[1] * pixels <= _MOST_WORK
    if request.starts is None:
        request = replace(request, starts=_STARTS[0] if small else _STARTS[1])
    chunk = max(1, _AT_ONCE // (pixels * (request.starts or 1)))
    parts = []
    for start in range(0, len(scaled), chunk):
        rows = torch.arange(start, min(start + chunk, len(scaled)), device=device)
        parts.append(_search(space, latents, labels, distance, ordered, rows, request, bar, of=len(scaled)))
    u = torch.cat([part.coordinates for part in parts])
    chosen = None if labels is None else torch.cat([part.labels for part in parts if part.labels is not None])
    with torch.no_grad():
        painted = torch.cat(
            [space.paint(u[i : i + _PAINTED], _part(chosen, i, _PAINTED)) for i in range(0, len(u), _PAINTED)]
        )
    return Projection(
        latents=Latents(
            space=space.name,
            rows=space.latents(u).cpu().numpy(),
            names=list(names),
            labels=chosen.tolist() if chosen is not None and space.name == "z" else (),
            model=model_sha256(graphs),
        ),
        targets=_pictures(scaled, spec),
        pictures=_pictures(painted, spec),
        distances=distance.pixels(painted).tolist(),
        nearest=nearest.tolist(),
        _frames=max(len(part.way) for part in parts) + _LAST,
        _way=lambda: _way_frames(space, parts, scaled, spec),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    coordinates: Tensor  # (N, D)
    labels: Tensor | None  # (N,)
    way: Tensor  # (T, N, D)


def _nearest(
    space: LatentSpace, latents: Tensor, labels: Tensor | None, distance: PictureDistance, bar: _Bar
) -> tuple[Tensor, Tensor]:
    """Of each target the distance of the nearest candidate, (N,), and the candidates by distance, (N, K)."""
    u, columns = space.coordinates(latents), []
    for start in range(0, len(u), _PAINTED):
        with torch.no_grad():
            painted = space.paint(u[start : start + _PAINTED], _part(labels, start, _PAINTED))
            apart = [distance.pixels(one[None].expand_as(distance.targets)) for one in painted]
        columns.append(torch.stack(apart, 1))
        bar.tell("painting candidates", min(start + _PAINTED, len(u)), len(u), "pictures")
    found = torch.cat(columns, 1)
    return found.min(1).values, found.argsort(1)


def _search(
    space: LatentSpace,
    latents: Tensor,
    labels: Tensor | None,
    distance: PictureDistance,
    ordered: Tensor,
    rows: Tensor,
    request: ProjectRequest,
    bar: _Bar,
    *,
    of: int,
) -> _Part:
    starts = min(request.starts or 1, ordered.shape[1])
    picked = ordered[rows, :starts].flatten()  # (N * starts,)
    many = rows.repeat_interleave(starts)
    classes = None if labels is None else labels[picked]
    aim = distance.of(many)
    shown = f"{len(rows)} of {of} pictures" if of > len(rows) else f"{of} picture{'s' if of > 1 else ''}"
    found = descend(
        space.coordinates(latents[picked]),
        lambda u: aim.loss(space.paint(u, classes)),
        steps=request.steps,
        seed=request.seed,
        prior=request.prior,
        tell=lambda done: bar.tell(f"projecting {shown}", done, request.steps, "steps"),
    )
    # The best few go on: one of them may have stopped in a hollow of its own.
    kept_starts = min(_REFINED, starts)
    first = torch.arange(len(rows), device=rows.device)[:, None] * starts
    best = (found.losses.view(len(rows), starts).argsort(1)[:, :kept_starts] + first).flatten()  # (N * kept,)
    u, kept = found.coordinates[best], None if classes is None else classes[best]
    way, near = found.way[:, best], aim.of(best)
    steps = request.refine
    if steps is None:
        work = u.shape[1] * near.targets.shape[2] * near.targets.shape[3]
        steps = _REFINE_STEPS if near.by_pixels and work <= _MOST_WORK and not request.prior else 0
    if steps:
        tell = lambda done: bar.tell(f"refining {shown}", done, steps, "steps")  # noqa: E731
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of torch, about its own forward derivatives
                u = refine(
                    u,
                    lambda v, at: near.of(at).residuals(space.paint(v, None if kept is None else kept[at])),
                    steps=steps,
                    tell=tell,
                )
        except (RuntimeError, NotImplementedError) as error:
            if request.refine is not None:
                raise
            bar.say(f"left as Adam found it: an operator has no forward derivative ({type(error).__name__})")
    with torch.no_grad():
        losses = torch.cat(
            [
                near.of(at).loss(space.paint(u[at], None if kept is None else kept[at]))
                for at in torch.split(torch.arange(len(u), device=u.device), _PAINTED)
            ]
        )
    chosen = losses.view(len(rows), kept_starts).argmin(1) + torch.arange(len(rows), device=u.device) * kept_starts
    u, kept = u[chosen], None if kept is None else kept[chosen]
    return _Part(coordinates=u, labels=kept, way=torch.cat([way[:, chosen], u[None]]))


def _way_frames(space: LatentSpace, parts: Sequence[_Part], scaled: Tensor, spec: Any) -> Iterator[NDArray[np.uint8]]:
    """Frame by frame: targets, and beside each what is painted on the way. The last stays for a while."""
    from ganzoo.data.pictures import grid

    shown = np.asarray(_pictures(scaled, spec))  # (N, H, W, C)
    longest = max(len(part.way) for part in parts)
    last = None
    for number in range(longest):
        painted = []
        for part in parts:
            at = min(number, len(part.way) - 1)
            with torch.no_grad():
                painted.append(space.paint(part.way[at], part.labels))
        both = np.concatenate([shown, np.asarray(_pictures(torch.cat(painted), spec))], 2)
        last = np.atleast_3d(np.asarray(grid(both.transpose(0, 3, 1, 2))))
        yield last
    for _ in range(_LAST):
        assert last is not None
        yield last


def _pictures(images: Tensor, spec: Any) -> Pictures:
    return Pictures.of([PixelValues(pixels=images.detach().float().cpu().numpy(), low=spec.low, high=spec.high)])


def _part(labels: Tensor | None, start: int, count: int) -> Tensor | None:
    return None if labels is None else labels[start : start + count]


class _Bar:
    def __init__(self, progress: ProgressListener) -> None:
        self._progress = progress
        self._stage = ""
        self._began = self._told = time.monotonic()
        self.say = progress.say

    def tell(self, stage: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        elif now - self._told < _TOLD_SECONDS and done < total:
            return
        self._told = now
        left = (now - self._began) / done * (total - done)
        values = {"status": stage}
        self._progress.update(Progress(done=done, total=total, unit=unit, seconds_left=left, values=values))
