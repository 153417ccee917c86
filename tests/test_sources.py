"""Where pictures lie: several folders, archives, prepared files, caches, shards, datasets; each the same pictures."""

import io
import json
import os
import tarfile
import zipfile

import numpy as np
import pytest
from helpers import run_main
from PIL import Image

import ganzoo as gz
from ganzoo.config import DataConfig
from ganzoo.config.resolve import Layer
from ganzoo.data import batches, parquet, store
from ganzoo.data.batches import Order
from ganzoo.data.domains import open_kind, with_whole_paths
from ganzoo.data.duplicates import alike, look_of
from ganzoo.data.facts import difference
from ganzoo.data.finding import collect
from ganzoo.data.folder import open_folder
from ganzoo.data.huggingface import Rows, open_dataset
from ganzoo.data.shards import open_shards
from ganzoo.errors import DataError, RequestError
from ganzoo.plugin.settings import resolve_for

NAMES = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(6)]


def png(number, size=(8, 8)):
    buffer = io.BytesIO()
    Image.new("L", size, 10 * number).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {name: png(number) for number, name in enumerate(NAMES)}


def fill(folder, pictures=PICTURES):
    for name, content in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "photos")


def opened(opener, argument, told=None, **options):
    notify = (told if told is not None else []).append
    return opener(str(argument), DataConfig(**{"size": 8, "channels": 1, **options}), notify=notify)


def shades(source):
    return source.fetch([np.arange(source.lengths[0])]).real[:, 0, 0, 0].tolist()


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path, members, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(prefix + name, content)
    return path


def test_a_folder_a_zip_a_tar_and_a_prepared_file_are_the_same_pictures(folder, tmp_path):
    gz.prepare_data(folder, tmp_path / "p.npz", settings={"data": {"size": 8, "channels": 1, "labels": "folders"}})
    places = [
        folder,
        write_zip(tmp_path / "z.zip", PICTURES),
        write_zip(tmp_path / "deep.zip", PICTURES, prefix="a/b/"),
        write_tar(tmp_path / "t.tar", dict(reversed(PICTURES.items()))),
        write_tar(tmp_path / "t.tar.gz", PICTURES, "w:gz"),
        write_tar(tmp_path / "t.txz", PICTURES, "w:xz"),
    ]
    sources = [opened(open_folder, place, labels="folders") for place in places]
    sources.append(opened(open_folder, tmp_path / "p.npz"))
    for source in sources:
        batch = source.fetch([np.arange(12)])
        assert batch.real[:, 0, 0, 0].tolist() == [10 * n for n in range(12)]
        assert batch.label.tolist() == [0] * 6 + [1] * 6 and source.info.condition.names == ("cat", "dog")
        assert not difference(sources[0].facts[0].prints, source.facts[0].prints)


def test_several_folders_are_read_together(folder, tmp_path, registry):
    other = fill(tmp_path / "more", {"x.png": png(20)})
    config = with_whole_paths(DataConfig(source=str(folder), also=(str(other),), size=8), "pictures", registry)
    told = []
    source = open_kind(config, "pictures", registry, notify=told.append)
    assert source.lengths == (13,) and shades(source)[-1] == 200
    with pytest.raises(RequestError, match="'digits' cannot be read together with others"):
        with_whole_paths(DataConfig(source=str(folder), also=("digits",)), "pictures", registry)
    status, out, err = run_main(
        "train", "dcgan", "--preset", "tiny", "--data", folder, "--data", other, "--dry-run", "-o", tmp_path / "p.png"
    )
    assert status == 0 and "folder, 13 pictures" in out, err
    with Image.open(tmp_path / "p.png") as sheet:
        assert sheet.width > sheet.height
    status, _, err = run_main("train", "dcgan", "--data", "digits", "--kimg", 1, "--kimg", 2, "--dry-run")
    assert status == 2 and "--kimg is given twice; it takes one value" in err


def test_of_train_and_val_train_is_read(tmp_path, registry):
    for split, number in (("train", 1), ("val", 2), ("test", 3)):
        fill(tmp_path / "set", {f"{split}/a.png": png(number, (16, 8)), f"{split}/b.png": png(number, (16, 8))})
    told = []
    assert shades(opened(open_folder, tmp_path / "set", told=told)) == [10, 10]
    assert "has train and val and test: train is read, 2 of 6 pictures" in told[0]
    assert shades(opened(open_folder, tmp_path / "set", split="val")) == [20, 20]
    assert opened(open_folder, tmp_path / "set", split="all").lengths == (6,)
    with pytest.raises(DataError, match="has no folder 'valid'. Did you mean 'val'"):
        opened(open_folder, tmp_path / "set", split="valid")
    write_zip(tmp_path / "s.zip", {f"x/{split}/a.png": png(n) for n, split in enumerate(("train", "test"))})
    assert opened(open_folder, tmp_path / "s.zip").lengths == (1,)
    pairs = open_kind(DataConfig(source=f"pairs:{tmp_path / 'set'}", size=8), "pairs", registry, notify=told.append)
    assert pairs.lengths == (2,) and sum("train is read" in line for line in told) == 2


def test_of_train_a_and_train_b_both_are_domains(tmp_path, registry):
    for side, number in (("trainA", 1), ("trainB", 2), ("testA", 3), ("testB", 4)):
        fill(tmp_path / "horse2zebra", {f"{side}/{n}.png": png(number) for n in range(2 + number)})
    told = []
    config = with_whole_paths(
        DataConfig(source=str(tmp_path / "horse2zebra"), size=8), "domains", registry, told.append
    )
    assert config.source.endswith("trainA") and config.target.endswith("trainB") and "has trainA and trainB" in told[0]
    assert open_kind(config, "domains", registry, notify=told.append).lengths == (3, 4)


def test_a_prepared_file_is_held_to_what_it_says(folder, tmp_path):
    file = tmp_path / "p.npz"
    status, out, err = run_main("data", "prepare", folder, "--set", "data.size=6x8", "-o", file)
    assert status == 0 and f"--data {file}" in out, err
    with np.load(file) as arrays:  # numpy opens it
        assert arrays["real"].shape == (12, 3, 6, 8)
    for memory_gb in (4.0, 0.0):
        source = opened(open_folder, file, size=None, channels=None, memory_gb=memory_gb)
        assert source.in_memory == (memory_gb > 0) and str(source.info) == "3x6x8"
    with pytest.raises(RequestError, match="prepared with pictures of 3x6x8, and 3x8x8 is asked for"):
        opened(open_folder, file, channels=3)
    with pytest.raises(RequestError, match="was prepared without labels"):
        opened(open_folder, file, size=None, channels=None, labels="folders")
    content = file.read_bytes()
    for damaged in (content[:-40], content[: len(content) // 2], content.replace(b"(12, 3, 6, 8)", b"(92, 3, 6, 8)")):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            opened(open_folder, file, size=None, channels=None)
    assert run_main("data", "prepare", folder, "-o", tmp_path / "p.zip")[0] == 2


def test_prepared_pairs_train(tmp_path):
    fill(tmp_path / "pairs", {f"{n}.png": png(n, (32, 16)) for n in range(4)})
    gz.prepare_data(f"pairs:{tmp_path / 'pairs'}", tmp_path / "p.npz", settings={"data.size": 16})
    status, out, err = run_main("train", "pix2pix", "--preset", "tiny", "--data", tmp_path / "p.npz", "--dry-run")
    assert status == 0 and "4 pairs side by side" in out, err


def test_the_cache_is_keyed_by_content_and_shared(folder, tmp_path):
    cache = tmp_path / "cache"
    first = opened(open_folder, folder, cache=str(cache))
    (entry,) = cache.glob("pictures-*")
    written = (entry / "pixels.npy").stat().st_mtime_ns
    moved = tmp_path / "moved"
    folder.rename(moved)
    (moved / "cat").rename(moved / "lion")  # the order stays, dog after lion would not be
    (moved / "lion").rename(moved / "cat")
    for memory_gb in (4.0, 0.0):
        again = opened(open_folder, moved, cache=str(cache), memory_gb=memory_gb)
        assert shades(again) == shades(first) and again.in_memory == (memory_gb > 0)
        assert again.facts[0].report.to_json() == first.facts[0].report.to_json()
        assert not difference(again.facts[0].prints, first.facts[0].prints)
    assert (entry / "pixels.npy").stat().st_mtime_ns == written and len(list(cache.iterdir())) == 1
    (moved / "cat" / "0.png").write_bytes(png(25))
    assert shades(opened(open_folder, moved, cache=str(cache)))[0] == 250
    assert len(list(cache.glob("pictures-*"))) == 2
    opened(open_folder, moved, cache=str(cache), fit="pad")
    assert len(list(cache.glob("pictures-*"))) == 3
    for pixels in cache.glob("pictures-*/pixels.npy"):
        pixels.write_bytes(b"damaged")
    assert shades(opened(open_folder, moved, cache=str(cache), fit="pad"))[0] == 250


def test_what_cannot_be_read_is_left_out_of_the_cache_too(folder, tmp_path):
    (folder / "cat" / "3.png").write_bytes(b"no picture")
    for _ in range(2):
        told = []
        source = opened(open_folder, folder, told, cache=str(tmp_path / "cache"), unreadable=0.5)
        assert source.lengths == (11,) and "1 left out: 1 unreadable (cat/3.png: " in told[0]
        assert shades(source) == [10 * n for n in range(12) if n != 3]
    with pytest.raises(DataError, match="1 of the 12 picture files"):
        opened(open_folder, folder, cache=str(tmp_path / "cache"))


# Shards


def shard(path, numbers, **more):
    members = {}
    for number in numbers:
        members[f"{number:04}.png"] = png(number)
        members[f"{number:04}.cls"] = str(number % 3).encode()
        members[f"{number:04}.json"] = json.dumps(
            {"kind": "even" if number % 2 == 0 else "odd", "x": [number, 0.5]}
        ).encode()
        members.update({f"{number:04}.{extension}": content for extension, content in more.items()})
    return write_tar(path, members)


@pytest.fixture
def shards(tmp_path):
    for number in range(3):
        shard(tmp_path / f"s-{number:03}.tar", range(8 * number, 8 * number + 8), pyd=b"cos\nsystem\n(S'exit 1'\ntR.")
    return f"{tmp_path}/s-{{000..002}}.tar"


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_shards_of_webdataset(shards, tmp_path, memory_gb):
    source = opened(open_shards, shards, memory_gb=memory_gb)
    assert source.lengths == (24,) and source.info.condition.size == 3 and source.in_memory == (memory_gb > 0)
    batch = source.fetch([np.array([23, 0, 9])])
    assert batch.real[:, 0, 0, 0].tolist() == [230, 0, 90] and batch.label.tolist() == [2, 0, 0]
    assert source.facts[0].groups == ((8, 8, 8) if not memory_gb else ())
    assert opened(open_shards, tmp_path).lengths == (24,)
    assert opened(open_shards, f"{tmp_path}/s-*.tar").lengths == (24,)
    assert opened(open_shards, f"{tmp_path}/s-{{000,002}}.tar").lengths == (16,)
    assert opened(open_shards, shards, labels="json:kind").info.condition.names == ("even", "odd")
    assert opened(open_shards, shards, labels="json:x").info.condition.size == 2
    assert opened(open_shards, shards, labels="none").info.condition is None


def test_shards_that_the_webdataset_package_wrote(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.ShardWriter(f"{tmp_path}/w-%02d.tar", maxcount=5, verbose=0) as writer:
        for number in range(12):
            writer.write({"__key__": f"{number:06}", "png": png(number), "cls": number % 2})
    source = opened(open_shards, f"{tmp_path}/w-{{00..02}}.tar")
    assert shades(source) == [10 * n for n in range(12)] and source.info.condition.size == 2


def test_shards_that_cannot_be_read(shards, tmp_path):
    for pattern, words in (
        (f"{tmp_path}/s-{{000..003}}.tar", "There is no shard .*s-003.tar"),
        (f"{tmp_path}/none-*.tar", "No shard is called"),
        ("pipe:touch /tmp/never", "There is no shard pipe:touch"),
        ("http://example.org/s.tar", "There is no shard"),
    ):
        with pytest.raises(DataError, match=words):
            opened(open_shards, pattern)
    with pytest.raises(RequestError, match="of shards, expected cls, json:KEY or none"):
        opened(open_shards, shards, labels="folders")
    write_tar(tmp_path / "s-001.tar", {"0001.png": png(1)})
    with pytest.raises(DataError, match="1 of 17 pictures of .* have no label by 'cls'"):
        opened(open_shards, shards, labels="cls")
    assert opened(open_shards, shards).info.condition is None


def test_a_damaged_picture_of_a_stream_gives_way_to_the_next(tmp_path, monkeypatch):
    members = {f"{number:04}.png": png(number) for number in range(20)}
    members["0007.png"] = members["0008.png"] = b"damaged"
    write_tar(tmp_path / "s.tar", members)
    monkeypatch.setattr("ganzoo.data.store._LOOKED_AT", 2)
    told = []
    source = opened(open_shards, tmp_path / "s.tar", told, memory_gb=0.0, unreadable=0.1)
    assert source.lengths == (20,)
    order = [19, 7, 8, 9, 0]
    for _ in range(2):
        assert source.fetch([np.array(order)]).real[:, 0, 0, 0].tolist() == [190, 90, 90, 90, 0]
    assert sum("the next is shown in its place" in line for line in told) == 2
    few = opened(open_shards, tmp_path / "s.tar", memory_gb=0.0, unreadable=0.05)
    with pytest.raises(DataError, match="2 of 20 pictures cannot be read"):
        few.fetch([np.array(order)])


def test_groups_are_shuffled_by_group_and_within_a_buffer(monkeypatch):
    monkeypatch.setattr(batches, "BUFFER", 40)
    groups = [25] * 16
    order = Order(seed=1, batch_size=8, lengths=[400], groups=[groups])
    shown = np.concatenate([order.indices(step)[0] for step in range(100)]).reshape(2, 400)
    assert all(sorted(epoch) == list(range(400)) for epoch in shown.tolist()) and (shown[0] != shown[1]).any()
    for epoch in shown:  # what is shown within a while lies in few groups
        assert max(len(set((epoch[start : start + 40] // 25).tolist())) for start in range(0, 360, 40)) <= 6
        assert len(set((epoch[:8] // 25).tolist())) > 1
    again = Order(seed=1, batch_size=8, lengths=[400], groups=[groups])
    np.testing.assert_array_equal(again.indices(77)[0], order.indices(77)[0])


# Hugging Face


def saved_dataset(path, rows=10, **more):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"]), "age": datasets.Value("int64")}
    )
    table = {
        "image": [{"bytes": png(number), "path": None} for number in range(rows)],
        "label": [number % 2 for number in range(rows)],
        "age": list(range(rows)),
    }
    return datasets, datasets.Dataset.from_dict({**table, **more}, features=features), path


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_a_hugging_face_dataset_on_disk(tmp_path, memory_gb):
    datasets, data, path = saved_dataset(tmp_path / "hf")
    datasets.DatasetDict({"test": data.select(range(2)), "train": data}).save_to_disk(
        path, num_shards={"test": 1, "train": 2}
    )
    told = []
    source = opened(open_dataset, path, told, memory_gb=memory_gb)
    assert "has test and train: train is read" in told[0]
    assert shades(source) == [10 * n for n in range(10)] and source.info.condition.names == ("cat", "dog")
    assert source.fetch([np.array([3])]).label.tolist() == [1]
    assert opened(open_dataset, path, split="test").lengths == (2,)
    assert opened(open_dataset, path, labels="age").info.condition.size == 10
    with pytest.raises(RequestError, match="has no column 'aged' of labels. Did you mean 'age'"):
        opened(open_dataset, path, labels="aged")
    with pytest.raises(RequestError, match="has no split 'dev'"):
        opened(open_dataset, path, split="dev")


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_parquet_files_are_read_a_group_at_a_time(tmp_path, memory_gb, monkeypatch):
    _, data, _ = saved_dataset(tmp_path / "hf", rows=20)
    for part in range(2):
        data.select(range(10 * part, 10 * part + 10)).to_parquet(tmp_path / f"train-{part}.parquet", batch_size=4)
    monkeypatch.setattr(parquet, "_MOST_BYTES", 1)  # one group is held
    source = opened(open_dataset, tmp_path, memory_gb=memory_gb)
    assert shades(source) == [10 * n for n in range(20)] and source.info.condition.names == ("cat", "dog")
    assert source.fetch([np.array([19, 0, 11])]).real[:, 0, 0, 0].tolist() == [190, 0, 110]
    assert source.facts[0].groups == (() if memory_gb else (4, 4, 2, 4, 4, 2))
    assert opened(open_dataset, tmp_path / "train-1.parquet").lengths == (10,)
    for argument in (tmp_path / "train-1.parquet", tmp_path):
        with pytest.raises(DataError) as raised:
            opened(open_folder, argument)
        assert "hf:" in raised.value.hint


def test_a_stream_with_damaged_pictures_is_prepared_as_it_is_shown(tmp_path, monkeypatch):
    """One that cannot be read gives way to the next, with the next's label and name."""
    monkeypatch.setattr(store, "_LOOKED_AT", 3)
    members = {}
    for number in range(12):
        members[f"{number:04}.png"] = b"no picture" if number in (4, 5) else png(number)
        members[f"{number:04}.cls"] = str(number % 3).encode()
    write_tar(tmp_path / "s.tar", members)
    gz.prepare_data(
        f"wds:{tmp_path / 's.tar'}",
        tmp_path / "p.npz",
        settings={"data": {"size": 8, "channels": 1, "memory_gb": 1e-9, "unreadable": 0.5}},
    )
    batch = opened(open_folder, tmp_path / "p.npz").fetch([np.arange(12)])
    expected = [6 if number in (4, 5) else number for number in range(12)]
    assert batch.real[:, 0, 0, 0].tolist() == [10 * number for number in expected]
    assert batch.label.tolist() == [number % 3 for number in expected]
    names = opened(open_folder, tmp_path / "p.npz").facts[0].names
    assert list(names) == [f"{number:04}.png" for number in expected]


def test_damaged_prepared_files_are_named(folder, tmp_path):
    path = tmp_path / "p.npz"
    gz.prepare_data(folder, path, settings={"data": {"size": 8, "channels": 1, "labels": "folders"}})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    recipe = json.loads(members["recipe.json"])
    broken = {
        "label.npy": [path.read_bytes(), b"\x93NUMPY\x01\x00\x76\x00" + b"-" * 118, b""],
        "prints.npy": [path.read_bytes()],
        "recipe.json": [json.dumps({**recipe, "settings": [1]}).encode(), b"[" * 100_000],
        "names.json": [b"[" * 100_000, b'{"a": 1}', json.dumps([""] * 200_000).encode()],
    }
    for name, contents in broken.items():
        for content in contents:
            with zipfile.ZipFile(path, "w") as archive:
                for member, whole in members.items():
                    archive.writestr(member, content if member == name else whole)
            with pytest.raises(DataError, match="p.npz is a damaged file of prepared pictures"):
                opened(open_folder, path)


def test_a_cache_is_not_made_of_files_that_changed_meanwhile(folder, tmp_path, monkeypatch):
    genuine = store.NewEntry

    def changing(*arguments):
        (folder / "cat" / "0.png").write_bytes(png(20))
        return genuine(*arguments)

    monkeypatch.setattr(store, "NewEntry", changing)
    with pytest.raises(DataError, match="files changed while they were read"):
        opened(open_folder, folder, cache=str(tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_place_that_is_named_twice_is_read_once(folder, tmp_path):
    told = []
    collection = collect([folder, folder / ".." / folder.name, folder / "cat"])
    assert len(collection.files) == 18 and "again, and is read once" in collection.notices[0]
    assert told == []


def test_zips_with_nameless_members_and_pipes_among_parquet(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.png", png(3))
        archive.writestr("only", png(4))
        archive.writestr("/", png(4))
    content = bytearray((tmp_path / "z.zip").read_bytes())
    record = content.rindex(b"only") - 46  # of the directory: four letters of the name become a comment
    content[record + 28 : record + 30], content[record + 32 : record + 34] = b"\0\0", b"\4\0"
    (tmp_path / "z.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "z.zip") as archive:
        assert "" in archive.namelist()
    assert shades(opened(open_folder, tmp_path / "z.zip")) == [30]
    _, data, _ = saved_dataset(tmp_path / "hf")
    data.to_parquet(tmp_path / "parquet" / "a.parquet")
    os.mkfifo(tmp_path / "parquet" / "b.parquet")
    (tmp_path / "parquet" / "c.parquet").mkdir()
    assert opened(open_dataset, tmp_path / "parquet").lengths == (10,)
    with pytest.raises(DataError, match="cannot be read"):
        opened(open_dataset, tmp_path / "parquet" / "b.parquet")
    data.select([]).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="it has no rows"):
        opened(open_dataset, tmp_path / "none.parquet")


def test_a_path_that_is_no_text_costs_no_picture(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = pa.array([b"a.png", b"\xff\xfe", b"c.png"]).view(pa.string())
    pictures = pa.StructArray.from_arrays([pa.array([png(n) for n in range(3)]), paths], ["bytes", "path"])
    pq.write_table(pa.table({"image": pictures}), tmp_path / "a.parquet")
    assert shades(opened(open_dataset, tmp_path / "a.parquet")) == [0, 10, 20]


def test_columns_of_classes_are_suggested(tmp_path):
    datasets, data, _ = saved_dataset(tmp_path / "hf")
    two = data.add_column("kind", [n % 2 for n in range(10)]).cast_column("kind", datasets.ClassLabel(names=["a", "b"]))
    two.to_parquet(tmp_path / "two.parquet")
    assert opened(open_dataset, tmp_path / "two.parquet").facts[0].hints == ("data.labels=label", "data.labels=kind")
    with pytest.raises(RequestError) as raised:
        opened(open_dataset, tmp_path / "two.parquet", labels="folders")
    assert raised.value.hint == "--set data.labels=label"


def test_damaged_parquet_files(tmp_path):
    _, data, _ = saved_dataset(tmp_path / "hf", rows=20)
    path = tmp_path / "a.parquet"
    data.to_parquet(path)
    whole = path.read_bytes()
    for content in (whole[:-30], whole[:200] + bytes(400) + whole[600:], b"PAR1", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            opened(open_dataset, path)
    path.write_bytes(whole)
    data.remove_columns("age").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="b.parquet has other columns than a.parquet"):
        opened(open_dataset, tmp_path)


def test_datasets_that_cannot_be_read(tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match="neither state.json nor parquet"):
        opened(open_dataset, tmp_path)
    _, data, path = saved_dataset(tmp_path / "hf")
    data.save_to_disk(path)
    state = json.loads((path / "state.json").read_text())
    for name in ("../outside.arrow", "gone.arrow"):
        (path / "state.json").write_text(json.dumps({**state, "_data_files": [{"filename": name}]}))
        with pytest.raises(DataError, match="cannot be read as a Hugging Face dataset"):
            opened(open_dataset, path)
    import pyarrow as pa

    rows = Rows(pa.chunked_array([pa.array([{"bytes": None, "path": "/etc/hostname"}])]), "links")
    with pytest.raises(ValueError, match="a path to a file elsewhere, which is not followed"):
        rows.read(rows.names[0])


# Looking


def test_what_data_info_tells(folder, tmp_path):
    (folder / "dog" / "copy.png").write_bytes(PICTURES["cat/3.png"])
    (folder / "notes.txt").write_text("hello")
    status, out, err = run_main(
        "data", "info", folder, "--set", "data.labels=folders", "--set", "data.size=16", "-o", tmp_path / "sheet.png"
    )
    assert status == 0, err
    assert "read 13 pictures of 8 (PNG; L); 2 classes of 6 to 7; 1 left out: 1 no pictures (.txt)" in out
    assert "the same bytes: cat/3.png, dog/copy.png" in out and "class" in out
    assert "13 of 13 are smaller than half of 16" not in out and "13 pictures are few" in out
    assert "1 picture is a copy of another, byte for byte" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.mode == "RGB"
    status, out, err = run_main("data", "info", folder, "--json")
    facts = json.loads(out)
    assert facts["copies"] == [["cat/3.png", "dog/copy.png"]] and facts["suggested"] == ["data.labels=folders"]
    for name in ("trainA", "trainB"):
        (tmp_path / "both" / name).mkdir(parents=True)
    for number in range(5):
        (tmp_path / "both" / ("trainA" if number < 3 else "trainB") / f"{number}.png").write_bytes(png(number))
    two = ("--target", tmp_path / "both" / "trainB", "--unpaired")
    for arguments in ((tmp_path / "both",), (tmp_path / "both" / "trainA", *two)):
        status, out, err = run_main("data", "info", *arguments, "-o", tmp_path / "two.png")
        assert status == 0 and "source: read 3 pictures" in out and "target: read 2 pictures" in out, err
    status, _, err = run_main("data", "info", folder, "--unpaired")
    assert status == 2 and "Name the other domain" in err
    status, out, err = run_main("data", "info", "digits:30")
    assert status == 0 and "read 30 pictures" in out, err
    status, out, err = run_main("data", "info", "digits-neon")
    assert status == 0, err


def test_pictures_that_look_the_same():
    random = np.random.RandomState(0)
    blobs = [Image.fromarray(random.randint(256, size=(6, 6)).astype(np.uint8)) for _ in range(20)]
    shapes = [np.asarray(blob.resize((32, 32), Image.Resampling.BICUBIC)) for blob in blobs]
    brighter = np.clip(shapes[4].astype(int) * 0.9 + 20, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(shapes[7]).save(buffer, "JPEG", quality=60)
    black = np.zeros((32, 32), np.uint8)
    looks = [look_of(one[None]) for one in [*shapes, brighter, np.asarray(Image.open(buffer)), black, black]]
    groups = alike(np.array([look[0] for look in looks]), np.array([look[1] for look in looks]))
    assert sorted(groups) == [[4, 20], [7, 21]]


def test_sizes_of_a_preset_follow(registry):
    offer = registry.architecture("cyclegan")

    def data(*tables):
        layers = [Layer(origin=f"layer {number}", tables={"data": table}) for number, table in enumerate(tables)]
        config = resolve_for(offer, layers, preset="paper")
        return config.data.size, config.data.load_size, config.origins["data", "load_size"]

    assert data()[:2] == (256, 286)
    assert data({"size": 64})[:2] == (64, 72) and data({"size": "64x128"})[:2] == ((64, 128), (72, 143))
    assert data({"size": 64, "load_size": 70})[:2] == (64, 70) and data({"load_size": 300})[:2] == (256, 300)
    assert data({"size": 128, "load_size": 160}, {"size": 64})[:2] == (64, 80)
    assert "as data.size is another" in data({"size": 64})[2]
