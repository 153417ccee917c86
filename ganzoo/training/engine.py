"""One step of training: run the phases that are due, update, average.

Of the global batch, a process works on its rows, in micro-batches if asked to. What it computes in a phase is
averaged over micro-batches and ranks in one place, before the update.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from ganzoo.architecture import Architecture, Batch, Losses, Pair, Phase, Reals, Shard, Step, StepReals
from ganzoo.errors import DivergedError, PluginError
from ganzoo.nn import Stepwise, to_device
from ganzoo.training.checks import check_division, check_losses, check_phases, describe_divergence
from ganzoo.training.ema import Average
from ganzoo.training.meter import Meter
from ganzoo.training.optimizers import PlayerOptimizer
from ganzoo.training.ranks import Ranks

Compile = Literal["off", "on", "cuda-graphs"]
RealsT = TypeVar("RealsT", Batch, Pair, StepReals, Batch | Pair, Reals)


class Engine:
    """Architecture, optimisers and average on one device.

    seed: of all randomness. batch_size: of the global batch. bf16: autocast the losses. dtype: of pictures and draws.
    ranks: the processes that train together. accumulate: micro-batches per step and rank.
    compiled: whether a batch of another size would have to be compiled anew.
    minimised: those of the names of `means` that are terms of a loss; the others are statistics.
    between_steps: False while a step is half done, and for good when it failed there.
    Raises PluginError for phases or optimisers that do not fit each other, RequestError for a batch that does not
    divide among ranks and micro-batches.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        seed: int,
        batch_size: int,
        device: torch.device,
        bf16: bool = False,
        dtype: torch.dtype = torch.float32,
        ranks: Ranks | None = None,
        accumulate: int = 1,
        compile: Compile = "off",
    ) -> None:
        self._memory_format = torch.channels_last if architecture.channels_last else torch.contiguous_format
        self.architecture = architecture.to(device, dtype).to(memory_format=self._memory_format).train()
        self.device = device
        self.seed = seed
        self.batch_size = batch_size
        self.bf16 = bf16
        self.ranks = ranks or Ranks()
        self.micros = accumulate
        self._dtype = dtype
        check_division(batch_size, self.ranks.count, accumulate)
        self.phases = list(architecture.phases())
        specs = architecture.optimizers()
        check_phases(self.phases, list(specs))
        self.optimizers = {name: PlayerOptimizer(name, spec, architecture, self.phases) for name, spec in specs.items()}
        ema = architecture.ema()
        self.average = Average(ema, architecture) if ema is not None else None
        self.synchronize()
        if compile != "off":
            architecture.compile_networks(mode="reduce-overhead" if compile == "cuda-graphs" else "default")
        self.compiled = compile != "off"
        self._cuda_graphs = compile == "cuda-graphs" and device.type == "cuda"
        self.between_steps = True
        self._stepwise = [module for module in architecture.modules() if isinstance(module, Stepwise)]
        self._running = [
            buffer
            for name, buffer in architecture.named_buffers()
            if name.rpartition(".")[2] in ("running_mean", "running_var")
        ]
        self._shards = [
            Shard(
                rank=self.ranks.rank,
                ranks=self.ranks.count,
                micro=micro,
                micros=accumulate,
                all_gather=self.ranks.gather,
            )
            for micro in range(accumulate)
        ]
        self._meters: dict[str, Meter] = {}
        self.minimised: set[str] = set()
        # 0 while all is finite; then 1 + step * phases + index of the phase that was not. On the device,
        # because asking a GPU at every step would make it wait.
        self._first_divergence = torch.zeros((), dtype=torch.int64, device=device)

    def synchronize(self) -> None:
        """Give every rank the weights and the average of rank 0."""
        states = self.average.state().values() if self.average else ()
        averages = [tensor for state in states for tensor in state.values()]
        self.ranks.broadcast([*self.architecture.parameters(), *self.architecture.buffers(), *averages])

    def prepare(self, batch: RealsT) -> RealsT:
        """Pictures to the device, uint8 to float in [-1, 1]; a vector of labels as the networks compute."""

        def move(tensor: Tensor) -> Tensor:
            tensor = to_device(tensor, self.device)
            if tensor.dtype != torch.uint8:
                return tensor.to(self._dtype) if tensor.is_floating_point() else tensor
            return tensor.to(self._dtype, memory_format=self._memory_format).div_(127.5).sub_(1)

        return batch.map(move)

    def step(self, number: int, batch: Reals, votes: Sequence[bool] = ()) -> list[bool]:
        """Run step `number` on prepared pictures: this rank's rows, micro-batch after micro-batch.

        votes: questions to all ranks; the answer to each is whether any rank said yes. On CPUs they travel with the
        gradients, because every exchange makes the ranks wait for the slowest.
        Raises DivergedError on the CPU as soon as a loss or gradient is not finite, with the weights as
        they were before that phase; on a GPU the updates are withheld and `check` raises.
        """
        self.between_steps = False
        if self._cuda_graphs:
            # What one phase painted, the next one still reads: the graphs' memory is free again from here.
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        reals = batch if isinstance(batch, StepReals) else StepReals(batch)
        steps, shared = self._new_steps(number), self._split(reals.shared)
        stats: dict[str, Tensor] = {}
        due = [(index, phase) for index, phase in enumerate(self.phases) if phase.due(number)]
        answers = list(votes) if due and self.device.type == "cpu" else self.ranks.any_rank(*votes)
        for index, phase in due:
            optimizer = self.optimizers[phase.optimizer]
            last = phase is due[-1][1]  # nothing changes the running statistics after its passes
            seen = shared if phase.reals == "shared" else self._split(reals.of(phase))
            asked, moving = (answers, self._running) if last else ((), ())
            losses, total, yes = self._backward(phase, seen, steps, asked, moving)
            answers = yes if last and self.device.type == "cpu" else answers
            norm = optimizer.norm()
            if norm is None:
                raise PluginError(f"the loss of phase {phase.name!r} reaches no parameter of {phase.optimizer!r}")
            optimizer.step(steps[0].kimg, norm, self._withhold(number, index, norm + total), complete=phase.lazy)
            self._note(phase.name, losses)
            stats |= {f"{phase.name}.{name}": value for name, value in losses.stats.items()}
        if self.device.type == "cpu":
            self.check(batch)
        self._finish(steps[0], stats)
        self.between_steps = True
        return answers

    def check(self, batch: Reals | None = None) -> int | None:
        """The number of the step that diverged when its batch is needed to say more; None when all is well.

        Raises DivergedError when the batch of that step is given. Asks the device, so not at every step.
        """
        latched = int(self._first_divergence.item())
        if latched == 0:
            return None
        number, index = divmod(latched - 1, len(self.phases))
        if batch is None:
            return number
        raise self._diagnose(number, self.phases[index], batch)

    def fits(self, batch: Reals, parts: int, number: int) -> bool:
        """Whether every phase takes such a batch, one of so many parts of step `number`'s, and has memory.

        Learns nothing: gradients are dropped. What a pass itself moves, such as running statistics, has moved.
        """
        part = Shard(micros=parts)
        step = Step(
            seed=self.seed, number=number, batch_size=self.batch_size, device=self.device, dtype=self._dtype, shard=part
        )
        players = self.optimizers.values()
        try:
            # Two moments of each parameter, which the first update will want.
            reserve = [
                torch.empty_like(parameter)
                for player in players
                if not player.inner.state
                for parameter in player.parameters
                for _ in "mv"
            ]
            shared = batch.shared if isinstance(batch, StepReals) else batch
            for phase in self.phases:
                self._backward_one(phase, shared, step)
            del reserve
        except Exception:  # no memory, or networks that refuse so few pictures
            return False
        finally:
            for player in players:
                player.drop_gradients()
        return True

    def means(self) -> dict[str, float]:
        """The mean of each loss and scalar statistic since the last call, as `phase.name`."""
        if not self._meters:
            return {}
        names, means = list(self._meters), torch.stack([meter.mean() for meter in self._meters.values()])
        self._meters.clear()
        return dict(zip(names, means.tolist(), strict=True))  # the one question to the device

    def checksum(self) -> int:
        """A number that is the same on every rank as long as their weights and buffers are the same bits.

        Of bits, as whole numbers: a sum of floats depends on the processor that adds them.
        """
        tensors = [tensor.detach() for tensor in (*self.architecture.parameters(), *self.architecture.buffers())]
        sums = [tensor.contiguous().flatten().view(torch.uint8).sum(dtype=torch.int64) for tensor in tensors]
        return int(torch.stack(sums).sum())

    def _new_steps(self, number: int) -> list[Step]:
        """One for each micro-batch of this rank."""
        return [
            Step(
                seed=self.seed,
                number=number,
                batch_size=self.batch_size,
                device=self.device,
                dtype=self._dtype,
                shard=shard,
            )
            for shard in self._shards
        ]

    def _split(self, batch: Batch | Pair) -> list[Batch | Pair]:
        if self.micros == 1:
            return [batch]
        size = len(batch) // self.micros
        return [batch.map(itemgetter(slice(start, start + size))) for start in range(0, len(batch), size)]

    def _backward(
        self,
        phase: Phase,
        parts: list[Batch | Pair],
        steps: list[Step],
        votes: Sequence[bool] = (),
        buffers: Sequence[Tensor] = (),
    ) -> tuple[Losses, Tensor, list[bool]]:
        """Gradients of a phase, averaged over micro-batches and ranks, with its terms, statistics and their sum.

        buffers are averaged in place, votes answered on the way.
        """
        parameters = self.optimizers[phase.optimizer].parameters
        found: list[dict[str, Tensor]] = []
        for part, step in zip(parts, steps, strict=True):
            losses = self._backward_one(phase, part, step)
            found.append({**losses.terms, **losses.stats})
        values = {
            name: torch.stack([one[name].detach() for one in found]).mean(0) if self.micros > 1 else value.detach()
            for name, value in found[0].items()
        }
        found_values = list(values.values())
        if self.ranks.count > 1:
            ballots = [torch.tensor(float(vote)) for vote in votes] if self.device.type == "cpu" else []
            together = self.ranks.average_phase(parameters, [*found_values, *ballots, *buffers])
            found_values, rest = together[: len(values)], together[len(values) :]
            votes = [bool(ballot > 0) for ballot in rest[: len(ballots)]] or votes
            for buffer, mean in zip(buffers, rest[len(ballots) :], strict=True):
                buffer.copy_(mean)
        averaged = dict(zip(values, found_values, strict=True))
        terms = {name: averaged[name] for name in losses.terms}
        stats = {name: averaged[name] for name in losses.stats}
        first, *others = terms.values()
        return Losses(terms, stats), sum(others, first), list(votes)

    def _backward_one(self, phase: Phase, batch: Batch | Pair, step: Step) -> Losses:
        with step.scope(phase.name, apart=phase.reals == "own"):
            with self._autocast():
                losses = phase.loss(batch, step)
            check_losses(phase, losses)
            terms = list(losses.terms.values())
            total = sum(terms[1:], terms[0])
            if not total.requires_grad:
                raise PluginError(f"the loss of phase {phase.name!r} does not depend on any parameter")
            share = (phase.every if phase.lazy else 1) / self.micros
            # Only this player's gradients: the other network's would be computed and thrown away.
            torch.autograd.backward(
                total if share == 1 else total * share, inputs=self.optimizers[phase.optimizer].parameters
            )
        return losses

    @torch.no_grad()
    def _finish(self, step: Step, stats: Mapping[str, Tensor]) -> None:
        """What changes once a step, after the updates, the same on every rank."""
        self.architecture.after_step(step, stats)
        for module in self._stepwise:
            module.advance()
        if self.average is not None:
            self.average.update(kimg=step.kimg, batch_size=self.batch_size)

    def _withhold(self, number: int, index: int, witness: Tensor) -> Tensor | None:
        """1 on the device once the witness, the sum of loss and gradient norm, was not finite."""
        if self.device.type == "cpu" and math.isfinite(witness.item()):
            return None  # `check` ends the run in the step that trips the latch
        here = 1 + number * len(self.phases) + index
        self._first_divergence = self._first_divergence.masked_fill(
            (self._first_divergence == 0) & ~torch.isfinite(witness), here
        )
        return (self._first_divergence > 0).float()

    def _diagnose(self, number: int, phase: Phase, batch: Reals) -> DivergedError:
        """Replay the phase: its weights were left alone and its randomness is keyed. Every rank replays it."""
        seen = batch.of(phase) if isinstance(batch, StepReals) else batch
        losses, _, _ = self._backward(phase, self._split(seen), self._new_steps(number))
        optimizer = self.optimizers[phase.optimizer]
        error = describe_divergence(number, phase, losses, optimizer)
        optimizer.drop_gradients()
        return error

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bf16 else contextlib.nullcontext()

    def _note(self, phase: str, losses: Losses) -> None:
        self.minimised.update(f"{phase}.{name}" for name in losses.terms)
        for name, value in (*losses.terms.items(), *losses.stats.items()):
            if value.ndim == 0:
                self._meters.setdefault(f"{phase}.{name}", Meter()).add(value)
