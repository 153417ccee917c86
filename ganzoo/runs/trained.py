"""What was trained, ready to paint: from a run's checkpoint, or from weights alone.

As `ganzoo.runs.weights`, this module is imported without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import files
from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo.plugin.registry import Registry
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.run import Run, open_run
from ganzoo.runs.snapshot import is_snapshot, metadata_of, read_snapshot
from ganzoo.runs.weights import average_tensors, check_sizes, model_tensors, save_tensors, snapshot_tensors

if TYPE_CHECKING:
    from ganzoo.architecture import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedModel:
    """What a run learnt: the averaged architecture in evaluation mode, on the CPU.

    score: of the checkpoint it is from, lower is better; None where there is none.
    """

    run: Run
    architecture: Architecture
    step: int
    kimg: float
    score: float | None


def load_trained(
    path: Path,
    registry: Registry,
    *,
    say: Callable[[str], None],
    which: str = "best",
    blend: Mapping[Path, float] | None = None,
) -> TrainedModel:
    """A whole checkpoint of a run, with the averaged weights in place.

    which: `best`, `last` or a number of steps. say: receives a line for each damaged checkpoint that was passed over.
    blend: other runs of the same networks by their shares; each weight is (1 - sum of shares) of its own, and the share
    of each other's (network interpolation, arXiv:1809.00219, 3.4).
    Raises CheckpointError, RequestError for a checkpoint that is not there, or runs that cannot be blended.
    """
    from ganzoo.architecture.build import build_architecture
    from ganzoo.architecture.evaluation import evaluation_copy

    if is_snapshot(path):
        trained = _load_snapshot(path, registry, which)
        if blend:
            others = {other: load_trained(other, registry, say=say) for other in blend}
            _blend(trained.architecture, trained.run, others, blend)
        return trained
    run = open_run(path, registry)
    checkpoint, damaged = checkpoints.choose(run.checkpoint_folder, which)
    for line in damaged:
        say(f"passed over: {line}")
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    check_sizes(checkpoint, architecture)
    try:
        architecture.load_state_dict(model_tensors(checkpoint))
        twin = evaluation_copy(architecture, average_tensors(checkpoint))
    except (RuntimeError, AttributeError) as error:
        raise CheckpointError(
            f"{checkpoint.path} does not fit {run.offer.spec.name} of {run.offer.distribution} "
            f"{run.offer.version}: {one_line(error)}",
            hint=f"It was trained with {run.trained_by}.",
        ) from None
    if blend:
        _blend(twin, run, {other: load_trained(other, registry, say=say) for other in blend}, blend)
    kimg = checkpoint.step * run.config.train.batch_size / 1000
    score = checkpoint.state().get("score")
    return TrainedModel(run=run, architecture=twin, step=checkpoint.step, kimg=kimg, score=score)


def painting_names(architecture: Architecture) -> list[str]:
    """Names in the state dict of what the graphs are made of: what paints, without what judges."""
    modules = [graph.module for graph in architecture.graphs()]
    painting = {id(tensor) for module in modules for tensor in module.state_dict(keep_vars=True).values()}
    return [name for name, tensor in architecture.state_dict(keep_vars=True).items() if id(tensor) in painting]


def _load_snapshot(path: Path, registry: Registry, which: str) -> TrainedModel:
    """Raises CheckpointError for a file that does not fit, RequestError for another `which`."""
    from ganzoo.architecture.build import build_architecture
    from ganzoo.architecture.evaluation import evaluation_copy

    if which not in ("best", "last"):
        raise RequestError(f"{path} holds one checkpoint; {which!r} cannot be chosen from it.")
    found = read_snapshot(path, registry)
    run = found.run
    architecture = build_architecture(run.offer, run.config.architecture, run.data, seed=run.config.train.seed)
    own = architecture.state_dict()
    apart = [name for name in painting_names(architecture) if list(own[name].shape) != found.shapes.get(name)]
    if apart or set(found.shapes) - set(own):
        odd = apart[0] if apart else min(set(found.shapes) - set(own))
        raise CheckpointError(
            f"{path} does not fit {run.offer.spec.name} of {run.offer.distribution} {run.offer.version}: {odd}.",
            hint=f"It was trained with {run.trained_by}.",
        )
    architecture.load_state_dict(snapshot_tensors(path), strict=False)
    twin = evaluation_copy(architecture, None)
    return TrainedModel(run=run, architecture=twin, step=found.step, kimg=found.kimg, score=found.score)


def save_snapshot(trained: TrainedModel, path: Path) -> None:
    """Write what paints, with its settings, to one file. Raises CheckpointError when it cannot be written."""
    from safetensors import SafetensorError

    state = trained.architecture.state_dict()
    known = metadata_of(trained.run, step=trained.step, kimg=trained.kimg, score=trained.score)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.written_beside(path) as partial:
            save_tensors({name: state[name] for name in painting_names(trained.architecture)}, partial, known)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be written: {one_line(error)}") from None


def _blend(
    architecture: Architecture, run: Run, others: Mapping[Path, TrainedModel], shares: Mapping[Path, float]
) -> None:
    """In place. Raises RequestError for shares beyond 0 and 1, or networks of another kind or shape."""
    import torch

    if not all(0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1:
        raise RequestError(
            f"Shares of {', '.join(f'{share:g}' for share in shares.values())}: expected 0 to 1, and 1 in all at most.",
            hint="For example --blend runs/psnr=0.3",
        )
    own, shown = architecture.state_dict(), painting_names(architecture)
    theirs = {path: other.architecture.state_dict() for path, other in others.items()}
    for path, other in others.items():
        state = theirs[path]
        apart = [name for name in shown if name not in state or state[name].shape != own[name].shape]
        if other.run.architecture != run.architecture or apart:
            raise RequestError(
                f"{path} is a {other.run.architecture} of other networks than {run.path}, a {run.architecture}"
                + (f": {apart[0]} differs." if apart else "."),
                hint="Blend runs of one architecture, of which one was begun from the other (--init-from).",
            )
    with torch.no_grad():
        for name in shown:
            tensor = own[name]
            if not tensor.is_floating_point():
                continue
            mixed = (1 - sum(shares.values())) * tensor
            for path, share in shares.items():
                mixed = mixed + share * theirs[path][name]
            tensor.copy_(mixed)
