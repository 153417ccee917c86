"""PNG files written row by row, of 8 or 16 bits, with or without transparency.

Pillow holds a picture as a whole, at four bytes a pixel, and writes no colours of 16 bits; the picture that a
photograph is enlarged to need not fit in memory. What is written here is PNG (ISO/IEC 15948): a header, the filtered
rows deflated, an end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ganzoo.files import written_beside

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # grey, grey with alpha, colours, colours with alpha
_UP = 2  # a row as differences to the one above, which suits pictures and is quick
_LEVEL = 4
_CHUNK = 2**20
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_png(path: Path, bands: Iterable[NDArray[Any]], *, height: int, width: int) -> None:
    """bands: rows from top to bottom, (h, W, C) uint8 or uint16 each, all of one type; C 1 to 4, the last of 2 or 4
    the transparency.

    Raises OSError, ValueError for bands that are no picture of that size.
    """
    packer, held, above, rows = zlib.compressobj(_LEVEL), bytearray(), None, 0
    with written_beside(path) as partial, partial.open("wb") as file:
        file.write(_SIGNATURE)
        for band in bands:
            if above is None:
                bits, kind = 8 * band.dtype.itemsize, _COLOUR_TYPES[band.shape[2]]
                _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
                _chunk(file, b"tEXt", b"Software\0ganzoo")
                above = np.zeros((1, width * band.shape[2] * band.dtype.itemsize), dtype=np.uint8)
            lines, above = _filtered(band, above)
            rows += len(band)
            held += packer.compress(lines.tobytes())
            while len(held) >= _CHUNK:
                _chunk(file, b"IDAT", bytes(held[:_CHUNK]))
                del held[:_CHUNK]
        if rows != height:
            raise ValueError(f"{rows} rows for a picture of {height}")
        held += packer.flush()
        _chunk(file, b"IDAT", bytes(held))
        _chunk(file, b"IEND", b"")


def _filtered(band: NDArray[Any], above: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The rows as a PNG has them, and the last of them as it was. above: the row before."""
    flat = np.ascontiguousarray(band.astype(band.dtype.newbyteorder(">"))).view(np.uint8).reshape(len(band), -1)
    lines = np.empty((len(flat), 1 + flat.shape[1]), dtype=np.uint8)
    lines[:, 0] = _UP
    lines[:, 1:] = flat - np.concatenate([above, flat[:-1]])
    return lines, flat[-1:].copy()


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
