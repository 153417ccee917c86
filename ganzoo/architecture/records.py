"""What an architecture tells the trainer, as frozen records.

Shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.roles import Role
from ganzoo.tensors import Domain, TensorSpec

if TYPE_CHECKING:
    from ganzoo.architecture.step import Step

Value = float | Callable[[float], float]
"""A constant, or a schedule: a pure function of kimg."""


def value_at(value: Value, kimg: float) -> float:
    """A constant, or what a schedule says at `kimg` thousands of real pictures."""
    return value(kimg) if callable(value) else value


@dataclass(frozen=True, slots=True)
class _Pictures(ABC):
    """Shared by the kinds of batch: every tensor field has the batch as its first dimension."""

    def __len__(self) -> int:
        return int(self._values()[0].shape[0])

    @abstractmethod
    def _values(self) -> tuple[Any, ...]:
        """The fields, in order of declaration."""

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same record with every tensor changed."""
        return type(self)(*[change(value) if isinstance(value, Tensor) else value for value in self._values()])


@dataclass(frozen=True, slots=True)
class Batch(_Pictures):
    """Real pictures for noise-to-image.

    real: (B, C, H, W), uint8 from a source, float in [-1, 1] in a loss.
    label: (B,) int64 class indices, or (B, K) float32 of a vector condition, or None.
    """

    real: Tensor
    label: Tensor | None = None

    def _values(self) -> tuple[Any, ...]:
        return self.real, self.label


@dataclass(frozen=True, slots=True)
class Pair(_Pictures):
    """Pictures of two domains for image-to-image; corresponding ones if the task is paired.

    source, target: (B, C, H, W), each of its own channels and size; uint8 from a source, float in [-1, 1] in a loss.
    """

    source: Tensor
    target: Tensor

    def _values(self) -> tuple[Any, ...]:
        return self.source, self.target


DataKind = Literal["pictures", "pairs", "domains"]
"""Batches; Pairs whose source and target show the same thing; Pairs of two sides that are shuffled on their own."""


@dataclass(frozen=True, slots=True)
class StepReals:
    """The real pictures of one step. shared: of the phases that share them. own: of each due phase that has its own."""

    shared: Batch | Pair
    own: Mapping[str, Batch | Pair] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shared)

    def map(self, change: Callable[[Tensor], Tensor]) -> StepReals:
        """The same record with every tensor changed."""
        return StepReals(self.shared.map(change), {name: batch.map(change) for name, batch in self.own.items()})

    def of(self, phase: Phase) -> Batch | Pair:
        """What a phase sees. Raises ValueError when its own reals were not given."""
        if phase.reals == "shared":
            return self.shared
        if phase.name not in self.own:
            raise ValueError(f"phase {phase.name!r} has reals of its own, and the step was given none")
        return self.own[phase.name]


Reals = Batch | Pair | StepReals
"""What a step is given; a batch alone where no phase has its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimizer:
    """One torch optimiser over the parameters of some submodules.

    trains: names of the architecture's submodules.
    lr, betas: constants or schedules of kimg. Lazy phases that use this optimiser correct both.
    clip: largest norm of the whole gradient; None for no clipping.
    clamp: largest size of a weight, enforced after each update (the clipping of WGAN); None for any.
    """

    trains: tuple[str, ...]
    lr: Value
    betas: tuple[Value, Value] = (0.9, 0.999)
    eps: float = 1e-8
    kind: Literal["adam", "rmsprop", "sgd"] = "adam"
    clip: float | None = None
    clamp: float | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """What a phase computed.

    terms: scalars by name; the phase minimises their sum.
    stats: tensors by name, handed to `after_step`, not minimised; scalars are logged too.
    """

    terms: Mapping[str, Tensor]
    stats: Mapping[str, Tensor] = field(default_factory=dict)


LossFunction = Callable[[Any, "Step"], Losses]
"""(batch, step) -> Losses. The batch is what the task's data source gives: Batch or Pair."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One update of one player.

    optimizer: a key of `Architecture.optimizers()`.
    every, offset: the phase runs at steps n with n % every == offset.
    lazy: a regulariser that stands for itself at all `every` steps: the trainer multiplies its loss by
        `every`, and lr and betas of its optimiser by and to the power c = k/(k+1) (arXiv:1912.04958, B). Parameters of
        that optimiser which it does not reach, and others have, get a gradient of zero.
    reals: `shared`, the batch of the step, which kimg counts; or `own`, another batch, whose order and crops are keyed
        by the phase's name and which is counted by its own updates.
    """

    name: str
    optimizer: str
    loss: LossFunction
    every: int = 1
    offset: int = 0
    lazy: bool = False
    reals: Literal["shared", "own"] = "shared"

    def due(self, step: int) -> bool:
        """Whether it runs at this step, counted from 0."""
        return step % self.every == self.offset

    def count(self, step: int) -> int:
        """How often it ran before this step."""
        return max(0, -(-(step - self.offset) // self.every))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ema:
    """An exponential moving average of submodules: what is sampled and exported.

    of: names of the submodules that are averaged.
    half_life_kimg: how long until old weights count half; a constant or a schedule.
    rampup: the half-life is at most this share of the kimg before a step, so that the weights a run begins with count
        for nothing; 0 switches the ramp off.
    buffers: whether those of floats are averaged like weights, which suits running statistics; or copied as they are.
    """

    of: tuple[str, ...]
    half_life_kimg: Value
    rampup: float = 0.05
    buffers: Literal["averaged", "copied"] = "averaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """One ONNX model that an architecture exports.

    name: of its file. role: what it is for, see `ganzoo.roles`; every graph of plugin API 2 says it.
    module: takes the inputs by position and returns a tensor, or a tuple in the order of `outputs`.
    after: the graph whose first output is this one's first input, by name.
    back: of a translation, the one that leads back.
    reads, paints: the domains of what it takes and gives, where they are pictures: whom they are shown beside, and
        scored against. Of a translation, source and target if not stated.
    on_request: exported only when it is asked for by name.
    reach: of a translation, how many pixels of the input away an output pixel sees; None where that is all of them, or
        not known. Large pictures are cut into tiles by it.
    beside: of a translation that takes further pictures, whose they are, by the names of the inputs: {"style":
        "target"}. Previews take them from the same row of a batch.
    """

    name: str
    module: nn.Module
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    role: Role | None = None
    after: str | None = None
    back: str | None = None
    reads: Domain | None = None
    paints: Domain | None = None
    on_request: bool = False
    reach: int | None = None
    beside: Mapping[str, Domain] = field(default_factory=dict)

    def run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs, always as a tuple, without gradients. Raises PluginError for what are no tensors."""
        with torch.no_grad():
            result = self.module(*inputs)
        results = result if isinstance(result, tuple) else (result,)
        if wrong := [type(value).__name__ for value in results if not isinstance(value, Tensor)]:
            raise PluginError(
                f"The module of graph {self.name!r} returns a {wrong[0]}; expected a tensor, or a tuple of tensors."
            )
        return results
