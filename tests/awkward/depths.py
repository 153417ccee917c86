"""More and fewer than 8 bits a channel, floating point, and what `data.scale` makes of them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awkward.case import (
    BLACK,
    MIDDLE,
    Case,
    Either,
    Pixels,
    Refused,
    alone,
    colour,
    deep,
    exact,
    good,
    grey,
    opacity,
    over,
    put,
    right_or_refused,
    saved,
    scaled,
)
from awkward.writers import GREY, GREY_ALPHA, RGB, RGB_ALPHA, SHORT, chunk, packed, png, tags_of, tiff

TIFFFILE = ("tifffile",)
DEEP, DEEP_GREY = deep(colour()), deep(grey())
TWELVE = deep(grey(), 12)
UNIT = deep(grey()).astype(np.float32) / 65535
SIGNED = (deep(grey(), 12).astype(np.int16) - 1000).astype(np.int16)
LONG_GREY = DEEP_GREY.astype(np.uint32) * 65537


def written(pixels: NDArray[Any], **options: Any) -> bytes:
    """By tifffile."""
    import tifffile

    buffer = io.BytesIO()
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(buffer, pixels, **{"photometric": kind, "metadata": None, **options})
    return buffer.getvalue()


def bits_of(picture: Pixels, depth: int) -> Pixels:
    """Samples of so many bits."""
    return np.asarray(picture.astype(np.uint32) * (2**depth - 1) // 255, dtype=np.uint8)


def few_bits() -> list[Case]:
    cases = []
    for depth in (1, 2, 4):
        samples = bits_of(grey(), depth)
        most = 2**depth - 1
        truth = scaled(samples, most)
        strip = b"".join(packed(samples, depth))
        tags = tags_of(*samples.shape, bits=[depth], photometric=1)
        cases += [
            exact(f"png_grey_{depth}_bit", "a.png", lambda s=samples, d=depth: png(s, GREY, d), truth),
            exact(
                f"png_grey_{depth}_bit_with_a_clear_level",
                "a.png",
                lambda s=samples, d=depth: png(s, GREY, d, before=[chunk(b"tRNS", struct.pack(">H", 1))]),
                over(truth, (samples != 1) * 255, MIDDLE),
                options={"background": "#808080"},
            ),
            exact(f"tiff_grey_{depth}_bit", "a.tif", lambda t=tags, s=strip: tiff((t, s)), truth),
            exact(
                f"tiff_grey_{depth}_bit_white_is_zero",
                "a.tif",
                lambda t={**tags, 262: (SHORT, [0])}, s=strip: tiff((t, s)),
                255 - truth,
            ),
        ]
    bilevel = (grey() > 128).astype(np.uint8) * 255
    return [
        *cases,
        exact("png_grey_2_bit_interlaced", "a.png", lambda: png(bits_of(grey(), 2), GREY, 2, interlaced=True),
              scaled(bits_of(grey(), 2), 3)),
        exact("tiff_bilevel_group4", "a.tif", lambda: saved(bilevel > 0, "TIFF", compression="group4"), bilevel),
        exact("tiff_white_is_zero", "a.tif", lambda: written(grey(), photometric="miniswhite"), 255 - grey(),
              needs=TIFFFILE),
        exact("tiff_16_bit_white_is_zero", "a.tif", lambda: written(DEEP_GREY, photometric="miniswhite"),
              scaled(65535 - DEEP_GREY), needs=TIFFFILE),
        alone("tiff_packed_12_bit", "a.tif",
              lambda: tiff((tags_of(*TWELVE.shape, bits=[12], photometric=1), b"".join(packed(TWELVE, 12)))),
              right_or_refused(scaled(TWELVE, 4095)), options={"scale": "0,4095"}),
    ]  # fmt: skip


def sixteen_bits() -> list[Case]:
    alpha = deep(opacity())
    rgba = np.dstack([DEEP, alpha])
    clear = DEEP_GREY[3, 7]
    clear_rgb = DEEP[3, 7]
    close = DEEP.copy()
    close[5, 5] = clear_rgb ^ 1  # another colour, but not in 8 bits
    is_clear = (close == clear_rgb).all(2)
    return [
        exact("png_grey_16_bit", "a.png", lambda: png(DEEP_GREY, GREY, 16), scaled(DEEP_GREY)),
        alone("png_rgb_16_bit", "a.png", lambda: png(DEEP, RGB, 16), scaled(DEEP)),
        alone("png_rgb_16_bit_interlaced", "a.png", lambda: png(DEEP, RGB, 16, interlaced=True), scaled(DEEP)),
        alone("png_rgba_16_bit", "a.png", lambda: png(rgba, RGB_ALPHA, 16), over(DEEP, alpha, most=65535)),
        alone("png_rgba_16_bit_on_grey", "a.png", lambda: png(rgba, RGB_ALPHA, 16), over(DEEP, alpha, MIDDLE, 65535),
              options={"background": "#808080"}),
        alone("png_grey_alpha_16_bit", "a.png", lambda: png(np.dstack([DEEP_GREY, alpha]), GREY_ALPHA, 16),
              over(DEEP_GREY, alpha, most=65535)),
        exact("png_grey_16_bit_with_a_clear_level", "a.png",
              lambda: png(DEEP_GREY, GREY, 16, before=[chunk(b"tRNS", struct.pack(">H", int(clear)))]),
              over(scaled(DEEP_GREY), (clear != DEEP_GREY) * 255)),
        exact("png_rgb_16_bit_with_a_clear_colour", "a.png",
              lambda: png(close, RGB, 16, before=[chunk(b"tRNS", struct.pack(">3H", *map(int, clear_rgb)))]),
              over(scaled(close), ~is_clear * 255, BLACK), options={"background": "black"}),
        exact("tiff_grey_uint16", "a.tif", lambda: written(DEEP_GREY), scaled(DEEP_GREY), needs=TIFFFILE),
        exact("tiff_grey_uint16_big_endian", "a.tif", lambda: written(DEEP_GREY, byteorder=">"), scaled(DEEP_GREY),
              needs=TIFFFILE),
        alone("tiff_rgb_uint16", "a.tif", lambda: written(DEEP), scaled(DEEP), needs=TIFFFILE),
        exact("tiff_rgb_uint16_planar", "a.tif",
              lambda: written(np.ascontiguousarray(DEEP.transpose(2, 0, 1)), planarconfig="separate"), scaled(DEEP),
              needs=TIFFFILE),
        exact("tiff_rgb_uint16_tiled_deflate_big", "a.tif",
              lambda: written(DEEP, tile=(16, 16), compression="zlib", predictor=True, bigtiff=True, byteorder=">"),
              scaled(DEEP), needs=("tifffile", "imagecodecs")),
        alone("tiff_rgba_uint16", "a.tif", lambda: written(rgba, extrasamples=["unassalpha"]),
              over(DEEP, alpha, most=65535), needs=TIFFFILE),
        alone("jpeg2000_grey_16_bit", "a.jp2", lambda: _codec("jpeg2k", DEEP_GREY, level=0, reversible=True),
              scaled(DEEP_GREY), needs=("imagecodecs",)),
        alone("jpeg2000_rgb_16_bit", "a.jp2", lambda: _codec("jpeg2k", DEEP, level=0, reversible=True), scaled(DEEP),
              needs=("imagecodecs",)),
        alone("jpegxl_rgb_16_bit", "a.jxl", lambda: _codec("jpegxl", DEEP, lossless=True),
              right_or_refused(scaled(DEEP)), needs=("imagecodecs", "pylibjxl")),
    ]  # fmt: skip


def _codec(name: str, pixels: NDArray[Any], **options: Any) -> bytes:
    import imagecodecs

    return bytes(getattr(imagecodecs, f"{name}_encode")(pixels, **options))


def stated() -> list[Case]:
    """`data.scale`, and what says that it must be stated."""
    twelve_rgb = deep(colour(), 12)
    beyond = np.asarray(UNIT * 300 - 20, dtype=np.float32)

    def two_ranges(folder: Path) -> None:
        (folder / "a.png").write_bytes(png(TWELVE, GREY, 16))
        (folder / "b.png").write_bytes(png(DEEP_GREY // 3 + 20000, GREY, 16))

    def stretched(values: NDArray[Any]) -> Pixels:
        return scaled(values, float(values.max()), float(values.min()))

    flat = np.full((16, 24), 700, dtype=np.uint16)
    must = Refused(("data.scale",))
    return [
        exact("twelve_bits_in_16_are_dark", "a.png", lambda: png(TWELVE, GREY, 16), scaled(TWELVE),
              said=("data.scale",)),
        alone("twelve_bits_in_16_rgb_are_dark", "a.tif", lambda: written(twelve_rgb), scaled(twelve_rgb),
              said=("data.scale",), needs=TIFFFILE),
        exact("twelve_bits_in_16_of_a_stated_scale", "a.png", lambda: png(TWELVE, GREY, 16), scaled(TWELVE, 4095),
              options={"scale": "0,4095"}, unsaid=("clipped",)),
        exact("twelve_bits_in_16_rgb_of_a_stated_scale", "a.tif", lambda: written(twelve_rgb),
              scaled(twelve_rgb, 4095), options={"scale": "0,4095"}, needs=TIFFFILE),
        exact("values_outside_a_stated_scale_are_clipped", "a.png", lambda: png(TWELVE, GREY, 16),
              scaled(TWELVE, 2000, 900), options={"scale": "900,2000"}, said=("clipped",)),
        Case(name="minmax_is_of_each_picture", make=two_ranges, options={"scale": "minmax"}, within=0,
             expect=[stretched(TWELVE), stretched(DEEP_GREY // 3 + 20000)]),
        exact("minmax_is_over_all_channels", "a.tif", lambda: written(twelve_rgb // 2 + 300),
              stretched(twelve_rgb // 2 + 300), options={"scale": "minmax"}, needs=TIFFFILE),
        alone("minmax_of_floats", "a.tif", lambda: written(beyond), stretched(beyond), options={"scale": "minmax"},
              needs=TIFFFILE),
        alone("minmax_of_one_level", "a.png", lambda: png(flat, GREY, 16),
              Either(tuple(np.full((16, 24), level, np.uint8) for level in (0, 3, 127, 128, 255))),
              options={"scale": "minmax"}),
        *(
            alone(f"tiff_grey_{np.dtype(kind).name}", "a.tif", lambda k=kind: written(UNIT.astype(k)),
                  scaled(UNIT.astype(kind), 1), needs=TIFFFILE)
            for kind in (np.float16, np.float32, np.float64)
        ),
        alone("tiff_grey_float32_big_endian", "a.tif", lambda: written(UNIT, byteorder=">"), scaled(UNIT, 1),
              needs=TIFFFILE),
        alone("tiff_grey_float32_deflate_predictor", "a.tif",
              lambda: written(UNIT, compression="zlib", predictor=True), scaled(UNIT, 1),
              needs=("tifffile", "imagecodecs")),
        alone("tiff_rgb_float32", "a.tif", lambda: written((DEEP / 65535).astype(np.float32)), scaled(DEEP),
              needs=TIFFFILE),
        alone("tiff_float_beyond_1", "a.tif", lambda: written(beyond), must, needs=TIFFFILE),
        alone("tiff_float_below_0", "a.tif", lambda: written(UNIT - 0.5), must, needs=TIFFFILE),
        alone("tiff_float_of_a_stated_scale", "a.tif", lambda: written(beyond), scaled(beyond, 280, -20),
              options={"scale": "-20,280"}, unsaid=("clipped",), needs=TIFFFILE),
        alone("tiff_int16", "a.tif", lambda: written(SIGNED), must, needs=TIFFFILE),
        alone("tiff_int16_that_is_never_negative", "a.tif", lambda: written(SIGNED + 2000), must, needs=TIFFFILE),
        exact("tiff_int16_of_a_stated_scale", "a.tif", lambda: written(SIGNED), scaled(SIGNED, 3095, -1000),
              options={"scale": "-1000,3095"}, unsaid=("clipped",), needs=TIFFFILE),
        exact("tiff_int16_big_endian_of_a_stated_scale", "a.tif", lambda: written(SIGNED, byteorder=">"),
              scaled(SIGNED, 3095, -1000), options={"scale": "-1000,3095"}, needs=TIFFFILE),
        alone("tiff_int8", "a.tif", lambda: written((grey().astype(int) - 128).astype(np.int8)), must,
              needs=TIFFFILE),
        alone("tiff_uint32", "a.tif", lambda: written(LONG_GREY), must, needs=TIFFFILE),
        alone("tiff_uint32_of_a_stated_scale", "a.tif", lambda: written(LONG_GREY), scaled(LONG_GREY, 2**32 - 1),
              options={"scale": "0,4294967295"}, unsaid=("clipped",), needs=TIFFFILE),
        alone("tiff_int32", "a.tif", lambda: written(SIGNED.astype(np.int32) * 1000), must, needs=TIFFFILE),
        alone("tiff_int32_of_a_stated_scale", "a.tif", lambda: written(SIGNED.astype(np.int32) * 1000),
              scaled(SIGNED, 3095, -1000), options={"scale": "-1000000,3095000"}, unsaid=("clipped",), needs=TIFFFILE),
        alone("tiff_rgb_uint32_of_a_stated_scale", "a.tif", lambda: written(DEEP.astype(np.uint32)), scaled(DEEP),
              options={"scale": "0,65535"}, needs=TIFFFILE),
        alone("tiff_not_a_number", "a.tif", lambda: written(_spoilt(np.nan)), Refused(("not finite",)),
              needs=TIFFFILE),
        alone("tiff_infinite", "a.tif", lambda: written(_spoilt(-np.inf)), Refused(("not finite",)), needs=TIFFFILE),
        alone("tiff_infinite_of_a_stated_scale", "a.tif", lambda: written(_spoilt(np.inf)), Refused(("not finite",)),
              options={"scale": "0,1"}, needs=TIFFFILE),
        alone("tiff_not_a_number_minmax", "a.tif", lambda: written(_spoilt(np.nan)), Refused(("not finite",)),
              options={"scale": "minmax"}, needs=TIFFFILE),
        *(_beside(name, data, words) for name, data, words in (
            ("float_beyond_1", lambda: written(beyond), ("data.scale",)),
            ("int16", lambda: written(SIGNED), ("data.scale",)),
            ("not_a_number", lambda: written(_spoilt(np.nan)), ("not finite",)),
        )),
    ]  # fmt: skip


def _beside(name: str, data: Any, words: tuple[str, ...]) -> Case:
    def make(folder: Path) -> None:
        put(folder, [f"good{number:02}.png" for number in range(30)])
        (folder / "bad.tif").write_bytes(data())

    return Case(name=f"{name}_beside_thirty", make=make, expect=[good(number) for number in range(30)],
                said=("1 ", "bad.tif", *words), needs=TIFFFILE)  # fmt: skip


def _spoilt(value: float) -> NDArray[np.float32]:
    values = UNIT.copy()
    values[4, 4] = value
    return values


def portable() -> list[Case]:
    """PBM, PGM, PPM and PFM: the greatest value is stated in the file."""
    cases = []
    for most in (1, 15, 100, 255, 1023, 65535):
        for picture, kind in ((grey(), 5), (colour(), 6)):
            values = np.asarray(deep(picture) / 65535 * most + 0.5, dtype=np.uint16)
            height, width = picture.shape[:2]
            suffix = "pgm" if kind == 5 else "ppm"
            head, plain = (
                f"P{number}\n# of a test\n{width} {height}\n{most}\n".encode() for number in (kind, kind - 3)
            )
            binary = values.astype(">u2" if most > 255 else "u1").tobytes()
            text = "\n".join(" ".join(map(str, row)) for row in values.reshape(height, -1)).encode() + b"\n"
            within = int(most == 100)  # where a half may go either way
            for name, data in ((suffix, head + binary), (f"{suffix}_plain", plain + text)):
                truth = scaled(values, most)
                cases.append(alone(f"{name}_of_{most}", f"a.{suffix}", lambda d=data: d, truth, within=within))
    ink = grey() < 128
    inked = np.where(ink, 0, 255).astype(np.uint8)
    up = UNIT[::-1]
    rgb_up = (DEEP[::-1] / 65535).astype("<f4")
    return [
        *cases,
        exact("pbm", "a.pbm", lambda: b"P4\n24 16\n" + b"".join(packed(ink, 1)), inked),
        exact("pbm_plain", "a.pbm",
              lambda: b"P1\n24 16\n" + b"\n".join(bytes(48 + row) for row in ink.astype(np.uint8)), inked),
        alone("pfm_grey_little_endian", "a.pfm", lambda: b"Pf\n24 16\n-1.0\n" + up.astype("<f4").tobytes(),
              scaled(UNIT, 1)),
        alone("pfm_grey_big_endian", "a.pfm", lambda: b"Pf\n24 16\n1.0\n" + up.astype(">f4").tobytes(),
              scaled(UNIT, 1)),
        alone("pfm_grey_beyond_1", "a.pfm", lambda: b"Pf\n24 16\n-1.0\n" + (up * 9).astype("<f4").tobytes(),
              Refused(("data.scale",))),
        alone("pfm_rgb", "a.pfm", lambda: b"PF\n24 16\n-1.0\n" + rgb_up.tobytes(), right_or_refused(scaled(DEEP))),
    ]  # fmt: skip


CASES = [*few_bits(), *sixteen_bits(), *stated(), *portable()]
