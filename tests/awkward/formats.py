"""Containers and codecs: JPEG and TIFF in their variants, the newer ones, the older ones, moving ones."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from awkward.case import (
    Case,
    Either,
    Pixels,
    Refused,
    alone,
    colour,
    exact,
    good,
    grey,
    right_or_refused,
    saved,
    scaled,
)
from awkward.depths import TIFFFILE, written
from awkward.writers import LONG, SHORT, into_jpeg, png, segment, tags_of, tiff

BOTH = ("tifffile", "imagecodecs")


def by_imagecodecs(name: str, pixels: NDArray[Any], **options: Any) -> bytes:
    import imagecodecs

    return bytes(getattr(imagecodecs, f"{name}_encode")(pixels, **options))


def decoded_jpeg(path: Path) -> Pixels:
    """By imagecodecs."""
    import imagecodecs

    return np.asarray(imagecodecs.jpeg8_decode(path.read_bytes()))


def _raw_jpeg(entropy: bytes) -> bytes:
    """Progressive, of arithmetic coding, with no more than the mean of each block."""
    start = segment(0xCA, struct.pack(">BHHB3B", 8, 16, 24, 1, 1, 0x11, 0))
    return (
        b"\xff\xd8" + segment(0xDB, b"\0" + b"\x08" * 64) + start + segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + entropy
    )


def jpegs() -> list[Case]:
    plain = saved(colour(), "JPEG", quality=92)
    entropy = bytes(np.random.RandomState(2).randint(0, 255, size=20).tolist())
    variants: dict[str, dict[str, Any]] = {
        "baseline": {},
        "progressive": {"progressive": True},
        "with_restart_markers": {"restart_marker_blocks": 1},
        "of_4_1_1": {"subsampling": "4:1:1"},
        "of_4_2_0": {"subsampling": "4:2:0"},
        "of_4_2_2_progressive": {"subsampling": "4:2:2", "progressive": True},
        "of_rgb": {"keep_rgb": True},
        "of_low_quality": {"quality": 5},
    }
    more = (
        ("jpeg_arithmetic", lambda: _raw_jpeg(entropy) + b"\xff\xd9"),
        ("jpeg_grey", lambda: saved(grey(), "JPEG", quality=92)),
        ("jpeg_4_4_0", lambda: by_imagecodecs("jpeg8", colour(), level=92, subsampling="440")),
        ("jpeg_with_something_behind", lambda: plain + b"\0moov" * 50),
        ("jpeg_with_a_preview_in_it", lambda: into_jpeg(plain, segment(0xE2, b"preview\0" + saved(good(1), "JPEG")))),
    )
    return [
        *(alone(f"jpeg_{name}", "a.jpg", lambda o=options: saved(colour(), "JPEG", **{"quality": 92, **o}),
                decoded_jpeg, needs=("imagecodecs",)) for name, options in variants.items()),
        *(alone(name, "a.jpg", data, decoded_jpeg, needs=("imagecodecs",)) for name, data in more),
        alone("jpeg_mpo", "a.mpo", _mpo, decoded_jpeg, needs=("imagecodecs",)),
        alone("jpeg_mpo_called_jpg", "a.jpg", _mpo, decoded_jpeg, needs=("imagecodecs",)),
        alone("jpeg_lossless", "a.jpg",
              lambda: by_imagecodecs("jpeg8", colour(), lossless=True, predictor=1, colorspace="RGB"),
              right_or_refused(colour()), needs=("imagecodecs",)),
        alone("jpeg_12_bit", "a.jpg",
              lambda: by_imagecodecs("jpeg8", grey().astype(np.uint16) * 16, level=95, bitspersample=12),
              right_or_refused(grey()), within=6, needs=("imagecodecs",)),
    ]  # fmt: skip


def _mpo() -> bytes:
    second = Image.fromarray(good(1))
    return saved(colour(), "MPO", save_all=True, append_images=[second], quality=92, subsampling=0)


def tiffs() -> list[Case]:
    planar = np.ascontiguousarray(colour().transpose(2, 0, 1))
    tiles = {"tile": (16, 16)}
    plain: dict[str, dict[str, Any]] = {
        "of_one_strip": {},
        "of_many_strips": {"rowsperstrip": 5},
        "tiled": tiles,
        "big_endian": {"byteorder": ">"},
        "big": {"bigtiff": True},
        "big_and_big_endian": {"bigtiff": True, "byteorder": ">"},
    }
    packed: dict[str, dict[str, Any]] = {
        "lzw": {"compression": "lzw", "rowsperstrip": 5},
        "lzw_predictor": {"compression": "lzw", "predictor": True},
        "lzw_tiled": {"compression": "lzw", **tiles},
        "deflate": {"compression": "zlib"},
        "deflate_predictor_tiled": {"compression": "zlib", "predictor": True, **tiles},
        "adobe_deflate": {"compression": "adobe_deflate"},
        "packbits": {"compression": "packbits"},
    }
    rarer = {name: {"compression": name} for name in ("zstd", "lzma", "jpegxl", "png")}
    rarer["jpeg2000"] = {"compression": "jpeg2000", "compressionargs": {"reversible": True, "level": 0}}
    rarer["webp"] = {"compression": "webp", "compressionargs": {"lossless": True}}
    mirrored = np.packbits(np.unpackbits(grey(), bitorder="little")).tobytes()
    five = np.dstack([colour(), grey(1), grey(2)])

    def paged() -> bytes:
        import tifffile

        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer) as file:
            for page in (colour(), good(1), good(2)):
                file.write(page, photometric="rgb", metadata=None)
        return buffer.getvalue()

    def pyramid() -> bytes:
        import tifffile

        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer) as file:
            file.write(colour(), photometric="rgb", subifds=1, metadata=None)
            file.write(colour()[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        return buffer.getvalue()

    return [
        *(exact(f"tiff_{name}", "a.tif", lambda o=options: written(colour(), **o), colour(), needs=TIFFFILE)
          for name, options in plain.items()),
        *(exact(f"tiff_{name}", "a.tif", lambda o=options: written(colour(), **o), colour(), needs=BOTH)
          for name, options in packed.items()),
        *(alone(f"tiff_of_{name}", "a.tif", lambda o=options: written(colour(), **o), right_or_refused(colour()),
                needs=BOTH) for name, options in rarer.items()),
        exact("tiff_planar", "a.tif", lambda: written(planar, planarconfig="separate"), colour(), needs=TIFFFILE),
        exact("tiff_planar_tiled_lzw", "a.tif",
              lambda: written(planar, planarconfig="separate", compression="lzw", **tiles), colour(), needs=BOTH),
        exact("tiff_grey", "a.tiff", lambda: written(grey()), grey(), needs=TIFFFILE),
        exact("tiff_grey_planar_deflate_strips", "a.tif",
              lambda: written(grey(), compression="zlib", rowsperstrip=3), grey(), needs=BOTH),
        exact("tiff_of_reversed_bits", "a.tif",
              lambda: tiff(({**tags_of(16, 24, [8], 1), 266: (SHORT, [2])}, mirrored)), grey()),
        exact("tiff_tags_out_of_order", "a.tif", _out_of_order, colour()),
        exact("tiff_of_three_pages", "a.tif", paged, colour(), needs=TIFFFILE),
        exact("tiff_pyramid", "a.tif", pyramid, colour(), needs=TIFFFILE),
        alone("tiff_of_five_channels", "a.tif", lambda: written(five, extrasamples=["unspecified"] * 2),
              right_or_refused(colour()), needs=TIFFFILE),
        alone("dng_of_a_sensor", "a.dng", _dng, _developed, needs=("tifffile", "rawpy"), size=(64, 48)),
    ]  # fmt: skip


def _out_of_order() -> bytes:
    """The tags from last to first: against the rule, and read by all."""
    data, strip = bytearray(tiff((tags_of(16, 24, [8, 8, 8], 2), colour().tobytes()))), struct.calcsize("<H")
    at = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, at)[0]
    entries = [data[at + strip + 12 * index : at + strip + 12 * (index + 1)] for index in range(count)]
    data[at + strip : at + strip + 12 * count] = b"".join(reversed(entries))
    return bytes(data)


def _dng() -> bytes:
    """A sensor of red, green, green, blue, held upright."""
    y, x = np.mgrid[0:48, 0:64]
    noise = np.random.RandomState(3).randint(0, 200, size=x.shape)
    sensor = np.asarray(600 + x * 600 + y * 300 + noise, dtype=np.uint16)
    matrix = [8000, -2000, -500, -4000, 12000, 2000, -500, 2000, 6000]
    tags: list[tuple[int, int, int, Any, bool]] = [
        (50706, 1, 4, bytes([1, 4, 0, 0]), True),
        (50707, 1, 4, bytes([1, 1, 0, 0]), True),
        (50708, 2, 0, "Test Camera", True),
        (271, 2, 0, "Test", True),
        (272, 2, 0, "Camera", True),
        (274, 3, 1, 6, True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, bytes([0, 1, 1, 2]), True),
        (50714, 3, 1, 512, True),
        (50717, 3, 1, 65535, True),
        (50721, 10, 9, [part for number in matrix for part in (number, 10000)], True),
        (50728, 5, 3, [6, 10, 1, 1, 7, 10], True),
        (50778, 3, 1, 21, True),
    ]
    return written(sensor, photometric="cfa", extratags=tags)


def _developed(path: Path) -> Either:
    import rawpy

    with rawpy.imread(str(path)) as raw:
        return Either((np.array(raw.postprocess(use_camera_wb=True)), Refused()))


def newer() -> list[Case]:
    import functools

    lossless = functools.partial(saved, colour(), lossless=True)

    def as_pillow_has_it(path: Path) -> Pixels:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))

    def as_heif_has_it(path: Path) -> Pixels:
        import pillow_heif

        return np.asarray(pillow_heif.open_heif(path, convert_hdr_to_8bit=True).to_pillow().convert("RGB"))

    def heif() -> bytes:
        import pillow_heif

        buffer = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(colour())).save(buffer, quality=90)
        return buffer.getvalue()

    return [
        exact("webp_lossless", "a.webp", lambda: lossless("WEBP"), colour()),
        alone("webp_lossy", "a.webp", lambda: saved(colour(), "WEBP", quality=80), as_pillow_has_it),
        exact("jpeg2000", "a.jp2", lambda: saved(colour(), "JPEG2000"), colour()),
        exact("jpeg2000_codestream", "a.j2k", lambda: saved(colour(), "JPEG2000", no_jp2=True), colour()),
        exact("jpeg2000_tiled", "a.jp2", lambda: saved(colour(), "JPEG2000", tile_size=(16, 16)), colour()),
        exact("jpeg2000_grey", "a.jp2", lambda: saved(grey(), "JPEG2000"), grey()),
        alone("avif", "a.avif", lambda: saved(colour(), "AVIF", quality=90), as_pillow_has_it),
        alone("avif_lossless", "a.avif",
              lambda: by_imagecodecs("avif", colour(), level=100, pixelformat="444", matrix=0), colour(),
              needs=("imagecodecs",)),
        exact("jpegxl", "a.jxl", lambda: by_imagecodecs("jpegxl", colour(), lossless=True), colour(),
              needs=("imagecodecs", "pylibjxl")),
        exact("jpegxl_grey", "a.jxl", lambda: by_imagecodecs("jpegxl", grey(), lossless=True), grey(),
              needs=("imagecodecs", "pylibjxl")),
        exact("jpegxl_in_a_container", "a.jxl",
              lambda: by_imagecodecs("jpegxl", colour(), lossless=True, usecontainer=True), colour(),
              needs=("imagecodecs", "pylibjxl")),
        alone("heic", "a.heic", heif, as_heif_has_it, needs=("pillow_heif",)),
        alone("heif", "a.heif", heif, as_heif_has_it, needs=("pillow_heif",)),
        exact("qoi", "a.qoi", lambda: by_imagecodecs("qoi", colour()), colour(), needs=("imagecodecs",)),
    ]  # fmt: skip


def bmp(pixels: bytes, bits: int, *, how: int = 0, behind: bytes = b"", height: int = 16, core: bool = False) -> bytes:
    """how: 0 plain, 1 RLE8, 2 RLE4, 3 with masks. behind: the header: masks or a palette.

    height: below 0, from the top. core: the header of OS/2, of 12 bytes.
    """
    if core:
        head = struct.pack("<IHHHH", 12, 24, height, 1, bits)
    else:
        colours = len(behind) // 4 if how != 3 and bits <= 8 else 0
        head = struct.pack("<IiiHHIIiiII", 40, 24, height, 1, bits, how, len(pixels), 2835, 2835, colours, 0)
    start = 14 + len(head) + len(behind)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + behind + pixels


def bitmaps() -> list[Case]:
    picture, up = colour(), colour()[::-1]
    red, green, blue = np.moveaxis(up.astype(np.uint16), 2, 0)
    low = ((red >> 3) << 10 | (green >> 3) << 5 | blue >> 3).astype("<u2").tobytes()
    high = ((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3).astype("<u2").tobytes()
    truth_5 = scaled(picture >> 3, 31)
    truth_565 = np.dstack([scaled(picture[:, :, index] >> drop, most) for index, (drop, most) in
                           enumerate(((3, 31), (2, 63), (3, 31)))])  # fmt: skip
    four = np.dstack([up[:, :, ::-1], np.zeros((16, 24), np.uint8)])
    levels = np.asarray(grey() // 64 * 5, dtype=np.uint8)  # long runs, of 16 colours
    palette = np.random.RandomState(4).randint(256, size=(16, 3)).astype(np.uint8)
    table = np.dstack([palette[None, :, ::-1], np.zeros((1, 16, 1), np.uint8)]).tobytes()
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    rows4 = b"".join(bytes(row[::2] << 4 | row[1::2]) for row in levels[::-1])
    return [
        exact("bmp_24_bit", "a.bmp", lambda: saved(picture, "BMP"), picture),
        exact("bmp_24_bit_from_the_top", "a.bmp", lambda: bmp(picture[:, :, ::-1].tobytes(), 24, height=-16), picture),
        exact("bmp_24_bit_of_os2", "a.bmp", lambda: bmp(up[:, :, ::-1].tobytes(), 24, core=True), picture),
        exact("bmp_32_bit", "a.bmp", lambda: bmp(four.tobytes(), 32), picture),
        alone("bmp_16_bit", "a.bmp", lambda: bmp(low, 16), truth_5),
        alone("bmp_16_bit_of_565", "a.bmp", lambda: bmp(high, 16, how=3, behind=masks), truth_565),
        exact("bmp_4_bit", "a.bmp", lambda: bmp(rows4, 4, behind=table), palette[levels]),
        exact("bmp_rle8", "a.bmp", lambda: bmp(_rle(levels[::-1], 8), 8, how=1, behind=table), palette[levels]),
        exact("bmp_rle4", "a.bmp", lambda: bmp(_rle(levels[::-1], 4), 4, how=2, behind=table), palette[levels]),
        exact("bmp_grey", "a.bmp", lambda: saved(grey(), "BMP"), grey()),
    ]  # fmt: skip


def _rle(rows: Pixels, bits: int) -> bytes:
    """Runs of each row, one of a single pixel too."""
    out = bytearray()
    for row in rows.tolist():
        start = 0
        for end in range(1, len(row) + 1):
            if end == len(row) or row[end] != row[start]:
                out += bytes([end - start, row[start] * 17 if bits == 4 else row[start]])
                start = end
        out += b"\0\0"
    return bytes(out[:-2]) + b"\0\1"


def older() -> list[Case]:
    picture = colour()
    bgr = picture[:, :, ::-1]
    dxt = bytes(np.random.RandomState(8).randint(256, size=8 * 24).tolist())  # 4 x 6 blocks
    head = struct.pack("<4s7I44x", b"DDS ", 124, 0x81007, 16, 24, len(dxt), 0, 1)
    head += struct.pack("<2I4s5I5I", 32, 4, b"DXT1", 0, 0, 0, 0, 0, 0x1000, 0, 0, 0, 0)

    def dds_has_it(_: Path) -> Pixels:
        import imagecodecs

        rgba = np.asarray(imagecodecs.dds_decode(head + dxt))
        return np.asarray(np.where(rgba[:, :, 3:] == 0, 255, rgba[:, :, :3]), dtype=np.uint8)

    def tga(pixels: bytes, kind: int, bits: int, descriptor: int) -> bytes:
        return struct.pack("<BBB5xHHHHBB", 0, 0, kind, 0, 0, 24, 16, bits, descriptor) + pixels

    low = (picture.astype(np.uint16) >> 3) @ np.array([1024, 32, 1], np.uint16)
    planes = b"".join(picture[:, :, index].tobytes() for index in range(3))
    psd = b"8BPS" + struct.pack(">H6xHIIHHIII", 1, 3, 16, 24, 8, 3, 0, 0, 0)
    rows = [b"\x17" + row.tobytes() for index in range(3) for row in picture[:, :, index]]
    runs = struct.pack(">48H", *map(len, rows)) + b"".join(rows)
    sgi16 = struct.pack(">HBBHHHHii", 474, 0, 2, 3, 24, 16, 3, 0, 65535).ljust(512, b"\0")
    deep = picture.astype(np.uint16) * 257
    return [
        exact("tga", "a.tga", lambda: saved(picture, "TGA"), picture),
        exact("tga_rle", "a.tga", lambda: saved(picture, "TGA", compression="tga_rle"), picture),
        exact("tga_grey", "a.tga", lambda: saved(grey(), "TGA"), grey()),
        exact("tga_from_the_top", "a.tga", lambda: tga(bgr.tobytes(), 2, 24, 0x20), picture),
        exact("tga_from_the_right", "a.tga", lambda: tga(bgr[::-1, ::-1].tobytes(), 2, 24, 0x10), picture),
        alone("tga_16_bit", "a.tga", lambda: tga(low.astype("<u2").tobytes(), 2, 16, 0x20), scaled(picture >> 3, 31)),
        exact("pcx", "a.pcx", lambda: saved(picture, "PCX"), picture),
        exact("pcx_1_bit", "a.pcx", lambda: saved(grey() > 99, "PCX"), scaled(grey() > 99, 1)),
        exact("sgi", "a.sgi", lambda: saved(picture, "SGI"), picture),
        exact("sgi_grey_called_bw", "a.bw", lambda: saved(grey(), "SGI"), grey()),
        alone("sgi_16_bit", "a.sgi", lambda: sgi16 + np.moveaxis(deep[::-1], 2, 0).astype(">u2").tobytes(),
              right_or_refused(picture)),
        exact("dds", "a.dds", lambda: saved(picture, "DDS"), picture),
        alone("dds_dxt1", "a.dds", lambda: head + dxt, dds_has_it, needs=("imagecodecs",)),
        exact("psd", "a.psd", lambda: psd + struct.pack(">H", 0) + planes, picture),
        exact("psd_packbits", "a.psd", lambda: psd + struct.pack(">H", 1) + runs, picture),
        exact("dib", "a.dib", lambda: saved(picture, "DIB"), picture),
    ]  # fmt: skip


def moving() -> list[Case]:
    """The first of several."""
    rest = [Image.fromarray(good(number)) for number in (1, 2)]
    more: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": 100}
    greys = [Image.fromarray(grey(number)) for number in (1, 2)]
    return [
        exact("animated_gif", "a.gif", lambda: saved(grey(), "GIF", **{**more, "append_images": greys}), grey()),
        exact("animated_webp", "a.webp", lambda: saved(colour(), "WEBP", lossless=True, **more), colour()),
        exact("animated_png", "a.png", lambda: saved(colour(), "PNG", **more), colour()),
        exact("animated_png_called_apng", "a.apng", lambda: saved(colour(), "PNG", **more), colour()),
        exact("tiff_of_pages_by_pillow", "a.tif",
              lambda: saved(colour(), "TIFF", save_all=True, append_images=rest), colour()),
        exact("png_interlaced", "a.png", lambda: png(colour(), 2, interlaced=True), colour()),
        exact("png_grey", "a.png", lambda: png(grey(), 0), grey()),
        exact("png", "a.png", lambda: png(colour(), 2), colour()),
        exact("tiff_first_of_two_is_smaller", "a.tif", _small_first, colour()[:8, :12]),
    ]  # fmt: skip


def _small_first() -> bytes:
    """A preview before the picture: the first is what is read."""
    small = np.ascontiguousarray(colour()[:8, :12])
    preview = {254: (LONG, [1]), **tags_of(8, 12, [8, 8, 8], 2)}
    return tiff((preview, small.tobytes()), (tags_of(16, 24, [8, 8, 8], 2), colour().tobytes()))


CASES = [*jpegs(), *tiffs(), *newer(), *bitmaps(), *older(), *moving()]
