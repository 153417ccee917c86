"""Pickles of the reference networks as the official repositories write them, and our networks made from them."""

import collections
import pickle
import sys
import types

import pytest
import torch
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.importing import read_stylegan2
from ganzoo_stylegan.stylegan2 import StyleGAN2
from stylegan2_reference import WIDTH, Judge, Painter
from torch.nn import functional as F

from ganzoo.errors import CheckpointError


class Persistent:
    def __init__(self, class_name, state):
        self.meta = {"type": "class", "version": 6, "module_src": "raise SystemExit", "class_name": class_name}
        self.meta["state"] = state

    def __reduce__(self):
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


@pytest.fixture(autouse=True)
def research_modules(monkeypatch):
    """So that pickle can write the name; nothing of it is there when we read."""

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("the pickle was rebuilt")

    module = types.ModuleType("torch_utils.persistence")
    _reconstruct_persistent_obj.__module__, _reconstruct_persistent_obj.__qualname__ = (
        "torch_utils.persistence", "_reconstruct_persistent_obj",
    )  # fmt: skip
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", module)


def nested(network, class_name, given, changed=None):
    """A network as the research code pickles it: modules inside modules, with attributes of their own."""
    attributes = {name: {**own, **(changed or {}).get(name, {})} for name, own in network.modules.items()}

    def module(prefix, name):
        tables = {kind: collections.OrderedDict() for kind in ("_parameters", "_buffers", "_modules")}
        for key, tensor in network.state.items():
            if key.rpartition(".")[0] == prefix:
                last = key.rpartition(".")[2]
                buffer = last in ("w_avg", "resample_filter", "noise_const")
                tables["_buffers" if buffer else "_parameters"][last] = tensor
        start = f"{prefix}." if prefix else ""
        paths = [*network.state, *(f"{name}.x" for name in network.modules)]
        inner = [path[len(start) :].split(".") for path in paths if path.startswith(start)]
        for first in dict.fromkeys(parts[0] for parts in inner if len(parts) > 1):
            tables["_modules"][first] = module(f"{start}{first}", first)
        own = {"_init_args": (), "_init_kwargs": given} if not prefix else {}
        return Persistent(name, {**tables, **attributes.get(prefix, {}), "training": False, **own})

    return module("", class_name)


def flattened(given):
    """The layout of the stylegan3 repository."""
    return {key: value for key, value in given.items() if key != "synthesis_kwargs"} | given["synthesis_kwargs"]


def inputs(size, classes, channels):
    draw, count = torch.Generator().manual_seed(7), 4 if size < 256 else 1
    label = torch.arange(count) % max(classes, 1)
    one_hot = F.one_hot(label, classes).float() if classes else None
    pictures = torch.rand(count, channels, size, size, generator=draw) * 2 - 1
    return torch.randn(count, WIDTH, generator=draw), pictures, label, one_hot


def write(path, painter, judge, *, flat=False, changed=None, stored=None):
    """stored: arguments to keep in place of those that the networks were made with, by network."""
    given = {"G": painter.given, "D": judge.given} | (stored or {})
    layout = flattened(given["G"]) if flat else given["G"]
    content = {
        "G": nested(painter, "Generator", layout, (changed or {}).get("G")),
        "D": nested(judge, "Discriminator", given["D"], (changed or {}).get("D")),
        "G_ema": nested(painter, "Generator", layout, (changed or {}).get("G")),
        "augment_pipe": None,
        "training_set_kwargs": {"resolution": 32},
    }
    path.write_bytes(pickle.dumps(content))
    return path


def built(path):
    """Our networks with what the file says, all its tensors in place."""
    found = read_stylegan2([path])
    config = StyleGAN2Config(**found.settings)
    networks = StyleGAN2(config, found.data).eval()
    ours = {name: tensor.shape for name, tensor in networks.state_dict().items() if name != "path_mean"}
    if ours != {name: tensor.shape for name, tensor in found.state.items()}:  # as `ganzoo import` holds them together
        raise CheckpointError("tensors that do not fit the settings")
    networks.load_state_dict({**networks.state_dict(), **found.state})
    networks.generator.load_state_dict(found.average["generator"])
    return networks


def distance(found, expected):
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1)).item()


def errors(networks, painter, judge, *, classes, psi=0.7):
    """How far apart pictures and logits are, relative to the largest."""
    data, group = networks.data, judge.end["mbstd_group_size"]
    z, pictures, label, one_hot = inputs(data.size, classes, data.channels)
    labels = (label,) if classes else ()
    strided = (
        torch.tensor([0, 2, 1, 3]) if group == 2 else torch.arange(len(z))
    )  # ours are groups of consecutive samples
    cutoff = networks.config.truncated_layers or None
    with torch.no_grad():
        picture = networks.generator(z, *labels, torch.full((len(z),), psi))
        logits = networks.discriminator(pictures[strided], *(label[strided] for label in labels))
        return (
            distance(picture, painter(z, one_hot, psi, cutoff)),
            distance(logits, judge(pictures, one_hot)[strided]),
        )


def drawn(painter, judge, classes):
    """Run both once, so that their tensors are there."""
    z, pictures, _, one_hot = inputs(painter.given["img_resolution"], classes, painter.given["img_channels"])
    with torch.no_grad():
        painter(z, one_hot)
        judge(pictures, one_hot)


SMALL = {"channel_base": 128, "channel_max": 8}


def networks_of(*, size=16, classes=0, channels=3, mapping=None, synthesis=None, judge=None):
    shared = {"c_dim": classes, "img_resolution": size, "img_channels": channels}
    width = SMALL if size < 64 else {"channel_base": 2 * size, "channel_max": 4}
    painter = Painter(
        {
            "z_dim": WIDTH, "w_dim": WIDTH, **shared, "mapping_kwargs": {"num_layers": 2, **(mapping or {})},
            "synthesis_kwargs": {**width, **(synthesis or {})},
        }
    )  # fmt: skip
    critic = Judge({**shared, **width, **(judge or {})})
    drawn(painter, critic, classes)
    return painter, critic
