"""Zip and tar: as tools write them, and as nobody should."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from awkward.case import GOOD, LEFT_OUT, Case, Either, Pixels, Refused, Some, good, saved, walked

APPLE = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(60)
Make = Callable[[Path], Path]


def picture(number: int) -> bytes:
    return saved(good(number), "PNG")


def files(*names: str) -> dict[str, bytes]:
    return {name: picture(number) for number, name in enumerate(names)}


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED, file: str = "a.zip") -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / file, "w", how) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data, how)
        return folder / file

    return make


class _OldName(zipfile.ZipInfo):
    """Whose name is written in cp437, without the sign that it is UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("cp437"), 0


def old_names(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number, name in enumerate(("caf\u00e9.png", "ni\u00f1o/x.png")):
            archive.writestr(_OldName(name), picture(number))
    return folder / "a.zip"


def changed(make: Make, change: Callable[[bytes], bytes]) -> Make:
    def then(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return then


def _patched(data: bytes, local: tuple[int, str, int], central: tuple[int, str, int]) -> bytes:
    """Each header's field at an offset, of a format, set to a value."""
    out = bytearray(data)
    for sign, (offset, kind, value) in ((b"PK\3\4", local), (b"PK\1\2", central)):
        at = data.find(sign)
        while at >= 0:
            struct.pack_into(kind, out, at + offset, value)
            at = data.find(sign, at + 4)
    return bytes(out)


def encrypted(data: bytes) -> bytes:
    return _patched(data, (6, "<H", 1), (8, "<H", 1))


def of_aes(data: bytes) -> bytes:
    return encrypted(_patched(data, (8, "<H", 99), (10, "<H", 99)))


def huge(data: bytes) -> bytes:
    """Of members that say they have 1 GB."""
    return _patched(data, (22, "<I", 2**30), (24, "<I", 2**30))


def growing(folder: Path, *, honest: bool) -> Path:
    """A member of 1 MB that becomes 1 GB of zeros; honest: and says so."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = squeezer.compress(bytes(2**22)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    again = squeezer.compress(bytes(2**22)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    body = head + again * 255 + squeezer.flush()
    size = 2**30 if honest else 5000
    name = b"bomb.png"
    fields = struct.pack("<HHHHIIIHH", 0, 8, 0, 33, 0, len(body), size, len(name), 0)
    local = b"PK\3\4" + struct.pack("<H", 20) + fields + name + body
    central = b"PK\1\2" + struct.pack("<HH", 20, 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    (folder / "a.zip").write_bytes(local + central + end)
    return folder / "a.zip"


def linked_zip(folder: Path) -> Path:
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    path = zipped(files("a.png", "b.png"))(folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "a.png")
    return path


def with_other_bytes(data: bytes) -> bytes:
    return b"#!/bin/sh\n" + data + b"\n"


def zips() -> list[Case]:
    three, both = [good(0), good(1), good(2)], [good(0), good(1)]
    stylegan = {f"00000/img{number:08}.png": picture(number) for number in range(3)}
    stylegan["dataset.json"] = json.dumps({"labels": [[name, 0] for name in stylegan]}).encode()
    apple = {**files("a.png", "b.png"), "__MACOSX/._a.png": APPLE, "__MACOSX/c.png": picture(5), "._b.png": APPLE,
             ".DS_Store": b"\0\0\0\1Bud1"}  # fmt: skip
    nested = files("b/c/x.png", "a.png", "b/y.png", "b-c/z.png")
    by_path = sorted((walked(name), number) for number, name in enumerate(nested))
    plain = zipped(files("a.png", "b.png"))
    away = {**files("a.png", "b.png"), "../../away.png": picture(2), "/tmp/absolute.png": picture(3),
            "..\\back.png": picture(4)}  # fmt: skip
    bad = {**{f"g{number:02}.png": picture(number) for number in range(30)}, "m.png": b"not a picture"}
    harmless = Some((good(0), good(1)), (good(2), good(3), good(4)))
    return [
        case("zip_stored", zipped(files("a.png", "b.png"), zipfile.ZIP_STORED), both),
        case("zip_deflated", plain, both),
        case("zip_of_bzip2", zipped(files("a.png", "b.png"), zipfile.ZIP_BZIP2), Refused(("deflate",))),
        case("zip_of_lzma", zipped(files("a.png", "b.png"), zipfile.ZIP_LZMA), Refused(("deflate",))),
        case("zip_with_upper_case_suffix", zipped(files("A.PNG"), file="A.ZIP"), good(0)),
        case("zip_as_stylegan_has_it", zipped(stylegan, zipfile.ZIP_STORED), three, unsaid=("cannot be read",)),
        case("zip_of_a_mac", zipped(apple), both, unsaid=("._", "cannot be read", "unreadable")),
        case("zip_with_names_in_utf_8", zipped(files("caf\u00e9.png", "漢字/😀.png")), both),
        case("zip_with_names_in_cp437", old_names, both),
        case("zip_with_folders", zipped({"b/": b"", **nested, "c/": b""}), [good(number) for _, number in by_path]),
        case("zip_with_other_files", zipped({**files("a.png", "b.png"), "a.txt": b"x\n", "x.csv": b"1,2\n"}), both),
        case("zip_with_bytes_around_it", changed(plain, with_other_bytes), Either((both, Refused()))),
        case("zip_with_a_link", linked_zip, both, options={"unreadable": 1.0}),
        case("zip_with_names_that_lead_away", zipped(away), harmless, options={"unreadable": 1.0}),
        case("zip_with_an_unreadable_one", zipped(bad), GOOD, said=("1 ", "m.png", *LEFT_OUT)),
        case("zip_of_one_folder", zipped(files("photos/a.png", "photos/b.png")), both),
        case("zip_of_train_and_val", zipped(files("train/a.png", "train/b.png", "val/c.png")), Either((both, three))),
        case("zip_encrypted", changed(plain, encrypted), Refused(("encrypted|password", "a.zip|a.png"))),
        case("zip_encrypted_by_aes", changed(plain, of_aes), Refused(("a.zip|a.png",))),
        case("zip_that_ends_early", changed(plain, lambda data: data[: len(data) * 6 // 10]), Refused(("a.zip",))),
        case("zip_of_nothing", zipped({}), Refused(("a.zip",))),
        case("zip_of_texts", zipped({"README.txt": b"x"}), Refused(("a.zip",))),
        case("zip_of_zero_bytes", lambda folder: _file(folder / "a.zip", b""), Refused(("a.zip",))),
        case("zip_that_is_none", lambda folder: _file(folder / "a.zip", b"<html>no</html>"), Refused(("a.zip",))),
        case("zip_whose_pictures_are_damaged",
             changed(zipped(files("a.png"), zipfile.ZIP_STORED), lambda data: data.replace(b"IDAT", b"IDAX", 1)),
             Refused(("a.png",))),
        case("zip_that_declares_too_much", changed(plain, huge), Refused()),
        case("zip_that_grows", lambda folder: growing(folder, honest=False), Refused(("bomb.png",))),
        case("zip_that_grows_and_says_so", lambda folder: growing(folder, honest=True), Refused(("bomb.png",))),
    ]  # fmt: skip


def case(name: str, make: Callable[[Path], Path], expect: Any, **more: Any) -> Case:
    return Case(name=name, make=make, expect=expect, within=0, **more)


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def tarred(
    members: dict[str, bytes],
    file: str = "a.tar",
    *,
    kind: int = tarfile.PAX_FORMAT,
    others: tuple[tarfile.TarInfo, ...] = (),
) -> Make:
    how = {"tar": "w", "gz": "w:gz", "tgz": "w:gz", "xz": "w:xz", "bz2": "w:bz2"}[file.rpartition(".")[2].lower()]

    def make(folder: Path) -> Path:
        with tarfile.open(folder / file, how, format=kind) as archive:  # type: ignore[call-overload]
            for name, data in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
            for entry in others:
                archive.addfile(entry)
        return folder / file

    return make


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def tars() -> list[Case]:
    both: list[Pixels] = [good(0), good(1)]
    plain = files("a.png", "b.png")
    long = files("d" * 90 + "/" + "e" * 90 + "/" + "f" * 120 + ".png", "漢字/é.png")
    dotted = files("./a.png", "./b/c.png")
    apple = {**plain, "._a.png": APPLE, "./.DS_Store": b"\0", "__MACOSX/._b.png": APPLE}
    links = (
        entry("hard.png", tarfile.LNKTYPE, "a.png"),
        entry("soft.png", tarfile.SYMTYPE, "a.png"),
        entry("away.png", tarfile.SYMTYPE, "/etc/passwd"),
        entry("gone.png", tarfile.LNKTYPE, "../../gone.png"),
    )
    devices = (
        entry("zero.png", tarfile.CHRTYPE),
        entry("disk.png", tarfile.BLKTYPE),
        entry("pipe.png", tarfile.FIFOTYPE),
        entry("folder.png", tarfile.DIRTYPE),
    )
    away = {**plain, "../../away.png": picture(2), "/tmp/absolute.png": picture(3)}
    harmless = Some((good(0), good(1)), (good(2), good(3)))
    cases = [
        case(f"tar_called_{suffix.replace('.', '_')}", tarred(plain, f"a.{suffix}"), both)
        for suffix in ("tar", "tar.gz", "tgz", "tar.xz", "tar.bz2")
    ]
    return [
        *cases,
        case("tar_of_pax_headers", tarred(long), both),
        case("tar_of_gnu_long_names", tarred(long, kind=tarfile.GNU_FORMAT), both),
        case("tar_of_ustar", tarred(plain, kind=tarfile.USTAR_FORMAT), both),
        case("tar_of_names_with_a_dot", tarred(dotted), both),
        case("tar_of_a_mac", tarred(apple), both, unsaid=("._", "cannot be read", "unreadable")),
        case("tar_with_links", tarred(plain, others=links), both, options={"unreadable": 1.0}),
        case("tar_gz_with_links", tarred(plain, "a.tar.gz", others=links), both, options={"unreadable": 1.0}),
        case("tar_with_devices", tarred(plain, others=devices), both, options={"unreadable": 1.0}),
        case("tar_with_names_that_lead_away", tarred(away), harmless, options={"unreadable": 1.0}),
        case("tar_in_another_order", tarred(files("b.png", "a.png")), [good(1), good(0)]),
        case("tar_that_ends_early", changed(tarred(plain), lambda data: data[:_inside_the_last(plain)]),
             Refused(("a.tar",))),
        case("tar_gz_that_ends_early", changed(tarred(plain, "a.tar.gz"), lambda data: data[: len(data) * 6 // 10]),
             Refused(("a.tar.gz",))),
        case("tar_xz_that_ends_early", changed(tarred(plain, "a.tar.xz"), lambda data: data[: len(data) * 6 // 10]),
             Refused(("a.tar.xz",))),
        case("tar_of_nothing", tarred({}), Refused(("a.tar",))),
        case("tar_that_is_none", lambda folder: _file(folder / "a.tar", b"no archive" * 99), Refused(("a.tar",))),
        case("plain_tar_called_tar_gz", lambda folder: tarred(plain)(folder).rename(folder / "a.tar.gz"),
             Either((both, Refused(("a.tar.gz",))))),
        case("tar_called_zip", lambda folder: tarred(plain)(folder).rename(folder / "a.zip"),
             Either((both, Refused(("a.zip",))))),
        case("tar_of_links_alone", tarred({}, others=links), Refused(("a.tar",))),
    ]  # fmt: skip


def _inside_the_last(members: dict[str, bytes]) -> int:
    """An offset within the bytes of the last of two members, in an archive of plain names."""
    first, second = members.values()
    return 512 + -(-len(first) // 512) * 512 + 512 + len(second) // 2


CASES = [*zips(), *tars()]
