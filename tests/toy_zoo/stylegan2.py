"""StyleGAN2's game (arXiv:1912.04958) on toy networks: lazy R1, lazy path length, style mixing, w average.

Shapes: B batch, Z latent, W style, C channels, S size.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import nn

from ganzoo.architecture import Graph, Losses, NoiseToImage, Phase
from ganzoo.config import Ge, Help, NoiseToImageConfig
from ganzoo.objectives import at_least_float32
from ganzoo.tensors import BATCH, TensorSpec
from toy_zoo.networks import Judge, Painter

LAYERS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    penalty: Annotated[Literal["r1"], Help("gradient penalty")] = "r1"
    penalty_every: Annotated[int, Ge(1), Help("steps between R1")] = 4
    path_every: Annotated[int, Ge(2), Help("steps between path length regularisations")] = 3
    path_weight: Annotated[float, Ge(0), Help("of the path length")] = 2.0


class Synthesis(nn.Module):
    """ws (B, LAYERS, W) -> picture (B, C, S, S)."""

    def __init__(self, width, channels, size):
        super().__init__()
        self.coarse = nn.Linear(width, width)
        self.fine = nn.Linear(width, width)
        self.paint = Painter(width, channels, size)

    def forward(self, ws):
        return self.paint(torch.tanh(self.coarse(ws[:, 0])) * (1 + self.fine(ws[:, 1])))


class Generator(nn.Module):
    """z (B, Z) and psi (B,) -> picture, with truncation towards the averaged w."""

    def __init__(self, width, channels, size):
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.2))
        self.synthesis = Synthesis(width, channels, size)
        self.register_buffer("w_average", torch.zeros(width))

    def forward(self, z, truncation_psi):
        w = self.mapping(z)
        w = self.w_average + truncation_psi[:, None] * (w - self.w_average)
        return self.synthesis(torch.stack([w] * LAYERS, 1))


class StyleGAN2(NoiseToImage):
    def build(self):
        super().build()
        self.register_buffer("path_mean", torch.zeros(()))

    def build_generator(self):
        return Generator(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)

    def styles(self, step, count):
        first, second = (
            self.generator.mapping(step.normal(f"latent {k}", count, self.config.latent_size)) for k in (0, 1)
        )
        mixed = (step.uniform("mix", count, 1) < 0.9).to(first.dtype)
        return torch.stack([first, mixed * second + (1 - mixed) * first], 1)

    def fakes(self, batch, step, *, detach=False):
        paint = lambda: self.generator.synthesis(self.styles(step, len(batch)))  # noqa: E731
        return step.shared("fakes", paint, detach=detach)

    def generator_loss(self, batch, step):
        losses = super().generator_loss(batch, step)
        with torch.no_grad():
            w = self.generator.mapping(step.normal("w average", len(batch), self.config.latent_size)).mean(0)
        return Losses(losses.terms, {"w": at_least_float32(w)})

    def path_loss(self, batch, step):
        count = max(1, len(batch) // 2)
        ws = self.styles(step, count)
        images = self.generator.synthesis(ws)
        noise = step.normal("path", *images.shape) / math.sqrt(images.shape[2] * images.shape[3])
        (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
        lengths = gradient.square().sum(2).mean(1).sqrt()
        # The mean of the steps before: one that included these rows would differ from rank to rank.
        penalty = (lengths - self.path_mean).square().mean()
        return Losses(
            {"path": self.config.path_weight * penalty}, {"length": at_least_float32(lengths.detach()).mean()}
        )

    def phases(self):
        path = Phase(name="path", optimizer="generator", loss=self.path_loss, every=self.config.path_every, lazy=True)
        return [*super().phases(), path]

    def after_step(self, step, stats):
        super().after_step(step, stats)
        self.generator.w_average.lerp_(stats["generator.w"], 0.005)
        if "path.length" in stats:
            self.path_mean.lerp_(stats["path.length"], 0.01)

    def graphs(self):
        (generator,) = super().graphs()
        psi = TensorSpec(name="truncation_psi", shape=(BATCH,), kind="number", low=0.5, high=1.0, stream=1)
        width = self.config.latent_size
        ws = TensorSpec(name="ws", shape=(BATCH, LAYERS, width), stream=2)
        return [
            Graph(
                name="generator",
                role="paint",
                module=self.generator,
                inputs=(*generator.inputs, psi),
                outputs=generator.outputs,
            ),
            Graph(
                name="synthesis",
                role="synthesize",
                module=self.generator.synthesis,
                inputs=(ws,),
                outputs=generator.outputs,
            ),
        ]
