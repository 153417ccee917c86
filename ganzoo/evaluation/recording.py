"""What an evaluation writes down about how its scores came about."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo.evaluation.metric import Metric
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.evaluation.reals import SourcePictures
from ganzoo.evaluation.resizing import library_of
from ganzoo.evaluation.subject import Subject
from ganzoo.version import __version__

OF_FEATURES = frozenset({"real", "painted", "logits", "labels"})
_VERSIONS = (
    "torch", "torchvision", "torch-fidelity", "piq", "lpips", "numpy", "pillow", "onnxruntime", "onnxruntime-gpu",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRequest:
    """How to judge.

    metrics: each with the options that were stated. network: None where no metric looks at features. resize: a filter.
    repeats: how often, with other seeds. seed: of the first picture. cache: where real features are kept; None: not.
    real_settings: of the pictures, for the protocol. weights: files of perceptual distances, and the device.
    """

    metrics: Sequence[tuple[Metric, Mapping[str, Any]]]
    network: FeatureNetwork | None = None
    resize: str = "own"
    repeats: int = 1
    seed: int = 0
    cache: Path | None = None
    real_settings: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)


def looks_at_features(metric: Metric, options: Mapping[str, Any]) -> bool:
    """Whether its scores are of the feature network."""
    return bool(set(metric.needs) & OF_FEATURES) or options.get("distance") == "features"


def protocol_of(
    subject: Subject,
    reals: SourcePictures | None,
    request: EvaluationRequest,
    settings: Mapping[str, Mapping[str, Any]],
    pixels: str,
) -> dict[str, Any]:
    """What makes these scores comparable. settings: of each metric. pixels: a hash of the real ones', where known."""
    found: dict[str, Any] = {
        "painted": dict(subject.settings),
        "metrics": {name: dict(options) for name, options in settings.items()},
        "repeats": request.repeats,
    }
    if reals is not None:
        found["real"] = {
            "count": reals.count,
            "of": reals.available,
            "chosen": "all" if reals.count == reals.available else "evenly spaced",
            "pictures": reals.shape(),
            "format": reals.formats(),
            "contents": reals.identity() or pixels,
            "settings": dict(request.real_settings),
        }
        if any("labels" in metric.needs for metric, _ in request.metrics):
            found["real"]["labels"] = reals.labels_hash()
    network = request.network
    if network is not None and any(looks_at_features(one, settings[one.name]) for one, _ in request.metrics):
        found["features"] = {
            "network": network.name,
            **dict(network.identity()),
            "resize": request.resize,
            "library": library_of(request.resize).partition(" ")[0],
            "size": list(network.size) if network.size is not None else None,
            "precision": "float32",
        }
    return found


def versions() -> dict[str, str]:
    """Of what computed the scores."""
    found = {"ganzoo": __version__, "python": platform.python_version()}
    for name in _VERSIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def thread_count() -> int:
    """Of torch, which decide about the last bits on a CPU."""
    import torch

    return torch.get_num_threads()
