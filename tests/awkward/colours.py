"""Palettes, transparency, inks, and colour spaces that are not sRGB."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from awkward.case import (
    BLACK,
    MIDDLE,
    WHITE,
    Case,
    Either,
    Pixels,
    alone,
    colour,
    deep,
    exact,
    grey,
    opacity,
    over,
    right_or_refused,
    saved,
    scaled,
)
from awkward.depths import TIFFFILE, written
from awkward.writers import (
    GREY,
    PALETTE,
    RGB,
    SHORT,
    chunk,
    cmyk_profile,
    from_linear_grey,
    from_wide,
    grey_profile,
    packed,
    png,
    rgb_profile,
    srgb_of,
    tags_of,
    tiff,
    xyz_of_lab,
)

RGBA = np.dstack([colour(), opacity()])
LA = np.dstack([grey(), opacity()])
ON = (("white", WHITE), ("black", BLACK), ("#808080", MIDDLE))
INDICES = np.asarray((grey() // 16), dtype=np.uint8)
COLOURS = np.asarray(np.random.RandomState(9).randint(256, size=(16, 3)), dtype=np.uint8)
SHARES = np.asarray([0, 255, 60, 200, 0, 128], dtype=np.uint8)
_ALL_SHARES = np.concatenate([SHARES, np.full(10, 255, np.uint8)])
INDEXED = np.asarray(COLOURS[INDICES])


def palettes() -> list[Case]:
    plte, trns = chunk(b"PLTE", COLOURS.tobytes()), chunk(b"tRNS", SHARES.tobytes())
    image = Image.fromarray(INDICES, "L")
    image.putpalette(COLOURS.tobytes())
    shares = _ALL_SHARES[INDICES]
    one_clear = (INDICES != 5) * 255
    wide_map = np.zeros((3, 256), dtype=np.uint16)
    wide_map[:, :16] = COLOURS.T.astype(np.uint16) * 257
    cases = [
        exact(f"palette_png_{depth}_bit", "a.png", lambda d=depth: png(INDICES, PALETTE, d, before=[plte]), INDEXED)
        for depth in (4, 8)
    ]
    for depth in (1, 2):
        few = INDICES % 2**depth
        cases.append(
            exact(
                f"palette_png_{depth}_bit",
                "a.png",
                lambda d=depth, f=few: png(f, PALETTE, d, before=[chunk(b"PLTE", COLOURS[: 2**d].tobytes())]),
                COLOURS[few],
            )
        )
    for name, background in ON:
        cases.append(
            alone(
                f"palette_png_with_opacities_on_{name}",
                "a.png",
                lambda: png(INDICES, PALETTE, 4, before=[plte, trns]),
                over(INDEXED, shares, background),
                options={"background": name},
            )
        )
    return [
        *cases,
        exact("palette_png_interlaced", "a.png", lambda: png(INDICES, PALETTE, 4, before=[plte], interlaced=True),
              INDEXED),
        exact("palette_png_of_16_read_in_grey", "a.png", lambda: png(INDICES, PALETTE, 4, before=[plte]),
              scaled(INDEXED @ np.array([0.299, 0.587, 0.114]), 255), options={"channels": 1}),
        exact("palette_gif", "a.gif", lambda: saved(image, "GIF"), INDEXED),
        exact("palette_gif_with_a_clear_colour", "a.gif", lambda: saved(image, "GIF", transparency=5),
              over(INDEXED, one_clear)),
        exact("palette_gif_interlaced", "a.gif", lambda: saved(image, "GIF", interlace=1), INDEXED),
        exact("palette_gif_of_greys", "a.gif", lambda: saved(grey(), "GIF"), grey()),
        exact("palette_bmp", "a.bmp", lambda: saved(image, "BMP"), INDEXED),
        exact("palette_tga", "a.tga", lambda: saved(image, "TGA"), INDEXED),
        exact("palette_pcx", "a.pcx", lambda: saved(image, "PCX"), INDEXED),
        exact("palette_tiff", "a.tif", lambda: written(INDICES, photometric="palette", colormap=wide_map), INDEXED,
              needs=TIFFFILE),
        exact("palette_tiff_4_bit", "a.tif",
              lambda: tiff(({**tags_of(16, 24, bits=[4], photometric=3),
                             320: (SHORT, [int(level) * 257 for level in COLOURS.T.reshape(-1)])},
                            b"".join(packed(INDICES, 4)))), INDEXED),
    ]  # fmt: skip


def opacities() -> list[Case]:
    cases = []
    for name, background in ON:
        options = {"background": name}
        for kind, data, pixels in (
            ("rgba_png", lambda: saved(RGBA, "PNG"), RGBA),
            ("grey_alpha_png", lambda: saved(Image.fromarray(LA, "LA"), "PNG"), LA),
            ("rgba_webp", lambda: saved(RGBA, "WEBP", lossless=True, exact=True), RGBA),
        ):
            under = pixels[:, :, 0] if kind == "grey_alpha_png" else pixels[:, :, :3]
            truth = over(under, pixels[:, :, -1], background)
            file = f"a.{kind.rpartition('_')[2]}"
            cases.append(alone(f"{kind}_on_{name}", file, data, truth, options=options))
    clear = colour()[2, 3]
    truth = over(colour(), opacity())
    premultiplied = np.dstack([np.asarray(colour() * (opacity()[:, :, None] / 255) + 0.5, np.uint8), opacity()])
    return [
        *cases,
        alone("rgba_png_if_nothing_is_stated", "a.png", lambda: saved(RGBA, "PNG"), truth),
        alone("rgba_png_read_in_grey", "a.png", lambda: saved(RGBA, "PNG"),
              scaled(truth @ np.array([0.299, 0.587, 0.114]), 255), options={"channels": 1, "background": "white"}),
        exact("rgb_png_with_a_clear_colour", "a.png",
              lambda: png(colour(), RGB, before=[chunk(b"tRNS", struct.pack(">3H", *map(int, clear)))]),
              over(colour(), (colour() != clear).any(2) * 255)),
        exact("grey_png_with_a_clear_level", "a.png",
              lambda: png(grey(), GREY, before=[chunk(b"tRNS", struct.pack(">H", int(grey()[2, 3])))]),
              over(grey(), (grey() != grey()[2, 3]) * 255)),
        alone("rgba_tiff", "a.tif", lambda: written(RGBA, extrasamples=["unassalpha"]), truth, needs=TIFFFILE),
        alone("rgba_tiff_planar", "a.tif",
              lambda: written(np.ascontiguousarray(RGBA.transpose(2, 0, 1)), planarconfig="separate",
                              extrasamples=["unassalpha"]), truth, needs=TIFFFILE),
        alone("rgba_tiff_premultiplied", "a.tif", lambda: written(premultiplied, extrasamples=["assocalpha"]), truth,
              needs=TIFFFILE, within=2),
        alone("tiff_with_a_fourth_channel_of_nothing", "a.tif", lambda: written(RGBA, extrasamples=["unspecified"]),
              lambda _: Either((colour(), truth)), needs=TIFFFILE),
        alone("grey_alpha_tiff", "a.tif",
              lambda: written(LA, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]),
              over(grey(), opacity()), needs=TIFFFILE),
        alone("rgba_tga", "a.tga", lambda: saved(RGBA, "TGA"), truth),
        alone("rgba_qoi", "a.qoi", lambda: saved(RGBA, "QOI"), truth),
        alone("rgba_jpeg2000", "a.jp2", lambda: saved(RGBA, "JPEG2000"), truth),
        alone("rgba_dds", "a.dds", lambda: saved(RGBA, "DDS"), truth),
        alone("rgba_sgi", "a.sgi", lambda: saved(RGBA, "SGI"), truth),
        alone("rgba_jpegxl", "a.jxl", lambda: _jpegxl(RGBA), truth, needs=("pylibjxl", "imagecodecs")),
    ]  # fmt: skip


def _jpegxl(pixels: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))


CMYK = np.dstack([colour(), grey(3) // 2])


def inks() -> list[Case]:
    plain = np.asarray(Image.fromarray(CMYK, "CMYK").convert("RGB"))

    def as_pillow_has_it(path: Path) -> Pixels:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))

    def through_the_profile(path: Path) -> Pixels:
        with Image.open(path) as image:
            assert image.mode == "CMYK"
            return by_littlecms(image, cmyk_profile())

    jpeg = functools.partial(saved, Image.fromarray(CMYK, "CMYK"), "JPEG", quality=95, subsampling=0)
    exact_profile = by_littlecms(Image.fromarray(CMYK, "CMYK"), cmyk_profile())
    return [
        alone("cmyk_jpeg", "a.jpg", jpeg, as_pillow_has_it),
        alone("cmyk_jpeg_ycck", "a.jpg", _ycck, as_pillow_has_it, needs=("imagecodecs",)),
        alone("cmyk_jpeg_with_a_profile", "a.jpg", lambda: jpeg(icc_profile=cmyk_profile()), through_the_profile),
        alone("cmyk_tiff", "a.tif", lambda: written(CMYK, photometric="separated"), plain, needs=TIFFFILE),
        alone("cmyk_tiff_with_a_profile", "a.tif",
              lambda: written(CMYK, photometric="separated", iccprofile=cmyk_profile()), exact_profile,
              needs=TIFFFILE),
        alone("cmyk_tiff_16_bit", "a.tif",
              lambda: written(CMYK.astype(np.uint16) * 257, photometric="separated"),
              right_or_refused(plain), needs=TIFFFILE),
    ]  # fmt: skip


def by_littlecms(image: Image.Image, profile: bytes) -> Pixels:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    made = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
    )
    assert made is not None
    return np.asarray(made)


def _ycck() -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(CMYK, level=95, colorspace="CMYK", outcolorspace="YCCK"))


def spaces() -> list[Case]:
    wide, linear = rgb_profile(), grey_profile()
    of_wide, of_linear = from_wide(colour()), from_linear_grey(grey())

    def lossy(path: Path) -> Pixels:
        with Image.open(path) as image:
            return from_wide(np.asarray(image.convert("RGB")))

    cases = [
        alone(f"wide_profile_in_{kind.lower()}", f"a.{suffix}",
              lambda k=kind, o=options: saved(colour(), k, icc_profile=wide, **o), of_wide)
        for kind, suffix, options in (
            ("PNG", "png", {}), ("TIFF", "tif", {}), ("WEBP", "webp", {"lossless": True}),
        )
    ]  # fmt: skip
    palette = Image.fromarray(INDICES, "L")
    palette.putpalette(COLOURS.tobytes())
    rgba = Image.fromarray(RGBA)
    deeper = deep(colour())
    iccp = chunk(b"iCCP", b"wide\0\0" + _deflated(wide))
    return [
        *cases,
        alone("wide_profile_in_jpeg", "a.jpg", lambda: saved(colour(), "JPEG", quality=95, icc_profile=wide), lossy),
        alone("wide_profile_in_a_palette", "a.png", lambda: saved(palette, "PNG", icc_profile=wide),
              from_wide(INDEXED)),
        alone("wide_profile_with_opacity", "a.png", lambda: saved(rgba, "PNG", icc_profile=wide),
              over(of_wide, opacity())),
        alone("wide_profile_of_16_bits", "a.png", lambda: png(deeper, RGB, 16, before=[iccp]),
              from_wide(deeper, 65535), within=4),
        alone("wide_profile_in_16_bit_tiff", "a.tif", lambda: written(deeper, iccprofile=wide),
              from_wide(deeper, 65535), within=4, needs=TIFFFILE),
        alone("wide_profile_read_in_grey", "a.png", lambda: saved(colour(), "PNG", icc_profile=wide),
              scaled(of_wide @ np.array([0.299, 0.587, 0.114]), 255), options={"channels": 1}, within=2),
        alone("grey_profile_in_png", "a.png", lambda: saved(grey(), "PNG", icc_profile=linear), of_linear),
        alone("grey_profile_in_jpeg", "a.jpg", lambda: saved(grey(), "JPEG", quality=95, icc_profile=linear),
              _linear_of),
        alone("grey_profile_of_16_bits", "a.tif", lambda: written(deep(grey()), iccprofile=linear),
              from_linear_grey(deep(grey()), 65535), needs=TIFFFILE),
        alone("srgb_profile_changes_nothing", "a.png", lambda: saved(colour(), "PNG", icc_profile=_srgb()), colour()),
        alone("profile_of_another_space", "a.png", lambda: saved(grey(), "PNG", icc_profile=_srgb()), grey()),
        alone("profile_that_is_damaged", "a.png", lambda: saved(colour(), "PNG", icc_profile=wide[:200]),
              right_or_refused(colour())),
        alone("profile_that_is_no_profile", "a.jpg",
              lambda: saved(grey(), "JPEG", quality=95, icc_profile=b"not a profile" * 20),
              lambda path: Either((_grey_of(path),))),
        *labs(),
    ]  # fmt: skip


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _deflated(data: bytes) -> bytes:
    import zlib

    return zlib.compress(data)


def _grey_of(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def _linear_of(path: Path) -> Pixels:
    return from_linear_grey(_grey_of(path))


def labs() -> list[Case]:
    """CIELAB of D50 and YCbCr, in TIFF."""
    y, x = np.mgrid[0:16, 0:24]
    # Well inside sRGB: of 8 bits littleCMS is off by 4 levels here, at the edges by 14.
    lab = np.stack([35 + x * 2, (y - 8) * 2.0, (x - 12.0)], 2).round()
    stored = np.dstack([np.asarray(lab[:, :, 0] * 2.55 + 0.5, np.uint8), lab[:, :, 1:].astype(np.int8).view(np.uint8)])
    back = np.dstack([stored[:, :, 0] / 2.55, lab[:, :, 1:]])
    truth = srgb_of(xyz_of_lab(back))
    shifted = stored ^ np.array([0, 128, 128], np.uint8)
    luma, blue, red = stored_ycbcr = np.stack([60 + x * 5, 128 + (y - 8) * 3, 128 + (x - 12) * 2]).astype(np.uint8)
    ycbcr = np.ascontiguousarray(stored_ycbcr.transpose(1, 2, 0))
    b, r = blue.astype(float) - 128, red.astype(float) - 128
    rgb = np.stack([luma + 1.402 * r, luma - 0.344136 * b - 0.714136 * r, luma + 1.772 * b], 2)
    plain: Callable[[int], Any] = functools.partial(tags_of, 16, 24, [8, 8, 8])
    return [
        alone("lab_tiff", "a.tif", lambda: tiff((plain(8), stored.tobytes())), truth, within=4),
        alone("icclab_tiff", "a.tif", lambda: tiff((plain(9), shifted.tobytes())), right_or_refused(truth), within=4),
        alone("ycbcr_tiff", "a.tif",
              lambda: tiff(({**plain(6), 530: (SHORT, [1, 1])}, ycbcr.tobytes())),
              np.clip(rgb.round(), 0, 255).astype(np.uint8), within=2),
        alone("lab_tiff_16_bit", "a.tif",
              lambda: tiff((tags_of(16, 24, [16, 16, 16], 8), np.dstack([
                  stored[:, :, 0].astype(np.uint16) * 257, (lab[:, :, 1:] * 256).astype(np.int16).view(np.uint16),
              ]).astype("<u2").tobytes())), right_or_refused(truth), within=4),
        alone("ycbcr_jpeg_in_tiff", "a.tif", lambda: saved(colour(), "TIFF", compression="jpeg", quality=95),
              _decoded_jpeg_tiff, needs=("tifffile", "imagecodecs"), within=3),
    ]  # fmt: skip


def _decoded_jpeg_tiff(path: Path) -> Pixels:
    import tifffile

    return np.asarray(tifffile.imread(path))


CASES = [*palettes(), *opacities(), *inks(), *spaces()]
