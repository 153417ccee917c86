"""Reading the research pickles of StyleGAN2-ADA and StyleGAN3 without running anything in them.

Such a pickle holds, for each network, the source text of its class, its name, and the `__dict__` of the module. It is
counted, then opened by an unpickler that makes plain data alone (`unpickler.py`). The source text is never looked at.
"""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.architecture.torch_files import check_claims
from ganzoo.errors import CheckpointError, one_line, short
from ganzoo.files import open_regular
from ganzoo.pickles import check_pickle
from ganzoo_stylegan.unpickler import Refused, Shell, Unpickler

_MOST_MODULES = 20_000
_OTHERS = {
    b"PK": "an archive, as torch saves tensors",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89PNG": "a picture",
    b"\x89HDF": "an HDF5 file",
    b"\x08": "an ONNX file, perhaps",
    b"\x80\x02\x8a\nl\xfc\x9c": "a file of an old torch",
}
"""What is given in place of a pickle, by how it begins."""
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


def read_networks(path: Path) -> dict[str, Network]:
    """The networks of a pickle by the names it gives them: `G`, `D`, `G_ema`.

    Raises CheckpointError for a file that is damaged, wants more than tensors and plain containers, or has no networks.
    """
    try:
        with open_regular(path) as file:
            head = file.read(8)
        for beginning, what in _OTHERS.items():
            if head.startswith(beginning):
                raise Refused(f"it is {what}; expected a pickle of networks, such as network.pkl")
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            check_pickle(whole)  # type: ignore[arg-type]  # it reads like a file, and no more than there is
            whole.seek(0)
            content = Unpickler(whole, len(whole)).load()
    except Refused as error:
        raise CheckpointError(f"{path} is refused: {error}. Nothing was run.") from None
    except Exception as error:  # a damaged pickle raises anything
        raise CheckpointError(f"{path} is no pickle of networks, or is damaged: {one_line(error, limit=160)}") from None
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds a {type(content).__name__}; expected a dictionary with G, D and G_ema.")
    shells = {str(name): shell for name, shell in content.items() if isinstance(shell, Shell)}
    collector = _Collector(path)
    found = {name: collector.tensors(shell) for name, shell in shells.items()}
    try:
        check_claims(list(found.values()), path.stat().st_size)
    except ValueError as error:
        raise CheckpointError(f"{path} is refused: {error}.") from None
    networks = {name: _network(shell, found[name], path) for name, shell in shells.items()}
    if not networks:
        raise CheckpointError(
            f"{path} has no networks: {', '.join(map(repr, list(content)[:5])) or 'it is empty'}.",
            hint="A pickle for legacy TensorFlow has to be converted by the authors' own tool first.",
        )
    return networks


def _network(shell: Shell, state: Mapping[str, Tensor], path: Path) -> Network:
    arguments = shell.state.get("_init_kwargs", {})
    positional = shell.state.get("_init_args", ())
    names = _LEADING.get(shell.class_name, ())
    known = isinstance(positional, tuple | list) and len(positional) <= len(names)
    if not isinstance(arguments, Mapping) or not known or set(names[: len(positional)]) & set(arguments):
        raise CheckpointError(
            f"{path}: {shell.class_name} was made with arguments that have no names: {short(positional)}.",
            hint=f"Known by their place are {', '.join(names)}." if names else "",
        )
    plain = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    named = {**dict(zip(names, positional, strict=False)), **arguments}
    return Network(shell.class_name, named, plain, dict(_attributes(shell, "")))


def _attributes(shell: Shell, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
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
        if isinstance(inner, Shell):
            yield from _attributes(inner, f"{prefix}.{name}" if prefix else name)


class _Collector:
    """The tensors of modules by dotted name. One that is inside itself, or met again and again, has no end."""

    def __init__(self, path: Path) -> None:
        self._path, self._met = path, 0

    def tensors(self, shell: Shell) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        self._collect(shell, "", found, 0)
        return found

    def _collect(self, shell: Shell, prefix: str, found: dict[str, Tensor], depth: int) -> None:
        self._met += 1
        if depth > 20 or self._met > _MOST_MODULES:
            raise CheckpointError(f"{self._path}: modules are nested too deep, or without an end, at {prefix[:100]}")
        for table in ("_parameters", "_buffers"):
            for name, tensor in _items(shell, table):
                if isinstance(tensor, Tensor):
                    found[f"{prefix}{name}"] = tensor
                elif tensor is not None:
                    kind = type(tensor).__name__
                    raise CheckpointError(f"{self._path}: {prefix}{name} is a {kind}; expected a tensor")
        for name, inner in _items(shell, "_modules"):
            if isinstance(inner, Shell):
                self._collect(inner, f"{prefix}{name}.", found, depth + 1)
            elif inner is not None:
                raise CheckpointError(f"{self._path}: {prefix}{name} is a {type(inner).__name__}; expected a network")


def _items(shell: Shell, table: str) -> list[tuple[str, Any]]:
    content = shell.state.get(table, {})
    return [(str(name), value) for name, value in content.items()] if isinstance(content, Mapping) else []
