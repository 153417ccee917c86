"""Named arrays and a few words about them in one .npz file; a stranger's is read within bounds."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import RequestError, one_line, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ABOUT = "about.json"
FORMAT = 1
_MOST_BYTES = 2**30
_SMALL, _MOST_TIMES = 2**24, 100  # a member of more bytes may be so many times as large as it is packed
_MOST_WORDS = 2**24
_MAKERS = {"latents": "`ganzoo project -o`", "directions": "`ganzoo directions -o`"}


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write a file that numpy can read too. about: JSON values; `kind` says what the file is.

    Raises RequestError when it cannot be written, or something else is there.
    """
    import numpy as np

    check_arrays_place(path, str(about["kind"]))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.save(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue())
        archive.writestr(zipfile.ZipInfo(_ABOUT), json.dumps(about))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, content.getvalue())
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be written: {one_line(error)}") from None


def check_arrays_place(path: Path, kind: str) -> None:
    """Raises RequestError for a file that is there and is of another kind."""
    if path.exists() and (not path.is_file() or path.stat().st_size):
        read_arrays(path, kind, replaced=True)


def read_arrays(path: Path, kind: str, *, replaced: bool = False) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and what is said about them. replaced: the file is about to be written over.

    Raises RequestError for a file that is not there, is damaged, or is of another kind.
    """
    try:
        with files.open_regular(path) as file, zipfile.ZipFile(file) as archive:
            items = archive.infolist()
            if any(item.file_size > max(_SMALL, _MOST_TIMES * item.compress_size) for item in items) or (
                sum(item.file_size for item in items) > _MOST_BYTES
            ):
                raise ValueError("it claims more than it can hold")
            if _ABOUT not in archive.namelist():
                raise ValueError(f"it has no {_ABOUT}: it was not made by ganzoo")
            about = files.as_object(files.parse_json(archive.read(_ABOUT)[:_MOST_WORDS].decode()))
            if about.get("kind") != kind:
                raise ValueError(f"it holds {short(about.get('kind'))}")
            if about.get("format") != FORMAT:
                raise ValueError(f"it is of the format {short(about.get('format'))}; this ganzoo reads {FORMAT}")
            return {
                item.filename.removesuffix(".npy"): _array(archive.read(item))
                for item in items
                if item.filename.endswith(".npy")
            }, about
    except FileNotFoundError:
        raise RequestError(f"There is no file {path}.") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, NotImplementedError, RuntimeError,
            zipfile.BadZipFile, MemoryError) as error:  # fmt: skip
        if replaced:
            raise RequestError(
                f"{path} is there, and holds no {kind} of ganzoo's.", hint="Choose another -o."
            ) from None
        raise RequestError(
            f"{path} cannot be read as {kind}: {one_line(error)}",
            hint=f"{kind.capitalize()} are what {_MAKERS[kind]} makes.",
        ) from None


def _array(content: bytes) -> NDArray[Any]:
    """Raises ValueError for a header that does not fit what is behind it."""
    import numpy as np

    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if (
        not isinstance(dtype, np.dtype)
        or dtype.hasobject
        or math.prod(shape) * dtype.itemsize != len(content) - file.tell()
    ):
        raise ValueError(f"an array says that it is {dtype} of {list(shape)[:8]}, and has {len(content):,} bytes")
    array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return array
