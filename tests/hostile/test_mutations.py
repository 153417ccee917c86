"""Mutations of sound files thrown at every reader: an error that names the file, or an answer; never a traceback, ten
seconds or a gigabyte. Five hundred for each reader with `make test-long`; GANZOO_MUTATIONS=10000 for a night."""

import io
import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import run_main, within
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

import ganzoo as gz
from ganzoo import files
from ganzoo.architecture.foreign_weights import load_tensors
from ganzoo.config.resolve import file_layer, set_layer
from ganzoo.data.pictures import read_picture
from ganzoo.datainfo import Picture
from ganzoo.errors import GanzooError
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import resolve_for
from ganzoo.runtime.latency.inputs import load_array

COUNTS = [20, pytest.param(int(os.environ.get("GANZOO_MUTATIONS", "500")), marks=pytest.mark.slow)]

ODD_BYTES = [
    *(b"", b"\0", b"\xff", b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 8, b"\x80" * 4 + b"\x01"),
    *(b"PK\x05\x06", b"\x89PNG", b"%!PS", b"r\xff\xff\xff\xf0", b"\x8e\0\0\0\0\0\1\0\0"),
]
ODD_TEXTS = [
    *("null", "true", "-1", "0", "1e999", "-1e999", "NaN", "Infinity", "9" * 5000, "1" + "0" * 400, "0x" + "f" * 500),
    *("2147483648", "[" * 2000, "{" * 2000, "[]", "{}", "[[1]]", '{"a": 1}', '""', '"\\u0000"', '"\\ud800"'),
    *('"../../x"', '"/dev/zero"', '"x\\u001b[2J"', "1979-05-27", "'''", "inf", "nan", "\n", "#", "=", ",", ":", '"'),
    *("a.a.a.a.a.a", "\u202e", "\\", "\r", "1_0", "4.0", "1e3", "[x]", "[[run]]"),
]


@st.composite
def damages(draw, *, text):
    """How to damage: a list of (kind, place in 0..1, length, what)."""
    kinds = ["flip", "cut", "delete", "repeat", "insert", "replace", "move"] + (["token"] * 7 if text else [])
    odd = ODD_TEXTS if text else ODD_BYTES
    places = st.floats(0, 1, exclude_max=True)
    one = st.tuples(st.sampled_from(kinds), places, st.integers(1, 300), st.sampled_from(odd), st.integers(0, 2**32))
    return draw(st.lists(one, min_size=1, max_size=4))


def damaged(content, steps):
    content = bytearray(content)
    for kind, where, length, what, number in steps:
        at = int(where * len(content))
        new = what.encode("utf-8", "surrogatepass") if isinstance(what, str) else what
        if kind == "flip" and content:
            content[at] ^= 1 << number % 8
        elif kind == "cut":
            del content[at:]
        elif kind == "delete":
            del content[at : at + length]
        elif kind == "repeat":
            content[at:at] = content[at : at + length] * (1 + number % 50)
        elif kind == "insert":
            content[at:at] = new
        elif kind == "replace":
            content[at : at + max(1, len(new))] = new
        elif kind == "move":
            part = content[at : at + length]
            del content[at : at + length]
            place = number % (len(content) + 1)
            content[place:place] = part
        elif kind == "token":
            _replace_token(content, number, new)
    return bytes(content)


def _replace_token(content, number, new):
    """A value of a text: a number, a word or what stands in quotes."""
    import re

    found = list(re.finditer(rb'"[^"\n]*"|[-+\w.]+', bytes(content)))
    if found:
        match = found[number % len(found)]
        content[match.start() : match.end()] = new


# Sound files, and who reads them


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run, its export, and files of every kind that is read."""
    folder = tmp_path_factory.mktemp("place")
    begin = ("dcgan", "--preset", "tiny", "--data", "digits", "--out", folder / "run")
    assert run_main("train", *begin)[0] == 0
    assert run_main("export", folder / "run", "-o", folder / "m.onnx")[0] == 0
    tensors = {"model.1.weight": torch.randn(4, 3, 7, 7), "count": torch.tensor(3), "half": torch.randn(5).half()}
    torch.save(tensors, folder / "new.pth")
    torch.save(tensors, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(tensors, folder / "x.safetensors")
    (folder / "x.pkl").write_bytes(_research_pickle())
    np.save(folder / "x.npy", np.zeros((2, 8), "float32"))
    picture = Image.effect_noise((24, 20), 60).convert("RGB")
    for suffix in PICTURES:
        picture.save(folder / f"x.{suffix}")
    Image.fromarray((np.arange(480).reshape(20, 24) * 100).astype(np.uint16)).save(folder / "deep.png")
    (folder / "x.toml").write_text(gz.open_run(folder / "run").config.to_toml())
    (folder / "assignments.txt").write_text("width=32\ntrain.kimg=5\ndata.size=[16, 16]\nobjective='hinge'\n")
    site = folder / "site" / "stranger-1.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (site / "entry_points.txt").write_text("[ganzoo]\nplugin = stranger_plugin\n")
    (folder / "site" / "stranger_plugin.py").write_text("GANZOO_API = 2\n")
    return folder


class _Persistent:
    def __init__(self, class_name, state):
        self.meta = {"type": "class", "version": 6, "module_src": "x = 1", "class_name": class_name, "state": state}

    def __reduce__(self):
        return _reconstruct, (self.meta,)


def _reconstruct(meta):
    raise AssertionError("nothing of a pickle runs")


class _Tensor:
    """As the research pickles have one: bytes of a torch file inside."""

    def __init__(self, values):
        self.values = values

    def __reduce__(self):
        content = io.BytesIO()
        torch.save(torch.tensor(self.values).storage(), content, _use_new_zipfile_serialization=False)
        return _rebuild, (_Bytes(content.getvalue()), 0, (len(self.values),), (1,), False, {})


class _Bytes:
    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        return _load, (self.content,)


def _rebuild(*_):
    raise AssertionError


def _load(*_):
    raise AssertionError


def _research_pickle():
    arguments = {"z_dim": 8, "c_dim": 0, "w_dim": 8, "img_resolution": 8, "img_channels": 3}
    empty = {"_parameters": {}, "_buffers": {}, "_modules": {}, "_init_args": (), "_init_kwargs": {}}
    inner = _Persistent("FullyConnectedLayer", {**empty, "_parameters": {"weight": _Tensor([1.0, 2.0])}})
    outer = _Persistent("Generator", {**empty, "_modules": {"mapping": inner}, "_init_kwargs": arguments})
    content = pickle.dumps({"G_ema": outer, "D": None}, 2)
    names = {
        "_reconstruct": b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n",
        "_rebuild": b"ctorch._utils\n_rebuild_tensor_v2\n",
        "_load": b"ctorch.storage\n_load_from_bytes\n",
    }
    for name, official in names.items():
        content = content.replace(b"c" + __name__.encode() + b"\n" + name.encode() + b"\n", official)
    return content


def _rehash(place):
    """The manifest of the run's checkpoint says what is there, as a stranger's would."""
    folder = next((place / "run" / "checkpoints").iterdir())
    hashes = {item.name: files.sha256(item) for item in folder.iterdir() if item.name != "manifest.json"}
    (folder / "manifest.json").write_text(json.dumps({"sha256": hashes}))


def _load_run(place, path):
    _rehash(place)
    gz.load(place / "run", checkpoint="last").sample([0])


def _resume(place, path):
    _rehash(place)
    gz.resume(place / "run", steps=4)


def _checkpoint(place, path):
    run = gz.open_run(place / "run")
    run.checkpoints[0].verify()
    run.checkpoints[0].state()


def _open(place, path):
    run = gz.open_run(place / "run")
    assert run.steps == 4 and repr(run)
    run.config.to_toml(provenance=True)


def _prove_again(place, path):
    """The proof says what the hash of the mutated model is, so that the model is run."""
    proof = path.with_suffix(".proof.json")
    values = json.loads(proof.read_text())
    values["model_sha256"] = files.sha256(path)
    proof.write_text(json.dumps(values))
    gz.verify(path)


def _settings(place, path):
    resolve_for(Registry.load().architecture("dcgan"), [file_layer(path)]).to_toml(provenance=True)


def _assignments(place, path):
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    resolve_for(Registry.load().architecture("dcgan"), [set_layer([line for line in lines if line])]).to_toml()


def _plugins(place, path):
    import sys

    sys.path.insert(0, str(place / "site"))
    try:
        registry = Registry.load()
    finally:
        sys.path.remove(str(place / "site"))
    assert registry.architecture("dcgan")
    assert all(report.problem.isprintable() for report in registry.plugins)


def _metrics(place, path):
    gz.open_run(place / "run").metrics()
    _resume(place, path)


def _picture(place, path):
    try:
        read_picture(path, Picture(channels=3, height=8, width=8))
    except (AssertionError, MemoryError):
        raise
    except Exception:  # of decoders anything: a data source leaves such a file out and says so
        return


def _import(architecture):
    def read(place, path):
        gz.import_run(path, architecture=architecture, out=place / "new")

    return read


RUN, STEP = "run", "run/checkpoints/*"
PICTURES = ("png", "jpg", "webp", "tif", "gif", "bmp", "ppm", "tga")
READERS = {
    "model": ("m.onnx", False, lambda place, path: gz.inspect(path)),
    "model and proof": ("m.onnx", False, _prove_again),
    "model to sample": ("m.onnx", False, lambda place, path: gz.load(path).sample([0])),
    "proof": ("m.proof.json", True, lambda place, path: gz.verify(place / "m.onnx")),
    "run": (f"{RUN}/config.toml", True, _open),
    "run to resume": (f"{RUN}/config.toml", True, _resume),
    "record": (f"{RUN}/record.json", True, _resume),
    "metrics": (f"{RUN}/metrics.jsonl", True, _metrics),
    "manifest": (f"{STEP}/manifest.json", True, _checkpoint),
    "state": (f"{STEP}/state.json", True, _resume),
    "checkpoint's config": (f"{STEP}/config.toml", True, _resume),
    "weights": (f"{STEP}/model.safetensors", False, _load_run),
    "average": (f"{STEP}/ema.safetensors", False, _load_run),
    "optimizers": (f"{STEP}/optimizers.pt", False, _resume),
    "torch file": ("new.pth", False, lambda place, path: load_tensors(path)),
    "old torch file": ("old.pth", False, lambda place, path: load_tensors(path)),
    "safetensors": ("x.safetensors", False, lambda place, path: load_tensors(path)),
    "import": ("new.pth", False, _import("cyclegan")),
    "research pickle": ("x.pkl", False, _import("stylegan2")),
    "array": ("x.npy", False, lambda place, path: load_array(path)),
    "settings": ("x.toml", True, _settings),
    "--set": ("assignments.txt", True, _assignments),
    "entry points": ("site/stranger-1.0.dist-info/entry_points.txt", True, _plugins),
    "metadata": ("site/stranger-1.0.dist-info/METADATA", True, _plugins),
    "plugin": ("site/stranger_plugin.py", True, _plugins),
    **{f"picture {suffix}": (f"x.{suffix}", False, _picture) for suffix in PICTURES},
    "deep picture": ("deep.png", False, _picture),
}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", READERS)
def test_mutations(place, tmp_path, name, count):
    pattern, text, read = READERS[name]
    work = tmp_path / "place"
    sound = {item.relative_to(place): item.read_bytes() for item in place.rglob("*") if item.is_file()}
    shutil.copytree(place, work)
    (path,) = [work / item for item in sound if item.match(pattern)]
    content = path.read_bytes()
    answers = 0

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(damages(text=text))
    def throw(steps):
        nonlocal answers
        path.write_bytes(damaged(content, steps))
        try:
            with within():
                read(work, path)
            answers += 1
        except GanzooError as error:
            assert str(error).strip()
        finally:
            _restore(work, sound)

    throw()
    path.write_bytes(content)
    if name not in ("import", "research pickle"):  # those are of no whole network
        read(work, path)  # and the sound one is read


def _restore(work, sound):
    """What an example changed is as it was."""
    for item in [item for item in work.rglob("*") if item.is_file() and item.relative_to(work) not in sound]:
        item.unlink()
    for name, content in sound.items():
        if not (work / name).is_file() or (work / name).read_bytes() != content:
            Path(work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
    for folder in [item for item in work.rglob("*") if item.is_dir() and not any(item.iterdir())]:
        folder.rmdir()
