"""What a suite is run on: an architecture with its `tiny` settings and random pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.architecture import Architecture, Batch, ImageToImage, Pair
from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import Layer
from ganzoo.data.batches import Order
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.settings import resolve_for
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.tensors import DataInfo
from ganzoo.testing.pictures import RandomPictures
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Compile, Engine

PRESET = "tiny"
_MOST_STEPS = 40
_CPU = torch.device("cpu")


class Subject:
    """An architecture with its `tiny` settings and random pictures of the shape it asks for.

    settings: of its own table, over those of `tiny`.
    """

    def __init__(self, offer: InstalledSpec[ArchitectureSpec], *, settings: Mapping[str, Any] | None = None) -> None:
        self.offer = offer
        self.spec = offer.spec
        layers = [Layer(origin="test", tables={"architecture": settings or {}})]
        self.config = resolve_for(offer, layers, preset=PRESET)
        data = self.config.data
        self.data = DataInfo(channels=data.channels or 3, size=data.size or 64, classes=10)
        self.batch_size = self.config.train.batch_size

    def build(self, *, seed: int = 0) -> Architecture:
        """New networks; the seed decides their weights."""
        return build_architecture(self.offer, self.config.architecture, self.data, seed=seed)

    def engine(
        self, device: torch.device = _CPU, *, bf16: bool = False, accumulate: int = 1, compile: Compile = "off"
    ) -> Engine:
        """An engine of new networks on `device`, as training makes it."""
        return Engine(
            self.build(),
            seed=self.config.train.seed,
            batch_size=self.batch_size,
            device=device,
            bf16=bf16,
            accumulate=accumulate,
            compile=compile,
        )

    def batches(self, engine: Engine, steps: Iterable[int]) -> Iterator[tuple[int, Batch | Pair]]:
        """The prepared pictures of each step, with its number."""
        architecture = engine.architecture
        paired = isinstance(architecture, ImageToImage) and architecture.paired
        # A number of pictures that the batch does not divide, so that batches cross the end of an epoch.
        source = RandomPictures(self.data, task=self.spec.task, count=2 * self.batch_size + 1, paired=paired)
        order = Order(seed=0, batch_size=self.batch_size, lengths=source.lengths)
        for number in steps:
            yield number, engine.prepare(source.fetch(order.indices(number)))

    def train(self, engine: Engine, steps: Iterable[int]) -> list[dict[str, float]]:
        """Run steps and return the losses and statistics of each."""
        losses = []
        for number, batch in self.batches(engine, steps):
            engine.step(number, batch)
            losses.append(engine.means())
        return losses

    def losses(self, engine: Engine, steps: Iterable[int]) -> list[dict[str, float]]:
        """The same without the statistics, of which some jump when a rounding changes, like an accuracy."""
        return [
            {name: value for name, value in record.items() if name in engine.minimised}
            for record in self.train(engine, steps)
        ]

    def steps(self, engine: Engine) -> int:
        """Enough that every phase runs on both sides of an interruption half-way."""
        return min(_MOST_STEPS, 2 * max(phase.every for phase in engine.phases) + 4)


def whole_state(engine: Engine) -> dict[str, Tensor]:
    """Every tensor that a checkpoint must bring back."""
    state = {f"model {name}": value for name, value in engine.architecture.state_dict().items()}
    for module, average in (averaged_state(engine.average) or {}).items():
        state |= {f"average {module} {name}": value for name, value in average.items()}
    for name, optimizer in engine.optimizers.items():
        for index, moments in optimizer.inner.state_dict()["state"].items():
            state |= {f"optimizer {name} {index} {key}": torch.as_tensor(value) for key, value in moments.items()}
    return {name: value.detach().clone() for name, value in state.items()}


def differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors that are not the same bits."""
    names = [name for name in first if name not in second or not torch.equal(first[name], second[name])]
    return names + [name for name in second if name not in first]
