"""Every generator that the command line of the authors' released code can make, imported and held against it.

The reference is written here from the papers' appendices over plain tensors, by the names that the released code saves.
Widths are small; nothing of our networks is used to make it.
"""

import itertools

import pytest
import torch
from ganzoo_cyclegan.config import CycleGANConfig, Pix2PixConfig
from ganzoo_cyclegan.cyclegan import CycleGAN
from ganzoo_cyclegan.importing import read_cyclegan, read_generator, read_pix2pix
from ganzoo_cyclegan.pix2pix import Pix2Pix
from torch.nn import functional as F

from ganzoo import DataInfo, Picture
from ganzoo.errors import GanzooError
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained
from ganzoo.training.import_weights import import_weights

NETWORKS = ("resnet_9blocks", "resnet_6blocks", "unet_256", "unet_128")
NORMS = ("batch", "instance", "none")
CHANNELS = (1, 3)
CONFIGURATIONS = list(itertools.product(NETWORKS, NORMS, (True, False)))  # --netG, --norm, dropout or --no_dropout


class Reference:
    """Draws the tensors of a network when it is first run, under the released code's names, and uses them then on."""

    def __init__(self, network, norm, dropout, reads, paints, width, seed=0):
        self.network, self.norm, self.dropout = network, norm, dropout
        self.reads, self.paints, self.width = reads, paints, width
        self.generator = torch.Generator().manual_seed(seed)
        self.state = {}

    def tensor(self, name, *shape, scale=1.0, offset=0.0):
        if name not in self.state:
            self.state[name] = torch.randn(shape, generator=self.generator) * scale + offset
        return self.state[name]

    def conv(self, x, name, out, kernel, *, stride=1, padding=0, up=False, biased=None):
        biased = self.norm == "instance" if biased is None else biased
        into = x.shape[1]
        shape = (into, out, kernel, kernel) if up else (out, into, kernel, kernel)
        weight = self.tensor(f"{name}.weight", *shape, scale=(into * kernel**2) ** -0.5)
        bias = self.tensor(f"{name}.bias", out, scale=0.3) if biased else None
        if up:
            # A kernel of 3 needs one more row to double exactly; one of 4 does not.
            return F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=kernel % 2)
        return F.conv2d(x, weight, bias, stride=stride, padding=padding)

    def normed(self, x, name):
        if self.norm == "instance":
            deviation, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            return (x - mean) / (deviation + 1e-5).sqrt()
        if self.norm == "batch":
            maps = x.shape[1]
            weight, bias = (
                self.tensor(f"{name}.weight", maps, scale=0.2, offset=1.0),
                self.tensor(f"{name}.bias", maps, scale=0.2),
            )
            mean = self.tensor(f"{name}.running_mean", maps, scale=0.3)
            if f"{name}.running_var" not in self.state:
                self.state[f"{name}.running_var"] = torch.rand(maps, generator=self.generator) + 0.5
                self.state[f"{name}.num_batches_tracked"] = torch.tensor(7)
            variance = self.state[f"{name}.running_var"]
            scale = weight / (variance + 1e-5).sqrt()
            return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]
        return x

    def __call__(self, x):
        with torch.no_grad():
            return self.resnet(x) if self.network.startswith("resnet") else self.unet(x)

    def resnet(self, x):
        def mirrored(x, size):
            return F.pad(x, (size,) * 4, mode="reflect")

        x = F.relu(self.normed(self.conv(mirrored(x, 3), "model.1", self.width, 7), "model.2"))
        for place, maps in ((4, 2 * self.width), (7, 4 * self.width)):
            x = self.conv(x, f"model.{place}", maps, 3, stride=2, padding=1)
            x = F.relu(self.normed(x, f"model.{place + 1}"))
        blocks = int(self.network[7])
        behind = 6 if self.dropout else 5  # evaluation mode: a dropout does nothing but take a number
        for place in range(10, 10 + blocks):
            block = f"model.{place}.conv_block"
            y = F.relu(self.normed(self.conv(mirrored(x, 1), f"{block}.1", 4 * self.width, 3), f"{block}.2"))
            y = self.conv(mirrored(y, 1), f"{block}.{behind}", 4 * self.width, 3)
            x = x + self.normed(y, f"{block}.{behind + 1}")
        for place, maps in ((10 + blocks, 2 * self.width), (13 + blocks, self.width)):
            x = F.relu(self.normed(self.conv(x, f"model.{place}", maps, 3, up=True), f"model.{place + 1}"))
        return self.conv(mirrored(x, 3), f"model.{17 + blocks}", self.paints, 7, biased=True).tanh()

    def unet(self, x):
        depth = {"unet_256": 8, "unet_128": 7}[self.network]
        maps = [self.width * min(2**level, 8) for level in range(depth)]

        def inside(x, level, name):
            """What a level makes of x, (B, outer, H, W) -> (B, outer, H, W); its neighbour above puts x beside it."""
            y = self.conv(F.leaky_relu(x, 0.2), f"{name}.1", maps[level], 4, stride=2, padding=1)
            if level == depth - 1:
                return self.normed(self.conv(F.relu(y), f"{name}.3", x.shape[1], 4, up=True), f"{name}.4")
            y = self.normed(y, f"{name}.2")
            y = torch.cat([y, inside(y, level + 1, f"{name}.3.model")], 1)
            return self.normed(self.conv(F.relu(y), f"{name}.5", x.shape[1], 4, up=True), f"{name}.6")

        y = self.conv(x, "model.model.0", maps[0], 4, stride=2, padding=1)
        y = torch.cat([y, inside(y, 1, "model.model.1.model")], 1)
        return self.conv(F.relu(y), "model.model.3", self.paints, 4, up=True, biased=True).tanh()


def size_of(network):
    return int(network[5:]) if network.startswith("unet") else 24


def imported(files, architecture, folder, told=None):
    registry = Registry.load()
    say = (told if told is not None else []).append
    import_weights(files, registry.architecture(architecture), registry, out=folder / "run", size=None, say=say)
    return load_trained(folder / "run", registry, say=say)


def distance(trained, direction, reference, size):
    x = torch.rand(1, reference.reads, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    graph = {graph.name: graph for graph in trained.architecture.graphs()}[direction]
    return (graph.run(x)[0] - reference(x)).abs().max().item()


def saved(reference, path):
    reference(torch.zeros(1, reference.reads, *[size_of(reference.network)] * 2))
    torch.save(reference.state, path)
    return path


GAMES = {
    "cyclegan": (read_cyclegan, CycleGANConfig, CycleGAN),
    "pix2pix": (read_pix2pix, Pix2PixConfig, Pix2Pix),
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize(("network", "norm", "dropout"), CONFIGURATIONS)
def test_a_configuration_is_read_exactly_with_every_pair_of_channels(tmp_path, game, network, norm, dropout):
    read, config, kind = GAMES[game]
    for reads, paints in itertools.product(CHANNELS, CHANNELS):
        reference = Reference(network, norm, dropout, reads, paints, width=2)
        found = read([saved(reference, tmp_path / "latest_net_G.pth")])
        networks = kind(config(**found.settings), found.data).eval()
        networks.load_state_dict({**networks.state_dict(), **found.state})
        (there,) = [way.network for way in networks.directions().values() if way.reads == "source"]
        x = torch.rand(1, reads, *[size_of(network)] * 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
        with torch.no_grad():
            assert (there(x) - reference(x)).abs().max() <= 1e-5
        assert (networks.config.norm, networks.config.width) == (norm, 2)
        told = "".join(found.notes)
        assert ("rate of its dropout" in told) == (dropout and network.startswith("resnet"))
        assert ("whether this U-Net drops out" in told) == network.startswith("unet")


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("game", GAMES)
def test_a_discriminator_is_refused_as_one(tmp_path, game, layers):
    """--netD basic and n_layers; pixel has other names."""
    names = ["model.0", "model.2", *[f"model.{2 + 3 * layer}" for layer in range(1, layers + 1)]]
    torch.save({f"{name}.weight": torch.ones(2, 2, 4, 4) for name in names}, tmp_path / "latest_net_D.pth")
    with pytest.raises(GanzooError, match=f"family PatchGAN discriminator. {game} reads pix2pix and CycleGAN"):
        imported([tmp_path / "latest_net_D.pth"], game, tmp_path)
    torch.save({f"net.{place}.weight": torch.ones(2, 2, 1, 1) for place in (0, 2, 5)}, tmp_path / "latest_net_D.pth")
    with pytest.raises(GanzooError, match="is no ResNet or U-Net generator of that code; its first tensors: net.0"):
        imported([tmp_path / "latest_net_D.pth"], game, tmp_path)


@pytest.mark.parametrize(("reads", "paints"), list(itertools.product(CHANNELS, CHANNELS)))
def test_every_pair_of_channels_in_both_games(tmp_path, reads, paints):
    there = Reference("resnet_6blocks", "instance", False, reads, paints, width=3)
    back = Reference("resnet_6blocks", "instance", False, paints, reads, width=3, seed=1)
    files = [saved(one, tmp_path / f"latest_net_G_{name}.pth") for name, one in (("A", there), ("B", back))]
    trained = imported(files, "cyclegan", tmp_path)
    assert distance(trained, "a2b", there, 24) <= 1e-5 and distance(trained, "b2a", back, 24) <= 1e-5
    assert (trained.architecture.config.identity_weight == 0) == (reads != paints)


def test_two_translators_that_do_not_lead_back(tmp_path):
    one = Reference("resnet_6blocks", "instance", False, 1, 3, width=2)
    two = Reference("resnet_6blocks", "instance", False, 1, 3, width=2)
    files = [saved(net, tmp_path / f"{name}.pth") for name, net in (("a", one), ("b", two))]
    with pytest.raises(GanzooError, match="1 channels into 3, and b.pth 1 into 3: the second is not the way back"):
        imported(files, "cyclegan", tmp_path)


def changed_files():
    """Files that are nearly of that code, and what each is refused for."""

    def bare(norm="instance", dropout=False, network="resnet_6blocks"):
        reference = Reference(network, norm, dropout, 3, 3, width=2)
        reference(torch.zeros(1, 3, *[size_of(network)] * 2))
        return dict(reference.state)

    filtered = bare()
    filtered["model.6.filt"] = torch.ones(2, 1, 3, 3)
    yield "anti-aliased", filtered, "model.6.filt|layers.6.filt|contrastive"
    spectral = bare()
    for name in [name for name in spectral if name.endswith("weight")]:
        spectral[f"{name}_orig"] = spectral.pop(name)
    yield "spectral", spectral, "no ResNet or U-Net generator"
    affine = bare()
    affine["model.2.weight"], affine["model.2.bias"] = torch.ones(2), torch.zeros(2)
    yield "instance norm with weights", affine, "model.1.bias|layers.1.bias"
    deep = bare()
    deep["model.30.weight"] = torch.ones(3, 2, 7, 7)
    yield "another layer", deep, "layers.30.weight"
    twice = bare()
    twice["layers.1.weight"] = twice["model.1.weight"] + 1
    yield "a name of ours", twice, "several tensors for one place"
    running = bare("none")
    running["model.2.running_mean"], running["model.2.running_var"] = torch.ones(2), torch.ones(2)
    yield "batch norm without weights", running, "layers.2.running_mean"
    elsewhere = bare()
    elsewhere["model.3.running_mean"] = torch.ones(2)
    yield "statistics where there is no norm", elsewhere, "layers.3.running_mean"
    half = bare("batch")
    del half["model.5.running_var"]
    yield "half a norm", half, "layers.5.running_var"
    shallow = {name: value for name, value in bare(network="unet_128").items() if name.count(".") < 4}
    yield "a U-Net of one level", shallow, "halves once"


@pytest.mark.parametrize(
    ("state", "message"), [case[1:] for case in changed_files()], ids=[c[0] for c in changed_files()]
)
def test_nearly_such_a_file_is_refused(tmp_path, state, message):
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(GanzooError, match=message):
        imported([tmp_path / "net.pth"], "cyclegan", tmp_path)


@pytest.mark.parametrize("norm", NORMS)
def test_every_tensor_of_a_file_counts(tmp_path, monkeypatch, norm):
    """Changed by itself, each changes what is painted as it changes the reference; left out, it is missed."""
    reference = Reference("resnet_6blocks", norm, False, 3, 1, width=1)
    whole = torch.load(saved(reference, tmp_path / "net.pth"), weights_only=True)
    x = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    data = DataInfo(
        {"source": Picture(channels=3, height=24, width=24), "target": Picture(channels=1, height=24, width=24)}
    )
    network = CycleGAN(CycleGANConfig(width=1, blocks=6, norm=norm, directions="a2b"), data).eval().g_ab

    def read(state):
        monkeypatch.setattr("ganzoo_cyclegan.importing.load_tensors", lambda path: dict(state))
        network.load_state_dict(read_generator(tmp_path / "net.pth").state)

    for name, tensor in whole.items():
        if name.endswith("num_batches_tracked"):  # old files have none; it counts in training alone
            continue
        reference.state = {**whole, name: tensor + 0.1 * torch.rand(tensor.shape)}
        read(reference.state)
        with torch.no_grad():
            assert (network(x) - reference(x)).abs().max() <= 1e-5, name
        with pytest.raises((GanzooError, RuntimeError)):
            read({other: value for other, value in whole.items() if other != name})
