"""A 4x super-resolution GAN in the manner of SRGAN (arXiv:1609.04802): pairs of unequal size, in colour."""

from torch import nn
from torch.nn.functional import interpolate, l1_loss

from ganzoo import objectives
from ganzoo.architecture import Direction, ImageToImage, Losses, Optimizer, Phase
from toy_zoo.networks import Judge

SCALE = 4


class Enlarger(nn.Module):
    """(B, C, H, W) -> (B, C, 4 H, 4 W): what bicubic enlargement lacks."""

    def __init__(self, channels, width=16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, channels * SCALE**2, 3, padding=1),
            nn.PixelShuffle(SCALE),
        )

    def forward(self, images):
        return interpolate(images, scale_factor=SCALE, mode="bilinear") + self.layers(images)


class SuperResolution(ImageToImage):
    wants = "pairs"

    def build(self):
        self.generator = Enlarger(self.data.channels)
        self.discriminator = Judge(self.data.channels)

    def directions(self):
        return {"enlarge": Direction(network=self.generator, reads="source", paints="target", scale=SCALE)}

    def optimizers(self):
        return {name: Optimizer(trains=(name,), lr=self.config.lr) for name in ("discriminator", "generator")}

    def phases(self):
        return [
            Phase(name="discriminator", optimizer="discriminator", loss=self.judge),
            Phase(name="generator", optimizer="generator", loss=self.paint),
        ]

    def fakes(self, batch, step, **options):
        return step.shared("fakes", lambda: self.generator(batch.source), **options)

    def judge(self, batch, step):
        real, fake = self.discriminator(batch.target), self.discriminator(self.fakes(batch, step, detach=True))
        return Losses({"adversarial": objectives.discriminator_loss("non-saturating", real, fake)})

    def paint(self, batch, step):
        fakes = self.fakes(batch, step)
        adversarial = objectives.generator_loss("non-saturating", self.discriminator(fakes))
        return Losses({"adversarial": 0.01 * adversarial, "pixels": l1_loss(fakes, batch.target)})
