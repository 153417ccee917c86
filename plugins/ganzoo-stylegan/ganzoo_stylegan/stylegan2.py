"""StyleGAN2's game: the non-saturating one, with lazy R1, lazy path length, style mixing and an average of w.

Paper: Analyzing and Improving the Image Quality of StyleGAN, arXiv:1912.04958.
Deviations: a mixed sample changes style at a place of its own, not of the batch's; the path length is compared with the
mean of the steps before, so that it does not depend on how a batch is divided among processes.

Shapes: B batch, C channels, R resolution, Z latent, N width of w, L layers.
"""

import math
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.architecture import Batch, Graph, Losses, NoiseToImage, Phase, Step
from ganzoo.specs import BATCH, DataInfo, TensorSpec
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.discriminator import Discriminator
from ganzoo_stylegan.generator import Generator, Mapping, Styles, Synthesis

_AVERAGE_DECAY = 0.995  # of w, per step


class StyleGAN2(NoiseToImage):
    config: StyleGAN2Config
    generator: Generator
    sizes = (8, 16, 32, 64, 128, 256, 512, 1024)

    def __init__(self, config: StyleGAN2Config, data: DataInfo) -> None:
        self.conditional = config.conditional
        super().__init__(config, data)

    def build(self) -> None:
        super().build()
        self.path_mean: Tensor
        self.register_buffer("path_mean", torch.zeros(()))

    def build_generator(self) -> nn.Module:
        config, classes = self.config, self.data.classes if self.conditional else 0
        mapping = Mapping(
            latent_size=config.latent_size, classes=classes, width=config.style_size, layers=config.mapping_layers
        )
        synthesis = Synthesis(
            size=self.data.size,
            channels=self.data.channels,
            width=config.style_size,
            base=config.maps_base,
            most=config.maps_most,
            clamp=config.clamp,
        )
        return Generator(mapping, synthesis, config.style_size)

    def build_discriminator(self) -> nn.Module:
        config = self.config
        return Discriminator(
            size=self.data.size,
            channels=self.data.channels,
            classes=self.data.classes if self.conditional else 0,
            base=config.maps_base,
            most=config.maps_most,
            residual=config.residual,
            group=config.group,
            clamp=config.clamp,
        )

    def styles(self, batch: Batch, step: Step, count: int) -> tuple[Tensor, Tensor]:
        """w for each layer of the first `count` samples, mixed, (count, L, N); and the mean of w, (N,)."""
        labels = [label[:count] for label in self._labels(batch)]
        synthesis = self.generator.synthesis

        def mapped(purpose: str) -> Tensor:
            w: Tensor = self.generator.mapping(step.normal(purpose, count, self.config.latent_size), *labels)
            return w

        w = mapped("latent")
        ws = synthesis.for_each_layer(w)
        if self.config.mixing:
            coin, place = step.uniform("mixing", count, 2).unbind(1)
            # From a layer on, the first excepted, the style is another's.
            start = 1 + (place * (synthesis.layers - 1)).floor()
            start = torch.where(coin < self.config.mixing, start, synthesis.layers)
            other = torch.arange(synthesis.layers, device=w.device) >= start[:, None]
            ws = torch.where(other[:, :, None], synthesis.for_each_layer(mapped("other latent")), ws)
        return ws, w.detach().mean(0)

    def noise(self, step: Step, count: int) -> Tensor:
        """Anew for each picture in training; a file and a sample have the constant one. (count, pixels)"""
        return step.normal("noise", count, self.generator.synthesis.pixels)

    def painted(self, batch: Batch, step: Step, *, detach: bool) -> tuple[Tensor, Tensor]:
        """Fakes (B, C, R, R) and the mean of their first w (N,), shared by the phases of a step."""

        def paint() -> tuple[Tensor, Tensor]:
            ws, mean = self.styles(batch, step, len(batch))
            return self.generator.synthesis(ws, self.noise(step, len(batch))), mean

        result: tuple[Tensor, Tensor] = step.once("fakes", paint, detach=detach)
        return result

    def fakes(self, batch: Batch, step: Step, *, detach: bool = False) -> Tensor:
        return self.painted(batch, step, detach=detach)[0]

    def generator_loss(self, batch: Batch, step: Step) -> Losses:
        losses = super().generator_loss(batch, step)
        return Losses(losses.terms, {**losses.stats, "w": self.painted(batch, step, detach=True)[1]})

    def path_loss(self, batch: Batch, step: Step) -> Losses:
        """(|J^T y| - mean)^2, y noise in picture space, J the derivative of the picture by w (section 3.2)."""
        ws, _ = self.styles(batch, step, max(1, len(batch) // self.config.path_shrink))
        noise = self.noise(step, len(ws))
        images = self.generator.synthesis.forward(ws, noise)  # a compiled one has no second derivative
        direction = step.normal("path", *images.shape) / math.sqrt(images.shape[2] * images.shape[3])
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

    def after_step(self, step: Step, stats: Dictionary[str, Tensor]) -> None:
        super().after_step(step, stats)
        if "generator.w" in stats:
            self.generator.average.lerp_(stats["generator.w"], 1 - _AVERAGE_DECAY)
        if "path.length" in stats:
            self.path_mean.lerp_(stats["path.length"], self.config.path_decay)

    def graphs(self) -> Sequence[Graph]:
        """The whole generator, and its two halves: what maps z to styles, and what paints styles."""
        (plain,) = super().graphs()
        psi = TensorSpec(name="truncation_psi", shape=(BATCH,), draw="uniform", low=0.5, high=1.0, usual=1.0, stream=2)
        layers = self.generator.synthesis.layers
        ws = TensorSpec(name="w", shape=(BATCH, layers, self.config.style_size), stream=3)
        whole = replace(plain, inputs=(*plain.inputs, psi))
        mapping = Graph(name="mapping", module=Styles(self.generator), inputs=whole.inputs, outputs=(ws,))
        synthesis = Graph(name="synthesis", module=self.generator.synthesis, inputs=(ws,), outputs=plain.outputs)
        return [whole, mapping, synthesis]

    def compile_networks(self, **options: Any) -> None:
        super().compile_networks(**options)
        self.generator.mapping.compile(**options)  # training goes past the generator's own forward
        self.generator.synthesis.compile(**options)
