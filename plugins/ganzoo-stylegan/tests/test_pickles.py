"""Official pickles: those built in their format are read, and those that want more run nothing."""

import collections
import io
import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from ganzoo_stylegan.pickles import read_networks

from ganzoo.errors import CheckpointError
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained
from ganzoo.training.import_weights import import_weights

REFERENCE = Path(__file__).parent / "reference"
LAYERS = {"uncond": 8, "cond": 2}


class Persistent:
    """Pickles as the research code's modules do: a call by name, the source text, the class's name, the `__dict__`."""

    def __init__(self, class_name, state):
        self.meta = {
            "type": "class", "version": 6, "module_src": "import os; os.abort()", "class_name": class_name,
            "state": state,
        }  # fmt: skip

    def __reduce__(self):
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


class EasyDict(dict):
    pass


@pytest.fixture(autouse=True)
def research_modules(monkeypatch):
    """So that pickle can write the names; nothing of them is there when we read."""

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("the pickle was rebuilt")

    for name, members in (
        ("torch_utils.persistence", {"_reconstruct_persistent_obj": _reconstruct_persistent_obj}),
        ("dnnlib.util", {"EasyDict": EasyDict}),
    ):
        module = types.ModuleType(name)
        for key, member in members.items():
            member.__module__, member.__qualname__ = name, key
            setattr(module, key, member)
        monkeypatch.setitem(sys.modules, name.partition(".")[0], types.ModuleType(name.partition(".")[0]))
        monkeypatch.setitem(sys.modules, name, module)


def nested(state, class_name, **extra):
    """Tensors by dotted name as modules inside modules."""
    tables = {name: collections.OrderedDict() for name in ("_parameters", "_buffers", "_modules")}
    below = collections.defaultdict(dict)
    for name, tensor in state.items():
        first, dot, rest = name.partition(".")
        if dot:
            below[first][rest] = tensor
        elif first in ("w_avg", "resample_filter", "noise_const"):
            tables["_buffers"][first] = tensor
        else:
            tables["_parameters"][first] = torch.nn.Parameter(tensor)
    tables["_modules"].update({name: nested(inner, name) for name, inner in below.items()})
    return Persistent(class_name, {**tables, "training": False, "_backward_hooks": collections.OrderedDict(), **extra})


def official(kind, folder, **changes):
    """network.pkl as the research code writes it, from the reference weights."""
    arrays = np.load(REFERENCE / f"stylegan2_32_{kind}.npz")
    parts = {
        part: {name[2:]: torch.from_numpy(arrays[name]) for name in arrays.files if name.startswith(f"{part}/")}
        for part in "GD"
    }
    classes = 10 if kind == "cond" else 0
    shared = {"c_dim": classes, "img_resolution": np.int64(32), "img_channels": 3}
    width = {"channel_base": 512, "channel_max": 48, "num_fp16_res": 0, "conv_clamp": None}
    painter = EasyDict(
        z_dim=64, w_dim=64, **shared, mapping_kwargs=EasyDict(num_layers=LAYERS[kind]), synthesis_kwargs=EasyDict(width)
    )
    judge = EasyDict(**shared, **width, architecture="resnet", epilogue_kwargs=EasyDict(mbstd_group_size=4))
    generator = nested(parts["G"], "Generator", _init_args=(), _init_kwargs=painter)
    content = {
        "G": generator,
        "D": nested(parts["D"], "Discriminator", _init_args=(), _init_kwargs=judge),
        "G_ema": nested(parts["G"], "Generator", _init_args=(), _init_kwargs=painter),
        "augment_pipe": None,
        "training_set_kwargs": EasyDict(resolution=32, path="somewhere", scale=np.float32(1.5), grid=np.arange(3)),
        **changes,
    }
    path = folder / "network.pkl"
    path.write_bytes(pickle.dumps(content, protocol=changes.pop("protocol", 2)))
    return path, arrays


@pytest.mark.parametrize("kind", LAYERS)
def test_an_official_pickle_becomes_a_run_that_paints_what_it_painted(tmp_path, kind):
    path, arrays = official(kind, tmp_path)
    registry = Registry.load()
    told = []
    run = import_weights(
        [path], registry.architecture("stylegan2"), registry, out=tmp_path / "run", size=None, say=told.append
    )  # fmt: skip
    assert told == ["not in the files, and begun anew: path_mean"]
    config = run.config.architecture
    assert (config.latent_size, config.style_size, config.mapping_layers) == (64, 64, LAYERS[kind])
    assert (config.maps_base, config.maps_most, config.conditional) == (512, 48, kind == "cond")
    networks = load_trained(tmp_path / "run", registry, say=told.append).architecture
    labels = (torch.from_numpy(arrays["c"]).argmax(1),) if kind == "cond" else ()
    with torch.no_grad():
        images = networks.generator(torch.from_numpy(arrays["z"]), *labels, torch.full((8,), 0.7))
        assert np.abs(images.numpy() - arrays["images_psi07"]).max() <= 1e-4
        order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])
        shown = torch.from_numpy(arrays["images_psi1"]).clamp(-1, 1)[order]
        logits = networks.discriminator(shown, *(label[order] for label in labels))
        assert np.abs(logits.numpy() - arrays["logits_of_clamped_images_psi1"][order.numpy()]).max() <= 1e-4


class Call:
    """Unpickling it calls something."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call",
    [
        lambda marker: Call(os.system, f"touch {marker}"),
        lambda marker: Call(subprocess.Popen, ["touch", str(marker)]),
        lambda marker: Call(eval, f"open({str(marker)!r}, 'w')"),
        lambda marker: Call(getattr, "text", "upper"),
        lambda marker: Call(torch.load, str(marker)),
        lambda marker: Call(np.load, str(marker)),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name_and_not_run(tmp_path, call):
    marker = tmp_path / "ran"
    path, _ = official("uncond", tmp_path, hidden=call(marker))
    with pytest.raises(
        CheckpointError, match=r"network.pkl is refused: it asks for [\w.]+, which is not.*Nothing was run"
    ):
        read_networks(path)
    assert not marker.exists()


def test_a_torch_file_inside_is_opened_as_strictly(tmp_path):
    marker = tmp_path / "ran"
    inner = io.BytesIO()
    torch.save({"a": Call(os.system, f"touch {marker}")}, inner)
    for content in (inner.getvalue(), pickle.dumps(Call(os.system, f"touch {marker}")), b"rubbish"):
        path, _ = official("uncond", tmp_path, hidden=Call(torch.storage._load_from_bytes, content))
        with pytest.raises(CheckpointError, match="refused: a torch file inside it is not plain.*Nothing was run"):
            read_networks(path)
    assert not marker.exists()


def test_what_it_may_call_cannot_be_changed(tmp_path):
    """The opcode BUILD sets attributes of whatever is on the stack."""
    for name in (
        "torch_utils.persistence _reconstruct_persistent_obj",
        "dnnlib.util EasyDict",
        "torch._utils _rebuild_parameter",
    ):
        module, member = name.split()
        attack = b"\x80\x02c" + f"{module}\n{member}\n".encode() + b"(N}X\x04\x00\x00\x00evilK\x01stb."
        (tmp_path / "x.pkl").write_bytes(attack)
        with pytest.raises(CheckpointError, match="x.pkl"):
            read_networks(tmp_path / "x.pkl")
    path, _ = official("uncond", tmp_path)
    assert set(read_networks(path)) == {"G", "D", "G_ema"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"G": 1, "D": 2, "G_ema": 3}, "has no networks"),
        ({"G_ema": Persistent("Generator", [])}, "refused: a network in it has no state"),
        ({"hidden": np.array([{}], dtype=object)}, "numpy data of the type 'O8'"),
        ({"hidden": torch.ones(1).to_sparse()}, "refused: it asks for torch"),
    ],
)
def test_pickles_of_something_else(tmp_path, changes, message):
    path, _ = official("uncond", tmp_path, **changes)
    with pytest.raises(CheckpointError, match=message):
        read_networks(path)


def test_damaged_files_and_tensors_that_claim_more_than_they_hold(tmp_path):
    path, _ = official("uncond", tmp_path)
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2], pickle.dumps([1])):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="network.pkl"):
            read_networks(path)
    storage = torch.ones(4)._typed_storage()
    for offset, size, stride in ((0, (1000, 1000), (0, 0)), (2, (4,), (1,)), (0, (4,), (-1,)), (0, (2,), (1, 1))):
        call = Call(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, collections.OrderedDict())
        path, _ = official("uncond", tmp_path, hidden=call)
        with pytest.raises(CheckpointError, match="a tensor in it"):
            read_networks(path)
