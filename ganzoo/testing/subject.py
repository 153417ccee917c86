"""What a suite is run on: an architecture with its `tiny` settings and random pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.architecture import Architecture, Batch, Pair, StepReals
from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.config.resolve import Layer
from ganzoo.data.batches import RealsFeed
from ganzoo.data.opening import imagined_info
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import installed_plugins
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

    settings: of its own table, over those of `tiny`. data: what the pictures are like; as `tiny` says if None.
    Without a size in `tiny` it has pictures of 64 pixels, with class labels, or a vector where it paints from one.
    """

    def __init__(
        self,
        offer: InstalledSpec[ArchitectureSpec],
        *,
        settings: Mapping[str, Any] | None = None,
        data: DataInfo | None = None,
    ) -> None:
        self.offer = offer
        self.spec = offer.spec
        layers = [Layer(origin="test", tables={"architecture": settings or {}})]
        self.config = resolve_for(offer, layers, preset=PRESET)
        self.implementation = implementation_class(offer)
        self.data = data or imagined_info(self.implementation, self.config, installed_plugins())
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

    def source(self) -> RandomPictures:
        """Random pictures of its kind, so many that batches cross the end of an epoch."""
        return RandomPictures(self.data, wants=self.implementation.wants, count=2 * self.batch_size + 1)

    def batches(self, engine: Engine, steps: Iterable[int]) -> Iterator[tuple[int, Batch | Pair | StepReals]]:
        """The prepared pictures of each step, with its number: a batch, or where phases have their own, with theirs."""
        own = any(phase.reals == "own" for phase in engine.phases)
        for number, reals in self.reals(engine, steps):
            yield number, reals if own else reals.shared

    def reals(self, engine: Engine, steps: Iterable[int]) -> Iterator[tuple[int, StepReals]]:
        """The same, always with those of phases that have their own."""
        with RealsFeed(self.source(), engine.phases, seed=0, batch_size=self.batch_size) as feed:
            for number in steps:
                yield number, engine.prepare(feed.reals(number))

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
