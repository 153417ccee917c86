"""Scores of checkpoints by the field's metrics: `train.score = "fid"`, in the features of `train.score_features`.

    scorer = MetricScorer(...)            when the training begins, so that what lacks is said then
    scorer.score(...) -> score.fid, ...   at each checkpoint, of `train.score_count` pictures of the average

Features of the real pictures are made once, and kept for other runs by what is in the files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.config import TrainConfig
from ganzoo.data.pictures import to_uint8
from ganzoo.data.source import DataSource
from ganzoo.datainfo import Domain
from ganzoo.errors import RequestError, missing_package
from ganzoo.evaluation.evaluate import real_features
from ganzoo.evaluation.extraction import extract
from ganzoo.evaluation.feature_set import FeatureSet
from ganzoo.evaluation.finding import OFFICIAL, find_metrics, find_network
from ganzoo.evaluation.metric import Evidence, Metric, settings_of
from ganzoo.evaluation.network import score_name
from ganzoo.evaluation.networks.weights import features_folder
from ganzoo.evaluation.picture_set import PictureChunk
from ganzoo.evaluation.reals import SourcePictures
from ganzoo.evaluation.recording import EvaluationRequest
from ganzoo.evaluation.resizing import check_filter
from ganzoo.plugin.registry import Registry

_OFFERED = frozenset({"real", "painted", "logits", "labels", "partners"})


def open_scorer(settings: TrainConfig, registry: Registry | None, device: torch.device) -> MetricScorer | None:
    """None where no metric is named. Raises what `MetricScorer` raises, and MissingPackageError."""
    if not settings.score.strip(" ,") or registry is None:
        return None
    try:
        return MetricScorer(settings, registry, device=device)
    except ModuleNotFoundError as error:
        raise (missing_package(error) or error) from None


_WORDS = {"way_back": "what comes back of a translation", "latents": "steps between latents"}

PairBatches = Callable[[], Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]]


class MetricScorer:
    """Scores what is painted by `settings.score`. first: the score that decides about the best checkpoint.

    Raises RequestError for a metric that nobody offers or that needs what a training has not, for a network whose
    weights are not here; MissingPackageError's cause, ModuleNotFoundError, for a package that is not.
    """

    def __init__(self, settings: TrainConfig, registry: Registry, *, device: torch.device) -> None:
        names = [name.strip() for name in settings.score.split(",") if name.strip()]
        self._metrics = find_metrics(names, registry)
        for metric in self._metrics:
            if missing := sorted(set(metric.needs) - _OFFERED):
                raise RequestError(
                    f"train.score = {settings.score!r}: {metric.name!r} is of {_WORDS[missing[0]]}, and no training is "
                    "scored by that.",
                    hint="ganzoo evaluate RUN scores it afterwards.",
                )
        network = None
        if any(set(metric.needs) - {"partners"} for metric in self._metrics):
            try:
                network = find_network(settings.score_features or OFFICIAL, {}, str(device), registry)
            except RequestError as error:
                hint = error.hint.replace("--features ", "--set train.score_features=")
                raise RequestError(error.message, hint=hint) from None
        self._network = network
        lacking = [metric.name for metric in self._metrics if "logits" in metric.needs]
        if lacking and network is not None and not network.classes:
            raise RequestError(f"The metric {lacking[0]} wants a network with classes; {network.name} has none.")
        self._device = str(device)
        self._reals: dict[Domain, FeatureSet] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="ganzoo-scores-", ignore_cleanup_errors=True)
        first = next(iter(self._metrics[0].scores))
        self.first = self._key(self._metrics[0], first)
        self.better = self._metrics[0].scores[first].better
        for metric in self._metrics:
            metric.prepare(Evidence(options=metric.options, network=network, weights={"device": self._device}))

    def score(
        self,
        images: Iterable[Tensor],
        source: DataSource,
        *,
        count: int,
        against: Domain,
        labels: NDArray[np.int64] | None,
        partners: PairBatches | None,
    ) -> dict[str, float]:
        """Scores by the name of their line in the metrics. images: `count` pictures (B, C, H, W), [-1, 1], in batches.

        labels: of the images. partners: of a translator, see `Evidence`. Raises what the metrics raise.
        """
        real = painted = None
        if self._network is not None:
            real = self._real(source, against)
            with tempfile.TemporaryDirectory(dir=self._scratch.name) as folder:
                made = extract(
                    _Painted(images, count, labels), self._network, resize=check_filter("", self._network),
                    folder=Path(folder),
                )  # fmt: skip
                painted = made.features
                return self._measured(real, painted, count, partners)
        return self._measured(real, painted, count, partners)

    def _measured(
        self, real: FeatureSet | None, painted: FeatureSet | None, count: int, partners: PairBatches | None
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for metric in self._metrics:
            if "partners" in metric.needs and partners is None:
                raise RequestError(f"{metric.name} wants true pictures beside what is painted: pairs.")
            options = settings_of(metric, {}, real=0 if real is None else real.count, painted=count)
            metric.check(options, 0 if real is None else real.count, count)
            evidence = Evidence(
                options=options, network=self._network, real=real, painted=painted, partners=partners,
                weights={"device": self._device},
            )  # fmt: skip
            found |= {self._key(metric, name): one.value for name, one in metric.measure(evidence).items()}
        return found

    def _key(self, metric: Metric, name: str) -> str:
        network = self._network if set(metric.needs) - {"partners"} else None
        base, _, maker = score_name(name, network).partition("@")
        return f"score.{maker}.{base}" if maker else f"score.{base}"

    def _real(self, source: DataSource, against: Domain) -> FeatureSet:
        if against not in self._reals:
            folder = Path(self._scratch.name, f"real-{against}")
            folder.mkdir()
            network = self._network
            assert network is not None
            request = EvaluationRequest(
                metrics=(), network=network, resize=check_filter("", network), cache=features_folder()
            )
            found, _ = real_features(SourcePictures(source, domain=against), request, folder)
            assert found is not None
            self._reals[against] = found
        return self._reals[against]


class _Painted:
    """Batches as they come, read in order."""

    title = "scoring"

    def __init__(self, images: Iterable[Tensor], count: int, labels: NDArray[np.int64] | None) -> None:
        self.count = count
        self._batches, self._labels = iter(images), labels
        self._rest: list[NDArray[np.uint8]] = []

    def read(self, start: int, stop: int) -> PictureChunk:
        while sum(map(len, self._rest)) < stop - start:
            self._rest.append(eight_bits(next(self._batches)))
        whole = np.concatenate(self._rest)
        self._rest = [whole[stop - start :]]
        return PictureChunk(whole[: stop - start], None if self._labels is None else self._labels[start:stop])


def eight_bits(images: Tensor) -> NDArray[np.uint8]:
    """(B, C, H, W) in [-1, 1] as they would be saved."""
    return to_uint8(images.float().cpu().numpy())
