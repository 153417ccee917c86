"""StyleGAN2's game: the non-saturating one, with lazy R1 and lazy path length.

Paper: Analyzing and Improving the Image Quality of StyleGAN, arXiv:1912.04958.
Deviations: those of `game.py`; the path length is compared with the mean of the steps before, so that it does not
depend on how a batch is divided among processes.

With x real, s the logistic function, every k-th step for the two regularisers, each k times as heavy:

    L_D    = mean -log s(D(x)) - log(1 - s(D(G(z))))
    L_R1   = gamma/2 mean |grad D(x)|^2                                   k = penalty_every
    L_G    = mean -log s(D(G(z)))
    L_path = weight mean (|J_w^T y| - a)^2,  y ~ N(0, 1) / R              k = path_every
             J_w = d picture / d w, |.| per layer, mean over layers squared; a <- a + decay (mean |J_w^T y| - a)

Shapes: B batch, C channels, R resolution, N width of w, L layers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganzoo.architecture import Batch, Losses, Optimizer, Phase, Step
from ganzoo.architecture.records import Value, value_at
from ganzoo.errors import RequestError
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.discriminator import Discriminator
from ganzoo_stylegan.game import StyleGame
from ganzoo_stylegan.styles import SynthesisNetwork
from ganzoo_stylegan.synthesis import Synthesis


class StyleGAN2(StyleGame):
    config: StyleGAN2Config
    channels_last = True

    def build(self) -> None:
        self.truncated_layers = self.config.truncated_layers
        super().build()
        self.path_mean: Tensor
        self.register_buffer("path_mean", torch.zeros(()))

    def build_synthesis(self) -> SynthesisNetwork:
        config = self.config
        return Synthesis(
            size=self.data.size,
            channels=self.data.channels,
            width=config.style_size,
            base=config.maps_base,
            most=config.maps_most,
            clamp=config.clamp,
            noisy=config.noise,
        )

    def build_discriminator(self) -> nn.Module:
        config = self.config
        return Discriminator(
            size=self.data.size,
            channels=self.data.channels,
            classes=self.classes,
            base=config.maps_base,
            most=config.maps_most,
            residual=config.residual,
            group=config.group,
            mapping_layers=config.discriminator_mapping_layers,
            clamp=config.clamp if config.discriminator_clamp < 0 else config.discriminator_clamp,
        )

    def path_loss(self, batch: Batch, step: Step) -> Losses:
        """(|J^T y| - mean)^2, y noise in picture space, J the derivative of the picture by w (section 3.2)."""
        shrink = self.config.path_shrink
        if len(batch) % shrink:
            raise RequestError(
                f"path_shrink is {shrink}, which does not divide the {len(batch)} pictures of a device's micro-batch.",
                hint="Set a divisor, --set path_shrink=1 for example, or another --batch-size.",
            )
        with torch.autocast(step.device.type, enabled=False):
            ws, _ = self.styles(batch, step, shrink)
            noise = self.noise(step, len(ws))
            images = self.generator.synthesis.forward(ws, noise)  # a compiled one has no second derivative
            direction = step.noise("path", *images.shape) / math.sqrt(images.shape[2] * images.shape[3])
            (gradient,) = torch.autograd.grad((images * direction).sum(), ws, create_graph=True)
            lengths = gradient.square().sum(2).mean(1).sqrt()
            penalty = (lengths - self.path_mean).square().mean()
        return Losses({"path": self.config.path_weight * penalty}, {"length": lengths.detach().mean()})

    def phases(self) -> Sequence[Phase]:
        phases = [*super().phases()]
        if self.config.path_weight:
            every = self.config.path_every
            phases.append(Phase(name="path", optimizer="generator", loss=self.path_loss, every=every, lazy=True))
        return phases

    def optimizers(self) -> Mapping[str, Optimizer]:
        found = dict(super().optimizers())
        if self.config.path_rate and not self.config.path_weight:
            every, player = self.config.path_every, found["generator"]
            share = every / (every + 1)  # what a lazy phase would have made of them
            betas = [_changed(beta, lambda value: value**share) for beta in player.betas]
            lr = _changed(player.lr, lambda value: value * share)
            found["generator"] = replace(player, lr=lr, betas=(betas[0], betas[1]))
        return found

    def after_step(self, step: Step, stats: Mapping[str, Tensor]) -> None:
        super().after_step(step, stats)
        if "path.length" in stats:
            self.path_mean.lerp_(stats["path.length"], self.config.path_decay)


def _changed(value: Value, change: Callable[[float], float]) -> Value:
    """A constant, or a schedule, after `change`."""
    return (lambda kimg: change(value_at(value, kimg))) if callable(value) else change(value)
