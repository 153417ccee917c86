"""One step of training: run the phases that are due, update, average.

One process and one device for now; what a rank would have to do differently is the slice of the
batch it gets (`Shard`) and one all-reduce before `PlayerOptimizer.step`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.architecture import Architecture, Batch, Losses, Pair, Phase, Step
from ganzoo.errors import DivergedError, PluginError
from ganzoo.training.ema import Average
from ganzoo.training.optimizers import PlayerOptimizer


class Engine:
    """Architecture, optimisers and average on one device.

    seed: of all randomness. batch_size: of the global batch. bf16: autocast the losses.
    between_steps: False while a step is half done, and for good when it failed there.
    Raises PluginError for phases or optimisers that do not fit each other.
    """

    def __init__(
        self, architecture: Architecture, *, seed: int, batch_size: int, device: torch.device, bf16: bool
    ) -> None:
        self._memory_format = torch.channels_last if architecture.channels_last else torch.contiguous_format
        self.architecture = architecture.to(device).to(memory_format=self._memory_format).train()
        self.device = device
        self.seed = seed
        self.batch_size = batch_size
        self.bf16 = bf16
        self.phases = list(architecture.phases())
        specs = architecture.optimizers()
        _check(self.phases, list(specs))
        self.optimizers = {name: PlayerOptimizer(name, spec, architecture, self.phases) for name, spec in specs.items()}
        ema = architecture.ema()
        self.average = Average(ema, architecture) if ema is not None else None
        self.between_steps = True
        self._sums: dict[str, tuple[Tensor, int]] = {}
        # 0 while all is finite; then 1 + step * phases + index of the phase that was not. On the device,
        # because asking a GPU at every step would make it wait.
        self._latch = torch.zeros((), dtype=torch.int64, device=device)

    def prepare(self, batch: Batch | Pair) -> Batch | Pair:
        """Pictures to the device, uint8 to float in [-1, 1]."""

        def move(tensor: Tensor) -> Tensor:
            if self.device.type == "cuda":
                tensor = tensor.pin_memory().to(self.device, non_blocking=True)
            if tensor.dtype != torch.uint8:
                return tensor
            return tensor.to(torch.float32, memory_format=self._memory_format).div_(127.5).sub_(1)

        return batch.map(move)

    def step(self, number: int, batch: Batch | Pair) -> None:
        """Run step `number` on a prepared batch.

        Raises DivergedError on the CPU as soon as a loss or gradient is not finite, with the weights as
        they were before that phase; on a GPU the updates are withheld and `check` raises.
        """
        self.between_steps = False
        step = self._new_step(number)
        stats: dict[str, Tensor] = {}
        for index, phase in enumerate(self.phases):
            if not phase.due(number):
                continue
            optimizer = self.optimizers[phase.optimizer]
            losses, total = self._backward(phase, batch, step)
            norm = optimizer.norm()
            if norm is None:
                raise PluginError(f"the loss of phase {phase.name!r} reaches no parameter of {phase.optimizer!r}")
            optimizer.step(step.kimg, norm, self._withhold(number, index, norm + total))
            for name, value in {**losses.terms, **losses.stats}.items():
                if value.ndim == 0:
                    self._note(f"{phase.name}.{name}", value)
            stats |= {f"{phase.name}.{name}": value.detach() for name, value in losses.stats.items()}
        if self.device.type == "cpu":
            self.check(batch)
        with torch.no_grad():
            self.architecture.after_step(step, stats)
        if self.average is not None:
            self.average.update(kimg=(number + 1) * self.batch_size / 1000, batch_size=self.batch_size)
        self.between_steps = True

    def check(self, batch: Batch | Pair | None = None) -> int | None:
        """The number of the step that diverged when its batch is needed to say more; None when all is well.

        Raises DivergedError when the batch of that step is given. Asks the device, so not at every step.
        """
        latched = int(self._latch.item())
        if latched == 0:
            return None
        number, index = divmod(latched - 1, len(self.phases))
        if batch is None:
            return number
        raise self._diagnose(number, self.phases[index], batch)

    def means(self) -> dict[str, float]:
        """The mean of each loss and scalar statistic since the last call, as `phase.name`."""
        names = list(self._sums)
        if not names:
            return {}
        values = torch.stack([total for total, _ in self._sums.values()]).tolist()
        counts = [count for _, count in self._sums.values()]
        self._sums.clear()
        return {name: value / count for name, value, count in zip(names, values, counts, strict=True)}

    def _new_step(self, number: int) -> Step:
        return Step(seed=self.seed, number=number, batch_size=self.batch_size, device=self.device)

    def _backward(self, phase: Phase, batch: Batch | Pair, step: Step) -> tuple[Losses, Tensor]:
        with step.scope(phase.name):
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
                losses = phase.loss(batch, step)
            if not isinstance(losses, Losses) or not losses.terms:
                raise PluginError(f"the loss of phase {phase.name!r} must return Losses with at least one term")
            total = sum(term.float() for term in losses.terms.values())
            assert isinstance(total, Tensor)
            if not total.requires_grad:
                raise PluginError(f"the loss of phase {phase.name!r} does not depend on any parameter")
            if phase.lazy:
                total = total * phase.every
            # Only this player's gradients: the other network's would be computed and thrown away.
            torch.autograd.backward(total, inputs=self.optimizers[phase.optimizer].parameters)
        return losses, total.detach()

    def _withhold(self, number: int, index: int, witness: Tensor) -> Tensor | None:
        """1 on the device once the witness, the sum of loss and gradient norm, was not finite."""
        if self.device.type == "cpu" and math.isfinite(witness.item()):
            return None  # `check` ends the run in the step that trips the latch
        here = 1 + number * len(self.phases) + index
        self._latch = torch.where((self._latch == 0) & ~torch.isfinite(witness), here, self._latch)
        return (self._latch > 0).float()

    def _diagnose(self, number: int, phase: Phase, batch: Batch | Pair) -> DivergedError:
        """Replay the phase: its weights were left alone and its randomness is keyed."""
        losses, _ = self._backward(phase, batch, self._new_step(number))
        optimizer = self.optimizers[phase.optimizer]
        largest, where = 0.0, "none"
        for name, parameter in optimizer.named_parameters.items():
            size = float(parameter.grad.abs().max()) if parameter.grad is not None else 0.0
            if not size <= largest:  # a NaN is larger than anything
                largest, where = size, name
                if math.isnan(size):
                    break
        optimizer.torch.zero_grad(set_to_none=True)
        terms = ", ".join(f"{name} {value.item():.4g}" for name, value in losses.terms.items())
        return DivergedError(
            f"Training diverged at step {number}, phase {phase.name!r}: {terms}; "
            f"largest gradient {largest:.4g} in {where}. The update was withheld.",
            hint="Lower the learning rates, or go back to an earlier checkpoint with other settings.",
        )

    def _note(self, name: str, value: Tensor) -> None:
        value = value.detach().float()
        total, count = self._sums.get(name, (None, 0))
        self._sums[name] = (value if total is None else total + value, count + 1)


def _check(phases: list[Phase], optimizers: list[str]) -> None:
    names = [phase.name for phase in phases]
    if not phases or len(set(names)) != len(names):
        raise PluginError(f"phases need names of their own; got {names}")
    for phase in phases:
        if phase.optimizer not in optimizers:
            raise PluginError(
                f"phase {phase.name!r} uses optimizer {phase.optimizer!r}; there are {', '.join(optimizers)}"
            )
        if phase.every < 1 or not 0 <= phase.offset < phase.every:
            raise PluginError(f"phase {phase.name!r}: every {phase.every}, offset {phase.offset} is never due")
