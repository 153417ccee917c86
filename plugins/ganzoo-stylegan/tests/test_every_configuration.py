"""Every StyleGAN2 that the two official repositories can make, and every argument that their pickles keep.

The reference is written here from the papers, over plain tensors by the original names: modulated weights of each
sample's own, zeros put between pixels, filters with explicit padding. Nothing of our networks is used to make it.
"""

import collections
import itertools
import pickle
import random
import sys
import types
from pathlib import Path

import pytest
import torch
from ganzoo_stylegan import arguments
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.importing import read_stylegan2
from ganzoo_stylegan.pickles import Network
from ganzoo_stylegan.stylegan2 import StyleGAN2
from torch.nn import functional as F

from ganzoo.errors import CheckpointError, GanzooError

WIDTH = 16  # of z and w
ACTIVATIONS = {
    "linear": (lambda x: x, 1.0),
    "relu": (F.relu, 2**0.5),
    "lrelu": (lambda x: F.leaky_relu(x, 0.2), 2**0.5),
    "tanh": (torch.tanh, 1.0),
    "swish": (lambda x: x * x.sigmoid(), 2**0.5),
}


class Tensors:
    """Draws the tensors of a network when it is first run, and uses them then on."""

    def __init__(self, seed):
        self.random, self.state, self.modules = torch.Generator().manual_seed(seed), {}, {}

    def tensor(self, name, *shape, scale=1.0, offset=0.0):
        if name not in self.state:
            self.state[name] = torch.randn(shape, generator=self.random) * scale + offset
        return self.state[name]

    def note(self, name, **attributes):
        self.modules.setdefault(name, attributes)

    def dense(self, x, name, out, *, activation="linear", multiplier=1.0, offset=0.0):
        self.note(
            name, activation=activation, weight_gain=multiplier / x.shape[1] ** 0.5, bias_gain=multiplier
        )  # fmt: skip
        weight = self.tensor(f"{name}.weight", out, x.shape[1], scale=1 / multiplier)
        bias = self.tensor(f"{name}.bias", out, scale=0.3 / multiplier, offset=offset / multiplier)
        function, gain = ACTIVATIONS[activation]
        return function(x @ weight.T * multiplier / x.shape[1] ** 0.5 + bias * multiplier) * gain

    def low_pass(self, name, taps):
        taps = torch.as_tensor(taps, dtype=torch.float32)
        kernel = torch.outer(taps, taps) / taps.sum() ** 2
        self.state.setdefault(f"{name}.resample_filter", kernel)
        return kernel


def filtered(x, kernel, before, after, gain=1.0):
    x = F.pad(x, (before, after, before, after))
    return F.conv2d(x.flatten(0, 1)[:, None], kernel.flip(0, 1)[None, None] * gain).unflatten(0, x.shape[:2])[:, :, 0]


def spread(x):
    """A zero behind each pixel, along both sides."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def clamped(x, clamp):
    return x if clamp is None else x.clamp(-clamp, clamp)


def unit(x):
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def mapped(net, z, c, *, out, num_layers, lr_multiplier, activation):
    """mapping.*: z (B, Z) or None, c one-hot or None."""
    net.note("mapping", num_layers=num_layers)
    parts = ([unit(z)] if z is not None else []) + ([unit(net.dense(c, "mapping.embed", out))] if c is not None else [])
    x = torch.cat(parts, 1)
    for layer in range(num_layers):
        x = net.dense(x, f"mapping.fc{layer}", out, activation=activation, multiplier=lr_multiplier)
    return x


class Painter(Tensors):
    """G. given: arguments as a pickle keeps them, in the layout of stylegan2-ada-pytorch, with that one's defaults."""

    def __init__(self, given, seed=0):
        super().__init__(seed)
        self.given = given
        self.mapping = {"num_layers": 8, "lr_multiplier": 0.01, "activation": "lrelu", **given["mapping_kwargs"]}
        self.options = {
            "channel_base": 32768, "channel_max": 512, "conv_clamp": None, "use_noise": True, "activation": "lrelu",
            "resample_filter": [1, 3, 3, 1], "architecture": "skip", **given["synthesis_kwargs"],
        }  # fmt: skip

    def maps(self, side):
        return min(self.options["channel_base"] // side, self.options["channel_max"])

    def __call__(self, z, c=None, psi=1.0, cutoff=None):
        mapping = {key: self.mapping[key] for key in ("num_layers", "lr_multiplier", "activation")}
        w = mapped(self, z, c, out=self.given["w_dim"], **mapping)
        average = self.tensor("mapping.w_avg", self.given["w_dim"], scale=0.3)
        sides = [2**power for power in range(2, self.given["img_resolution"].bit_length())]
        ws = torch.stack([w] * (2 * len(sides)), 1)
        ws[:, :cutoff] = average + psi * (ws[:, :cutoff] - average)
        picture, place = None, 0
        for side in sides:
            block = f"synthesis.b{side}"
            self.note(block, architecture=self.options["architecture"], resolution=side, is_last=side == sides[-1])
            kernel = self.low_pass(block, self.options["resample_filter"])
            if side == 4:
                x = self.tensor(f"{block}.const", self.maps(4), 4, 4).expand(len(z), -1, -1, -1)
            else:
                x = self.convolved(x, f"{block}.conv0", ws[:, place], side, up=True)
                place += 1
            x = self.convolved(x, f"{block}.conv1", ws[:, place], side, up=False)
            place += 1
            rgb = self.painted(x, f"{block}.torgb", ws[:, place])
            picture = rgb if picture is None else filtered(spread(picture), kernel, 2, 1, gain=4.0) + rgb
        return picture

    def modulated(self, x, weight, style, demodulate, up):
        rows = []
        for one, scale in zip(x, style, strict=True):
            own = weight * scale[None, :, None, None]
            if demodulate:
                own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            if up:  # what is spread and convolved, the kernel turned round
                rows.append(F.conv2d(F.pad(spread(one[None])[:, :, :-1, :-1], (2, 2, 2, 2)), own.flip(2, 3)))
            else:
                rows.append(F.conv2d(one[None], own, padding=own.shape[-1] // 2))
        return torch.cat(rows)

    def convolved(self, x, name, w, side, *, up):
        options = self.options
        kernel = self.low_pass(name, options["resample_filter"])
        self.note(
            name, activation=options["activation"], conv_clamp=options["conv_clamp"], use_noise=options["use_noise"],
            resolution=side, up=1 + up, act_gain=ACTIVATIONS[options["activation"]][1],
        )  # fmt: skip
        style = self.dense(w, f"{name}.affine", x.shape[1], offset=1.0)
        weight = self.tensor(f"{name}.weight", self.maps(side), x.shape[1], 3, 3)
        x = self.modulated(x, weight, style, True, up)
        if up:
            x = filtered(x, kernel, 1, 1, gain=4.0)
        if options["use_noise"]:
            noise = self.tensor(f"{name}.noise_const", side, side)
            x = x + noise * self.tensor(f"{name}.noise_strength", scale=0.5)
        x = x + self.tensor(f"{name}.bias", x.shape[1], scale=0.3)[:, None, None]
        function, gain = ACTIVATIONS[options["activation"]]
        return clamped(function(x) * gain, options["conv_clamp"])

    def painted(self, x, name, w):
        self.note(name, conv_clamp=self.options["conv_clamp"], weight_gain=x.shape[1] ** -0.5)
        style = self.dense(w, f"{name}.affine", x.shape[1], offset=1.0) / x.shape[1] ** 0.5
        weight = self.tensor(f"{name}.weight", self.given["img_channels"], x.shape[1], 1, 1)
        x = self.modulated(x, weight, style, False, False)
        return clamped(
            x + self.tensor(f"{name}.bias", len(weight), scale=0.3)[:, None, None], self.options["conv_clamp"]
        )


class Judge(Tensors):
    """D, in the layout that both repositories have."""

    def __init__(self, given, seed=1):
        super().__init__(seed)
        self.given = {
            "architecture": "resnet", "channel_base": 32768, "channel_max": 512, "conv_clamp": None, **given,
        }  # fmt: skip
        self.block = {"activation": "lrelu", "resample_filter": [1, 3, 3, 1], **given.get("block_kwargs", {})}
        self.mapping = {
            "num_layers": 8, "lr_multiplier": 0.01, "activation": "lrelu", **given.get("mapping_kwargs", {}),
        }  # fmt: skip
        self.end = {"mbstd_group_size": 4, "activation": "lrelu", **given.get("epilogue_kwargs", {})}

    def maps(self, side):
        return min(self.given["channel_base"] // side, self.given["channel_max"])

    def conv(self, x, name, out, size, *, activation, down=False, gain=1.0, clamp=None, bias=True):
        kernel = self.low_pass(name, self.block["resample_filter"])
        self.note(
            name, activation=activation, conv_clamp=clamp, act_gain=ACTIVATIONS[activation][1], down=1 + down, up=1,
            weight_gain=(x.shape[1] * size**2) ** -0.5,
        )  # fmt: skip
        weight = self.tensor(f"{name}.weight", out, x.shape[1], size, size) / (x.shape[1] * size**2) ** 0.5
        if down:
            x = filtered(x, kernel, size // 2 + 1, size // 2 + 1)
            x = F.conv2d(x, weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=size // 2)
        if bias:
            x = x + self.tensor(f"{name}.bias", out, scale=0.3)[:, None, None]
        function, usual = ACTIVATIONS[activation]
        return clamped(function(x) * usual * gain, None if clamp is None else clamp * gain)

    def __call__(self, x, c=None):
        given, side = self.given, self.given["img_resolution"]
        clamp, activation = given["conv_clamp"], self.block["activation"]
        residual = given["architecture"] == "resnet"
        x = self.conv(x, f"b{side}.fromrgb", self.maps(side), 1, activation=activation, clamp=clamp)
        while side > 4:
            name, half, out = f"b{side}", 0.5**0.5 if residual else 1.0, self.maps(side // 2)
            self.note(name, architecture=given["architecture"], resolution=side)
            self.low_pass(name, self.block["resample_filter"])
            y = self.conv(x, f"{name}.conv0", x.shape[1], 3, activation=activation, clamp=clamp)
            y = self.conv(y, f"{name}.conv1", out, 3, activation=activation, down=True, gain=half, clamp=clamp)
            if residual:
                y = y + self.conv(x, f"{name}.skip", out, 1, activation="linear", down=True, gain=half, bias=False)
            x, side = y, side // 2
        group = min(self.end["mbstd_group_size"] or len(x), len(x))
        self.note("b4.mbstd", group_size=self.end["mbstd_group_size"], num_channels=1)
        apart = x.unflatten(0, (group, -1))  # strided: sample n is of the group n modulo their number
        deviation = (apart.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).repeat(group)
        x = torch.cat([x, deviation[:, None, None, None].expand(-1, 1, 4, 4)], 1)
        x = self.conv(x, "b4.conv", self.maps(4), 3, activation=self.end["activation"], clamp=clamp)
        x = self.dense(x.flatten(1), "b4.fc", self.maps(4), activation=self.end["activation"])
        x = self.dense(x, "b4.out", self.maps(4) if c is not None else 1)
        if c is None:
            return x
        mapping = {key: self.mapping[key] for key in ("num_layers", "lr_multiplier", "activation")}
        direction = mapped(self, None, c, out=self.maps(4), **mapping)
        return (x * direction).sum(1, keepdim=True) / self.maps(4) ** 0.5


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


# --cfg: layers of the mapping, architecture of D, group (auto: at most 4 of a device's share)
ADA = {
    "auto": (2, "resnet", 4), "stylegan2": (8, "resnet", 4), "paper256": (8, "resnet", 8),
    "paper512": (8, "resnet", 8), "paper1024": (8, "resnet", 4), "cifar": (2, "orig", 32),
}  # fmt: skip
SIZES = (32, 64, 128, 256, 512, 1024)
FREEZED = (0, 4)


@pytest.mark.parametrize(
    ("cfg", "classes", "fp32", "channels"), list(itertools.product(ADA, (0, 3), (False, True), (1, 3)))
)
def test_a_configuration_of_stylegan2_ada_is_read_exactly(tmp_path, cfg, classes, fp32, channels):
    layers, architecture, group = ADA[cfg]
    half = {"num_fp16_res": 0, "conv_clamp": None} if fp32 else {"num_fp16_res": 4, "conv_clamp": 256}
    painter, judge = networks_of(
        size=32, classes=classes, channels=channels, mapping={"num_layers": layers}, synthesis=half,
        judge={
            **half, "architecture": architecture, "mapping_kwargs": {},
            "block_kwargs": {"freeze_layers": FREEZED[fp32]}, "epilogue_kwargs": {"mbstd_group_size": group},
        },
    )  # fmt: skip
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert max(errors(networks, painter, judge, classes=classes)) <= 1e-5
    config = networks.config
    assert (config.residual, config.group, config.mapping_layers) == (architecture == "resnet", group, layers)


@pytest.mark.parametrize("size", SIZES)
def test_every_size(tmp_path, size):
    painter, judge = networks_of(size=size, synthesis={"conv_clamp": 256}, judge={"conv_clamp": 256})
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert max(errors(networks, painter, judge, classes=0)) <= 1e-5


@pytest.mark.parametrize(
    ("depth", "classes", "fp32", "channels"), list(itertools.product((2, 8), (0, 3), (False, True), (1, 3)))
)
def test_a_stylegan2_of_the_stylegan3_repository_is_read_exactly(tmp_path, depth, classes, fp32, channels):
    """--cfg=stylegan2, --map-depth, --cond, --fp32, --mbstd-group; its defaults are not stored, and are others."""
    stored = {"num_fp16_res": 0, "conv_clamp": None} if fp32 else {}
    effective, group = stored or {"num_fp16_res": 4, "conv_clamp": 256}, 2 if channels == 1 else 4
    painter, judge = networks_of(
        size=32, classes=classes, channels=channels, mapping={"num_layers": depth}, synthesis=effective,
        judge={**effective, "epilogue_kwargs": {"mbstd_group_size": group}, "block_kwargs": {"freeze_layers": 0}},
    )  # fmt: skip
    kept = {"fused_modconv_default": "inference_only", **SMALL, **stored}
    bare = {key: value for key, value in judge.given.items() if key not in ("conv_clamp", "num_fp16_res")}
    path = write(
        tmp_path / "network.pkl", painter, judge, flat=True,
        stored={"G": {**painter.given, "synthesis_kwargs": kept}, "D": {**bare, **stored}},
    )  # fmt: skip
    networks = built(path)
    assert max(errors(networks, painter, judge, classes=classes)) <= 1e-5
    assert (networks.config.clamp, networks.config.average_decay) == (0 if fp32 else 256, 0.998)


def test_the_clamp_of_the_stylegan3_repository_is_known_without_attributes(tmp_path):
    painter, judge = networks_of(synthesis={"conv_clamp": 256}, judge={"conv_clamp": 256})
    painter.modules, judge.modules = {}, {}
    bare = {key: value for key, value in judge.given.items() if key != "conv_clamp"}
    stored = {"G": {**painter.given, "synthesis_kwargs": SMALL}, "D": bare}
    config = built(write(tmp_path / "network.pkl", painter, judge, flat=True, stored=stored)).config
    assert (config.clamp, config.discriminator_clamp) == (256, 256)
    stored["G"] = {**painter.given, "synthesis_kwargs": SMALL}
    config = built(write(tmp_path / "network.pkl", painter, judge, stored=stored)).config
    assert (config.clamp, config.discriminator_clamp) == (0, 0)
    nothing = {"G": {**painter.given, "synthesis_kwargs": {}}, "D": {**bare, "channel_base": 32768, "channel_max": 512}}
    assert read_stylegan2([write(tmp_path / "network.pkl", painter, judge, stored=nothing)]).settings["clamp"] == 0
    with pytest.raises(GanzooError, match="says neither conv_clamp nor which repository made it"):
        read_stylegan2([write(tmp_path / "network.pkl", painter, judge, flat=True, stored=nothing)])


def random_values():
    """(network, table, argument, value, whether it is admitted): values of all kinds, drawn by a fixed seed."""
    draw = random.Random(0)
    tables = {
        ("G", "mapping_kwargs"): arguments.MAPPING,
        ("G", "synthesis_kwargs"): arguments.SYNTHESIS,
        ("D", "block_kwargs"): arguments.BLOCK,
        ("D", "mapping_kwargs"): arguments.DISCRIMINATOR_MAPPING,
        ("D", "epilogue_kwargs"): arguments.EPILOGUE,
        ("D", ""): arguments.DISCRIMINATOR,
        ("G", ""): arguments.GENERATOR,
    }
    own = {
        "activation": ["linear", "relu", "tanh", "swish", "lrelu", None, torch.ones(2), ["lrelu"]],
        "architecture": ["skip", "resnet", "orig", "other"],
        "resample_filter": [
            [1, 2, 1],
            [1, 3, 3, 1],
            [2, 6, 6, 2],
            [1, 1],
            None,
            [1, 3, 3, 2],
            [1, 4, 6, 4, 1],
            [0] * 4,
            3,
        ],
        "conv_clamp": [0.7, 1.5, 256, None, 0, -1, "256", True],
        "lr_multiplier": [0.01, 0.1, 1.0, 0.003, 0, -1, None],
        "num_layers": [0, 1, 3, 5, 40, None, 2.0, torch.ones(2)],
        "use_noise": [False, True, None, "no"],
        "mbstd_group_size": [None, 1, 2, 4, 100, 0, "4"],
        "mbstd_num_channels": [0, 1, 2],
        "embed_features": [None, WIDTH, 7, 8, torch.ones(2)],
        "layer_features": [None, WIDTH, 7, 8],
        "cmap_dim": [None, 8, 5],
        "kernel_size": [1, 3, 5],
        "w_avg_beta": [0.9, 0.995, None, 2],
        "img_channels": [4, 2, "3"],
        "img_resolution": [24, 4, 2048],
        "z_dim": [0, -1, 15],
        "num_fp16_res": [0, 4, 9],
    }
    for (network, table), known in tables.items():
        for name, argument in known.items():
            for value in own.get(name, [True, None, draw.randrange(5), draw.random(), "x", [1, 2], torch.ones(3), {}]):
                yield network, table, name, value, argument.admits is None or argument.admits(value, {})


REFERENCE_KNOWS = ("activation", "conv_clamp", "lr_multiplier", "num_layers", "use_noise", "mbstd_group_size")


@pytest.mark.parametrize("classes", [0, 3])
def test_a_changed_argument_is_computed_with_or_refused(monkeypatch, classes):
    """Made so by the original: its tensors and attributes are those that the arguments give."""

    def found_in_the_file(painter, judge, stored=None):
        """What reading a pickle of these would give, without the pickle: there are hundreds."""
        given = {"G": painter.given, "D": judge.given} | (stored or {})
        networks = {
            name: Network(kind, given[name[0]], network.state, network.modules)
            for name, kind, network in (
                ("G", "Generator", painter), ("D", "Discriminator", judge), ("G_ema", "Generator", painter),
            )
        }  # fmt: skip
        monkeypatch.setattr("ganzoo_stylegan.importing.read_networks", lambda path: networks)

    read, refused = collections.Counter(), collections.Counter()
    singly = list(random_values())
    draw = random.Random(1)
    known = [one for one in singly if one[2] in REFERENCE_KNOWS]
    for changes in [*([one] for one in singly), *(draw.sample(known, 3) for _ in range(150))]:
        mapping, synthesis = {}, {"conv_clamp": 2.0}
        judge = {"conv_clamp": 2.0, "epilogue_kwargs": {}, "mapping_kwargs": {}, "block_kwargs": {}}
        targets = {
            ("G", "mapping_kwargs"): mapping, ("G", "synthesis_kwargs"): synthesis, ("D", ""): judge,
            **{("D", key): judge[key] for key in ("block_kwargs", "mapping_kwargs", "epilogue_kwargs")},
        }  # fmt: skip
        network, table, name, value, _ = changes[0]
        if (network, table) not in targets or name.endswith("_kwargs"):
            painter, critic = networks_of(size=8, classes=classes)
            given = {"G": dict(painter.given), "D": dict(critic.given)}
            given[network][name] = value
            found_in_the_file(painter, critic, given)
        else:
            for network, table, name, value, _ in changes:
                targets[network, table][name] = value
            try:  # as the original would build it
                painter, critic = networks_of(
                    size=8, classes=classes, mapping=mapping, synthesis=synthesis, judge=judge
                )
                found_in_the_file(painter, critic)
            except Exception:  # it cannot be built so; the file is made up
                painter, critic = networks_of(size=8, classes=classes)
                stored = {"G": dict(painter.given), "D": dict(critic.given)}
                stored["G"] |= {"mapping_kwargs": mapping, "synthesis_kwargs": {**SMALL, **synthesis}}
                stored["D"] |= judge
                found_in_the_file(painter, critic, stored)
        told = [change[:4] for change in changes]
        try:
            networks = built(Path("network.pkl"))
        except GanzooError:
            places = [change[:3] for change in changes]
            every = all(change[4] and change[2] in REFERENCE_KNOWS for change in changes)
            assert not every or len(set(places)) < len(places), told
            refused.update(change[2] for change in changes)
            continue
        apart = errors(networks, painter, critic, classes=classes)
        assert max(apart) <= 2e-5, (told, apart)
        read.update(change[2] for change in changes)
    for name in REFERENCE_KNOWS:
        assert read[name] and refused[name], name


@pytest.mark.parametrize(
    ("network", "place", "changes"),
    [
        ("G", "mapping.fc0", {"activation": "relu"}),
        ("G", "mapping", {"num_layers": 3}),
        ("D", "mapping", {"num_layers": 3}),
        ("G", "mapping.fc1", {"bias_gain": 0.1}),
        ("G", "mapping.fc1", {"weight_gain": 0.1}),
        ("G", "synthesis.b8.conv0", {"activation": "linear"}),
        ("G", "synthesis.b8.conv1", {"conv_clamp": 0.5}),
        ("G", "synthesis.b8.conv1", {"use_noise": False}),
        ("G", "synthesis.b16.torgb", {"conv_clamp": 0.5}),
        ("G", "synthesis.b16", {"architecture": "resnet"}),
        ("D", "b16.conv1", {"conv_clamp": 0.5}),
        ("D", "b16.skip", {"conv_clamp": 0.5}),
        ("D", "b16.fromrgb", {"activation": "swish"}),
        ("D", "b4.mbstd", {"group_size": 2}),
        ("D", "b16.conv0", {"weight_gain": 1.0}),
        ("D", "b16.conv0", {"down": 2}),
        ("D", "b16.skip", {"act_gain": 2.0}),
        ("G", "synthesis.b8.conv1", {"act_gain": 1.0}),
        ("G", "synthesis.b8.conv1", {"up": 2}),
        ("G", "synthesis.b8.torgb", {"weight_gain": 1.0}),
        ("G", "synthesis.b8.torgb.affine", {"weight_gain": 1.0}),
        ("D", "b4.fc", {"activation": "linear"}),
        ("D", "b16", {"architecture": "orig"}),
    ],
)
def test_attributes_that_contradict_the_arguments_are_refused_by_name(tmp_path, network, place, changes):
    painter, judge = networks_of(classes=3)
    path = write(tmp_path / "network.pkl", painter, judge, changed={network: {place: changes}})
    (key,) = changes
    with pytest.raises(GanzooError, match=rf"{network}(_ema)?'s {place} has {key} = "):
        built(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda g, d: g.state.update({"synthesis.b8.conv0.resample_filter": torch.ones(4, 4) / 16}),
            "another low-pass",
        ),
        (lambda g, d: d.state.update({"b16.skip.resample_filter": torch.ones(3, 3) / 9}), "another low-pass filter"),
        (lambda g, d: g.given.update({"strange": 1}), "G_ema's synthesis has the argument 'strange'|'strange'"),
        (lambda g, d: g.given["mapping_kwargs"].update({"truncation_cutoff": 4}), "'truncation_cutoff' = 4"),
        (lambda g, d: g.given.update({"img_channels": 4}), "img_channels = 4, and expected is 1 .grey. or 3 .colour."),
        (lambda g, d: g.given.update({"z_dim": 0}), "z_dim = 0, and expected is a whole number from 1"),
        (lambda g, d: g.given.update({"img_resolution": 48}), "img_resolution = 48, and expected is one of 8, 16, 32"),
        (lambda g, d: d.given.update({"channel_base": 64}), "D has channel_base = 64 and G 128"),
        (lambda g, d: d.given.update({"c_dim": 3}), "D has c_dim = 3 and G 0"),
        (lambda g, d: d.given.update({"architecture": "skip"}), "architecture = 'skip', and expected is 'resnet' or"),
        (lambda g, d: g.given.pop("z_dim"), "'z_dim' is missing"),
        (lambda g, d: g.given.update({"channel_base": 128}), "'channel_base' = 128, and what it does is not known"),
        (lambda g, d: g.given.update({"mapping_kwargs": 3}), "mapping_kwargs = 3, and expected is a dictionary"),
        (
            lambda g, d: g.state.update({"synthesis.b4.conv1.style.bias": torch.zeros(8)}),
            "several tensors for one place: synthesis.b4.conv1.affine.bias",
        ),
    ],
)
def test_files_that_say_something_else_are_refused_by_name(tmp_path, change, message):
    painter, judge = networks_of()
    change(painter, judge)
    with pytest.raises(GanzooError, match=message):
        built(write(tmp_path / "network.pkl", painter, judge))


def test_a_converted_discriminator_without_labels_keeps_arguments_of_a_mapping_that_it_has_not(tmp_path):
    """The authors' converter of TensorFlow's pickles writes them all."""
    full = {"activation": "lrelu", "resample_filter": [1, 3, 3, 1]}
    painter, judge = networks_of(
        mapping={"embed_features": None, "layer_features": WIDTH, "activation": "lrelu", "lr_multiplier": 0.01},
        synthesis={**full, "num_fp16_res": 0, "conv_clamp": None, "architecture": "skip", "use_noise": True},
        judge={
            "num_fp16_res": 0, "conv_clamp": None, "cmap_dim": None, "block_kwargs": full,
            "mapping_kwargs": {"num_layers": 0, "lr_multiplier": 0.1, "embed_features": None, "activation": "lrelu"},
            "epilogue_kwargs": {"mbstd_group_size": None, "mbstd_num_channels": 1, "activation": "lrelu"},
        },
    )  # fmt: skip
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert networks.config.group == 0
    assert max(errors(networks, painter, judge, classes=0)) <= 1e-5


def test_arguments_that_were_given_by_their_place(tmp_path):
    painter, judge = networks_of()
    path = write(tmp_path / "network.pkl", painter, judge)
    expected = read_stylegan2([path]).settings
    leading = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")

    def placed(count):
        content = pickle.loads(b"N.") or {}
        for name, network, names in (("G", painter, leading), ("G_ema", painter, leading), ("D", judge, leading[1:2])):
            kept = {key: value for key, value in network.given.items() if key not in names[:count]}
            whole = nested(network, "Discriminator" if name == "D" else "Generator", kept)
            whole.meta["state"]["_init_args"] = tuple(network.given[key] for key in names[:count])
            content[name] = whole
        path.write_bytes(pickle.dumps(content))
        return path

    for count in range(6):
        assert read_stylegan2([placed(count)]).settings == expected
    content = {"G": nested(painter, "Generator", painter.given)}
    content["G"].meta["state"]["_init_args"] = (1,)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(GanzooError, match=r"arguments that have no names: \(1,\)"):  # and has one by name besides
        read_stylegan2([path])


@pytest.mark.parametrize("cutoff", [1, 3, 5])
def test_truncation_stops_at_the_layer_that_the_setting_names(tmp_path, cutoff):
    painter, judge = networks_of()
    found = read_stylegan2([write(tmp_path / "network.pkl", painter, judge)])
    networks = StyleGAN2(StyleGAN2Config(**found.settings, truncated_layers=cutoff), found.data).eval()
    networks.load_state_dict({**networks.state_dict(), **found.state})
    assert max(errors(networks, painter, judge, classes=0, psi=0.3)) <= 1e-5
