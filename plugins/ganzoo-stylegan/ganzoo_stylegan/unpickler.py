"""An unpickler that knows a short list of names, and runs nothing that is in a pickle.

Each name stands for a function of ours that makes plain data, and a name that is not on the list stops it before
anything is called. What is made of a pickle cannot be many times as large as the pickle.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sized
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.architecture.torch_files import load_torch
from ganzoo.errors import one_line

_MOST_TIMES = 4
_PLAIN_KINDS = "biufc"  # of numpy data: no objects


class Refused(pickle.UnpicklingError):
    """What the pickle asked for, and does not get."""


class Shell:
    """A module that was not rebuilt: its class's name and its `__dict__`."""

    def __init__(self, meta: Any) -> None:
        if not isinstance(meta, Mapping) or not isinstance(meta.get("state"), Mapping):
            raise Refused("a network in it has no state")
        self.class_name = str(meta.get("class_name", ""))
        self.state: Mapping[str, Any] = meta["state"]

    def __setstate__(self, state: Any) -> None:
        raise Refused("it changes a network after it was made")


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


class _Ordered(OrderedDict[Any, Any], metaclass=_Sealed):
    """Stands for collections.OrderedDict, filled item by item; attributes that it was given are left out."""

    def __init__(self) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None: ...


class _Dictionary(dict[str, Any], metaclass=_Sealed):
    """Stands for dnnlib.util.EasyDict, whose attributes are its items."""

    def __init__(self) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.update(state)


def _storage(content: Any) -> Any:
    """A storage is a torch file inside the pickle; it is opened as strictly."""
    if not isinstance(content, bytes):
        raise Refused("a tensor in it is no bytes")
    try:
        storage = load_torch(content)
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
    # A view: however many tensors name one storage, it is in memory once.
    return plain.set_(storage._untyped_storage, offset, tuple(size), tuple(stride))


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
        self.values = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if fortran else "C")


_ADMITTED: Mapping[tuple[str, str], Any] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _Maker(Shell),
    ("collections", "OrderedDict"): _Ordered,
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
_COPYING = frozenset(
    _ADMITTED[key]
    for key in (
        ("torch.storage", "_load_from_bytes"),
        ("_codecs", "encode"),
        ("builtins", "set"),
        ("builtins", "frozenset"),
    )
)


class Unpickler(pickle.Unpickler):
    """Finds only what is admitted. size: bytes of the pickle, which what is made of it cannot exceed many times."""

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file)
        self._room = _MOST_TIMES * size + 2**20

    def find_class(self, module: str, name: str) -> Any:
        found = _ADMITTED.get((module, name))
        if found is None:
            raise Refused(f"it asks for {module}.{name}, which is not a tensor, a container or a known network")
        return _Maker(partial(self._within_room, found)) if found in _COPYING else found

    def persistent_load(self, pid: Any) -> Any:
        raise Refused("it refers to something outside itself")

    def _within_room(self, make: Any, content: Any = (), *rest: Any) -> Any:
        """What copies its argument may be asked for one argument a million times."""
        self._room -= len(content) if isinstance(content, Sized) else 0
        if self._room < 0:
            raise Refused("it makes far more of its bytes than there are")
        return make(content, *rest)
