"""Samples in a result: every one of them, compactly."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 100_000_000


def encode(samples: NDArray[np.int64]) -> str:
    """Nanoseconds as base64 of zlib of little-endian int64."""
    return base64.b64encode(zlib.compress(samples.astype("<i8").tobytes(), 6)).decode()


def decode(text: Any, most: int = MOST) -> NDArray[np.int64]:
    """Raises ValueError for what `encode` has not made, and for more samples than so many."""
    try:
        packed = base64.b64decode(str(text), validate=True)
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, 8 * most + 1)
    except zlib.error as error:
        raise ValueError(f"samples are damaged: {error}") from None
    if len(content) > 8 * most or len(content) % 8 or not unpacker.eof:
        raise ValueError("samples are damaged, or too many")
    return np.frombuffer(content, dtype="<i8").astype(np.int64)
