"""Reading checkpoints that other people's code wrote, without running anything that is in them.

An architecture's importer (`ArchitectureSpec.importer`) takes the files and returns `ForeignWeights`; it reads a
torch file or a safetensors file with `load_tensors`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.architecture.torch_files import check_claims, load_torch
from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo.files import size_of
from ganzoo.tensors import DataInfo

if TYPE_CHECKING:
    from torch import Tensor

_FORBIDDEN_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "generator")
_BESIDE = ("params_ema", "params")  # of BasicSR: what was averaged, and what learnt


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignWeights:
    """What an importer found.

    settings: of the [architecture] table, as the tensors imply them. data: what the pictures are like.
    state: tensors by the names of the architecture's own state dict; what is left out begins anew.
    average: state dicts of averaged submodules by name, if the files have them.
    notes: lines for the user, of what was passed over or assumed.
    """

    settings: Mapping[str, Any]
    data: DataInfo
    state: Mapping[str, Tensor]
    average: Mapping[str, Mapping[str, Tensor]] | None = None
    notes: Sequence[str] = field(default_factory=tuple)


Importer = Callable[[Sequence[Path]], ForeignWeights]
"""Raises CheckpointError for a file it cannot read, ForeignFamilyError if it knows what the file is of instead,
RequestError for files that do not belong together."""


class ForeignFamilyError(CheckpointError):
    """A file that is of another family of networks than the importer reads, for example "StyleGAN3".

    Who runs the importer adds which installed architecture reads that family (`ArchitectureSpec.families`).
    """

    def __init__(self, path: Path, family: str) -> None:
        super().__init__(f"{path} holds networks of the family {family}.")
        self.path, self.family = path, family


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict by name: floats as float32, on the CPU, without a DataParallel prefix.

    Of a file of several, those that were averaged. Reading is as of `load_states`, whose errors it raises.
    """
    states = load_states(path)
    return next((states[name] for name in _BESIDE if name in states), next(iter(states.values())))


def load_states(path: Path) -> dict[str, dict[str, Tensor]]:
    """The state dicts of a file: `params` and `params_ema` where it has these, or else one by the name "".

    Reads .safetensors, and whatever torch saved, with `weights_only`: a pickle that wants more than tensors and plain
    containers is refused and nothing of it is run. What a file claims is counted before it is believed
    (`ganzoo.architecture.torch_files`). Raises CheckpointError that says why, RequestError for no file.
    """
    if not path.exists():
        raise RequestError(f"{path} is not there.", hint="Name the file that holds the weights.")
    try:
        size = size_of(path)
    except OSError as error:
        raise RequestError(f"{error}.", hint="Name the file that holds the weights.") from None
    whole = _load_safetensors(path) if path.suffix == ".safetensors" else _load_torch(path)
    several = {name: whole[name] for name in _BESIDE if isinstance(whole, Mapping) and name in whole}
    return {name: _tensors_of(value, path, size) for name, value in (several or {"": whole}).items()}


def _tensors_of(value: Any, path: Path, size: int) -> dict[str, Tensor]:
    found = _unwrapped(value, path)
    tensors = {str(name): _checked(name, value, path) for name, value in found.items()}
    try:
        check_claims(tensors, size)
    except ValueError as error:
        raise CheckpointError(f"{path} is refused: {error}.") from None
    tensors = {name: _plain(name, value, path) for name, value in tensors.items()}
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _load_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {one_line(error)}") from None


def _load_torch(path: Path) -> Any:
    try:
        return load_torch(path)
    except pickle.UnpicklingError as error:
        wanted = list(dict.fromkeys(_FORBIDDEN_GLOBAL.findall(str(error))))
        if wanted:
            raise CheckpointError(
                f"{path} is refused: unpickling it would call {', '.join(wanted)}, which is code and not a tensor. "
                "Nothing was run.",
                hint="Save the weights alone where the network still runs: torch.save(net.state_dict(), 'weights.pth')",
            ) from None
        raise CheckpointError(f"{path} is refused: {one_line(error, limit=160)}") from None
    except Exception as error:  # a damaged zip file or pickle raises anything
        what = str(error) if type(error) is ValueError else one_line(error, limit=160)
        raise CheckpointError(f"{path} is refused: it is not a file that torch saved, or damaged: {what}.") from None


def _unwrapped(value: Any, path: Path) -> Mapping[Any, Any]:
    for _ in _WRAPPERS:
        inner = next((value[key] for key in _WRAPPERS if isinstance(value, Mapping) and key in value), None)
        if not isinstance(inner, Mapping):
            break
        value = inner
    if not isinstance(value, Mapping) or not value:
        raise CheckpointError(
            f"{path} holds {'nothing' if isinstance(value, Mapping) else f'a {type(value).__name__}'}; "
            "expected a state dict, tensors by name."
        )
    return value


def _checked(name: Any, value: Any, path: Path) -> Tensor:
    import torch

    if not isinstance(value, torch.Tensor):
        raise CheckpointError(f"{path}: {name!r} is a {type(value).__name__}; expected a tensor")
    if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.device.type != "cpu":
        raise CheckpointError(
            f"{path}: {name!r} is a {value.layout} tensor of {value.dtype} on {value.device}; expected plain numbers"
        )
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        # Strides of zero make a few bytes in a file look like terabytes.
        raise CheckpointError(f"{path}: {name!r} claims {value.numel():,} numbers and the file does not hold them")
    return value.detach()


def _plain(name: str, value: Tensor, path: Path) -> Tensor:
    import torch

    if not value.is_floating_point():
        return value.clone()
    plain = value.to(torch.float32, copy=True).contiguous()
    if not torch.isfinite(plain).all():
        raise CheckpointError(f"{path}: {name!r} has values that are not finite")
    return plain
