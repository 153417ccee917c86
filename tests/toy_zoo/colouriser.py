"""A colouriser: grey pictures in, coloured ones out (as in arXiv:1611.07004)."""

import torch
from torch import nn
from torch.nn.functional import l1_loss

from ganzoo import objectives
from ganzoo.architecture import Direction, ImageToImage, Losses, Optimizer, Phase
from toy_zoo.networks import Judge


class Colouriser(ImageToImage):
    wants = "pairs"

    def build(self):
        grey, colour = (self.data.pictures[domain].channels for domain in ("source", "target"))
        self.generator = nn.Sequential(
            nn.Conv2d(grey, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, colour, 3, padding=1), nn.Tanh()
        )
        self.discriminator = Judge(grey + colour)

    def directions(self):
        return {"colour": Direction(network=self.generator, reads="source", paints="target")}

    def optimizers(self):
        return {name: Optimizer(trains=(name,), lr=self.config.lr) for name in ("discriminator", "generator")}

    def phases(self):
        return [
            Phase(name="discriminator", optimizer="discriminator", loss=self.judge),
            Phase(name="generator", optimizer="generator", loss=self.paint),
        ]

    def judged(self, batch, colours):
        return self.discriminator(torch.cat([batch.source, colours], 1))

    def judge(self, batch, step):
        fakes = step.shared("fakes", lambda: self.generator(batch.source), detach=True)
        real, fake = self.judged(batch, batch.target), self.judged(batch, fakes)
        return Losses({"adversarial": objectives.discriminator_loss("least-squares", real, fake)})

    def paint(self, batch, step):
        fakes = step.shared("fakes", lambda: self.generator(batch.source))
        adversarial = objectives.generator_loss("least-squares", self.judged(batch, fakes))
        return Losses({"adversarial": adversarial, "pixels": 100 * l1_loss(fakes, batch.target)})
