"""Perceptual path length (arXiv:1812.04948): how much a picture changes for a small step of its latent, by
torch-fidelity.

    E d(G(slerp(z1, z2; 0)), G(slerp(z1, z2; eps))) / eps^2,    eps = 1e-4

d is LPIPS where its weights are given; else the squared distance of features, whose number carries the network's name
and compares with no published one. Pictures are not rounded to 8 bits, which would hide most of so small a step.
The lowest and highest `trim` percent are left out, as the paper does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import LEVEL, Estimate
from ganzoo.evaluation.metric import Evidence, Latents, Metric, Need, ScoreInfo
from ganzoo.student import t_quantile

if TYPE_CHECKING:
    import torch

    from ganzoo.evaluation.network import FeatureNetwork

_LEAST = 10
_WAYS = {"slerp": "slerp_any", "lerp": "lerp"}


class PathLength(Metric):
    """`ppl`: over `pairs` pairs of latents."""

    name = "ppl"
    needs: ClassVar[tuple[Need, ...]] = ("latents",)
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "ppl": ScoreInfo(title="perceptual path length", better="lower", least=0)
    }
    options: ClassVar[Mapping[str, Any]] = {
        "pairs": 1000, "epsilon": 1e-4, "between": "slerp", "trim": 1.0, "distance": "lpips",
    }  # fmt: skip

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        if options["between"] not in _WAYS or options["distance"] not in ("lpips", "features"):
            raise RequestError(
                f"ppl.between = {options['between']!r}, ppl.distance = {options['distance']!r}.",
                hint=f"between: {' or '.join(_WAYS)}; distance: lpips or features.",
            )
        if options["pairs"] < _LEAST or not 0 <= options["trim"] < 50 or options["epsilon"] <= 0:
            raise RequestError("ppl wants 10 pairs or more, a trim below 50 percent and an epsilon above 0.")

    def prepare(self, evidence: Evidence) -> None:
        from ganzoo.evaluation.networks.weights import find_weights

        if evidence.options["distance"] == "lpips":
            find_weights("lpips-vgg16", evidence.weights.get("lpips-vgg16"))

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import numpy as np

        options, latents = evidence.options, evidence.latents
        assert latents is not None
        distances = np.sort(_distances(evidence, latents, _WAYS[options["between"]]))
        cut = int(len(distances) * options["trim"] / 100)
        return {"ppl": trimmed_mean(distances, cut)}


def trimmed_mean(values: Any, cut: int) -> Estimate:
    """Of sorted values without `cut` at each end; its error is that of Tukey and McLaughlin (1963), from the values
    whose ends are drawn in: what was left out is no less uncertain for that."""
    import numpy as np

    kept, count = values[cut : len(values) - cut], len(values)
    drawn = np.clip(values, kept[0], kept[-1])
    error = float(drawn.std(ddof=1)) / (1 - 2 * cut / count) / math.sqrt(count)
    half = t_quantile((1 + LEVEL) / 2, len(kept) - 1) * error
    value = float(kept.mean())
    return Estimate(
        value=value, low=value - half, high=value + half, error=error, freedom=len(kept) - 1, count=len(kept),
        method=f"t over {len(kept):,} pairs",
    )  # fmt: skip


def _distances(evidence: Evidence, latents: Latents, between: str) -> Any:
    import numpy as np
    import torch
    from torch_fidelity.generative_model_base import GenerativeModelBase
    from torch_fidelity.metric_ppl import KEY_METRIC_PPL_RAW, calculate_ppl
    from torch_fidelity.registry import SAMPLE_SIMILARITY_REGISTRY
    from torch_fidelity.sample_similarity_base import SampleSimilarityBase

    distance = _distance_of(evidence)

    class Similarity(SampleSimilarityBase):  # type: ignore[misc]
        def __init__(self, name: str, **named: Any) -> None:
            super().__init__(name)

        def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            apart: torch.Tensor = distance(one, other)
            return apart

    class Generator(GenerativeModelBase):  # type: ignore[misc]
        z_size, z_type, num_classes = latents.size, "normal", latents.classes

        def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
            return torch.from_numpy(
                latents.paint(z.numpy().astype(np.float32), None if labels is None else labels.numpy())
            )

    name = "ganzoo-distance"
    SAMPLE_SIMILARITY_REGISTRY[name] = Similarity  # of this call; nothing of torch-fidelity's own is asked for
    try:
        found: dict[str, Any] = calculate_ppl(
            1, input1=Generator(), input1_model_num_samples=evidence.options["pairs"], cuda=False, batch_size=16,
            ppl_epsilon=float(evidence.options["epsilon"]), ppl_sample_similarity=name,
            ppl_sample_similarity_resize=None, ppl_sample_similarity_dtype=None, ppl_z_interp_mode=between,
            ppl_reduction="none", ppl_discard_percentile_lower=None, ppl_discard_percentile_higher=None,
            rng_seed=evidence.seed % 2**32, verbose=False, cache=False,
        )  # fmt: skip
    finally:
        del SAMPLE_SIMILARITY_REGISTRY[name]
    return np.asarray(found[KEY_METRIC_PPL_RAW]).reshape(-1)


def _distance_of(evidence: Evidence) -> Any:

    if evidence.options["distance"] == "lpips":
        from ganzoo.evaluation.metrics.pairs import perceptual_distance

        network = perceptual_distance(evidence.weights.get("lpips-vgg16"), evidence.weights.get("device", "cpu"))

        def lpips(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            sides = [(side / 127.5 - 1).to(evidence.weights.get("device", "cpu")) for side in (one, other)]
            found: torch.Tensor = network(*sides).flatten().cpu()
            return found

        return lpips
    judge = evidence.network
    if judge is None:
        raise RequestError("ppl.distance=features wants a feature network.", hint="--features efficientnet-lite0")

    def features(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (_features(judge, one) - _features(judge, other)).square().sum(1).float()

    return features


def _features(network: FeatureNetwork, images: torch.Tensor) -> torch.Tensor:
    import numpy as np
    import torch

    if network.size is not None and tuple(images.shape[-2:]) != network.size:
        # Not by a filter of whole numbers, nor one that a network of its own has: the step is far below one level.
        images = torch.nn.functional.interpolate(images, network.size, mode="bilinear", align_corners=False)
    rows = network.compute(np.ascontiguousarray(images.numpy(), dtype=np.float32))["features"]
    return torch.from_numpy(np.asarray(rows, dtype=np.float64))
