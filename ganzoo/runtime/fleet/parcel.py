"""The files that a sweep reads, sent by content: a file that many tasks want travels once to each node."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ganzoo import files
from ganzoo.errors import BenchError, RequestError
from ganzoo.files import remove_tree
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.request import Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What goes where on a node. request: with paths inside the parcel. places: relative path -> SHA-256 of content.

    name: of the folder on a node, one for each call: who ends first takes away nothing that another one reads.
    """

    request: Request
    places: Mapping[str, str]
    name: str = field(default_factory=lambda: secrets.token_hex(8))


def pack(request: Request) -> tuple[Parcel, dict[str, Path]]:
    """The parcel, and where the content of each hash is here. Raises RequestError, ExportError."""
    places: dict[str, str] = {}
    contents: dict[str, Path] = {}

    def add(source: Path, place: PurePosixPath) -> Path:
        try:
            digest = files.sha256(source)
        except OSError as error:
            raise RequestError(f"{source} cannot be read: {error.strerror or error}.") from None
        places[str(place)] = digest
        contents[digest] = source
        return Path(place)

    models = []
    for number, path in enumerate(request.models):
        folder = PurePosixPath("models", str(number))
        outside = list(_weights(path))
        models.append(add(path, folder / path.name))
        for weights in outside:
            add(weights, folder / weights.relative_to(path.parent).as_posix())
    inputs = request.inputs
    read = {name: add(path, PurePosixPath("inputs", str(number), path.name))
            for number, (name, path) in enumerate(inputs.files.items())}  # fmt: skip
    data = None
    if inputs.data is not None:
        for one in sorted(inputs.data.rglob("*.pb")):
            add(one, PurePosixPath("data", one.relative_to(inputs.data).as_posix()))
        data = Path("data")
    libraries = tuple(
        add(path, PurePosixPath("libraries", str(number), path.name)) for number, path in enumerate(request.libraries)
    )
    moved = replace(request, models=models, libraries=libraries, inputs=replace(inputs, files=read, data=data))
    return Parcel(request=moved, places=places), contents


def _weights(model: Path) -> Iterator[Path]:
    """External ones. Raises ExportError for a file that is none, RequestError for weights outside its folder."""
    for path in OnnxFile(model).external_files:
        if not path.resolve().is_relative_to(model.parent.resolve()):
            raise RequestError(f"{model.name} has weights outside its folder, which cannot be sent: {path}.")
        yield path


def cache_folder() -> Path:
    """Where parcels lie on a node, of this user alone."""
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir(), f"ganzoo-fleet-{owner}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise BenchError(f"{folder} belongs to somebody else.")
    return folder


def unpack(parcel: Parcel, contents: Sequence[bytes]) -> Request:
    """The request with its files on this machine. contents: of each hash in the order of `hashes_of`. What is there
    with the right hash stays; what another task writes at the same moment is the same."""
    root = cache_folder() / parcel.name
    by_hash = dict(zip(hashes_of(parcel), contents, strict=True))
    for place, digest in parcel.places.items():
        path = root / place
        if not path.is_relative_to(root) or ".." in Path(place).parts:
            raise BenchError(f"The parcel has a file outside itself: {place}.")
        if path.is_file() and files.sha256(path) == digest:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, by_hash[digest])
        if files.sha256(path) != digest:
            raise BenchError(f"{path.name} came with another content than it was sent with.")
    request, inputs = parcel.request, parcel.request.inputs
    return replace(
        request,
        models=[root / path for path in request.models],
        libraries=tuple(root / path for path in request.libraries),
        inputs=replace(
            inputs,
            files={name: root / path for name, path in inputs.files.items()},
            data=None if inputs.data is None else root / inputs.data,
        ),
    )


def hashes_of(parcel: Parcel) -> list[str]:
    """Of the different contents, in a fixed order."""
    return sorted(set(parcel.places.values()))


def tidy(name: str) -> None:
    """Take a parcel away from this machine."""
    remove_tree(cache_folder() / name)
