"""Beginning from the weights of another run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import RequestError, first_few, shell_word
from ganzoo.plugin.registry import Registry
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.run import Run, open_run
from ganzoo.runs.snapshot import is_snapshot, read_snapshot
from ganzoo.runs.weights import average_tensors, model_tensors, snapshot_tensors
from ganzoo.training.ema import Average
from ganzoo.training.engine import Engine

_NAMED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """What was taken from another run.

    source: architecture, step and pictures of that run. matched: names of tensors that were taken.
    reshaped: there, but of another shape. missing: not there. left: there, and not wanted here.
    """

    source: str
    matched: list[str]
    reshaped: list[str]
    missing: list[str]
    left: list[str]

    def lines(self) -> list[str]:
        total = len(self.matched) + len(self.reshaped) + len(self.missing)
        lines = [f"took {len(self.matched)} of {total} tensors from {self.source}"]
        for what, names in (
            ("began anew, of another shape there", self.reshaped),
            ("began anew, not there", self.missing),
            ("left behind, not used here", self.left),
        ):
            if names:
                lines.append(f"  {what}: {first_few(names, _NAMED)}")
        return lines


def initialize_from(engine: Engine, path: Path, registry: Registry, *, say: Callable[[str], None]) -> Transfer:
    """Copy what fits of the networks of the run in `path`, its best checkpoint, and of its average.

    Only networks that an optimiser trains or the average holds are taken: a probability of augmentation or a mean
    path length belongs to the other run's pictures. Raises CheckpointError when there is no checkpoint,
    RequestError when nothing fits.
    """
    run, step, given, averages = _weights_of(path, registry, say)
    specs = [optimizer.spec for optimizer in engine.optimizers.values()]
    networks = {name for spec in specs for name in spec.trains}
    averaged = engine.average.spec.of if engine.average is not None else ()

    def ours(name: str) -> bool:
        whole = (*networks, *averaged, *engine.architecture.fixed)
        return any(name == one or name.startswith(f"{one}.") for one in whole)

    state = {name: tensor for name, tensor in engine.architecture.state_dict().items() if ours(name)}
    matched, reshaped, missing = _copy(given, state)
    transfer = Transfer(
        source=f"{path} ({run.offer.spec.name}, step {step:,}, {run.data_description})",
        matched=matched,
        reshaped=reshaped,
        missing=missing,
        left=[name for name in given if ours(name) and name not in state],
    )
    if not matched:
        raise RequestError(
            f"None of the {len(state)} tensors fits those of {path}, a {run.offer.spec.name} "
            f"of pictures of {run.data}.",
            hint="--init-from takes a run of the same architecture; widths and sizes decide which layers fit.",
        )
    fixed = [name for name in (*reshaped, *missing) if name.partition(".")[0] in engine.architecture.fixed]
    if fixed and any(name.partition(".")[0] in engine.architecture.fixed for name in given):
        raise RequestError(
            f"{first_few(fixed)} of {path} have another shape, and would begin at random: nothing trains them.",
            hint=f"With its settings: -c {shell_word(path / 'config.toml')}",
        )
    frozen = {
        name
        for name, parameter in engine.architecture.named_parameters()
        if not parameter.requires_grad and name.partition(".")[0] not in engine.architecture.fixed
    }
    if anew := sorted(frozen & {*reshaped, *missing}):
        raise RequestError(
            f"{', '.join(anew[:_NAMED])} would be frozen as it began: {path} has nothing that fits.",
            hint="Freeze fewer layers (--set freeze_discriminator=N), or keep widths, size and spectral_norm as they "
            "are there.",
        )
    if engine.average is not None:
        _copy_average(engine.average, given, averages)
    engine.synchronize()  # the other run may be training still, and each rank reads for itself
    return transfer


def _weights_of(
    path: Path, registry: Registry, say: Callable[[str], None]
) -> tuple[Run, int, Mapping[str, Tensor], Mapping[str, Mapping[str, Tensor]]]:
    """Of a run's best checkpoint, or of weights alone: the run, its step, tensors, and averaged ones by network."""
    if is_snapshot(path):
        found = read_snapshot(path, registry)
        return found.run, found.step, snapshot_tensors(path), {}
    run = open_run(path, registry)
    checkpoint, damaged = checkpoints.choose(run.checkpoint_folder, "best")
    for line in damaged:
        say(f"passed over: {line}")
    return run, checkpoint.step, model_tensors(checkpoint), average_tensors(checkpoint) or {}


def _copy_average(average: Average, given: Mapping[str, Tensor], theirs: Mapping[str, Mapping[str, Tensor]]) -> None:
    for name, state in average.state().items():
        prefix = f"{name}."
        live = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
        _copy(theirs.get(name, live), state)


@torch.no_grad()
def _copy(given: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> tuple[list[str], list[str], list[str]]:
    matched, reshaped, missing = [], [], []
    for name, tensor in state.items():
        if name not in given:
            missing.append(name)
        elif given[name].shape != tensor.shape:
            reshaped.append(name)
        else:
            tensor.copy_(given[name])
            matched.append(name)
    return matched, reshaped, missing
