"""pix2pix's game: a translator that is told the answer, and a discriminator that sees question and answer.

Paper: Image-to-Image Translation with Conditional Adversarial Networks, arXiv:1611.07004.
Deviations: sampling and export are of evaluation mode, without dropout and with the running statistics of batch norm,
so that a picture is a function of its input; the paper keeps both in training mode.

With x the question, y the answer, s the logistic function and D a logit per patch of the pair:

    L_D = 1/2 mean -log s(D(x, y)) - log(1 - s(D(x, G(x))))
    L_G = mean -log s(D(x, G(x))) + lambda |G(x) - y|

G's noise is its dropout.

Shapes: B batch, C channels of the question, D of the answer, H, W.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from ganzoo.architecture import Direction, Losses, Optimizer, Pair, Phase, Step
from ganzoo_cyclegan.config import Pix2PixConfig
from ganzoo_cyclegan.translation import Translation, fooling_loss, judging_loss


class Pix2Pix(Translation):
    config: Pix2PixConfig
    wants = "pairs"

    def build(self) -> None:
        self.generator = self.build_generator()
        self.accept_sizes(self.generator, judged=True)
        self.discriminator = self.build_discriminator("source", "target")

    def directions(self) -> Mapping[str, Direction]:
        return {"a2b": Direction(network=self.generator, reads="source", paints="target")}

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {"discriminator": self.optimizer("discriminator"), "generator": self.optimizer("generator")}

    def phases(self) -> Sequence[Phase]:
        return [
            Phase(name="discriminator", optimizer="discriminator", loss=self.discriminator_loss),
            Phase(name="generator", optimizer="generator", loss=self.generator_loss),
        ]

    def fakes(self, batch: Pair, step: Step, *, detach: bool = False) -> Tensor:
        """The translations of a step, (B, C, H, W), shared by its phases."""
        images: Tensor = step.shared("fakes", lambda: self.generator(batch.source), detach=detach)
        return images

    def discriminator_loss(self, batch: Pair, step: Step) -> Losses:
        fakes = self.fakes(batch, step, detach=True)
        asked = [torch.cat([batch.source, answer], 1) for answer in (batch.target, fakes)]  # (B, C + D, H, W)
        real, fake = self.together(self.discriminator, *asked)
        stats = {"real": real.detach().mean(), "fake": fake.detach().mean()}
        return Losses({"adversarial": judging_loss(self.config.objective, real, fake)}, stats)

    def generator_loss(self, batch: Pair, step: Step) -> Losses:
        fakes = self.fakes(batch, step)
        logits = self.discriminator(torch.cat([batch.source, fakes], 1))
        distance = l1_loss(fakes, batch.target)
        terms = {
            "adversarial": fooling_loss(self.config.objective, logits),
            "l1": self.config.l1_weight * distance,  # lambda |G(x) - y|
        }
        return Losses(terms, {"distance": distance.detach()})

    def compile_networks(self, **options: Any) -> None:
        self.generator.compile(**options)
        if self.config.norm != "batch":  # its statistics move at each of the passes that share a backward pass
            self.discriminator.compile(**options)
