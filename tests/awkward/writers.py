"""PNG, TIFF, EXIF and ICC profiles byte by byte: what Pillow would not write, and a truth that it had no part in."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""Colour types of PNG."""

_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    samples: NDArray[Any],
    kind: int,
    depth: int = 8,
    *,
    before: Sequence[bytes] = (),
    after: Sequence[bytes] = (),
    interlaced: bool = False,
) -> bytes:
    """samples: (H, W) or (H, W, C), as they are stored. before, after: chunks on either side of the pixels."""
    height, width = samples.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    parts = [samples[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [samples]
    rows = b"".join(b"\0" + row for part in parts if part.size for row in packed(part, depth))
    body = [chunk(b"IHDR", head), *before, chunk(b"IDAT", zlib.compress(rows)), *after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def packed(samples: NDArray[Any], depth: int) -> list[bytes]:
    """Rows of samples, the first in the highest bits, each filled up to whole bytes; big-endian."""
    flat = samples.reshape(samples.shape[0], -1).astype(np.uint32)
    bits = (flat[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_SIGNS = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "I", RATIONAL: "I", UNDEFINED: "B"}
Tags = dict[int, tuple[int, Sequence[int] | bytes]]

ORIENTATION = 274


def tiff(*directories: tuple[Tags, bytes], order: str = "<") -> bytes:
    """A classic TIFF of one strip for each directory, whose tags 273 and 279 are filled in; tags in the order given.

    A directory without a strip makes an EXIF block.
    """
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytearray(4)
    link = 4
    for tags, strip in directories:
        entries = dict(tags)
        if strip:
            entries[273], entries[279] = (LONG, [len(out)]), (LONG, [len(strip)])
            entries = dict(sorted(entries.items()))
            out += strip + b"\0" * (len(strip) % 2)
        struct.pack_into(f"{order}I", out, link, len(out))
        values = len(out) + 2 + 12 * len(entries) + 4
        table, behind = bytearray(struct.pack(f"{order}H", len(entries))), bytearray()
        for tag, (kind, numbers) in entries.items():
            data = b"".join(struct.pack(f"{order}{_SIGNS[kind]}", number) for number in numbers)
            count = len(numbers) // (2 if kind == RATIONAL else 1)
            table += struct.pack(f"{order}HHI", tag, kind, count)
            if len(data) > 4:
                table += struct.pack(f"{order}I", values + len(behind))
                behind += data + b"\0" * (len(data) % 2)
            else:
                table += data.ljust(4, b"\0")
        link = len(out) + len(table)
        out += table + bytes(4) + behind
    return bytes(out)


def tags_of(height: int, width: int, bits: Sequence[int], photometric: int, **more: Any) -> Tags:
    """Those that every TIFF has; not compressed."""
    return {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, bits),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [len(bits)]),
        278: (LONG, [height]),
    }


def exif(orientation: int, *, order: str = "<", kind: int = SHORT) -> bytes:
    """The block of EXIF alone, without the name that goes before it in a JPEG."""
    return tiff(({ORIENTATION: (kind, [orientation])}, b""), order=order)


def segment(marker: int, data: bytes) -> bytes:
    """Of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def exif_segment(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def into_jpeg(data: bytes, *segments: bytes, keep_jfif: bool = True) -> bytes:
    """With segments behind the first, which is JFIF's; keep_jfif: or in its place."""
    assert data[:4] == b"\xff\xd8\xff\xe0"
    end = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:2] + (data[2:end] if keep_jfif else b"") + b"".join(segments) + data[end:]


D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65 = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
WIDE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
"""Of Adobe RGB (1998)."""

WIDE_GAMMA = 563 / 256


def to_d50(primaries: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """3 x 3: linear RGB, whose white is D65, to XYZ of D50."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * np.linalg.solve(columns, _D65)
    adapt = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ D50) / (_BRADFORD @ _D65)) @ _BRADFORD
    return np.asarray(adapt @ matrix)


def srgb_of(xyz: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(..., 3) XYZ of D50 to sRGB."""
    linear = np.clip(xyz @ np.linalg.inv(to_d50(SRGB_PRIMARIES)).T, 0, 1)
    levels = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.floor(levels * 255 + 0.5), dtype=np.uint8)


def xyz_of_lab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    return np.asarray(np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * D50)


def lab_of_xyz(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    t = xyz / D50
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def _profile(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2.1."""
    text = b"made for a test\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67),
        b"cprt": b"text" + bytes(4) + text,
        b"wtpt": _xyz(D50),
        **tags,
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x02100000, kind, space, connection, b"", b"acsp")
    head = head.ljust(64, b"\0") + struct.pack(">I", 0) + _fixed(D50)
    return head.ljust(128, b"\0") + table + body


def _fixed(numbers: Sequence[float] | NDArray[Any]) -> bytes:
    return b"".join(struct.pack(">i", round(float(number) * 65536)) for number in numbers)


def _xyz(numbers: Sequence[float] | NDArray[Any]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(numbers)


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: Sequence[tuple[float, float]] = WIDE_PRIMARIES, gamma: float = WIDE_GAMMA) -> bytes:
    matrix = to_d50(primaries)
    tags = {name: _xyz(matrix[:, index]) for index, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags)


def grey_profile(gamma: float = 1.0) -> bytes:
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": _curve(gamma)})


def cmyk_profile() -> bytes:
    """Inks that are duller than Pillow's formula has them, as a table of 5 steps for each."""
    steps = 5
    inks = np.stack(np.meshgrid(*[np.linspace(0, 1, steps)] * 4, indexing="ij"), -1).reshape(-1, 4)
    absorbed = np.array([[0.85, 0.25, 0.1], [0.1, 0.8, 0.3], [0.02, 0.1, 0.8], [0.9, 0.9, 0.9]])
    linear = np.prod(1 - inks[:, :, None] * absorbed, 1)
    lab = lab_of_xyz(linear @ to_d50(SRGB_PRIMARIES).T)
    cells = np.clip(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], 1).round(), 0, 255)
    straight = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, steps, 0]) + _fixed(np.eye(3).reshape(-1))
    table += straight * 4 + cells.astype(np.uint8).tobytes() + straight * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": table})


def from_wide(picture: NDArray[Any], most: float = 255) -> NDArray[np.uint8]:
    """What `rgb_profile()` means, in sRGB."""
    linear = (picture.astype(np.float64) / most) ** WIDE_GAMMA
    return srgb_of(linear @ to_d50(WIDE_PRIMARIES).T)


def from_linear_grey(picture: NDArray[Any], most: float = 255) -> NDArray[np.uint8]:
    """What `grey_profile()` means, in sRGB."""
    return srgb_of((picture.astype(np.float64) / most)[:, :, None] * D50)[:, :, 0]
