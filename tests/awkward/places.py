"""What files are called, what lies among them, what is damaged, and how folders are nested and linked."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from awkward.case import (
    GOOD,
    LEFT_OUT,
    Case,
    Either,
    Refused,
    Some,
    Truth,
    alone,
    colour,
    exact,
    good,
    grey,
    put,
    saved,
    thirty,
    walked,
)
from awkward.writers import RGB, chunk, png

PNG = png(colour(), RGB)
JPEG = saved(colour(), "JPEG", quality=92)
HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>No such picture.</body></html>\n"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def suffixes() -> list[Case]:
    return [
        exact("png_called_jpg", "a.jpg", lambda: PNG, colour()),
        exact("png_called_tif", "a.tif", lambda: PNG, colour()),
        exact("webp_called_png", "a.png", lambda: saved(colour(), "WEBP", lossless=True), colour()),
        exact("no_suffix", "a", lambda: PNG, colour()),
        exact("no_suffix_of_a_hash", "d41d8cd98f00b204e9800998ecf8427e", lambda: PNG, colour()),
        exact("upper_case_suffix", "IMG_0001.PNG", lambda: PNG, colour()),
        exact("two_suffixes", "x.png.jpg", lambda: PNG, colour()),
        exact("suffix_with_a_query", "x.png?size=large", lambda: PNG, colour()),
        exact("suffix_of_nothing", "x.", lambda: PNG, colour()),
        exact("name_of_255_bytes", "n" * 251 + ".png", lambda: PNG, colour()),
    ]


NAMES = {
    "nfc": "caf\u00e9.png",
    "nfd": "cafe\u0301.png",
    "han": "漢字.png",
    "emoji": "😀👩‍👩‍👧.png",
    "arabic": "صورة.png",
    "space": "two words .png",
    "quotes": 'it\'s "so" `called`.png',
    "newline": "two\nlines.png",
    "escape": "\x1b[31mred.png",
    "tab": "a\tb.png",
    "percent": "100%s {0} $HOME.png",
    "dash": "-rf.png",
    "backslash": "a\\b.png",
    "colon": "http:a.png",
    "not_utf_8": os.fsdecode(b"caf\xe9\xff.png"),
    "right_to_left": "a\u202egnp.png",
}


def names() -> list[Case]:
    def all_of_them(folder: Path) -> None:
        put(folder, NAMES.values())

    by_path = sorted(zip(NAMES.values(), range(len(NAMES)), strict=True))
    single = [
        exact(f"name_{name}", file, lambda: PNG, colour())
        for name, file in NAMES.items()
        if name in ("not_utf_8", "newline", "emoji")
    ]

    def unreadable(folder: Path) -> None:
        thirty(folder)
        (folder / NAMES["not_utf_8"]).write_bytes(HTML)

    return [
        *single,
        Case(name="names_of_many_scripts", make=all_of_them, expect=[good(number) for _, number in by_path], within=0),
        Case(name="name_not_utf_8_that_is_unreadable", make=unreadable, expect=GOOD, said=("caf", *LEFT_OUT)),
    ]


def beside(name: str, files: dict[str, bytes], expect: Truth = GOOD, **more: Any) -> Case:
    """Among thirty good ones, that nothing is refused for."""

    def make(folder: Path) -> None:
        thirty(folder)
        for file, data in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)

    return Case(name=name, make=make, expect=expect, within=0, **more)


def ignored() -> list[Case]:
    """Left out without a word, or at least without being counted as unreadable."""
    hidden = {
        f"{folder}{file}": data
        for folder in ("", "sub/")
        for file, data in {
            ".hidden.png": PNG, "._x.jpg": b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(60),
            ".DS_Store": b"\0\0\0\1Bud1",
            "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "desktop.ini": b"[.ShellClassInfo]\r\n",
            "__MACOSX/._a.jpg": b"\0\5\x16\7" + bytes(80), "__MACOSX/b.png": PNG, ".thumbnails/c.png": PNG,
        }.items()
    }  # fmt: skip
    texts = {
        "README.txt": b"Pictures of a test.\n", "LICENSE": b"Apache\n", "labels.json": b"{}", "list.csv": b"a,b\n" * 9,
        "notes.md": b"# Notes\n", "make.py": b"print()\n", "weights.pt": b"PK\3\4" + bytes(99), "meta.xml": b"<a/>",
    }  # fmt: skip

    def few_and_many_texts(folder: Path) -> None:
        put(folder, ["a.png", "b.png"])
        for file, data in texts.items():
            (folder / file).write_bytes(data)

    return [
        beside("hidden_files", hidden, unsaid=("._x", "ds_store", "thumbs.db", "unreadable", "cannot be read")),
        beside("text_files", texts, unsaid=("unreadable", "cannot be read")),
        Case(name="more_text_files_than_pictures", make=few_and_many_texts, expect=[good(0), good(1)], within=0,
             unsaid=("cannot be read",)),
        *(beside(f"{name}_is_not_decoded", {f"zz.{name}": data}, options={"unreadable": 1.0})
          for name, data in NOT_PICTURES.items()),
        *(alone(f"{name}_alone", f"zz.{name}", lambda d=data: d, lambda _: Refused())
          for name, data in NOT_PICTURES.items()),
        Case(name="text_alone", make=lambda folder: _write(folder / "README.txt", b"nothing\n"), expect=Refused()),
        Case(name="empty_folder", make=lambda _: None, expect=Refused()),
        Case(name="hidden_pictures_alone", make=lambda folder: _write(folder / ".a.png", PNG), expect=Refused()),
    ]  # fmt: skip


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


NOT_PICTURES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16"><rect width="9" height="9"/></svg>',
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 24 16\nnewpath 0 0 moveto 9 9 lineto stroke\nshowpage\n",
    "ico": saved(colour(), "ICO", sizes=[(16, 16)]),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200),
    "icns": saved(colour(0, 32, 32), "ICNS"),
    "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(100),
}


def damaged() -> list[Case]:
    half = {
        "jpeg": ("a.jpg", saved(colour(), "JPEG", quality=98)),
        "progressive_jpeg": ("a.jpg", saved(colour(), "JPEG", quality=98, progressive=True)),
        "png": ("a.png", PNG),
        "webp": ("a.webp", saved(colour(), "WEBP", lossless=True)),
        "tiff": ("a.tif", saved(colour(), "TIFF")),
        "bmp": ("a.bmp", saved(colour(), "BMP")),
        "tga": ("a.tga", saved(colour(), "TGA")),
        "ppm": ("a.ppm", saved(colour(), "PPM")),
        "qoi": ("a.qoi", saved(colour(), "QOI")),
        "jpeg2000": ("a.jp2", saved(colour(), "JPEG2000")),
        "avif": ("a.avif", saved(colour(), "AVIF", quality=90)),
        "sgi": ("a.sgi", saved(colour(), "SGI")),
        "pcx": ("a.pcx", saved(colour(), "PCX")),
    }
    kinds: dict[str, tuple[str, bytes]] = {
        **{f"{name}_that_ends_early": (file, data[: len(data) * 6 // 10]) for name, (file, data) in half.items()},
        "zero_bytes": ("empty.png", b""),
        "one_byte": ("one.jpg", b"\xff"),
        "html_called_jpg": ("page.jpg", HTML),
        "lfs_pointer": ("large.png", POINTER),
        "zeros_called_jpg": ("zeros.jpg", bytes(2000)),
        "text_called_png": ("text.png", b"not a picture\n"),
        "png_header_alone": ("head.png", PNG[:33]),
        "png_of_ten_thousand_million_pixels": ("bomb.png", _bomb_png()),
        "png_of_no_width": ("none.png", _resized_png(0, 16)),
        "gif_header_alone": ("head.gif", b"GIF89a\x18\0\x10\0\0\0\0"),
        "tiff_that_links_to_itself": ("loop.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
    }
    cases = [alone(name, file, lambda d=data: d, Refused()) for name, (file, data) in kinds.items()]
    among = ("jpeg_that_ends_early", "png_that_ends_early", "zero_bytes", "html_called_jpg", "lfs_pointer")
    for name in (*among, "png_of_ten_thousand_million_pixels"):
        file, data = kinds[name]
        cases.append(beside(f"{name}_beside_thirty", {f"m{file}": data}, said=("1 ", file, *LEFT_OUT)))
    three = {f"m{number}.png": HTML for number in range(3)}
    flipped = bytearray(PNG)
    flipped[len(PNG) - 20] ^= 1  # of the check sum of the pixels
    return [
        *cases,
        beside("one_in_eleven_is_unreadable", three, Refused(("3", "data.unreadable"))),
        beside("one_in_eleven_may_be_unreadable", three, options={"unreadable": 1.0}, said=("3", "m0.png", *LEFT_OUT)),
        beside("one_in_eleven_is_within_a_stated_share", three, options={"unreadable": 0.2}, said=("3", *LEFT_OUT)),
        alone("lfs_pointer_is_called_by_its_name", "large.png", lambda: POINTER, Refused(("lfs",)), loose=True),
        alone("html_is_called_by_its_name", "page.jpg", lambda: HTML, Refused(("html|web page|text",)), loose=True),
        alone("png_of_a_wrong_check_sum", "a.png", lambda: bytes(flipped), lambda _: Either((colour(), Refused()))),
        alone("jpeg_without_its_last_two_bytes", "a.jpg", lambda: JPEG[:-2],
              lambda _: Either((_jpeg(), Refused())), needs=("imagecodecs",)),
        alone("jpeg_behind_other_bytes", "a.jpg", lambda: b"\r\n" + JPEG, lambda _: Either((_jpeg(), Refused())),
              needs=("imagecodecs",)),
        alone("png_with_a_text_that_grows", "a.png", lambda: png(colour(), RGB, before=[chunk(b"zTXt", _growing())]),
              lambda _: Either((colour(), Refused()))),
    ]  # fmt: skip


def _jpeg() -> Any:
    import imagecodecs

    return np.asarray(imagecodecs.jpeg8_decode(JPEG))


def _growing() -> bytes:
    """A comment of 1 GB in 1 MB."""
    squeezer = zlib.compressobj(9)
    block = squeezer.compress(bytes(2**22)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    again = squeezer.compress(bytes(2**22)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return b"Comment\0\0" + block + again * 255


def _resized_png(width: int, height: int) -> bytes:
    return PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + PNG[33:]


def _bomb_png() -> bytes:
    return _resized_png(100_000, 100_000)


def odd_entries() -> list[Case]:
    def special(folder: Path) -> None:
        thirty(folder)
        os.mkfifo(folder / "pipe.png")
        (folder / "dangling.png").symlink_to(folder / "nowhere.png")
        (folder / "itself.png").symlink_to(folder / "itself.png")
        before = Path.cwd()
        try:
            os.chdir(folder)  # the name of a socket is short
            with socket.socket(socket.AF_UNIX) as plug:
                plug.bind("socket.png")
        finally:
            os.chdir(before)
        (folder / "device.png").symlink_to("/dev/zero")

    def pipe_alone(folder: Path) -> None:
        os.mkfifo(folder / "pipe.png")

    def folder_called_png(folder: Path) -> None:
        put(folder, ["x.png/inside.png", "y.zip/inside.png"])

    def linked(folder: Path) -> None:
        put(folder.parent / "elsewhere", ["p.png"])
        (folder / "link.png").symlink_to(folder.parent / "elsewhere" / "p.png")

    return [
        Case(name="pipe_socket_device_and_dangling_links", make=special, expect=GOOD, within=0),
        Case(name="pipe_alone", make=pipe_alone, expect=Refused()),
        Case(name="folder_called_png", make=folder_called_png, expect=[good(0), good(1)], within=0),
        Case(name="linked_picture", make=linked, expect=good(0), within=0),
        Case(name="no_such_folder", make=lambda folder: folder / "none", expect=Refused(("none",))),
    ]


def folders() -> list[Case]:
    order = [
        "b.png",
        "a.png",
        "a/z.png",
        "a-b/x.png",
        "a/b/c/d.png",
        "a/b.png",
        "a/b/c.png",
        "Z.png",
        "10.png",
        "9.png",
    ]

    def linked_folder(folder: Path) -> Path:
        outside = folder.parent / "outside"
        put(outside, ["in/q.png"], 1)
        put(folder, ["a.png"])
        (folder / "link").symlink_to(outside, target_is_directory=True)
        return folder

    def loop(folder: Path) -> None:
        put(folder, ["a.png", "sub/deeper/b.png"])
        (folder / "sub" / "deeper" / "up").symlink_to(folder, target_is_directory=True)
        (folder / "sub" / "self").symlink_to(".", target_is_directory=True)

    def two_loops(folder: Path) -> None:
        put(folder, ["one/a.png", "two/b.png"])
        (folder / "one" / "to").symlink_to(folder / "two", target_is_directory=True)
        (folder / "two" / "to").symlink_to(folder / "one", target_is_directory=True)

    def twice(folder: Path) -> None:
        put(folder.parent / "outside", ["a.png"])
        for name in ("one", "two"):
            (folder / name).symlink_to(folder.parent / "outside", target_is_directory=True)

    def itself_linked(folder: Path) -> Path:
        put(folder, ["a.png", "b.png"])
        link = folder.parent / "link"
        link.symlink_to(folder, target_is_directory=True)
        return link

    def parted(*names: str) -> Callable[[Path], None]:
        return lambda folder: void(put(folder, names))

    three, both = [good(0), good(1), good(2)], [good(0), good(1)]
    return [
        Case(name="order_of_paths", make=parted(*order), within=0,
             expect=[good(number) for _, number in sorted((walked(name), at) for at, name in enumerate(order))]),
        Case(name="nested_three_deep", make=parted("a/b/c/d.png"), expect=good(0), within=0),
        Case(name="linked_folder", make=linked_folder, expect=both, within=0),
        Case(name="loop_of_links", make=loop, expect=both, within=0),
        Case(name="two_folders_linked_to_each_other", make=two_loops, expect=Some(tuple(both), times=2), within=0),
        Case(name="folder_linked_twice", make=twice, expect=Either((good(0), [good(0), good(0)])), within=0),
        Case(name="linked_itself", make=itself_linked, expect=both, within=0),
        Case(name="train_and_val", make=parted("train/a.png", "train/b/b.png", "val/c.png"), expect=both, within=0,
             said=("train",)),
        Case(name="train_and_test", make=parted("train/a.png", "train/b.png", "test/c.png"), expect=both, within=0,
             said=("train",)),
        Case(name="train_val_and_test", make=parted("train/a.png", "train/b.png", "val/c.png", "test/d.png"),
             expect=both, within=0, said=("train",)),
        Case(name="train_alone", make=parted("train/a.png", "train/b.png"), expect=both, within=0),
        Case(name="classes_are_all_read", make=parted("cat/a.png", "dog/b.png", "test/c.png"), expect=three, within=0),
    ]  # fmt: skip


def void(_: Any) -> None:
    return


def extremes() -> list[Case]:
    """Pictures that are read, and that something is to be said about: the words are loose."""

    def pictures(*pixels: Any) -> Callable[[Path], None]:
        def make(folder: Path) -> None:
            for number, picture in enumerate(pixels):
                (folder / f"{number}.png").write_bytes(saved(picture, "PNG"))

        return make

    wide = np.tile(colour(0, 20, 100), (1, 300, 1))
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    middle = wide[:, 15_000 - 32 : 15_000 + 32]
    dot = np.array([[[200, 30, 10]]], dtype=np.uint8)
    greys = [np.dstack([grey(number)] * 3) for number in range(3)]
    padded = np.full((24, 24, 3), 255, dtype=np.uint8)
    padded[4:20] = colour()
    dark = padded.copy()
    dark[:4] = dark[20:] = 0
    beside_it = np.full((16, 40, 3), 128, dtype=np.uint8)
    beside_it[:, 8:32] = colour()
    return [
        Case(name="one_pixel", make=pictures(dot), expect=np.tile(dot, (4, 4, 1)), loose=True,
             said=("small|enlarge|1x1|1 x 1",)),
        Case(name="very_wide", make=pictures(wide), expect=np.ascontiguousarray(middle), within=0,
             said=("wide|long|crop|cut|shape|proportion|oblong|aspect|30000|30,000",), loose=True),
        Case(name="very_tall", make=pictures(tall), expect=np.ascontiguousarray(middle.transpose(1, 0, 2)), within=0,
             said=("tall|high|long|crop|cut|shape|proportion|oblong|aspect|30000|30,000",), loose=True),
        Case(name="one_picture_alone", make=pictures(colour()), expect=colour(), within=0,
             said=("1 picture|one picture|only 1|single|few",), loose=True),
        Case(name="two_that_are_equal", make=pictures(colour(), colour()), expect=[colour(), colour()], within=0,
             said=("same|equal|duplicate|identical|twice",), loose=True),
        Case(name="all_grey_in_rgb", make=pictures(*greys), expect=greys, within=0, said=("grey|gray",), loose=True),
        Case(name="padded_on_white", make=pictures(colour()), expect=padded, within=0, options={"fit": "pad"}),
        Case(name="padded_on_black", make=pictures(colour()), expect=dark, within=0,
             options={"fit": "pad", "background": "black"}),
        Case(name="padded_at_the_sides", make=pictures(colour()), expect=beside_it, within=0,
             options={"fit": "pad", "background": "#808080"}),
    ]  # fmt: skip


CASES = [*suffixes(), *names(), *ignored(), *damaged(), *odd_entries(), *folders(), *extremes()]
