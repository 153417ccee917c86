"""The base of generative adversarial networks that paint pictures from noise.

Shapes: B batch, C channels, H, W, Z latent.

The game, with objective "non-saturating", D(x) a logit and s the logistic function:

    discriminator    L_D = mean -log s(D(x)) - log(1 - s(D(G(z))))  [+ penalty]       x real, z ~ N(0, 1)
    generator        L_G = mean -log s(D(G(z)))
    penalty          r1           gamma/2 mean |grad D(x)|^2                           at reals
                     r2           gamma/2 mean |grad D(G(z))|^2                        at fakes
                     wgan-gp      lambda mean (|grad D(y)| - 1)^2,  y = u x + (1 - u) G(z),  u ~ U[0, 1)
                     in the discriminator's loss, or every k steps in a phase of its own, k times as heavy

`ganzoo.objectives` has the other objectives. Each step is discriminator, then generator: both judge the same fakes.

A subclass builds two networks; loss, penalty, optimisers, average and export follow from the config,
and each method here can be overridden alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo import objectives
from ganzoo.architecture.from_noise import FromNoise
from ganzoo.architecture.records import Batch, Losses, Optimizer, Phase, value_at
from ganzoo.architecture.step import Step
from ganzoo.config import NoiseToImageConfig
from ganzoo.errors import RequestError
from ganzoo.nn import AdaptiveAugment, Augmentation, DiffAugment, freeze_first_layers, normalize_spectrum
from ganzoo.objectives.penalties import Critic

_ZERO_CENTRED = {"r1": ("real",), "r2": ("fake",), "r1+r2": ("real", "fake")}
"""Penalties that want the gradient of D small at pictures, and at which."""

_ONE_CENTRED = frozenset({"wgan-gp", "wgan-gp-one-sided"})
"""Penalties that want it to be of length one, between reals and fakes."""

_PENALTY_TERMS = {"real": "r1", "fake": "r2"}


class NoiseToImage(FromNoise):
    """A generator z -> picture and a discriminator picture -> logits.

    With a condition, both networks take it as a second argument: class indices (B,) int64, or a vector (B, K).
    """

    config: NoiseToImageConfig
    input_gradient: Callable[[Critic, Tensor], tuple[Tensor, Tensor]] = staticmethod(objectives.input_gradient)

    @abstractmethod
    def build_discriminator(self) -> nn.Module:
        """forward(images (B, C, H, W)[, condition]) -> logits, any shape that starts with B."""

    def build(self) -> None:
        """Both networks and the augmentation. Raises RequestError for a size, labels or settings that do not fit."""
        super().build()
        self.discriminator = self.build_discriminator()
        try:
            freeze_first_layers(self.discriminator, self.config.freeze_discriminator)
        except ValueError as error:
            raise RequestError(f"freeze_discriminator: {error}.") from None
        if self.config.spectral_norm and not normalize_spectrum(self.discriminator):  # after freezing: it moves weights
            raise RequestError(
                f"spectral_norm finds no layer of torch's own in the discriminator of {type(self).__name__}.",
                hint="Leave it out: its layers scale their weights themselves.",
            )
        self.augmentation = self._build_augmentation()

    def critic(self, batch: Batch, step: Step, purpose: str, *, compiled: bool = True) -> Critic:
        """The discriminator as a function of (B, C, H, W) alone: labels filled in, pictures augmented on the way.

        purpose: names the draw of the augmentation. compiled: False for a gradient penalty, as the second derivative
        of a compiled network is refused.
        """
        labels = self.labels_of(batch)
        discriminate = self.discriminator if compiled else self.discriminator.forward
        if self.augmentation is None:
            return lambda images: discriminate(images, *labels)
        draws = step.uniform(f"augment {purpose}", len(batch), self.augmentation.columns)
        augment = self.augmentation if compiled else self.augmentation.forward

        def judge(images: Tensor) -> Tensor:
            with torch.autocast(images.device.type, enabled=False):
                shown = augment(images.to(draws.dtype), draws)
            logits: Tensor = discriminate(shown, *labels)
            return logits

        return judge

    def discriminator_loss(self, batch: Batch, step: Step) -> Losses:
        """Terms `adversarial` and, if the config asks, `r1`, `r2`, `penalty`, `drift`; statistics of the logits."""
        config = self.config
        penalty = config.penalty if config.penalty_every == 1 else "none"  # a lazy one has a phase of its own
        terms: dict[str, Tensor] = {}
        fakes = self.fakes(batch, step, detach=True)
        logits = {
            side: self._judged(batch, step, images, side, terms, penalized=side in _ZERO_CENTRED.get(penalty, ()))
            for side, images in (("real", batch.real), ("fake", fakes))
        }
        real, fake = logits["real"], logits["fake"]
        terms["adversarial"] = objectives.discriminator_loss(config.objective, real, fake)
        if config.drift:  # arXiv:1710.10196, appendix A.1
            terms["drift"] = config.drift * objectives.at_least_float32(real).square().mean()
        if penalty in _ONE_CENTRED:
            terms["penalty"] = self._interpolation_penalty(batch, step)
        return Losses(terms, self._statistics(real.detach(), fake.detach()))

    def generator_loss(self, batch: Batch, step: Step) -> Losses:
        """The term `adversarial`, of one fake per real picture of the batch."""
        objective, real_logits = self.config.objective, None
        logits = self.critic(batch, step, "fake")(self.fakes(batch, step))
        if objective == "relativistic":
            with torch.no_grad():  # the reals' logits are no function of the generator
                real_logits = self.critic(batch, step, "real")(batch.real)
        return Losses({"adversarial": objectives.generator_loss(objective, logits, real_logits)})

    def penalty_loss(self, batch: Batch, step: Step) -> Losses:
        """The gradient penalty alone, for a lazy phase."""
        if self.config.penalty in _ONE_CENTRED:
            return Losses({"penalty": self._interpolation_penalty(batch, step)})
        terms: dict[str, Tensor] = {}
        for side in _ZERO_CENTRED[self.config.penalty]:
            images = batch.real if side == "real" else self.fakes(batch, step, detach=True)
            self._judged(batch, step, images, side, terms, penalized=True)
        return Losses(terms)

    def optimizers(self) -> Mapping[str, Optimizer]:
        """One for each player, `discriminator` and `generator`, as the config says."""
        config = self.config
        betas, clip = (config.beta1, config.beta2), config.clip_gradients or None
        return {
            "discriminator": Optimizer(
                trains=("discriminator",),
                kind=config.optimizer,
                lr=config.discriminator_lr,
                betas=betas,
                clip=clip,
                clamp=config.clip_weights or None,
            ),
            "generator": Optimizer(
                trains=("generator",), kind=config.optimizer, lr=config.generator_lr, betas=betas, clip=clip
            ),
        }

    def phases(self) -> Sequence[Phase]:
        """`discriminator`, a lazy `penalty` if there is one, and `generator`, every `critic_steps`."""
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

    def compile_networks(self, **options: Any) -> None:
        """Compile what may be: a discriminator with running statistics is left as it is."""
        self.generator.compile(**options)
        # A norm that keeps running statistics changes them at every pass. A compiled network saves them for its
        # backward pass, so a discriminator with one cannot judge twice before it; and torch.func refuses it.
        if not any(getattr(module, "track_running_stats", False) for module in self.discriminator.modules()):
            self.discriminator.compile(**options)
            self.input_gradient = torch.compile(objectives.input_gradient, **options)
        if self.augmentation is not None:
            self.augmentation.compile(**options)

    def after_step(self, step: Step, stats: Mapping[str, Tensor]) -> None:
        """Feed the augmentation; an override that is used with `augment=ada` calls it too."""
        if isinstance(self.augmentation, AdaptiveAugment):
            if "discriminator.sign" not in stats:
                raise ValueError("augment=ada needs the statistic 'sign' of the phase 'discriminator'")
            self.augmentation.feedback(stats["discriminator.sign"], step=step.number, batch_size=step.batch_size)

    def _build_augmentation(self) -> Augmentation | None:
        match self.config.augment:
            case "diffaugment":
                return DiffAugment()
            case "ada":
                config = self.config
                return AdaptiveAugment(
                    target=config.augment_target, kimg=config.augment_kimg, colour=config.augment_colour
                )
        return None

    def _judged(
        self, batch: Batch, step: Step, images: Tensor, side: str, terms: dict[str, Tensor], *, penalized: bool
    ) -> Tensor:
        """The logits of `images`, which are `real` or `fake`; their zero-centred penalty joins `terms` in one pass."""
        if not penalized:
            return self.critic(batch, step, side)(images)
        gradient, logits = self.input_gradient(self.critic(batch, step, side, compiled=False), images)
        weight = value_at(self.config.penalty_weight, step.kimg)
        # gamma/2 |grad D|^2
        terms[_PENALTY_TERMS[side]] = weight / 2 * objectives.zero_centred(gradient).mean()
        return logits

    def _interpolation_penalty(self, batch: Batch, step: Step) -> Tensor:
        share = step.uniform("interpolation", len(batch), 1, 1, 1)
        images = objectives.interpolate(batch.real, self.fakes(batch, step, detach=True), share)
        gradient, _ = self.input_gradient(self.critic(batch, step, "interpolation", compiled=False), images)
        penalty = objectives.one_centred(gradient, one_sided=self.config.penalty == "wgan-gp-one-sided")
        return value_at(self.config.penalty_weight, step.kimg) * penalty.mean()

    def _statistics(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        real_margin, fake_margin = objectives.margins(self.config.objective, real, fake)
        # Of pairs it is no accuracy: a critic may rank all of them rightly and still be a good teacher.
        name = "ranking" if self.config.objective in objectives.RELATIVE else "accuracy"
        right = torch.stack([real_margin, -fake_margin]) > 0
        stats = {"real": real.mean(), "fake": fake.mean(), name: right.to(real.dtype).mean()}
        if isinstance(self.augmentation, AdaptiveAugment):
            stats["sign"] = real_margin.sign().mean()
            stats["augment"] = self.augmentation.probability.clone()
        return stats
