"""Files of the DCGAN of pytorch/examples: every network that its script makes is read exactly, others are refused."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from ganzoo.errors import GanzooError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained
from ganzoo.training.import_weights import import_weights

REFERENCE = Path(__file__).parent / "reference"
FILES = {player: REFERENCE / f"dcgan_examples_{player}.pth" for player in ("netG", "netD")}


def imported(files, folder, told=None):
    registry = Registry.load()
    say = (told if told is not None else []).append
    import_weights(files, registry.architecture("dcgan"), registry, out=folder / "run", size=None, say=say)
    return load_trained(folder / "run", registry, say=say)


@pytest.mark.parametrize("order", [("netG", "netD"), ("netD", "netG"), ("netG",)])
def test_files_of_the_script_paint_and_judge_what_its_networks_do(tmp_path, order):
    told = []
    trained = imported([FILES[player] for player in order], tmp_path, told)
    dcgan, painted = trained.architecture, np.load(REFERENCE / "dcgan_examples_netG_io.npz")
    assert (dcgan.config.latent_size, dcgan.config.width) == (16, 8)
    z = painted["z"][:, :, 0, 0]
    (graph,) = dcgan.graphs()
    assert np.abs(graph.run(torch.from_numpy(z))[0].numpy() - painted["y"]).max() <= 1e-5
    (exported,) = export_graphs(dcgan, Origin(offer=trained.run.offer), destination=tmp_path)
    found = onnxruntime.InferenceSession(exported.path).run(None, {"z": z})[0]
    assert np.abs(found - painted["y"]).max() <= 1e-5
    if "netD" in order:
        judged = np.load(REFERENCE / "dcgan_examples_netD_io.npz")
        with torch.no_grad():
            logits = dcgan.discriminator(torch.from_numpy(judged["x_64x64"]))
        assert np.abs(logits.numpy() - judged["logits"]).max() <= 1e-5
        assert np.abs(logits.sigmoid().numpy() - judged["y"]).max() <= 1e-5
        assert any("the sigmoid at its end is left out" in line for line in told)
    else:
        assert "not in the files, and begun anew: discriminator" in told


def drawn(shapes):
    """Tensors by name, norms around 1."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        scale = float(np.prod(shape[1:])) ** -0.5 if len(shape) == 4 else 0.2
        state[name] = torch.randn(shape, generator=generator) * scale
        if len(shape) == 4:
            continue
        place = name.removesuffix(".weight")
        state[name] += 1
        state[f"{place}.bias"] = torch.randn(shape, generator=generator) * 0.2
        state[f"{place}.running_mean"] = torch.randn(shape, generator=generator) * 0.2
        state[f"{place}.running_var"] = torch.rand(shape, generator=generator) + 0.5
        state[f"{place}.num_batches_tracked"] = torch.tensor(3)
    return state


def net_g(nz, ngf, nc):
    maps = [8 * ngf, 4 * ngf, 2 * ngf, ngf]
    shapes = {"main.0.weight": (nz, maps[0], 4, 4), "main.12.weight": (ngf, nc, 4, 4)}
    shapes |= {f"main.{3 * level}.weight": (maps[level - 1], maps[level], 4, 4) for level in (1, 2, 3)}
    return drawn(shapes | {f"main.{3 * level + 1}.weight": (maps[level],) for level in range(4)})


def net_d(ndf, nc):
    maps = [ndf, 2 * ndf, 4 * ndf, 8 * ndf]
    shapes = {"main.0.weight": (ndf, nc, 4, 4), "main.11.weight": (1, maps[3], 4, 4)}
    for level, place in ((1, 2), (2, 5), (3, 8)):
        shapes[f"main.{place}.weight"] = (maps[level], maps[level - 1], 4, 4)
        shapes[f"main.{place + 1}.weight"] = (maps[level],)
    return drawn(shapes)


def normed(x, state, place):
    weight, bias, mean, variance = (
        state[f"main.{place}.{name}"][:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def paint(state, z):
    x = F.conv_transpose2d(z[:, :, None, None], state["main.0.weight"])
    for place in (1, 4, 7, 10):
        x = F.conv_transpose2d(F.relu(normed(x, state, place)), state[f"main.{place + 2}.weight"], stride=2, padding=1)
    return x.tanh()


def judge(state, x):
    x = F.leaky_relu(F.conv2d(x, state["main.0.weight"], stride=2, padding=1), 0.2)
    for place in (2, 5, 8):
        x = normed(F.conv2d(x, state[f"main.{place}.weight"], stride=2, padding=1), state, place + 1)
        x = F.leaky_relu(x, 0.2)
    return F.conv2d(x, state["main.11.weight"]).flatten().sigmoid()


CONFIGURATIONS = [(nz, ngf, ndf, nc) for nz in (5, 100) for ngf, ndf in ((2, 2), (1, 4), (3, 1)) for nc in (1, 3)]


@pytest.mark.parametrize(("nz", "ngf", "ndf", "nc"), CONFIGURATIONS)  # --nz, --ngf, --ndf, --dataset
def test_what_the_script_can_make_is_read_exactly(tmp_path, nz, ngf, ndf, nc):
    states = {"G.pth": net_g(nz, ngf, nc), "D.pth": net_d(ndf, nc)}
    for name, state in states.items():
        torch.save(state, tmp_path / name)
    dcgan = imported([tmp_path / name for name in states], tmp_path).architecture
    z, x = torch.randn(3, nz), torch.rand(3, nc, 64, 64) * 2 - 1
    with torch.no_grad():
        assert (dcgan.generator(z) - paint(states["G.pth"], z)).abs().max() <= 1e-5
        assert (dcgan.discriminator(x).sigmoid() - judge(states["D.pth"], x)).abs().max() <= 1e-5


def test_old_files_that_did_not_count_batches(tmp_path):
    state = torch.load(FILES["netG"], weights_only=True)
    torch.save({key: value for key, value in state.items() if "num_batches" not in key}, tmp_path / "old.pth")
    imported([tmp_path / "old.pth"], tmp_path)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([net_d(2, 3)], "0.pth is netD, a discriminator, and a run without a generator paints nothing"),
        ([net_g(5, 2, 3), net_g(5, 2, 3)], "0.pth and 1.pth are both netG"),
        ([net_g(5, 2, 3), net_d(2, 1)], "judges pictures of 1 channels, and 0.pth paints 3"),
        ([{**net_g(5, 2, 3), "main.15.weight": torch.zeros(3, 3, 4, 4)}], "generator.layers.15.weight"),
        ([{**net_g(5, 2, 3), "other": torch.zeros(3)}], "neither netG nor netD"),
        ([{**net_g(5, 2, 3), "layers.0.weight": torch.zeros(3)}], "neither netG nor netD"),
        ([{**net_g(5, 2, 3), "main.0.bias": torch.zeros(16)}], "generator.layers.0.bias"),
        ([{**net_g(5, 2, 3), "main.0.weight": torch.zeros(5, 17, 4, 4)}], "does not fit"),
        ([{**net_g(5, 2, 3), "main.3.weight": torch.zeros(16, 8, 5, 5)}], "does not fit"),
        ([net_g(5, 2, 2)], "paints pictures of 2 channels; expected 1"),
        ([{key: value for key, value in net_g(5, 2, 3).items() if key != "main.4.bias"}], "lacks tensors"),
        (
            [net_g(5, 2, 3), {key: value for key, value in net_d(2, 3).items() if key != "main.3.running_var"}],
            "has a part of a network only; it lacks discriminator.layers.3.running_var",
        ),
        ([{"fc.weight": torch.zeros(2, 2)}], "neither netG nor netD .* at 64x64; its first tensors: fc.weight"),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path, states, message):
    files = [tmp_path / f"{number}.pth" for number in range(len(states))]
    for path, state in zip(files, states, strict=True):
        torch.save(state, path)
    with pytest.raises(GanzooError, match=message):
        imported(files, tmp_path)
    assert not (tmp_path / "run").exists()
