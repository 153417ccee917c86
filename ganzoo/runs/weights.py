"""Where a run's tensors are: read from checkpoints, written to them, and put into a model that can paint.

The rest of this package does without torch, and so does importing this module.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import CheckpointError, one_line
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.checkpoint import Checkpoint

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
        save_tensors(contents.model, partial / checkpoints.MODEL)
        if contents.average is not None:
            averages = contents.average.items()
            save_tensors(
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


def snapshot_tensors(path: Path) -> dict[str, Tensor]:
    """On the CPU. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        files.size_of(path)
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {one_line(error)}") from None


def _save_states(states: Mapping[str, Any], path: Path) -> None:
    import torch

    torch.save(dict(states), path)


def save_tensors(state: Mapping[str, Any], path: Path, metadata: dict[str, str] | None = None) -> None:
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
    save_file(tensors, path, metadata)
    path.chmod(mode)  # safetensors makes files that nobody else may read, whatever the umask is
