"""What kind of picture a file is, by its first bytes, and who decodes it. Suffixes only say where to look."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI",
    "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""What Pillow decodes for us. It knows others, among them PostScript, which it hands to an interpreter, and icons,
which hold pictures of a size that nobody has stated and are decoded when they are opened."""

HEAD_BYTES = 64
"""How much of a file `kind_of` wants to see."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that Pillow alone does not decode. module: which does. extra: of ganzoo, that brings it."""

    name: str
    module: str
    extra: str
    note: str = ""

    @property
    def is_here(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def missing(self) -> str:
        """What to say where it is not."""
        return f"it is {self.name}, which wants {self.module}: pip install 'ganzoo[{self.extra}]'{self.note}"


HEIC = Kind("HEIC", "pillow_heif", "heic", " (its wheel is under the GPL)")
JXL = Kind("JPEG XL", "pylibjxl", "jxl")
RAW = Kind("camera RAW", "rawpy", "raw")
DEEP = Kind("a picture of deep colours", "imagecodecs", "deep")

_RAW_SUFFIXES = frozenset(
    [
        ".3fr",
        ".arw",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".iiq",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    ]
)
_OTHER_SUFFIXES = frozenset({".heic", ".heif", ".hif", ".avif", ".avifs", ".jxl"}) | _RAW_SUFFIXES
_NO_PICTURES = frozenset(
    [
        ".txt",
        ".json",
        ".jsonl",
        ".csv",
        ".tsv",
        ".xml",
        ".md",
        ".html",
        ".htm",
        ".py",
        ".npy",
        ".npz",
        ".pt",
        ".pth",
        ".onnx",
        ".toml",
        ".yaml",
        ".yml",
        ".log",
        ".cls",
        ".caption",
        ".pdf",
        ".svg",
        ".eps",
        ".ps",
        ".ai",
        ".ico",
        ".cur",
        ".icns",
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".mp3",
        ".wav",
        ".zip",
        ".tar",
        ".gz",
        ".tgz",
        ".7z",
        ".rar",
        ".doc",
        ".docx",
        ".exe",
        ".db",
        ".ini",
        ".lnk",
        ".mat",
        ".pkl",
        ".lmdb",
        ".mdb",
        ".parquet",
        ".arrow",
        ".bin",
        ".sqlite",
        ".wmf",
        ".emf",
        ".ttf",
        ".otf",
        ".js",
        ".css",
        ".sh",
        ".bat",
    ]
)
"""Files of these suffixes are not looked into."""

_BRANDS = {b"heic": HEIC, b"heix": HEIC, b"hevc": HEIC, b"hevx": HEIC, b"heim": HEIC, b"heis": HEIC, b"mif1": HEIC,
           b"msf1": HEIC, b"heif": HEIC, b"crx ": RAW}  # fmt: skip
_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"8BPS", b"qoif", b"DDS ", b"\x01\xda", b"P1", b"P2", b"P3", b"P4", b"P5",
    b"P6", b"P7", b"Pf", b"PF", b"\xff\x0a", b"\0\0\0\x0cJXL ",
)  # fmt: skip


_LOADING = threading.Lock()


def formats_here() -> tuple[str, ...]:
    """Of `FORMATS`, what can be decoded here."""
    with _LOADING:  # Pillow's tables of plugins grow while they are loaded
        return _formats_here()


@functools.cache
def _formats_here() -> tuple[str, ...]:
    Image.init()
    if HEIC.is_here:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@functools.cache
def suffixes() -> frozenset[str]:
    """Of picture files, in lower case with their dot; of those too that want a library which is not here."""
    here = formats_here()
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in here}
    return frozenset(known) | _OTHER_SUFFIXES


@functools.cache
def versions() -> dict[str, str]:
    """Of the libraries that decode besides Pillow, those that are here."""
    found = {}
    for distribution in ("pillow-heif", "pylibjxl", "rawpy", "imagecodecs", "tifffile"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[distribution] = importlib.metadata.version(distribution)
    return found


def by_suffix(name: str) -> str:
    """The suffix of a file, where it decides who decodes it; "" elsewhere."""
    suffix = suffix_of(name)
    return suffix if suffix in _RAW_SUFFIXES else ""


def suffix_of(name: str) -> str:
    stem, _, end = name.rpartition("/")[2].rpartition(".")
    return f".{end.lower()}" if stem and end else ""


def may_be_picture(name: str, head: Callable[[], bytes]) -> bool:
    """By suffix; where that says nothing, by the first bytes, which `head` reads."""
    suffix = suffix_of(name)
    if suffix in suffixes():
        return True
    return suffix not in _NO_PICTURES and looks_like_picture(head())


def looks_like_picture(head: bytes) -> bool:
    """Whether a file without a suffix that is known begins as pictures do."""
    if head[:2] in (b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"Pf", b"PF", b"\x01\xda"):
        # Two letters are soon met by chance.
        return (
            head[2:3].isspace()
            or (head[:2] == b"BM" and head[6:10] == b"\0\0\0\0")
            or head[2:4] in (b"\0\x01", b"\x01\x01")
        )
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    return head[4:8] == b"ftyp" and (head[8:12] in _BRANDS or head[8:12] in (b"avif", b"avis"))


def kind_of(head: bytes, name: str) -> Kind | None:
    """Who decodes a file besides Pillow; None for Pillow alone. head: its first `HEAD_BYTES`."""
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return JXL
    if head[4:8] == b"ftyp":
        return None if b"avif" in head[8:32] or b"avis" in head[8:32] else _BRANDS.get(head[8:12])
    raw = suffix_of(name) in _RAW_SUFFIXES and head[:4] in (b"II*\0", b"MM\0*", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
    if (
        raw
        or head[8:11] == b"CR\x02"
        or head.startswith((b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb"))
        or head[6:14] == b"HEAPCCDR"
    ):
        return RAW
    return None


def what_it_is(head: bytes) -> str:
    """Of a file that is no picture after all: what its first bytes say, for people."""
    text = head.lstrip().lower()
    if not head:
        return "it is empty"
    if text.startswith((b"<!doctype html", b"<html")):
        return "it is a page of HTML, not a picture"
    if text.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS, and the picture was not fetched (git lfs pull)"
    if text.startswith((b"<svg", b"<?xml")):
        return "it is a drawing (SVG, XML), which is not decoded"
    if head.startswith((b"%PDF", b"%!PS")):
        return "it is a page (PDF, PostScript), which is not decoded"
    return "it is no picture of a kind that is decoded here"
