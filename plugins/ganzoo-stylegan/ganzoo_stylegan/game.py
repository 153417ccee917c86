"""The part of the game that the family shares: styles that are mixed, new noise, an average of w, three graphs.

Papers: StyleGAN (arXiv:1812.04948), StyleGAN2 (arXiv:1912.04958).
Deviation: a mixed sample changes style at a place of its own, not of the batch's.

    w = f(z), z ~ N(0, 1);  mixed: layers from a random one on take another sample's w, with probability `mixing`
    picture = g(w per layer, noise ~ N(0, 1) per layer and pixel)
    w_avg <- d w_avg + (1 - d) mean w, once a step;   truncation, when sampling: w_avg + psi (w - w_avg)

Shapes: B batch, C channels, R resolution, Z latent, N width of w, L layers.
"""

from abc import abstractmethod
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.architecture import Batch, Ema, Graph, Losses, NoiseToImage, Step
from ganzoo.errors import RequestError
from ganzoo.objectives import at_least_float32
from ganzoo.tensors import BATCH, ConditionKind, TensorSpec
from ganzoo_stylegan.config import StyleConfig
from ganzoo_stylegan.styles import Generator, MappingNetwork, Styles, SynthesisNetwork


class StyleGame(NoiseToImage):
    """Latents become styles, styles become pictures; subclasses say what paints and what judges."""

    config: StyleConfig
    generator: Generator
    sizes = (8, 16, 32, 64, 128, 256, 512, 1024)
    truncated_layers = 0

    @property
    def condition(self) -> ConditionKind:  # type: ignore[override]  # as the config says
        return "class" if self.config.conditional else "none"

    def build(self) -> None:
        self.check_size()
        if self.config.maps_base < self.data.size:
            base = self.config.maps_base
            raise RequestError(
                f"maps_base is {base}, which leaves pictures of {self.data.size} pixels no feature map.",
                hint=f"Set a multiple of the size, for example --set maps_base={64 * self.data.size}",
            )
        super().build()

    @abstractmethod
    def build_synthesis(self) -> SynthesisNetwork: ...

    @property
    def classes(self) -> int:
        """That the networks know; 0 for unconditional ones, whatever the data have."""
        return self.data.classes if self.painted_from() == "class" else 0

    def build_generator(self) -> nn.Module:
        config = self.config
        mapping = MappingNetwork(
            latent_size=config.latent_size,
            classes=self.classes,
            width=config.style_size,
            layers=config.mapping_layers,
            multiplier=config.mapping_lr_multiplier,
        )
        return Generator(mapping, self.build_synthesis(), config.style_size, truncated=self.truncated_layers)

    def styles(self, batch: Batch, step: Step, every: int = 1) -> tuple[Tensor, Tensor]:
        """w for each layer of every so many-th sample, mixed, (B / every, L, N); and the mean of w, (N,)."""
        labels = [label[::every] for label in self.labels_of(batch)]
        count, synthesis = len(batch) // every, self.generator.synthesis

        def mapped(purpose: str) -> Tensor:
            w: Tensor = self.generator.mapping(step.normal(purpose, count, self.config.latent_size), *labels)
            return w

        w = mapped("latent")
        ws = synthesis.for_each_layer(w)
        if self.config.mixing:
            coin, place = step.uniform("mixing", count, 2).unbind(1)
            # From a layer on, the first excepted, the style is another's.
            start = 1 + (place * (self.mixed_layers(step) - 1)).floor()
            start = torch.where(coin < self.config.mixing, start, synthesis.layers)
            other = torch.arange(synthesis.layers, device=w.device) >= start[:, None]
            ws = torch.where(other[:, :, None], synthesis.for_each_layer(mapped("other latent")), ws)
        return ws, at_least_float32(w.detach()).mean(0)

    def mixed_layers(self, step: Step) -> int:
        """How many layers paint at this step."""
        return self.generator.synthesis.layers

    def noise(self, step: Step, count: int) -> Tensor:
        """Anew for each picture in training; a file and a sample have the constant one. (count, pixels)"""
        return step.noise("noise", count, self.generator.synthesis.pixels)

    def paint(self, ws: Tensor, step: Step) -> Tensor:
        """(B, L, N) -> (B, C, R, R) with new noise."""
        images: Tensor = self.generator.synthesis(ws, self.noise(step, len(ws)))
        return images

    def painted(self, batch: Batch, step: Step, *, detach: bool) -> tuple[Tensor, Tensor]:
        """Fakes (B, C, R, R) and the mean of their first w (N,), shared by the phases of a step."""

        def make() -> tuple[Tensor, Tensor]:
            ws, mean = self.styles(batch, step)
            return self.paint(ws, step), mean

        result: tuple[Tensor, Tensor] = step.shared("fakes", make, detach=detach)
        return result

    def fakes(self, batch: Batch, step: Step, *, detach: bool = False) -> Tensor:
        return self.painted(batch, step, detach=detach)[0]

    def generator_loss(self, batch: Batch, step: Step) -> Losses:
        losses = super().generator_loss(batch, step)
        return Losses(losses.terms, {**losses.stats, "w": self.painted(batch, step, detach=True)[1]})

    def after_step(self, step: Step, stats: Dictionary[str, Tensor]) -> None:
        super().after_step(step, stats)
        if "generator.w" in stats:
            self.generator.average.lerp_(stats["generator.w"], 1 - self.config.average_decay)

    def ema(self) -> Ema | None:
        """Of weights; the mean style of the average is that of the network that learns, not its average once more."""
        found = super().ema()
        return None if found is None else replace(found, buffers="copied")

    def graphs(self) -> Sequence[Graph]:
        """The whole generator and its halves: what maps z to styles, what paints them, and that with noise given."""
        (plain,) = super().graphs()
        psi = TensorSpec(name="truncation_psi", shape=(BATCH,), kind="number", low=0.5, high=1.0, default=1.0, stream=2)
        layers = self.generator.synthesis.layers
        ws = TensorSpec(name="w", shape=(BATCH, layers, self.config.style_size), stream=3)
        whole = replace(plain, inputs=(*plain.inputs, psi))
        mapping = Graph(name="mapping", role="map", module=Styles(self.generator), inputs=whole.inputs, outputs=(ws,))
        synthesis = Graph(
            name="synthesis",
            role="synthesize",
            after="mapping",
            module=self.generator.synthesis,
            inputs=(ws,),
            outputs=plain.outputs,
            paints="real",
        )
        if not self.noise_inputs():
            return [whole, mapping, synthesis]
        noise = TensorSpec(name="noise", shape=(BATCH, self.noise_inputs()), stream=4)
        noisy = replace(synthesis, name="synthesis_noise", inputs=(ws, noise), on_request=True)
        return [whole, mapping, synthesis, noisy]

    def noise_inputs(self) -> int:
        """Numbers of noise for one picture of a file."""
        return self.generator.synthesis.pixels

    def compile_networks(self, **options: Any) -> None:
        super().compile_networks(**options)
        self.generator.mapping.compile(**options)  # training goes past the generator's own forward
        self.generator.synthesis.compile(**options)
