"""The base of architectures that paint pictures from noise.

Shapes: B batch, C channels, H = W size, Z latent.

A subclass builds two networks; loss, penalty, optimisers, average and export follow from the config,
and each method here can be overridden alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from ganzoo import objectives
from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Batch, Ema, Graph, Losses, Optimizer, Phase
from ganzoo.architecture.step import Step
from ganzoo.config import NoiseToImageConfig
from ganzoo.errors import RequestError
from ganzoo.specs import BATCH, TensorSpec


class NoiseToImage(Architecture):
    """A generator z -> picture and a discriminator picture -> logits.

    conditional: both networks take class indices (B,) int64 as a second argument.
    """

    config: NoiseToImageConfig
    conditional: ClassVar[bool] = False

    @abstractmethod
    def build_generator(self) -> nn.Module:
        """forward(z (B, Z)[, label (B,)]) -> (B, C, H, W) in [-1, 1]."""

    @abstractmethod
    def build_discriminator(self) -> nn.Module:
        """forward(images (B, C, H, W)[, label (B,)]) -> logits, any shape that starts with B."""

    def build(self) -> None:
        if self.conditional and not self.data.classes:
            raise RequestError(
                f"{type(self).__name__} is class-conditional and the pictures have no labels.",
                hint="Use a data source with labels, for example --data digits.",
            )
        self.generator = self.build_generator()
        self.discriminator = self.build_discriminator()

    def fakes(self, batch: Batch, step: Step, *, detach: bool = False) -> Tensor:
        """One fake per real picture, with its label: (B, C, H, W). Shared by the phases of a step."""

        def paint() -> Tensor:
            z = step.normal("latent", len(batch), self.config.latent_size)
            images: Tensor = self.generator(z, *self._labels(batch))
            return images

        images: Tensor = step.once("fakes", paint, detach=detach)
        return images

    def critic(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        """The discriminator as a function of the pictures alone, with the batch's labels filled in."""
        labels = self._labels(batch)
        return lambda images: self.discriminator(images, *labels)

    def discriminator_loss(self, batch: Batch, step: Step) -> Losses:
        critic, config = self.critic(batch), self.config
        terms = {}
        fakes = self.fakes(batch, step, detach=True)
        if config.penalty == "r1" and config.penalty_every == 1:
            penalty, real_logits = objectives.r1(critic, batch.real)
            terms["penalty"] = config.penalty_weight / 2 * penalty.mean()  # gamma/2 |grad D(x)|^2
        else:
            real_logits = critic(batch.real)
        fake_logits = critic(fakes)
        terms["adversarial"] = objectives.discriminator_loss(config.objective, real_logits, fake_logits)
        if config.penalty == "wgan-gp" and config.penalty_every == 1:
            terms["penalty"] = self._interpolation_penalty(batch, step)
        return Losses(terms, {"real": real_logits.detach().mean(), "fake": fake_logits.detach().mean()})

    def generator_loss(self, batch: Batch, step: Step) -> Losses:
        logits = self.critic(batch)(self.fakes(batch, step))
        return Losses({"adversarial": objectives.generator_loss(self.config.objective, logits)})

    def penalty_loss(self, batch: Batch, step: Step) -> Losses:
        """The gradient penalty alone, for a lazy phase."""
        if self.config.penalty == "r1":
            penalty, _ = objectives.r1(self.critic(batch), batch.real)
            return Losses({"penalty": self.config.penalty_weight / 2 * penalty.mean()})
        return Losses({"penalty": self._interpolation_penalty(batch, step)})

    def optimizers(self) -> Mapping[str, Optimizer]:
        betas = (self.config.beta1, self.config.beta2)
        return {
            "discriminator": Optimizer(trains=("discriminator",), lr=self.config.discriminator_lr, betas=betas),
            "generator": Optimizer(trains=("generator",), lr=self.config.generator_lr, betas=betas),
        }

    def phases(self) -> Sequence[Phase]:
        config = self.config
        phases = [Phase(name="discriminator", optimizer="discriminator", loss=self.discriminator_loss)]
        if config.penalty != "none" and config.penalty_every > 1:
            phases.append(
                Phase(
                    name="penalty",
                    optimizer="discriminator",
                    loss=self.penalty_loss,
                    every=config.penalty_every,
                    lazy=True,
                )
            )
        phases.append(
            Phase(
                name="generator",
                optimizer="generator",
                loss=self.generator_loss,
                every=config.critic_steps,
                offset=config.critic_steps - 1,
            )
        )
        return phases

    def ema(self) -> Ema | None:
        if self.config.ema_half_life_kimg == 0:
            return None
        return Ema(of=("generator",), half_life_kimg=self.config.ema_half_life_kimg, rampup=self.config.ema_rampup)

    def graphs(self) -> Sequence[Graph]:
        inputs = [TensorSpec(name="z", shape=(BATCH, self.config.latent_size))]
        if self.conditional:
            inputs.append(
                TensorSpec(
                    name="label",
                    shape=(BATCH,),
                    dtype="int64",
                    draw="class",
                    classes=self.data.classes,
                    stream=1,
                )
            )
        size = self.data.size
        image = TensorSpec(name="image", shape=(BATCH, self.data.channels, size, size), draw="image")
        return [Graph(name="generator", module=self.generator, inputs=tuple(inputs), outputs=(image,))]

    def _interpolation_penalty(self, batch: Batch, step: Step) -> Tensor:
        share = step.uniform("interpolation", len(batch), 1, 1, 1)
        fakes = self.fakes(batch, step, detach=True)
        penalty = objectives.wgan_gp(self.critic(batch), batch.real, fakes, share)
        return self.config.penalty_weight * penalty.mean()

    def _labels(self, batch: Batch) -> tuple[Tensor, ...]:
        if not self.conditional:
            return ()
        if batch.label is None:
            raise ValueError(f"{type(self).__name__} is class-conditional; this batch has no labels")
        return (batch.label,)
