"""What is read: regular files, and no more of them than they hold. Ten seconds and a gigabyte are the most for any."""

import io
import json
import pickle
import shutil
import struct
import threading
import zipfile

import numpy as np
import onnx
import pytest
import torch
from helpers import run_main, special, within
from onnx import TensorProto, helper
from PIL import Image

import ganzoo as gz
from ganzoo import files
from ganzoo.architecture.foreign_weights import load_tensors
from ganzoo.architecture.torch_files import load_torch
from ganzoo.config import DataConfig
from ganzoo.data.folder import FolderSource
from ganzoo.errors import CheckpointError, DataError, ExportError, GanzooError
from ganzoo.pickles import check_pickle
from ganzoo.runtime.file import OnnxFile, summarize

# What is no file


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    assert run_main("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", folder / "run")[0] == 0
    assert run_main("export", folder / "run", "-o", folder / "m.onnx")[0] == 0
    return folder


VERBS = {
    "settings": ("train", "dcgan", "--data", "digits", "--out", "new", "-c", "IT"),
    "data": ("train", "dcgan", "--preset", "tiny", "--data", "IT", "--out", "new"),
    "resume": ("train", "--resume", "IT"),
    "first weights": ("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", "new", "--init-from", "IT"),
    "run": ("sample", "IT", "-o", "x.png"),
    "export": ("export", "IT", "-o", "x.onnx"),
    "model": ("sample", "IT.onnx", "-o", "x.png"),
    "verify": ("verify", "IT.onnx"),
    "inspect": ("inspect", "IT.onnx"),
    "bench": ("bench", "IT.onnx", "--max-time", "1"),
    "array": ("bench", "m.onnx", "--input", "z=IT.npy", "--max-time", "1"),
    "weights": ("import", "IT.pth", "--as", "cyclegan", "--out", "new"),
    "safetensors": ("import", "IT.safetensors", "--as", "pix2pix", "--out", "new"),
    "pickle": ("import", "IT.pkl", "--as", "stylegan2", "--out", "new"),
    "picture": ("sample", "t.onnx", "-i", "IT.png", "-o", "x.png"),
}


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translator")
    arguments = ("--untrained", "--preset", "tiny", "--set", "data.size=16", "--set", "data.channels=3")
    assert run_main("export", "pix2pix", *arguments, "-o", folder / "t.onnx")[0] == 0
    return folder / "t.onnx"


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
@pytest.mark.parametrize("what", VERBS)
def test_what_is_no_file_is_refused_at_once(sound, translator, tmp_path, monkeypatch, what, kind):
    verb = VERBS[what]
    name = next(word for word in verb if "IT" in word).rpartition("=")[2]
    special(tmp_path / name, kind)
    shutil.copy(sound / "m.onnx", tmp_path)
    shutil.copy(translator, tmp_path)
    monkeypatch.chdir(tmp_path)
    with within(seconds=10):
        status, _, err = run_main(*verb)
    assert status in (1, 2) and err.startswith("error: ") and name in err
    assert not (tmp_path / "new").exists() and not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "ema.safetensors", "state.json", "manifest.json", "config.toml", "optimizers.pt"]
)
def test_what_is_no_file_in_a_checkpoint(sound, tmp_path, name, kind):
    run = shutil.copytree(sound / "run", tmp_path / "run")
    place = next((run / "checkpoints").iterdir()) / name
    place.unlink()
    special(place, kind)
    with within(seconds=10), pytest.raises(CheckpointError, match=name):
        gz.load(run)


def test_pictures_that_are_none(tmp_path):
    for kind in ("fifo", "device", "socket"):
        special(tmp_path / f"{kind}.png", kind)
    with pytest.raises(DataError, match="has no pictures"), within(seconds=10):
        FolderSource(tmp_path, DataConfig(), notify=print)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    assert FolderSource(tmp_path, DataConfig(), notify=print).lengths == (1,)


# Pickles


def doubled(times):
    """A tuple of twice the tuple before it: `times` operations, two to that power of parts."""
    return (
        b"\x80\x04)"
        + b"\x94".join([b""] * 2)
        + b"\x94"
        + b"".join(b"h" + bytes([number]) + b"h" + bytes([number]) + b"\x86\x94" for number in range(times))
    )


PICKLES = {
    "a memo of billions": b"\x80\x04}r\xff\xff\xff\xf0.",
    "a text memo of billions": b"\x80\x04}p4000000000\n.",
    "a length beyond the file": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
    "a long text beyond the file": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a frame beyond the file": b"\x80\x04\x95" + struct.pack("<Q", 2**50) + b"}.",
    "a key that takes for ever": b"\x80\x04}" + doubled(60)[2:] + b"Ns.",
    "a set of them": b"\x80\x04\x8f(" + doubled(60)[2:] + b"\x90.",
    "many keys that take long": b"\x80\x04}" + doubled(22)[2:] + b"0" + b"h\x15Ns" * 5000 + b".",
    "too many operations": b"\x80\x04]" + b"(Ke" * 0 + b"]a" * 800_000 + b".",
    "nothing on the stack": b"\x80\x04a.",
    "an end without a value": b"\x80\x04.",
    "a registered extension": b"\x80\x04\x82\x01.",
    "an endless number": b"\x80\x02I" + b"9" * 5000 + b"\n.",
    "not ended": b"\x80\x04}",
}  # fmt: skip


@pytest.mark.parametrize("name", PICKLES)
def test_pickles_that_grow(tmp_path, name):
    content = PICKLES[name]
    with within(), pytest.raises(ValueError):
        check_pickle(io.BytesIO(content))
        if name in ("a frame beyond the file", "an end without a value"):  # harmless; the reader says so
            raise ValueError
    (tmp_path / "x.pkl").write_bytes(content)
    with within():
        status, _, err = run_main("import", tmp_path / "x.pkl", "--as", "stylegan2", "--out", tmp_path / "run")
    assert status == 1 and "x.pkl" in err and "Traceback" not in err
    for wrap in (lambda: content, lambda: archive({"x/data.pkl": content, "x/version": b"3\n"})):
        (tmp_path / "x.pth").write_bytes(wrap())
        with within():
            status, _, err = run_main("import", tmp_path / "x.pth", "--as", "cyclegan", "--out", tmp_path / "run")
        assert status == 1 and "x.pth" in err and "is refused" in err


def test_sound_pickles_pass():
    shared = ["text" * 10, (1, 2, {"a": [3.5, None, True]})]
    value = {"a": shared, "b": shared, "c": {1, 2}, "d": b"bytes" * 1000, (1, 2): frozenset([3]), 2**70: [shared] * 100}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        stream = io.BytesIO(pickle.dumps(value, protocol) + b"more")
        check_pickle(stream)
        assert stream.read() == b"more"


# Archives of torch


def archive(entries, kind=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return content.getvalue()


def saved(value):
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def entries_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        return {item.filename: read.read(item) for item in read.infolist()}


def deflated_behind_a_stored_directory():
    """The central directory says stored, the entry itself says deflated."""
    content = bytearray(saved({"a": torch.zeros(1000)}))
    struct.pack_into("<H", content, 8, zipfile.ZIP_DEFLATED)
    return bytes(content)


def deflated_in_the_directory_alone():
    content = bytearray(saved({"a": torch.zeros(1000)}))
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 10, zipfile.ZIP_DEFLATED)
    return bytes(content)


def overlapping():
    """Every tensor's entry is the same bytes of the file."""
    content = bytearray(saved({str(number): torch.zeros(100_000) for number in range(3)}))
    first, places = None, []
    at = content.index(b"PK\x01\x02")
    while content[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<HHH", content, at + 28)
        if b"/data/" in content[at + 46 : at + 46 + name]:
            places.append(at + 42)
        at += 46 + name + extra + comment
    for place in places:
        first = struct.unpack_from("<I", content, place)[0] if first is None else first
        struct.pack_into("<I", content, place, first)
    return bytes(content)


def views(count):
    """So many tensors of one storage."""
    whole = torch.zeros(2_000_000)
    return saved({str(number): whole[number:] for number in range(count)})


def strides():
    return saved({"a": torch.ones(1).expand(100_000, 100_000)})


def claims(numbers):
    """A storage that says it has more than its entry."""
    content = entries_of(saved({"a": torch.arange(4.0)}))
    name = next(name for name in content if name.endswith("data.pkl"))
    content[name] = content[name].replace(b"K\x04t", b"J" + struct.pack("<i", numbers) + b"t")
    content[name] = content[name].replace(b"K\x04\x85", b"J" + struct.pack("<i", numbers) + b"\x85")
    return archive(content)


def legacy_claims():
    content = io.BytesIO()
    torch.save({"a": torch.arange(4.0)}, content, _use_new_zipfile_serialization=False)
    return content.getvalue().replace(b"K\x04Nt", b"J" + struct.pack("<i", 2**31 - 1) + b"Nt")


BYTEARRAY = b"\x80\x02}X\x01\0\0\0acbuiltins\nbytearray\n\x8a\x05" + (5 * 10**9).to_bytes(5, "little") + b"\x85Rs."
ENCODED = (
    b"\x80\x02]X\0\0\x10\0" + b"x" * 2**20 + b"q\x000" + b"c_codecs\nencode\nh\0X\5\0\0\0utf-8\x86Ra" * 4000 + b"."
)
ARCHIVES = {
    "deflated": lambda: archive(entries_of(saved({"a": torch.zeros(1000)})), zipfile.ZIP_DEFLATED),
    "deflated behind a stored directory": deflated_behind_a_stored_directory,
    "deflated in the directory alone": deflated_in_the_directory_alone,
    "overlapping": overlapping,
    "something before": lambda: b"PK\x03\x04" + b"x" * 100 + saved({"a": torch.zeros(10)}),
    "something behind": lambda: saved({"a": torch.zeros(10)}) + b"x" * 10,
    "two archives": lambda: saved({"a": torch.zeros(10)}) + saved({"b": torch.zeros(10)}),
    "many views of one storage": lambda: views(500),
    "strides of zero": strides,
    "a storage that claims": lambda: claims(500_000_000),
    "an old file that claims": legacy_claims,
    "nothing": lambda: archive({}),
    "billions of zeros": lambda: archive({"x/data.pkl": BYTEARRAY, "x/version": b"3\n"}),
    "one text made bytes again and again": lambda: archive({"x/data.pkl": ENCODED, "x/version": b"3\n"}),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_claim(tmp_path, name):
    (tmp_path / "x.pth").write_bytes(ARCHIVES[name]())
    with within(), pytest.raises(CheckpointError, match=r"x\.pth is refused: \w+"):
        load_tensors(tmp_path / "x.pth")
    with within(), pytest.raises(Exception):  # noqa: B017  # as an optimiser's state; whatever it is, it is refused
        load_torch(tmp_path / "x.pth")


def test_entries_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as made, pytest.warns(UserWarning, match="Duplicate"):
        for name, data in entries_of(saved({"a": torch.zeros(10)})).items():
            made.writestr(name, data)
            made.writestr(name, data)
    with pytest.raises(CheckpointError, match="entries of one name"):
        load_tensors(tmp_path / "x.pth")


def test_sound_archives_pass(tmp_path):
    whole = torch.randn(1000)
    for old in (False, True):
        torch.save(
            {"a": whole, "tied": whole, "part": whole[10:20]},
            tmp_path / "x.pth",
            _use_new_zipfile_serialization=not old,
        )
        found = load_tensors(tmp_path / "x.pth")
        assert torch.equal(found["tied"], whole) and torch.equal(found["part"], whole[10:20])


# Pickles of modules


class Persistent:
    """Pickles as a network of the research code does."""

    def __init__(self, **state):
        self.state = {"_parameters": {}, "_buffers": {}, "_modules": {}, "_init_args": (), "_init_kwargs": {}, **state}

    def __reduce__(self):
        meta = {"type": "class", "version": 6, "module_src": "", "class_name": "Generator", "state": self.state}
        return _reconstruct, (meta,)


def _reconstruct(meta):
    raise AssertionError("nothing of a pickle runs")


def official(value):
    """A pickle in which that function goes by its official name."""
    content = pickle.dumps(value, 2)  # names are text on lines of their own
    return content.replace(
        b"c" + __name__.encode() + b"\n_reconstruct\n", b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    )


def nested(depth):
    inner = Persistent()
    for _ in range(depth):
        inner = Persistent(_modules={"a": inner})
    return inner


def endless():
    inner = Persistent()
    inner.state["_modules"]["a"] = inner.state["_modules"]["b"] = Persistent(_modules=inner.state["_modules"])
    return inner


def branching():
    inner = Persistent()
    for _ in range(19):
        inner = Persistent(_modules={"a": inner, "b": inner})
    return inner


@pytest.mark.parametrize("make", [lambda: nested(60), endless, branching], ids=["nested", "endless", "branching"])
def test_modules_without_an_end(tmp_path, make):
    (tmp_path / "x.pkl").write_bytes(official({"G_ema": make()}))
    with within():
        status, _, err = run_main("import", tmp_path / "x.pkl", "--as", "stylegan2", "--out", tmp_path / "run")
    assert (
        status == 1
        and "x.pkl" in err
        and ("modules are nested too deep, or without an end" in err or "each counted as often as met" in err)
    )


def test_one_storage_named_again_and_again(tmp_path):
    """The torch file inside a pickle is bytes that can be opened any number of times."""
    content = io.BytesIO()
    torch.save(torch.zeros(5_000_000).storage(), content, _use_new_zipfile_serialization=False)
    once = b"ctorch.storage\n_load_from_bytes\n" + b"h\x00\x85R"
    data = content.getvalue()
    whole = b"\x80\x04B" + struct.pack("<I", len(data)) + data + b"\x94]" + b"(" + once * 200 + b"e."
    (tmp_path / "x.pkl").write_bytes(whole)
    with within():
        status, _, err = run_main("import", tmp_path / "x.pkl", "--as", "stylegan2", "--out", tmp_path / "run")
    assert status == 1 and "makes far more of its bytes than there are" in err


# Runs


@pytest.fixture
def run(sound, tmp_path):
    return shutil.copytree(sound / "run", tmp_path / "run")


def rehash(checkpoint):
    """As a stranger would: the manifest says what is there."""
    hashes = {item.name: files.sha256(item) for item in checkpoint.iterdir() if item.name != "manifest.json"}
    (checkpoint / "manifest.json").write_text(json.dumps({"sha256": hashes}))


def test_a_state_of_gigabytes_in_a_strangers_run(run):
    checkpoint = next((run / "checkpoints").iterdir())
    with (checkpoint / "optimizers.pt").open("r+b") as file:
        file.truncate(3 * 2**30)  # sparse
    with within(), pytest.raises(CheckpointError, match="optimizers.pt has 3,221,225,472 bytes, beside a model"):
        gz.resume(run, steps=8)


@pytest.mark.parametrize("name", ["model.safetensors", "ema.safetensors"])
def test_weights_of_gigabytes_in_a_strangers_run(run, name):
    from safetensors.torch import save_file

    checkpoint = next((run / "checkpoints").iterdir())
    save_file({"x": torch.zeros(30_000_000)}, checkpoint / name)
    rehash(checkpoint)
    with (
        within(),
        pytest.raises(CheckpointError, match=f"{name} has 120,000,[0-9,]+ bytes, (for an arch|beside a model)"),
    ):
        gz.load(run)


@pytest.mark.parametrize(
    "make", [strides, lambda: views(30), lambda: claims(1_000_000)], ids=["strides", "views", "claims"]
)
def test_an_optimizer_state_that_claims(run, make):
    checkpoint = next((run / "checkpoints").iterdir())
    (checkpoint / "optimizers.pt").write_bytes(make())
    rehash(checkpoint)
    with within(), pytest.raises(CheckpointError):
        gz.resume(run, steps=8)


# Pictures


def large(folder, count):
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
    try:
        Image.new("RGBA", (12_000, 12_000), (200, 30, 60, 128)).save(folder / "0.png", compress_level=1)
    finally:
        Image.MAX_IMAGE_PIXELS = before
    for number in range(1, count):
        (folder / f"{number}.png").hardlink_to(folder / "0.png")


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.slow
def test_sixteen_pictures_of_144_megapixels(tmp_path):
    large(tmp_path, 16)
    with within(seconds=300):
        source = FolderSource(tmp_path, DataConfig(size=64), notify=print)
    (pixels,) = source.fetch([np.array([7])]).real.numpy()
    assert np.abs(pixels.mean((1, 2)) - [227, 142, 157]).max() < 2  # half of it on white


@pytest.mark.filterwarnings("ignore:Image size")
def test_a_picture_of_144_megapixels_looks_as_it_does_when_it_is_small(tmp_path):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (6, 4, 3), np.uint8)).resize((60, 90))
    for name, options, mean in (
        ("a.png", {"compress_level": 1}, 1),
        ("a.jpg", {"quality": 95}, 3),
    ):  # one is decoded small
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        small.resize((6000, 9000)).save(tmp_path / name, exif=exif, **options)
        small.resize((600, 900)).save(tmp_path / f"small-{name}", exif=exif, **options)
        from ganzoo.data.pictures import read_picture
        from ganzoo.datainfo import Picture

        like = Picture(channels=3, height=20, width=30)
        with within():
            one, two = (read_picture(tmp_path / each, like).astype(int) for each in (name, f"small-{name}"))
        assert np.abs(one - two).mean() < mean and np.abs(one - two).max() <= 12


def test_more_pixels_than_are_read(tmp_path):
    header = b"P5 40000 40000 255\n"
    (tmp_path / "a.pgm").write_bytes(header + b"\0" * 100)
    with within(), pytest.raises(DataError, match=r"a\.pgm: .*(exceeds limit|megapixels)"):
        FolderSource(tmp_path, DataConfig(), notify=print)


@pytest.mark.parametrize("suffix", ["png", "jpg", "eps"])
def test_only_raster_decoders_run(tmp_path, monkeypatch, suffix):
    """PostScript is a program, and Pillow hands it to an interpreter."""
    from PIL import EpsImagePlugin

    ran = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: ran.append(1) or Image.new("RGB", (8, 8)).im)
    (tmp_path / f"a.{suffix}").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    )
    with Image.open(tmp_path / f"a.{suffix}") as image:
        image.load()
    assert ran == [1]  # it would
    with pytest.raises(DataError, match="has no pictures|can be read"):
        FolderSource(tmp_path, DataConfig(), notify=print)
    assert ran == [1]


def test_pictures_are_read_at_once_while_they_are_small(tmp_path):
    for number in range(64):
        Image.new("RGB", (100, 100), (number, 0, 0)).save(tmp_path / f"{number:02}.png")
    source = FolderSource(tmp_path, DataConfig(size=8), notify=print)
    assert source.fetch([np.arange(64)]).real[:, 0, 0, 0].tolist() == list(range(64))
    assert threading.active_count() < 40


# Models


RAMP = np.arange(64, dtype=np.float32).tobytes()


def weighted(folder, *, entries, content=None, dims=(4,), data=RAMP):
    """A model x + w whose w lies in another file, as `entries` say."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        weight.external_data.add(key=key, value=str(value))
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims)) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight] * (content or 1))
    (folder / "w.bin").write_bytes(data)
    path = folder / "m.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    )
    return path


def test_external_data_without_a_length(tmp_path):
    """Legal: it follows from the shape, and the file may go on with another tensor."""
    path = weighted(tmp_path, entries={"location": "w.bin", "offset": 8})
    found = OnnxFile(path)
    assert np.frombuffer(found.model.graph.initializer[0].raw_data, np.float32).tolist() == [2, 3, 4, 5]
    assert summarize(found)["parameters"] == 4
    status, _, err = run_main("bench", path, "--repeats", 1, "--seconds", 0.3, "--max-time", 30)
    assert status == 0, err


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../w.bin"}, {"location": "/etc/passwd"}, {"location": "none.bin"}, {"location": ""}, {},
        {"location": "w.bin", "offset": -1}, {"location": "w.bin", "offset": 10**15},
        {"location": "w.bin", "offset": "x"},
        {"location": "w.bin", "length": 10**12}, {"location": "w.bin", "length": "9" * 5000}, {"location": "w\0.bin"},
    ],
)  # fmt: skip
def test_external_data_that_is_not_there(tmp_path, entries):
    path = weighted(tmp_path, entries=entries)
    with within(), pytest.raises(ExportError, match=r"m\.onnx cannot be read as an ONNX model: "):
        OnnxFile(path)


def test_external_data_that_is_claimed_again_and_again(tmp_path):
    data = bytes(20_000_000)
    path = weighted(tmp_path, entries={"location": "w.bin"}, content=200, dims=(5_000_000,), data=data)
    with within(), pytest.raises(ExportError, match="its weights claim"):
        OnnxFile(path)


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
def test_external_data_that_is_no_file(tmp_path, kind):
    path = weighted(tmp_path, entries={"location": "w.bin"})
    (tmp_path / "w.bin").unlink()
    special(tmp_path / "w.bin", kind)
    with within(), pytest.raises(ExportError, match="w.bin is a"):
        OnnxFile(path)


def with_metadata(path, **changes):
    """The model with other metadata, written anew."""
    model = onnx.load(path)
    for item in model.metadata_props:
        if item.key.removeprefix("ganzoo.") in changes:
            item.value = changes[item.key.removeprefix("ganzoo.")](item.value)
    onnx.save(model, path)


@pytest.mark.parametrize(
    "shape", ['{"name": "batch", "multiple": 1, "least": 1, "usual": null, "times": 1}, 2000000000', "4, 4, 4"]
)
def test_metadata_that_describe_another_tensor(sound, tmp_path, shape):
    path = shutil.copy(sound / "m.onnx", tmp_path)
    with_metadata(path, inputs=lambda text: json.dumps([{**json.loads(text)[0], "shape": json.loads(f"[{shape}]")}]))
    for verb in (("sample", path, "-o", tmp_path / "x.png"), ("bench", path, "--max-time", 1)):
        with within():
            status, _, err = run_main(*verb)
        assert status == 1 and ("the graph has float32" in err or "is damaged" in err)


def test_an_input_of_billions(tmp_path):
    """The file and its metadata agree, and nobody can draw it."""
    batch = '{"name": "batch", "multiple": 1, "least": 1, "usual": null, "times": 1}'
    size = 2_000_000_000
    spec = {
        **{"name": "x", "shape": [json.loads(batch), size, 1, 1], "dtype": "float32", "draw": "normal"},
        **{"low": -1.0, "high": 1.0, "classes": 0, "names": [], "usual": None, "stream": 0},
    }
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", size, 1, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3, 1, 1])
    first = onnx.numpy_helper.from_array(np.arange(3), "first")
    graph = helper.make_graph([helper.make_node("Gather", ["x", "first"], ["y"], axis=1)], "g", [x], [y], [first])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    out = {**spec, "name": "y", "shape": [json.loads(batch), 3, 1, 1], "draw": "image"}
    props = {"inputs": json.dumps([spec]), "outputs": json.dumps([out]), "format": "2", "role": "paint"}
    helper.set_model_props(model, {f"ganzoo.{key}": value for key, value in props.items()})
    onnx.save(model, tmp_path / "m.onnx")
    with within():
        status, _, err = run_main("sample", tmp_path / "m.onnx", "-o", tmp_path / "x.png", "-n", 1)
    assert status in (1, 2) and "numbers" in err and "Traceback" not in err
    with within():
        status, _, err = run_main("bench", tmp_path / "m.onnx", "--repeats", 1, "--seconds", 0.3, "--max-time", 30)
    assert status in (1, 2) and "Traceback" not in err


def test_names_with_nothing_in_them(tmp_path):
    for call in (
        lambda: gz.load("a\0b"),
        lambda: gz.inspect("a\0b.onnx"),
        lambda: gz.verify("a\0b.onnx"),
        lambda: gz.bench("a\0b.onnx"),
        lambda: gz.bench("a.onnx", out="a\0b"),
        lambda: gz.train("dcgan", data="a\0b", out=tmp_path / "run"),
        lambda: gz.train("dcgan", data="digits", out="a\0b", preset="tiny"),
        lambda: gz.train("dcgan", data="digits", out=tmp_path / "run", config="a\0b"),
        lambda: gz.train("dcgan", data="digits", out=tmp_path / "run", preset="tiny", init_from="a\0b"),
        lambda: gz.resume("a\0b"),
        lambda: gz.open_run("a\0b"),
        lambda: gz.export("a\0b"),
        lambda: gz.import_run("a\0b", architecture="cyclegan", out=tmp_path / "run"),
        lambda: gz.import_run("a\0b.pkl", architecture="stylegan2", out=tmp_path / "run"),
        lambda: gz.Pictures(np.zeros((1, 4, 4, 1), "uint8")).save("a\0b.png"),
    ):
        with pytest.raises(GanzooError):
            call()
    assert not list(tmp_path.iterdir())


def test_a_network_that_is_changed_after_it_was_made(tmp_path):
    """BUILD on what an unpickler admits would replace its fields."""
    shell = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n}(X\5\0\0\0state}X\n\0\0\0class_nameX\1\0\0\0GuR"
    shell = shell.replace(b"_obj\n}(", b"_obj\n}(").replace(b"uR", b"u\x85R")
    content = b"\x80\x02}X\5\0\0\0G_ema" + shell + b"}X\5\0\0\0stateK\5sbs."
    (tmp_path / "x.pkl").write_bytes(content)
    status, _, err = run_main("import", tmp_path / "x.pkl", "--as", "stylegan2", "--out", tmp_path / "run")
    assert status == 1 and "it changes a network after it was made" in err and "importer" not in err


def test_icons_are_no_pictures_to_learn_from(tmp_path):
    """One holds a picture of another size than it says, and is decoded as soon as it is opened."""
    content = io.BytesIO()
    Image.new("RGBA", (6000, 6000)).save(content, "png")
    data = content.getvalue()
    entry = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(data), 22)
    (tmp_path / "a.png").write_bytes(entry + data)
    with within(megabytes=100), pytest.raises(DataError, match="it is no picture of a kind that is decoded here"):
        FolderSource(tmp_path, DataConfig(), notify=print)


def test_what_pillow_decodes_in_python_is_small(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 4000 3000 65535\n" + bytes(4000 * 3000 * 6))
    with within(), pytest.raises(DataError, match="it is a PPM of 12 megapixels; 4 are the most"):
        FolderSource(tmp_path, DataConfig(), notify=print)


@pytest.mark.filterwarnings("error")
def test_large_pictures_are_no_warnings(tmp_path):
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
    Image.new("L", (10_000, 9_500)).save(tmp_path / "a.png", compress_level=1)
    Image.MAX_IMAGE_PIXELS = before
    assert FolderSource(tmp_path, DataConfig(size=8), notify=print).lengths == (1,)


def test_weights_that_a_function_claims(tmp_path):
    """Inside a graph of a graph of a function, where they are loaded too."""
    path = weighted(tmp_path, entries={"location": "w.bin"}, dims=(5_000_000,), data=bytes(20_000_000))
    model = onnx.load(path, load_external_data=False)
    nodes = []
    for number in range(60):
        value = TensorProto(
            name=str(number), data_type=TensorProto.FLOAT, dims=[5_000_000], data_location=TensorProto.EXTERNAL
        )
        value.external_data.add(key="location", value="w.bin")
        nodes.append(helper.make_node("Constant", [], [str(number)], value=value))
    out = helper.make_tensor_value_info("59", TensorProto.FLOAT, [5_000_000])
    inner = helper.make_graph(nodes, "inner", [], [out])
    branch = helper.make_node("If", ["c"], ["o"], then_branch=inner, else_branch=inner)
    model.functions.append(helper.make_function("z", "F", ["c"], ["o"], [branch], [helper.make_opsetid("", 18)]))
    path.write_bytes(model.SerializeToString())
    with within(), pytest.raises(ExportError, match="its weights claim"):
        OnnxFile(path)


def test_one_file_under_many_names(tmp_path):
    (tmp_path / "a").mkdir()
    path = weighted(tmp_path, entries={"location": "w.bin"}, content=40, dims=(5_000_000,), data=bytes(20_000_000))
    model = onnx.load(path, load_external_data=False)
    for number, tensor in enumerate(model.graph.initializer):
        tensor.external_data[0].value = "a/../" * number + "w.bin"
    path.write_bytes(model.SerializeToString())
    with within(), pytest.raises(ExportError, match="its weights claim"):
        OnnxFile(path)


def test_a_tensor_of_many_dimensions(tmp_path):
    path = weighted(tmp_path, entries={"location": "w.bin"}, data=RAMP[:16])
    model = onnx.load(path)
    model.graph.initializer.append(TensorProto(name="z", data_type=TensorProto.FLOAT, dims=[2**62] * 100_000))
    path.write_bytes(model.SerializeToString())
    with within(), pytest.raises(ExportError, match="a tensor of more than 64 dimensions"):
        OnnxFile(path)


def test_texts_of_many_small_values(sound, tmp_path):
    """Each `{}` of a JSON text takes as much memory as twenty-four of its bytes."""
    run, small = shutil.copytree(sound / "run", tmp_path / "run"), b'{"a": [' + b"{}," * 6_000_000 + b"{}]}"
    (next((run / "checkpoints").iterdir()) / "manifest.json").write_bytes(small)
    with within(), pytest.raises(CheckpointError, match="it has more than 8,388,608 bytes"):
        gz.load(run)
    model = onnx.load(sound / "m.onnx")
    model.metadata_props.add(key="x", value="y" * 9_000_000)
    onnx.save(model, tmp_path / "m.onnx")
    with within(), pytest.raises(ExportError, match="its metadata have 9,00[0-9],[0-9]+ characters"):
        gz.inspect(tmp_path / "m.onnx")


@pytest.mark.parametrize("content", [b"\x93NUMPY\1\0", b"PK\3\4", b"\x89PNG\r\n"])
def test_what_is_given_in_place_of_a_pickle_is_named(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content + bytes(100))
    status, _, err = run_main("import", tmp_path / "x.pkl", "--as", "stylegan2", "--out", tmp_path / "run")
    assert status == 1 and "expected a pickle of networks, such as network.pkl" in err
