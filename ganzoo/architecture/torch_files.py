"""Files that torch saved, read with `weights_only` after what they claim was counted.

torch writes an archive whose entries are stored one behind the other; or, before version 1.6, pickles followed by the
bytes of the tensors. An archive that is compressed, whose entries overlap, or that two readers would read differently
is refused: torch and Python find the entries each in its own way.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ganzoo.files import open_regular
from ganzoo.pickles import check_pickle

if TYPE_CHECKING:
    import torch

_ARCHIVE, _PICKLE = b"PK\x03\x04", b"\x80"
_LEGACY_PICKLES = 5  # a magic number, a version, the machine, the object, the names of its storages
_END = 22  # bytes of the record at the end of an archive
_LOCAL = struct.Struct("<4s2xHH16xHH")  # of an entry: signature, flags, method, lengths of name and extra field
_MOST_ENTRIES = 500_000
_MAKERS = frozenset({"builtins bytearray", "__builtin__ bytearray", "_codecs encode"})
"""What torch would call with any number or text: five billion zeros, or a codec that is quadratic."""

_MOST_TIMES = 4  # how often the tensors may claim the bytes of their file: tied weights are two views of one
_ROOM = 2**20


def load_torch(source: Path | bytes, *, device: torch.device | str = "cpu") -> Any:
    """What a torch file holds, on `device`: tensors and plain containers.

    Raises OSError for what is no regular file, ValueError for one that is refused, pickle.UnpicklingError for one that
    wants more than tensors, and whatever torch makes of a damaged one.
    """
    import torch

    with open_regular(source) if isinstance(source, Path) else io.BytesIO(source) as file:
        size = file.seek(0, io.SEEK_END)
        _check(file, size)
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on protocols and layouts; what matters is checked
            value = torch.load(file, map_location=device, weights_only=True)
    check_claims(value, size)
    return value


def check_claims(value: Any, size: int) -> None:
    """Raises ValueError where the tensors of a value claim far more than the `size` bytes of their file.

    Many views of one storage, and strides of zero, make a few bytes look like terabytes as soon as they are copied.
    """
    import torch

    claimed, waiting, met = 0, [value], set[int]()
    storages: dict[int, int] = {}
    while waiting:
        item = waiting.pop()
        if id(item) in met:
            continue
        met.add(id(item))
        if isinstance(item, torch.Tensor):
            claimed += item.numel() * item.element_size()
            if item.layout == torch.strided and item.device.type != "meta":
                storage = item.untyped_storage()
                storages[storage.data_ptr()] = storage.nbytes()
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
    if claimed > _MOST_TIMES * size + _ROOM or sum(storages.values()) > size + _ROOM:
        raise ValueError(f"its tensors claim {max(claimed, sum(storages.values())):,} bytes, and it has {size:,}")


def _check(file: BinaryIO, size: int) -> None:
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head == _ARCHIVE:
        _check_archive(file, size)
    elif head[:1] == _PICKLE:
        for _ in range(_LEGACY_PICKLES):
            check_pickle(file, without=_MAKERS)
    else:
        raise ValueError("it is neither of the two formats that torch writes")


def _check_archive(file: BinaryIO, size: int) -> None:
    file.seek(max(0, size - _END))
    end = file.read()
    if end[:4] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ValueError("its archive does not end where the file ends")
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
        if len(entries) > _MOST_ENTRIES or len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("its archive has entries of one name, or too many")
        ends = [entry.header_offset for entry in entries[1:]] + [archive.start_dir]
        for entry, until in zip(entries, ends, strict=True):
            _check_entry(file, entry, until)
        if entries and entries[0].header_offset != 0:
            raise ValueError("its archive has something before its first entry")
        for entry in entries:
            if entry.filename.endswith(".pkl"):
                check_pickle(io.BytesIO(archive.read(entry)), without=_MAKERS)


def _check_entry(file: BinaryIO, entry: zipfile.ZipInfo, until: int) -> None:
    """until: where the next entry begins."""
    file.seek(entry.header_offset)
    try:
        signature, flags, method, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    except struct.error:
        raise ValueError("its archive has an entry that is not there") from None
    if method != zipfile.ZIP_STORED or entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise ValueError("it is a compressed archive, and torch writes none")
    stated = file.read(name).decode("utf-8" if flags & 0x800 else "cp437")
    first = entry.header_offset + _LOCAL.size + name + extra
    if signature != _ARCHIVE or stated != entry.orig_filename or entry.file_size != entry.compress_size:
        raise ValueError(f"its archive contradicts itself about {entry.filename!r}")
    if first + entry.file_size > until:
        raise ValueError(f"its archive has entries that overlap: {entry.filename!r} claims {entry.file_size:,} bytes")
