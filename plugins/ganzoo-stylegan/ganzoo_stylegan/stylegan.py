"""StyleGAN's game: styles and noise of `game.py`, R1 or WGAN-GP, pictures that grow.

Papers: A Style-Based Generator Architecture, arXiv:1812.04948; Progressive Growing of GANs, arXiv:1710.10196.
Deviations: those of `game.py`; one batch size and one learning rate for all sizes (schedules can change the rate); no
restart of Adam at a new size, whose layers have no moments before they take part.

With x real, s the logistic function and S the size that training has come to:

    x_S    = reals at S, faded: share x_S + (1 - share) (x_(S/2) doubled);  G and D fade the same way
    L_D    = mean -log s(D(x_S)) - log(1 - s(D(G(z)))) + gamma/2 mean |grad D(x_S)|^2
    L_G    = mean -log s(D(G(z)))
    or the losses of WGAN-GP with drift, as the config says
    S doubles after steady_kimg; its share goes from 0 to 1 over fade_kimg

Shapes: B batch, C channels, R resolution, S size now, N width of w, L layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.architecture import Batch, Graph, Losses, Step
from ganzoo.errors import RequestError
from ganzoo_stylegan.adain import GrowingSynthesis
from ganzoo_stylegan.config import StyleGANConfig
from ganzoo_stylegan.game import StyleGame
from ganzoo_stylegan.growing import Growth, Stage, pictures_at
from ganzoo_stylegan.growing_discriminator import GrowingDiscriminator
from ganzoo_stylegan.ops import resolutions
from ganzoo_stylegan.styles import SynthesisNetwork


class StyleGAN(StyleGame):
    config: StyleGANConfig
    discriminator: GrowingDiscriminator

    def build(self) -> None:
        self.truncated_layers = self.config.truncated_layers
        self._told = -1  # the last number of pictures that the growth was told; the state is its buffer
        super().build()

    def build_synthesis(self) -> SynthesisNetwork:
        config = self.config
        return GrowingSynthesis(
            size=self.data.size,
            channels=self.data.channels,
            width=config.style_size,
            base=config.maps_base,
            most=config.maps_most,
            growth=self._growth(),
        )

    def build_discriminator(self) -> nn.Module:
        config = self.config
        return GrowingDiscriminator(
            size=self.data.size,
            channels=self.data.channels,
            classes=self.classes,
            base=config.maps_base,
            most=config.maps_most,
            growth=self._growth(),
            group=config.group,
        )

    def stage(self, step: Step) -> Stage:
        """What is painted and judged at a step; a function of the pictures shown, as the networks' buffers are."""
        return self.discriminator.growth.stage(step.number * step.batch_size)

    def can_be_scored(self) -> bool:
        growth = self._synthesis.growth
        return int(growth.shown) >= growth.whole

    def warnings_before(self, kimg: float) -> Sequence[str]:
        growth = self.discriminator.growth
        if kimg * 1000 >= growth.whole:
            return ()
        return [
            f"in {kimg:g} kimg the pictures grow to {growth.stage(round(kimg * 1000)).size} of "
            f"{self.data.size} pixels; they are whole after {growth.whole / 1000:g}. "
            "Train longer (--kimg), grow faster (steady_kimg, fade_kimg), or not at all (grow_from=0)"
        ]

    def mixed_layers(self, step: Step) -> int:
        return 2 * (self.stage(step).size.bit_length() - 2)

    def noise(self, step: Step, count: int) -> Tensor:
        return step.noise("noise", count, self._synthesis.pixels_at(self.stage(step).size))

    def paint(self, ws: Tensor, step: Step) -> Tensor:
        """(B, L, N) -> (B, C, S, S) with new noise."""
        images: Tensor = self._synthesis(ws, self.noise(step, len(ws)), self.stage(step))
        return images

    def discriminator_loss(self, batch: Batch, step: Step) -> Losses:
        losses = super().discriminator_loss(self._grown(batch, step), step)
        return Losses(losses.terms, {**losses.stats, "size": losses.stats["real"].new_full((), self.stage(step).size)})

    def generator_loss(self, batch: Batch, step: Step) -> Losses:
        return super().generator_loss(self._grown(batch, step), step)

    def penalty_loss(self, batch: Batch, step: Step) -> Losses:
        return super().penalty_loss(self._grown(batch, step), step)

    def after_step(self, step: Step, stats: Mapping[str, Tensor]) -> None:
        super().after_step(step, stats)
        self._come_to((step.number + 1) * step.batch_size)

    def graphs(self) -> Sequence[Graph]:
        """As large as R at every stage; a file has the layers that training has come to, an untrained one all."""
        growth = self._synthesis.growth
        shown = int(growth.shown)
        self._synthesis.stage = growth.stage(shown) if shown else Stage(size=self.data.size)
        return super().graphs()

    def compile_networks(self, **options: Any) -> None:
        super().compile_networks(**options)
        # Each size, fading or not, with gradients or without, is a program of its own; torch would stop at eight.
        sizes = len(resolutions(self.data.size))
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 4 * sizes)

    def noise_inputs(self) -> int:
        return self._synthesis.pixels_at(self._synthesis.stage.size)

    @property
    def _synthesis(self) -> GrowingSynthesis:
        synthesis = self.generator.synthesis
        assert isinstance(synthesis, GrowingSynthesis)
        return synthesis

    def _growth(self) -> Growth:
        config, size = self.config, self.data.size
        first = config.grow_from or size
        possible = resolutions(size)
        if first not in possible:
            raise RequestError(
                f"grow_from is {first}, and pictures of {size} pixels grow from {', '.join(map(str, possible))}.",
                hint="Set one of them, or 0 to begin at full size.",
            )
        sizes = possible[possible.index(first) :]
        return Growth(sizes, steady_kimg=config.steady_kimg, fade_kimg=config.fade_kimg)

    def _come_to(self, shown: int) -> None:
        if shown == self._told:  # a compiled pass keeps the buffer for its gradient: it must not be written in between
            return
        self._told = shown
        for growth in (self._synthesis.growth, self.discriminator.growth):
            growth.shown.fill_(shown)

    def _grown(self, batch: Batch, step: Step) -> Batch:
        stage = self.stage(step)
        self._come_to(step.number * step.batch_size)  # weights taken from another run bring its count
        self.discriminator.fading = stage.fading
        return replace(batch, real=pictures_at(batch.real, stage, self.discriminator.growth.share(stage.size)))
