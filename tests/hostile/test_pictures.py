"""Pictures that are not what they say: damaged and lying archives, tables, prepared files, caches, datasets."""

import io
import json
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from helpers import run_main, within
from PIL import Image
from test_sources import NAMES, PICTURES, fill, opened, png, shades, write_tar, write_zip

import ganzoo as gz
from ganzoo.config import DataConfig
from ganzoo.data.balanced import Balanced
from ganzoo.data.facts import difference
from ganzoo.data.folder import open_folder
from ganzoo.data.huggingface import open_dataset
from ganzoo.data.kinds import versions
from ganzoo.data.pairs import open_pairs
from ganzoo.data.shards import open_shards
from ganzoo.errors import DataError, GanzooError, RequestError


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_a_label_goes_with_the_picture_that_is_shown(tmp_path, monkeypatch, memory_gb):
    monkeypatch.setattr("ganzoo.data.store._LOOKED_AT", 3)
    members = {}
    for number in range(20):
        members[f"{number:04}.png"] = png(number) if number not in (9, 10) else b"damaged"
        members[f"{number:04}.cls"] = str(number // 10).encode()
    write_tar(tmp_path / "s.tar", members)
    source = opened(open_shards, tmp_path / "s.tar", memory_gb=memory_gb, unreadable=0.5)
    batch = source.fetch([np.arange(source.lengths[0])])
    for shade, label in zip(batch.real[:, 0, 0, 0].tolist(), batch.label.tolist(), strict=True):
        assert label == shade // 100


def test_pictures_left_out_of_shards_leave_the_groups_right(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.data.store._LOOKED_AT", 2)
    for shard in range(3):
        members = {f"{n}.png": png(n) if n != 2 else b"damaged" for n in range(5)}
        write_tar(tmp_path / f"s{shard}.tar", members)
    for options in ({"cache": str(tmp_path / "cache")}, {"cache": str(tmp_path / "cache")}, {}):
        source = opened(open_shards, tmp_path, memory_gb=0.0, unreadable=0.5, **options)
        assert sum(source.facts[0].groups) == source.lengths[0]


def test_each_place_has_its_own_table(tmp_path):
    places = []
    for number, name in enumerate("ab"):
        pictures = {f"00000/img{n}.png": png(3 * number + n) for n in range(3)}
        table = {"labels": [[each, 3 * number + n] for n, each in enumerate(pictures)]}
        places.append(fill(tmp_path / name, {**pictures, "dataset.json": json.dumps(table).encode()}))
    source = opened(open_folder, places[0], also=(str(places[1]),), labels="dataset.json")
    batch = source.fetch([np.arange(6)])
    assert batch.label.tolist() == list(range(6)) and batch.real[:, 0, 0, 0].tolist() == [10 * n for n in range(6)]
    assert not difference(source.facts[0].prints, source.facts[0].prints)  # though their names are the same


@pytest.mark.parametrize("how", ["cut at a member", "cut in a header", "damaged header", "hole"])
def test_a_tar_that_ends_too_soon_is_no_tar(tmp_path, how):
    path = write_tar(tmp_path / "a.tar", {f"{n:02}.png": png(n) for n in range(20)})
    with tarfile.open(path) as tar:
        place = tar.getmembers()[10].offset
    content = bytearray(path.read_bytes())
    match how:
        case "cut at a member":
            content = content[:place]
        case "cut in a header":
            content = content[: place + 100]
        case "damaged header":
            content[place : place + 512] = b"\xff" * 512
        case "hole":
            content[place : place + 512] = bytes(512)
    path.write_bytes(content)
    for opener in (open_folder, open_shards):
        with pytest.raises(DataError, match="cut off, or damaged"):
            opened(opener, path)


def test_orientation_is_found_wherever_a_jpeg_has_it(tmp_path):
    image = Image.new("L", (32, 16))
    image.paste(255, (0, 0, 32, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(buffer := io.BytesIO(), "JPEG", exif=exif)
    content = buffer.getvalue()
    filling = (b"\xff\xed" + struct.pack(">H", 60_002) + bytes(60_000)) * 2
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='r'><rdf:Description "
    xmp += b"xmlns:tiff='t' tiff:Orientation=\"6\"/></rdf:RDF></x:xmpmeta>"
    image.save(plain := io.BytesIO(), "JPEG")
    told = plain.getvalue()
    cases = {
        "late": content[:2] + filling + content[2:],
        "xmp": told[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + told[2:],
    }
    for name, case in cases.items():
        folder = fill(tmp_path / name, {"a.jpg": case})
        pixels = opened(open_folder, folder, size=(32, 16)).fetch([np.arange(1)]).real[0, 0]
        assert pixels[:, -4:].min() > 200 > 50 > pixels[:, :4].max(), name


def test_rows_of_a_table_are_of_the_pictures_that_they_name(tmp_path):
    folder = fill(tmp_path / "set", {f"{split}/x/{n}.png": png(n) for split in ("train", "val") for n in range(3)})
    table = tmp_path / "t.csv"
    table.write_text("imgs\\0.png,cat\n 1.png ,cat\nval/x/2.png,dog\n")
    with pytest.raises(DataError, match=r"2 of 3 pictures .* have no label"):  # imgs/0.png and val/x/2.png are others
        opened(open_folder, folder, labels=str(table))
    table.write_text("val/x/9.png,0.5,0.6\ntrain/x/0.png,1,2\ntrain/x/1.png,1,2\ntrain/x/2.png,1,2\n")
    condition = opened(open_folder, folder, labels=str(table)).info.condition
    assert condition.size == 2 and condition.names == ()
    table.write_text("file,class\n0.png,cat\n0.png,dog\n1.png,cat\n2.png,cat\n")
    with pytest.raises(DataError, match=r"two labels for '0\.png': 'cat' and 'dog'"):
        opened(open_folder, folder, labels=str(table))
    for text in ("a.png," + "x" * 200_000 + "\n", "a.png\n", "\0,\0\n"):
        table.write_text(text)
        with pytest.raises(GanzooError):
            opened(open_folder, folder, labels=str(table))
    table.write_text("file,class\r0.png,cat\r1.png,dog\r2.png,cat\r")
    assert opened(open_folder, folder, labels=str(table)).info.condition.names == ("cat", "dog")


def test_folders_with_points_and_strange_signs_as_classes(tmp_path):
    one, two = (fill(tmp_path / name, {"0.png": png(1)}) for name in ("2024.01", "2024.02"))
    source = opened(open_folder, one, also=(str(two),), labels="folders")
    assert source.info.condition.names == ("2024.01", "2024.02")
    fill(tmp_path / "odd", {"caf\udce9/0.png": png(1), "tea/0.png": png(2)})
    names = opened(open_folder, tmp_path / "odd", labels="folders").info.condition.names
    assert names == ("caf\ufffd", "tea")
    names[0].encode()
    split = fill(tmp_path / "split", {f"{part}/{kind}/0.png": png(1) for part in ("train", "val") for kind in "ab"})
    assert opened(open_folder, split, labels="folders", split="all").info.condition.names == ("a", "b")
    assert opened(open_folder, split / "train", split="train").lengths == (2,)


def test_pairs_that_differ_are_refused_each_time(tmp_path):
    one, two = (fill(tmp_path / name, {"0.png": png(1, size)}) for name, size in (("a", (8, 8)), ("b", (12, 12))))
    for _ in range(2):
        with pytest.raises(DataError, match="Of 1 of 1 pairs the pictures differ in size"):
            opened(open_pairs, one, target=f"folder:{two}", cache=str(tmp_path / "cache"))


def test_halves_of_pictures_that_are_no_pairs_are_spoken_of(tmp_path, registry):
    folder = fill(tmp_path / "photos", {f"{n}.png": png(n) for n in range(3)})
    told = []
    opened(open_pairs, folder, told)
    assert any("3 of 3 files are not nearly twice as wide as high" in line for line in told)
    for side in "AB":
        fill(tmp_path / "set" / side, {f"train/{n}.png": png(n) for n in range(3)})
    status, out, err = run_main("train", "pix2pix", "--preset", "tiny", "--data", tmp_path / "set", "--dry-run")
    assert status == 0 and "3 pairs in two folders" in out and "has A and B: source and target" in err


def test_a_cache_that_is_damaged_is_made_anew(tmp_path):
    folder = fill(tmp_path / "photos")
    cache = tmp_path / "cache"

    def damaged(change):
        opened(open_folder, folder, cache=str(cache))
        (entry,) = cache.glob("pictures-*")
        change(entry)
        assert shades(opened(open_folder, folder, cache=str(cache))) == [10 * n for n in range(12)]

    def kept(values):
        return lambda entry: np.save(entry / "kept.npy", np.array(values))

    for name in ("pixels.npy", "kept.npy", "report.json"):
        damaged(lambda entry, name=name: (entry / name).write_bytes(b""))
        damaged(lambda entry, name=name: (entry / name).unlink())
    for values in (range(12)[::-1], [*range(11), 99], [-1, *range(1, 12)], 3, [[1]], np.arange(12.0)):
        damaged(kept(values))
    damaged(lambda entry: (entry / "report.json").write_text('{"sizes": {"0x0": 1}, "count": Infinity}'))
    assert len(list(cache.iterdir())) == 1
    for place in ("\0", "~nobody-of-this-name/c"):
        with pytest.raises((DataError, RequestError), match="data.cache"):
            opened(open_folder, folder, cache=place)


def test_a_cache_knows_which_libraries_were_there(tmp_path, monkeypatch):
    folder = fill(tmp_path / "photos")
    opened(open_folder, folder, cache=str(tmp_path / "cache"))
    monkeypatch.setattr("ganzoo.data.reading.versions", lambda: {**versions(), "another": "1"})
    opened(open_folder, folder, cache=str(tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_archives_that_grow_beyond_measure(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dataset.json", b'{"labels":[' + b"[]," * 60_000_000 + b"[]]}")
        archive.writestr("a.png", png(1))
    with (
        within(seconds=20, megabytes=400),
        pytest.raises(DataError, match=r"dataset\.json .* (expands to more|are the most)"),
    ):
        opened(open_folder, tmp_path / "z.zip", labels="dataset.json")


def changed_member(path, name, content, compress=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each, old in members.items():
            archive.writestr(each, content if each == name else old, compress if each == name else zipfile.ZIP_STORED)


def array(values):
    np.save(buffer := io.BytesIO(), values)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("label.npy", array(np.int64(3))),
        ("label.npy", array(np.full(12, 7))),
        ("label.npy", array(np.full(12, -1))),
        ("label.npy", array(np.zeros(12))),
        ("label.npy", array(np.zeros((12, 2), dtype=np.int64))),
        ("label.npy", b""),
        (
            "label.npy",
            b"\x93NUMPY\1\0v\0{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }" + b" " * 40,
        ),
        ("real.npy", array(np.zeros((12, 1, 8, 8)))),
        ("recipe.json", b"{}"),
        ("recipe.json", b"[" * 100_000),
    ],
)
def test_prepared_files_that_lie(tmp_path, member, content):
    settings = {"data": {"size": 8, "channels": 1, "labels": "folders"}}
    file = gz.prepare_data(fill(tmp_path / "photos"), tmp_path / "p.npz", settings=settings)
    changed_member(file, member, content)
    with within(seconds=5, megabytes=300), pytest.raises(DataError, match="damaged|is no"):
        opened(open_folder, file)


def test_what_is_prepared_is_what_there_is_and_spares_others(tmp_path):
    folder, mine = fill(tmp_path / "photos"), tmp_path / "mine.npz"
    mine.write_bytes(b"precious")
    with pytest.raises(RequestError, match="is there, and was not prepared by ganzoo"):
        gz.prepare_data(folder, mine)
    assert mine.read_bytes() == b"precious"
    settings = {"data": {"size": 8, "channels": 1, "labels": "folders", "flip": True, "balance": True}}
    file = gz.prepare_data(folder, tmp_path / "p.npz", settings=settings)
    gz.prepare_data(folder, file, settings=settings)  # its own it may replace
    assert opened(open_folder, file).lengths == (len(NAMES),)
    assert gz.data_info(folder, settings=settings).report["count"] == len(NAMES)
    for stated in ({"fit": "pad"}, {"labels": "table.csv"}, {"background": "black"}, {"scale": "minmax"}):
        with pytest.raises(RequestError, match="was prepared with data"):
            opened(open_folder, file, **stated)
    assert opened(open_folder, file, labels="none").info.condition is None


def test_very_many_classes_are_balanced_at_once(tmp_path):
    labels = {"labels": [[name, 90_000 if number else 0] for number, name in enumerate(NAMES)]}
    folder = fill(tmp_path / "photos", {**PICTURES, "dataset.json": json.dumps(labels).encode()})
    with within(seconds=5, megabytes=300):
        source = Balanced(opened(open_folder, folder, labels="dataset.json"))
    assert source.lengths == (22,) and np.bincount(source.fetch([np.arange(22)]).label).tolist()[::90_000] == [11, 11]
    labels["labels"][0][1] = 10**15
    (folder / "dataset.json").write_text(json.dumps(labels))
    with pytest.raises(DataError, match="expected 0 to"):
        opened(open_folder, folder, labels="dataset.json")


def test_folders_nested_beyond_measure(tmp_path):
    deep = tmp_path / "photos"
    for _ in range(300):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (tmp_path / "photos" / "a.png").write_bytes(png(1))
    told = []
    assert opened(open_folder, tmp_path / "photos", told).lengths == (1,)
    assert any("nested more than 200 deep" in line for line in told)


def test_datasets_that_lead_elsewhere(tmp_path):
    pa = pytest.importorskip("pyarrow")
    for splits in (["../secret"], [str(tmp_path)], []):
        (tmp_path / "hf").mkdir(exist_ok=True)
        (tmp_path / "hf" / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
        with pytest.raises(DataError, match="cannot be read as a Hugging Face dataset"):
            opened(open_dataset, tmp_path / "hf")
    folder = tmp_path / "arrow"
    folder.mkdir()
    table = pa.table({"image": pa.array([{"bytes": png(n)} for n in range(4)], pa.struct([("bytes", pa.binary())]))})
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (folder / "dataset_info.json").write_text("{}")
    assert opened(open_dataset, folder).lengths == (4,)
    content = (folder / "data.arrow").read_bytes()
    offsets = np.cumsum([len(png(n)) for n in range(4)]).astype("<i4")
    place = content.index(offsets[:3].tobytes())
    (folder / "data.arrow").write_bytes(content[:place] + struct.pack("<i", 0x7FFF0000) + content[place + 4 :])
    with pytest.raises(DataError, match="cannot be read"):
        opened(open_dataset, folder)


def test_damaged_archives_of_every_kind_are_a_sentence(tmp_path):
    random = np.random.RandomState(0)
    made = [
        write_zip(tmp_path / "a.zip", PICTURES),
        write_tar(tmp_path / "a.tar", PICTURES),
        write_tar(tmp_path / "a.tar.gz", PICTURES, "w:gz"),
        write_tar(tmp_path / "a.tar.xz", PICTURES, "w:xz"),
        write_tar(tmp_path / "a.tar.bz2", PICTURES, "w:bz2"),
    ]
    for path in made:
        whole = path.read_bytes()
        for _ in range(15):
            content = bytearray(whole[: random.randint(1, len(whole))] if random.rand() < 0.3 else whole)
            for _ in range(random.randint(1, 4)):
                content[random.randint(len(content))] = random.randint(256)
            path.write_bytes(content)
            try:
                open_folder(str(path), DataConfig(size=8, unreadable=1.0), notify=lambda line: None)
            except DataError:
                continue
