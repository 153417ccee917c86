"""The base of architectures that paint from noise: a generator, whatever game it learns from.

Shapes: B batch, C channels, H, W, Z latent, K size of the condition.

    picture = G(z [, condition]),  z ~ N(0, 1)
    average   G_ema <- b G_ema + (1 - b) G,  b = (1/2)^(batch / half-life)      sampled and exported

A subclass builds the generator, and says with `optimizers` and `phases` how it learns: a VAE, a generator distilled
from another, a game of one's own. `NoiseToImage` adds the discriminator and its game.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Batch, Ema, Graph
from ganzoo.architecture.step import Step
from ganzoo.config import FromNoiseConfig
from ganzoo.datainfo import height_and_width, size_text
from ganzoo.errors import PluginError, RequestError
from ganzoo.plugin.api1 import map_overrides
from ganzoo.tensors import BATCH, TensorSpec


class FromNoise(Architecture):
    """A generator z -> picture.

    With `condition` class or vector, the generator takes it as a second argument: (B,) int64, or (B, K) float32.
    conditional: True means the condition `class`.
    sizes: heights and widths that the generator can paint, a number for a square; empty: any.
    """

    config: FromNoiseConfig
    conditional: bool = False
    sizes: ClassVar[Sequence[int | tuple[int, int]]] = ()

    @abstractmethod
    def build_generator(self) -> nn.Module:
        """forward(z (B, Z)[, condition]) -> (B, C, H, W), black at -1 and white at 1."""

    def build(self) -> None:
        """The generator. Raises RequestError for a size or labels that do not fit."""
        if self.wants != "pictures":
            raise PluginError(
                f"{type(self).__name__} paints from noise and has wants = {self.wants!r}.",
                hint="Leave `wants` out, or extend ImageToImage.",
            )
        self.check_condition()  # once more: a subclass of plugin API 1 may have said `conditional` just now
        self.check_size()
        self.generator = self.build_generator()

    def check_size(self) -> None:
        """Raises RequestError for pictures of a size that is not one of `sizes`."""
        try:
            fitting = [height_and_width(size) for size in self.sizes]
        except (TypeError, ValueError) as error:
            raise PluginError(
                f"{type(self).__name__} has sizes = {self.sizes!r}: {error}.",
                hint="For example (16, 32) or ((48, 80),).",
            ) from None
        height, width = self.data.height, self.data.width
        if not fitting or (height, width) in fitting:
            return
        nearest = min(fitting, key=lambda size: abs(size[0] - height) + abs(size[1] - width))
        raise RequestError(
            f"{type(self).__name__} paints pictures of {', '.join(size_text(*size) for size in fitting)} pixels, "
            f"not {size_text(height, width)}.",
            hint=f"Set one of them: --set data.size={size_text(*nearest)}",
        )

    def draw_latents(self, batch: Batch, step: Step, purpose: str = "latent") -> Tensor:
        """z (B, Z), one for each real picture. Raises ValueError for a purpose that was drawn before."""
        return step.normal(purpose, len(batch), self.config.latent_size)

    def labels_of(self, batch: Batch) -> tuple[Tensor, ...]:
        """What the networks take besides: the condition of each real picture, or nothing."""
        kind = self.painted_from()
        if kind == "none":
            return ()
        if batch.label is None:
            raise ValueError(f"{type(self).__name__} is {kind}-conditional; this batch has no labels")
        return (batch.label,)

    def _labels(self, batch: Batch) -> tuple[Tensor, ...]:
        """The old name of `labels_of`, as the base has it."""
        return FromNoise.labels_of(self, batch)

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        map_overrides(FromNoise, cls)

    def fakes(self, batch: Batch, step: Step, *, detach: bool = False) -> Tensor:
        """One fake per real picture, with its label: (B, C, H, W). Shared by the phases of a step."""

        def paint() -> Tensor:
            images: Tensor = self.generator(self.draw_latents(batch, step), *self.labels_of(batch))
            return images

        images: Tensor = step.shared("fakes", paint, detach=detach)
        return images

    def ema(self) -> Ema | None:
        """The average of the generator; None where the half-life is 0."""
        if self.config.ema_half_life_kimg == 0:
            return None
        return Ema(of=("generator",), half_life_kimg=self.config.ema_half_life_kimg, rampup=self.config.ema_rampup)

    def graphs(self) -> Sequence[Graph]:
        """`generator`: z (B, Z)[, label (B,) or vector (B, K)] -> image (B, C, H, W)."""
        return [
            Graph(
                name="generator",
                role="paint",
                module=self.generator,
                inputs=(TensorSpec(name="z", shape=(BATCH, self.config.latent_size)), *self.condition_inputs()),
                outputs=(self.picture_spec("image"),),
                paints="real",
            )
        ]

    def condition_inputs(self) -> tuple[TensorSpec, ...]:
        """The condition as an input of a graph, with the names that the data give: `label`, `vector`, or none."""
        condition = self.data.condition
        if self.painted_from() == "none" or condition is None:
            return ()
        if condition.kind == "class":
            return (
                TensorSpec(
                    name="label",
                    shape=(BATCH,),
                    dtype="int64",
                    kind="class",
                    classes=condition.size,
                    names=condition.names,
                    stream=1,
                ),
            )
        return (
            TensorSpec(
                name="vector",
                shape=(BATCH, condition.size),
                kind="vector",
                low=condition.low,
                high=condition.high,
                names=condition.names,
                stream=1,
            ),
        )

    def picture_spec(self, name: str) -> TensorSpec:
        """Pictures as the data have them, as an input or output of a graph: (B, C, H, W)."""
        return TensorSpec(name=name, shape=(BATCH, *self.data.picture.shape), kind="picture")
