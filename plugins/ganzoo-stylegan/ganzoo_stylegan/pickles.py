"""Reading the research pickles of StyleGAN2-ADA and StyleGAN3 without running anything in them.

Such a pickle holds, for each network, the source text of its class, its name, and the `__dict__` of the module. The
unpickler here knows a short list of names. Each stands for a function of ours that makes plain data, and a name that is
not on the list stops it before anything is called. The source text is never looked at.
"""

import io
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import CheckpointError, one_line

_PLAIN_KINDS = "biufc"  # of numpy data: no objects
_LEADING: Mapping[str, tuple[str, ...]] = {
    "Generator": ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels"),
    "Discriminator": ("c_dim", "img_resolution", "img_channels"),
}
"""Arguments that may be given by their place, by class."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is left of a pickled module. arguments: it was made with, by name. state: its tensors by dotted name.

    attributes: plain ones of each module inside it, by dotted name: numbers, texts, flags and None.
    """

    class_name: str
    arguments: Mapping[str, Any]
    state: Mapping[str, Tensor]
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Refused(pickle.UnpicklingError):
    """What the pickle asked for, and does not get."""


def read_networks(path: Path) -> dict[str, Network]:
    """The networks of a pickle by the names it gives them: `G`, `D`, `G_ema`.

    Raises CheckpointError for a file that is damaged, wants more than tensors and plain containers, or has no networks.
    """
    try:
        with path.open("rb") as file:
            content = _Unpickler(file).load()
    except Refused as error:
        raise CheckpointError(f"{path} is refused: {error}. Nothing was run.") from None
    except Exception as error:  # a damaged pickle raises anything
        raise CheckpointError(f"{path} is no pickle of networks, or is damaged: {one_line(error, limit=160)}") from None
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds a {type(content).__name__}; expected a dictionary with G, D and G_ema.")
    networks = {str(name): _network(shell, path) for name, shell in content.items() if isinstance(shell, _Shell)}
    if not networks:
        raise CheckpointError(
            f"{path} has no networks: {', '.join(map(repr, list(content)[:5])) or 'it is empty'}.",
            hint="A pickle for legacy TensorFlow has to be converted by the authors' own tool first.",
        )
    return networks


class _Shell:
    """A module that was not rebuilt: its class's name and its `__dict__`."""

    def __init__(self, meta: Any) -> None:
        if not isinstance(meta, Mapping) or not isinstance(meta.get("state"), Mapping):
            raise Refused("a network in it has no state")
        self.class_name = str(meta.get("class_name", ""))
        self.state: Mapping[str, Any] = meta["state"]


class _Sealed(type):
    """A class that a pickle may make instances of, and not change."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise Refused(f"it changes {cls.__name__}")


class _Maker:
    """A function that a pickle may call, and not change."""

    __slots__ = ("_make",)
    _make: Any

    def __init__(self, make: Any) -> None:
        object.__setattr__(self, "_make", make)

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise Refused("it changes one of the functions it may call")

    def __setstate__(self, state: Any) -> None:
        raise Refused("it changes one of the functions it may call")


class _Dictionary(dict[str, Any], metaclass=_Sealed):
    """Stands for dnnlib.util.EasyDict, whose attributes are its items."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.update(state)


def _storage(content: Any) -> Any:
    """A storage is a torch file inside the pickle; it is opened as strictly."""
    if not isinstance(content, bytes):
        raise Refused("a tensor in it is no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise Refused(f"a torch file inside it is not plain ({one_line(error, limit=120)})") from None
    if not isinstance(storage, torch.storage.TypedStorage):
        raise Refused(f"a torch file inside it holds a {type(storage).__name__}")
    return storage


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    if not isinstance(storage, torch.storage.TypedStorage):
        raise Refused("a tensor in it has no storage")
    numbers = [offset, *size, *stride]
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or len(size) != len(stride):
        raise Refused("a tensor in it has an impossible shape")
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    count = int(np.prod(size, dtype=object)) if size else 1
    held = storage._size()  # type: ignore[no-untyped-call]
    if count and (last >= held or count > held):
        raise Refused(f"a tensor in it claims {count:,} numbers of {held:,}")
    plain = torch.tensor([], dtype=storage.dtype)
    plain.set_(storage._untyped_storage, offset, tuple(size), tuple(stride))
    return plain.clone()


def _parameter(tensor: Any, *_: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise Refused("a parameter in it is no tensor")
    return tensor


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise Refused("text in it has an odd encoding")
    return text.encode(encoding)


class _DType:
    """A numpy type that is being read: plain numbers, or nothing."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        try:
            self.dtype = np.dtype(name) if isinstance(name, str) else None
        except TypeError:
            self.dtype = None
        if self.dtype is None or self.dtype.kind not in _PLAIN_KINDS:
            raise Refused(f"it has numpy data of the type {name!r}")

    def __setstate__(self, state: Any) -> None:
        assert self.dtype is not None
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.dtype = self.dtype.newbyteorder(">")


def _scalar(dtype: Any, content: Any = b"") -> Any:
    if not isinstance(dtype, _DType) or not isinstance(content, bytes) or dtype.dtype is None:
        raise Refused("it has an odd numpy number")
    if len(content) != dtype.dtype.itemsize:
        raise Refused("it has a numpy number of a wrong length")
    return np.frombuffer(content, dtype.dtype)[0].item()


class _Array:
    """A numpy array that is being read: filled by `__setstate__`, as numpy's own is."""

    def __init__(self, *_: Any) -> None:
        self.values: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _DType) or not isinstance(content, bytes) or dtype.dtype is None:
            raise Refused("it has an odd numpy array")
        self.values = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if fortran else "C").copy()


_ADMITTED: Mapping[tuple[str, str], Any] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _Maker(_Shell),
    ("collections", "OrderedDict"): OrderedDict,
    ("dnnlib.util", "EasyDict"): _Dictionary,
    ("torch._utils", "_rebuild_tensor_v2"): _Maker(_tensor),
    ("torch._utils", "_rebuild_parameter"): _Maker(_parameter),
    ("torch.storage", "_load_from_bytes"): _Maker(_storage),
    ("_codecs", "encode"): _Maker(_encoded),
    ("numpy", "dtype"): _Maker(_DType),
    ("numpy", "ndarray"): _Maker(_Array),
    **{(f"numpy.{core}.multiarray", "scalar"): _Maker(_scalar) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Maker(_Array) for core in ("core", "_core")},
    **{("builtins", name): kind for name, kind in {"set": set, "frozenset": frozenset, "slice": slice}.items()},
}


class _Unpickler(pickle.Unpickler):
    """Finds only what is admitted."""

    def find_class(self, module: str, name: str) -> Any:
        found = _ADMITTED.get((module, name))
        if found is None:
            raise Refused(f"it asks for {module}.{name}, which is not a tensor, a container or a known network")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise Refused("it refers to something outside itself")


def _network(shell: _Shell, path: Path) -> Network:
    arguments = shell.state.get("_init_kwargs", {})
    positional = shell.state.get("_init_args", ())
    names = _LEADING.get(shell.class_name, ())
    known = isinstance(positional, tuple | list) and len(positional) <= len(names)
    if not isinstance(arguments, Mapping) or not known or set(names[: len(positional)]) & set(arguments):
        raise CheckpointError(
            f"{path}: {shell.class_name} was made with arguments that have no names: {positional!r}.",
            hint=f"Known by their place are {', '.join(names)}." if names else "",
        )
    state: dict[str, Tensor] = {}
    _collect(shell, "", state, path, 0)
    named = {**dict(zip(names, positional, strict=False)), **arguments}
    return Network(shell.class_name, named, state, dict(_attributes(shell, "")))


def _attributes(shell: _Shell, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    plain = (bool, int, float, str, type(None))
    yield (
        prefix,
        {
            str(name): value
            for name, value in shell.state.items()
            if isinstance(value, plain) and not str(name).startswith("_")
        },
    )
    for name, inner in _items(shell, "_modules"):
        if isinstance(inner, _Shell):
            yield from _attributes(inner, f"{prefix}.{name}" if prefix else name)


def _collect(shell: _Shell, prefix: str, found: dict[str, Tensor], path: Path, depth: int) -> None:
    if depth > 20:  # a module inside itself
        raise CheckpointError(f"{path}: modules are nested too deep at {prefix}")
    for table in ("_parameters", "_buffers"):
        for name, tensor in _items(shell, table):
            if isinstance(tensor, Tensor):
                found[f"{prefix}{name}"] = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
            elif tensor is not None:
                raise CheckpointError(f"{path}: {prefix}{name} is a {type(tensor).__name__}; expected a tensor")
    for name, inner in _items(shell, "_modules"):
        if isinstance(inner, _Shell):
            _collect(inner, f"{prefix}{name}.", found, path, depth + 1)
        elif inner is not None:
            raise CheckpointError(f"{path}: {prefix}{name} is a {type(inner).__name__}; expected a network")


def _items(shell: _Shell, table: str) -> list[tuple[str, Any]]:
    content = shell.state.get(table, {})
    return [(str(name), value) for name, value in content.items()] if isinstance(content, Mapping) else []
