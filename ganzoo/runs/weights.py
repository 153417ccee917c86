"""Where a run's tensors are: read from checkpoints, written to them, and put into a model that can paint.

The rest of this package does without torch, and so does importing this module.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo.plugin.registry import Registry
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.checkpoint import Checkpoint
from ganzoo.runs.run import Run, open_run

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganzoo.architecture import Architecture


def model_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The architecture's state dict, on the CPU. Raises CheckpointError."""
    return _load(checkpoint, checkpoints.MODEL)


def check_sizes(checkpoint: Checkpoint, architecture: Architecture) -> None:
    """Raises CheckpointError for files far larger than what such an architecture writes, before they are read."""
    own = sum(tensor.numel() * tensor.element_size() for tensor in architecture.state_dict().values())
    for name, times in _MOST_TIMES.items():
        with contextlib.suppress(FileNotFoundError):
            size = _size(checkpoint, name)
            if size > times * own + _ROOM:
                raise CheckpointError(
                    f"{checkpoint.path / name} has {size:,} bytes, for an architecture of {own:,}; it is not read."
                )


def average_tensors(checkpoint: Checkpoint) -> dict[str, dict[str, Tensor]] | None:
    """State dicts of the averaged submodules by name, or None when nothing was averaged. Raises CheckpointError."""
    if not (checkpoint.path / checkpoints.AVERAGE).exists():
        return None
    nested: dict[str, dict[str, Tensor]] = {}
    for key, tensor in _load(checkpoint, checkpoints.AVERAGE).items():
        module, _, rest = key.partition("/")
        nested.setdefault(module, {})[rest] = tensor
    return nested


def _size(checkpoint: Checkpoint, name: str) -> int:
    """Raises FileNotFoundError for no file, CheckpointError for what is none."""
    try:
        return files.size_of(checkpoint.file(name))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{checkpoint.path / name} cannot be read: {one_line(error)}") from None


def optimizer_states(checkpoint: Checkpoint, device: torch.device) -> dict[str, Any]:
    """State dicts of the optimisers by name, on `device`. Raises what `load_torch` makes of a file that is not one."""
    from ganzoo.architecture.torch_files import load_torch

    return files.as_object(load_torch(checkpoint.file(checkpoints.OPTIMIZERS), device=device))


_MOST_TIMES = {checkpoints.MODEL: 2, checkpoints.AVERAGE: 2}  # of what the architecture has
_ROOM = 2**24


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointContents:
    """What a checkpoint holds beside its state.

    model: a state dict. average: those of averaged submodules by name, if there are. optimizers: state dicts by name.
    """

    model: Mapping[str, Any]
    average: Mapping[str, Mapping[str, Tensor]] | None
    optimizers: Mapping[str, Any]


def write_checkpoint(
    folder: Path, contents: CheckpointContents, *, step: int, state: Mapping[str, Any], config: str, keep: int
) -> Checkpoint:
    """Write the checkpoint of `step` below `folder`, then remove all but the newest `keep` and the best.

    state: JSON values; its `score`, if there is one, decides which is the best: the lowest, or with `score_better`
    "higher" the highest, among those of one `score_of`.
    config: text of config.toml. Raises CheckpointError when the disk refuses.
    """
    from safetensors import SafetensorError

    final = Checkpoint(path=checkpoints.path_of(folder, step), step=step)
    partial = files.beside(final.path)
    try:
        files.check_inside(folder, folder.parent)
        folder.mkdir(exist_ok=True)  # without its parents: a run that was removed is not made anew
        if final.path.exists():
            with contextlib.suppress(CheckpointError):
                final.verify()
                return final
            files.remove_tree(final.path)  # damaged; what is written now replaces it
        files.remove_tree(partial)
        partial.mkdir()
        _save_tensors(contents.model, partial / checkpoints.MODEL)
        if contents.average is not None:
            averages = contents.average.items()
            _save_tensors(
                {f"{name}/{key}": tensor for name, tensors in averages for key, tensor in tensors.items()},
                partial / checkpoints.AVERAGE,
            )
        _save_states(contents.optimizers, partial / checkpoints.OPTIMIZERS)
        (partial / checkpoints.STATE).write_text(json.dumps({"step": step, **state}, indent=1), encoding="utf-8")
        (partial / checkpoints.CONFIG).write_text(config, encoding="utf-8")
        hashes = {item.name: files.sha256(item) for item in sorted(partial.iterdir())}
        (partial / checkpoints.MANIFEST).write_text(json.dumps({"sha256": hashes}, indent=1), encoding="utf-8")
        for item in partial.iterdir():
            files.sync(item)
        files.sync(partial)
        partial.rename(final.path)
        files.sync(folder)
    except (OSError, SafetensorError, RuntimeError) as error:
        files.remove_tree(partial)
        earlier = any(item.step != step for item in checkpoints.listed(folder))
        way = "Earlier checkpoints are intact. Free some room and go on with --resume."
        raise CheckpointError(
            f"The checkpoint of step {step} could not be written to {folder}: {one_line(error)}",
            hint=way if earlier else "There is no earlier one: what was learnt is lost. Free some room and begin anew.",
        ) from error
    checkpoints.keep_newest(folder, keep, written=final)
    return final


def _load(checkpoint: Checkpoint, name: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = checkpoint.path / name
    try:
        files.size_of(checkpoint.file(name))
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {one_line(error)}") from None


def _save_states(states: Mapping[str, Any], path: Path) -> None:
    import torch

    torch.save(dict(states), path)


def _save_tensors(state: Mapping[str, Any], path: Path) -> None:
    """A flat state dict as safetensors. Raises CheckpointError for what is no tensor, and what safetensors raises."""
    from safetensors.torch import save_file
    from torch import Tensor

    tensors = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{name!r} in the state dict is a {type(value).__name__}; expected tensors alone")
        # A copy of its own: safetensors refuses tensors that share memory, as tied weights do.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    save_file(tensors, path)
    path.chmod(mode)  # safetensors makes files that nobody else may read, whatever the umask is


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
    own, live = architecture.state_dict(), architecture.state_dict(keep_vars=True)
    modules = [graph.module for graph in architecture.graphs()]
    painting = {id(tensor) for module in modules for tensor in module.state_dict(keep_vars=True).values()}
    shown = [name for name, tensor in live.items() if id(tensor) in painting]
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
