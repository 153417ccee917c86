"""The game that restores pictures: a generator that is told the answer, and a discriminator that has seen good ones.

Papers: SRGAN, arXiv:1609.04802; ESRGAN, arXiv:1809.00219; Real-ESRGAN, arXiv:2107.10833.
Deviations: the generator moves first in all three, and the discriminator judges the pictures that it made before.
SRGAN's content loss is joined by a distance of pixels where no feature network is named.

With x a bad picture, y the good one, f features, C the discriminator's logits:

    L_G = a |G(x) - y| + b sum_k w_k |f_k(G(x)) - f_k(y)| + c L_adv(C(G(x)))
    L_D = the objective's, on y and G(x)

Pictures come in [-1, 1] and are [0, 1] for the networks. Shapes: B batch, C channels, H, W, s scale.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from ganzoo import objectives
from ganzoo.architecture import Direction, ImageToImage, Losses, Optimizer, Pair, Phase, Step
from ganzoo.architecture.perceptual import (
    FeatureExtractor,
    Fingerprint,
    feature_distance,
    open_extractor,
    read_layers,
)
from ganzoo.errors import CheckpointError
from ganzoo.nn.filters import sharpened
from ganzoo_restoration.config import Restoration as Config

_CHARBONNIER = 1e-6


class Restoration(ImageToImage):
    """Builds a generator, and a discriminator where it is needed. A subclass says which, and the adversarial losses."""

    config: Config
    wants = "pairs"
    degradation: str = "down"

    @property
    def scale(self) -> int:  # type: ignore[override]
        return self.config.scale

    @property
    def judged_by(self) -> Literal["truth", "none"]:  # type: ignore[override]
        """By PSNR; but a discriminator lowers that while pictures become sharper, and then the last is the best."""
        return "none" if self.config.adversarial_weight > 0 else "truth"

    @abstractmethod
    def build_generator(self) -> nn.Module:
        """(B, C, H, W) in [0, 1] -> (B, D, s H, s W)."""

    @abstractmethod
    def build_discriminator(self) -> nn.Module:
        """(B, D, s H, s W) -> logits. It may set `least_training_size`, and checks what it needs."""

    @abstractmethod
    def reach(self) -> int | None:
        """See `Direction`."""

    def build(self) -> None:
        self.generator = self.build_generator()
        if self.config.adversarial_weight > 0:
            self.discriminator = self.build_discriminator()
        self.perceptual_file = Fingerprint()
        self._extractors: list[FeatureExtractor] = []  # in a list: it is no part of the model, nor of a checkpoint

    def directions(self) -> Mapping[str, Direction]:
        network = self.generator
        return {
            "restore": Direction(
                network=network, reads="source", paints="target", scale=self.scale, low=0.0, high=1.0,
                reach=self.reach(),
            )
        }  # fmt: skip

    def optimizers(self) -> Mapping[str, Optimizer]:
        config = self.config
        players = ["generator", *(["discriminator"] if config.adversarial_weight > 0 else [])]
        return {name: Optimizer(trains=(name,), lr=config.lr, betas=(config.beta1, config.beta2)) for name in players}

    def phases(self) -> Sequence[Phase]:
        if self.looks_through_features():
            layers = read_layers(self.config.perceptual_layers, "perceptual_layers")
            self._extractors = [open_extractor(self.config.perceptual, list(layers), "perceptual")]
        phases = [Phase(name="generator", optimizer="generator", loss=self.generator_loss)]
        if self.config.adversarial_weight > 0:
            phases.append(Phase(name="discriminator", optimizer="discriminator", loss=self.discriminator_loss))
        return phases

    def looks_through_features(self) -> bool:
        return bool(self.config.perceptual) and self.config.perceptual_weight > 0

    def warnings_before(self, kimg: float) -> Sequence[str]:
        if self.config.perceptual_weight > 0 and not self.config.perceptual and self.config.adversarial_weight > 0:
            return [
                "there is no perceptual loss, as no feature network is named: --set perceptual=vgg19.pth "
                "(torchvision's), or --set perceptual_weight=0 if that is meant"
            ]
        return []

    def painted(self, batch: Pair, step: Step, *, detach: bool = False) -> Tensor:
        """What the generator makes of a step's sources, in [0, 1] and about: (B, C, s H, s W)."""
        images: Tensor = step.shared("fakes", lambda: self.generator(zero_to_one(batch.source)), detach=detach)
        return images

    def generator_loss(self, batch: Pair, step: Step) -> Losses:
        config, images, good = self.config, self.painted(batch, step), zero_to_one(batch.target)
        target = sharpened(good) if config.sharpen else good
        terms: dict[str, Tensor] = {}
        if config.pixel_weight > 0:
            terms["pixels"] = config.pixel_weight * pixel_distance(config.pixel_loss, images, target)
        if self._extractors:
            network = self._extractors[0].to(images.device)
            self.perceptual_file.check(network.digest, f"The feature network {config.perceptual}")
            weights = read_layers(config.perceptual_layers, "perceptual_layers")
            distance = feature_distance(network, weights, images, target, config.perceptual_loss)
            terms["perceptual"] = config.perceptual_weight * distance
        if config.adversarial_weight > 0:
            terms["adversarial"] = config.adversarial_weight * self.fooling(images, good, step)
        if not terms:
            raise CheckpointError(
                "Every loss has the weight 0, and there is nothing to learn.", hint="For example --set pixel_weight=1"
            )
        with torch.no_grad():
            errors = (images.detach().clamp(0, 1) - good).square().mean((1, 2, 3))
        # A mean over pictures, which ranks and micro-batches cannot change.
        return Losses(terms, {"psnr": -10 * torch.log10(errors.clamp_min(1e-10)).mean()})

    @abstractmethod
    def fooling(self, images: Tensor, good: Tensor, step: Step) -> Tensor:
        """The generator's adversarial loss, before its weight; a scalar."""

    @abstractmethod
    def judging(self, images: Tensor, good: Tensor, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        """The discriminator's loss, a scalar, and its logits of good and of painted pictures."""

    def discriminator_loss(self, batch: Pair, step: Step) -> Losses:
        images = self.painted(batch, step, detach=True)
        loss, real, fake = self.judging(images, zero_to_one(batch.target), step)
        return Losses({"adversarial": loss}, {"real": real.detach().mean(), "fake": fake.detach().mean()})

    def compile_networks(self, **options: Any) -> None:
        self.generator.compile(**options)


class Adversarial(Restoration):
    """With a game that judges each picture for itself: non-saturating, -log s(C(y)) - log(1 - s(C(G(x))))."""

    def fooling(self, images: Tensor, good: Tensor, step: Step) -> Tensor:
        return objectives.generator_loss("non-saturating", self.discriminator(images))

    def judging(self, images: Tensor, good: Tensor, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        real, fake = self.discriminator(good), self.discriminator(images)
        return objectives.discriminator_loss("non-saturating", real, fake), real, fake


def zero_to_one(images: Tensor) -> Tensor:
    """Of pictures in [-1, 1]."""
    return (images + 1) / 2


def pixel_distance(kind: str, one: Tensor, other: Tensor) -> Tensor:
    """A scalar: mean |d|, mean d^2, or mean sqrt(d^2 + 1e-6), the Charbonnier distance."""
    if kind == "l1":
        return l1_loss(one, other)
    return mse_loss(one, other) if kind == "l2" else ((one - other).square() + _CHARBONNIER).sqrt().mean()
