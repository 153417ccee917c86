"""What an engine is refused for when it begins, and what it says when it ends badly."""

from __future__ import annotations

import math

from ganzoo.architecture import Losses, Phase
from ganzoo.errors import DivergedError, PluginError, RequestError
from ganzoo.training.optimizers import PlayerOptimizer


def check_division(batch_size: int, ranks: int, accumulate: int) -> None:
    """Raises RequestError for a batch that does not divide among ranks and micro-batches."""
    if batch_size % (ranks * accumulate):
        parts = (
            f"{ranks} process{'es' if ranks > 1 else ''} of {accumulate} micro-batch{'es' if accumulate > 1 else ''}"
        )
        near = max(1, round(batch_size / (ranks * accumulate))) * ranks * accumulate
        raise RequestError(
            f"A batch of {batch_size} does not divide among {parts}.", hint=f"For example --batch-size {near}."
        )


def check_phases(phases: list[Phase], optimizers: list[str]) -> None:
    """Raises PluginError for phases that are never due, share a name, or name an optimiser that is not there."""
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
        if phase.reals not in ("shared", "own"):
            raise PluginError(f"phase {phase.name!r} has reals={phase.reals!r}; expected 'shared' or 'own'")


def check_losses(phase: Phase, losses: object) -> None:
    """Raises PluginError for what a phase cannot minimise: no Losses, no term, a term that is no single number."""
    if not isinstance(losses, Losses) or not losses.terms:
        raise PluginError(f"the loss of phase {phase.name!r} must return Losses with at least one term")
    for name, term in losses.terms.items():
        if term.ndim:
            raise PluginError(
                f"the term {name!r} of phase {phase.name!r} has the shape {list(term.shape)}",
                hint="Expected a scalar: .mean() of it, or .sum().",
            )


def describe_divergence(number: int, phase: Phase, losses: Losses, optimizer: PlayerOptimizer) -> DivergedError:
    """The terms of a phase of step `number` that was not finite, and where the largest of its gradients is."""
    largest, where = 0.0, "none"
    for name, parameter in optimizer.named_parameters.items():
        size = float(parameter.grad.abs().max()) if parameter.grad is not None else 0.0
        if not size <= largest:  # a NaN is larger than anything
            largest, where = size, name
            if math.isnan(size):
                break
    terms = ", ".join(f"{name} {value.item():.4g}" for name, value in losses.terms.items())
    return DivergedError(
        f"Training diverged at step {number}, phase {phase.name!r}: {terms}; "
        f"largest gradient {largest:.4g} in {where}. The update was withheld.",
        hint="Lower the learning rates, or go back to an earlier checkpoint with other settings.",
    )
