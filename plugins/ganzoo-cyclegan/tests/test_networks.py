"""Parameter counts, sizes, initialisation, and the outputs that the original networks give for their weights."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from ganzoo_cyclegan.config import CycleGANConfig, Pix2PixConfig
from ganzoo_cyclegan.cyclegan import CycleGAN
from ganzoo_cyclegan.importing import read_generator
from ganzoo_cyclegan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator
from ganzoo_cyclegan.pix2pix import Pix2Pix
from torch import nn

from ganzoo import DataInfo
from ganzoo.errors import CheckpointError, RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained
from ganzoo.training.import_weights import import_weights

REFERENCE = Path(__file__).parent / "reference"
PHOTO = DataInfo(channels=3, size=256)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_networks_are_exactly_the_published_ones():
    cyclegan = CycleGAN(CycleGANConfig(), PHOTO)
    assert (count(cyclegan.g_ab), count(cyclegan.d_a)) == (11_378_179, 2_764_737)
    assert count(CycleGAN(CycleGANConfig(blocks=6), PHOTO).g_ba) == 7_837_699
    pix2pix = Pix2Pix(Pix2PixConfig(), PHOTO)
    assert (count(pix2pix.generator), count(pix2pix.discriminator)) == (54_413_955, 2_768_705)
    assert count(Pix2Pix(Pix2PixConfig(), DataInfo(channels=3, size=128)).generator) == 41_828_995


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_the_patch_that_the_help_states(layers, patch):
    judge = PatchDiscriminator(channels=1, width=2, layers=layers, norm="instance").double()
    for norm in [module for module in judge.modules() if isinstance(module, nn.InstanceNorm2d)]:
        norm.forward = lambda x: x  # it sees the whole picture
    images = torch.rand(1, 1, 128, 128, dtype=torch.float64, requires_grad=True)
    logits = judge(images)
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    rows = (images.grad[0, 0].abs().sum(1) > 0).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_weights_begin_as_the_papers_say():
    torch.manual_seed(0)
    pix2pix = Pix2Pix(Pix2PixConfig(width=32, depth=7), DataInfo(channels=3, size=128))
    scales = torch.cat([layer.weight for layer in pix2pix.modules() if isinstance(layer, nn.BatchNorm2d)])
    assert scales.mean().item() == pytest.approx(1, abs=0.005) and scales.std().item() == pytest.approx(0.02, rel=0.1)
    for layer in pix2pix.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert layer.bias is None or not layer.bias.any()
            if layer.weight.numel() > 10_000:
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)


@pytest.mark.parametrize("shape", [(8, 8), (8, 40), (44, 12)])
def test_a_resnet_takes_every_multiple_of_four(shape):
    for norm in ("instance", "batch"):
        network = ResNetGenerator(channels=3, width=2, blocks=1, norm=norm, dropout=0.5).eval()
        assert network(torch.rand(2, 3, *shape)).shape == (2, 3, *shape)


@pytest.mark.parametrize("depth", [2, 3, 5, 6])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_a_unet_takes_every_multiple_of_two_to_its_depth(depth, norm):
    network = UNetGenerator(channels=1, width=2, depth=depth, norm=norm, dropout=0.5).eval()
    size = 2**depth
    assert network.size_multiple == size
    assert network(torch.rand(2, 1, size, 3 * size)).shape == (2, 1, size, 3 * size)


def test_dropout_stands_where_the_paper_has_it_and_only_trains():
    network = UNetGenerator(channels=1, width=1, depth=8, norm="batch", dropout=0.5)
    assert sum(isinstance(module, nn.Dropout) for module in network.modules()) == 3
    assert not any(
        isinstance(m, nn.Dropout)
        for m in UNetGenerator(channels=1, width=1, depth=5, norm="batch", dropout=0.5).modules()
    )
    images = torch.rand(1, 1, 256, 256)
    network.eval()
    assert torch.equal(network(images), network(images))


@pytest.mark.parametrize(
    ("build", "size", "message"),
    [
        (lambda data: CycleGAN(CycleGANConfig(width=2, blocks=1), data), 30, "a multiple of 4 pixels from 24, not 30"),
        (
            lambda data: CycleGAN(CycleGANConfig(width=2, blocks=1), data),
            16,
            "from 24, not 16.\nThe nearest that fits: --set data.size=24",
        ),
        (
            lambda data: Pix2Pix(Pix2PixConfig(width=2), data),
            300,
            "a multiple of 32 pixels from 32, not 300.\n.*size=288",
        ),
        (
            lambda data: Pix2Pix(Pix2PixConfig(width=2, depth=4), data),
            40,
            "a multiple of 16 pixels from 32, not 40.\n.*size=32|size=48",
        ),
    ],
)
def test_sizes_that_do_not_fit_say_which_do(build, size, message):
    with pytest.raises(RequestError, match=message):
        build(DataInfo(channels=3, size=size))


@pytest.mark.parametrize(
    ("size", "multiple"), [(256, 256), (512, 256), (128, 128), (192, 64), (64, 64), (32, 32), (96, 32)]
)
def test_a_unet_is_as_deep_as_the_pictures_allow(size, multiple):
    config = Pix2PixConfig(width=1, discriminator_width=1)
    assert Pix2Pix(config, DataInfo(channels=1, size=size)).size_multiple == multiple


def test_a_depth_of_one_is_no_unet():
    with pytest.raises(ValueError, match="a unet halves at least twice"):
        Pix2PixConfig(depth=1)


@pytest.mark.parametrize(("layers", "size"), [(1, 8), (2, 12), (3, 24)])
def test_the_least_size_is_the_least_that_trains(layers, size):
    judge = PatchDiscriminator(channels=1, width=2, layers=layers, norm="instance")
    assert PatchDiscriminator.least_size(layers) == size or layers == 1
    judge(torch.rand(1, 1, PatchDiscriminator.least_size(layers), PatchDiscriminator.least_size(layers)))
    with pytest.raises((ValueError, RuntimeError)):
        judge(torch.rand(1, 1, 2**layers * 2, 2**layers * 2))


@pytest.mark.parametrize(
    ("name", "architecture", "found"),
    [
        ("cyclegan_resnet6_in", "cyclegan", {"generator": "resnet", "blocks": 6, "width": 8, "norm": "instance"}),
        ("cyclegan_resnet6_in_old_running_stats", "cyclegan", {"blocks": 6, "norm": "instance"}),
        ("cyclegan_resnet9_in_dataparallel", "cyclegan", {"blocks": 9, "width": 8, "norm": "instance"}),
        ("pix2pix_unet128_bn", "pix2pix", {"generator": "unet", "depth": 7, "width": 4, "norm": "batch"}),
    ],
)
def test_imported_weights_paint_what_the_original_networks_paint(tmp_path, name, architecture, found):
    registry = Registry.load()
    told = []
    run = import_weights(
        [REFERENCE / f"{name}.pth"], registry.architecture(architecture), registry, out=tmp_path / "run", size=None,
        say=told.append,
    )  # fmt: skip
    assert {key: getattr(run.config.architecture, key) for key in found} == found
    assert ("running statistics" in "".join(told)) == ("old" in name)
    trained = load_trained(tmp_path / "run", registry, say=told.append)
    (graph,) = trained.architecture.graphs()
    (exported,) = export_graphs(trained.architecture, Origin(offer=run.offer), destination=tmp_path)
    session = onnxruntime.InferenceSession(exported.path)
    arrays = np.load(REFERENCE / f"{name}_io.npz")
    inputs = [key for key in arrays if key.startswith("x_")]
    assert inputs
    for key in inputs:
        given, expected = arrays[key], arrays["y" + key[1:]]
        torchs = graph.run(torch.from_numpy(given))[0].numpy()
        assert np.abs(torchs - expected).max() <= 1e-5
        assert np.abs(session.run(None, {"source": given})[0] - expected).max() <= 1e-5


def test_batch_norm_of_a_pytorch_that_did_not_count_is_read(tmp_path):
    state = torch.load(REFERENCE / "pix2pix_unet128_bn.pth", weights_only=True)
    torch.save({key: value for key, value in state.items() if "num_batches" not in key}, tmp_path / "old.pth")
    one, two = read_generator(tmp_path / "old.pth"), read_generator(REFERENCE / "pix2pix_unet128_bn.pth")
    assert set(one.state) == set(two.state) and one.settings == two.settings and one.dropped == 0


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"model.0.weight": torch.zeros(4, 3, 4, 4), "model.2.weight": torch.zeros(8, 4, 4, 4)},
            "looks like a discriminator",
        ),
        (
            {"fc.weight": torch.zeros(4, 3)},
            "is no ResNet or U-Net generator of that code; its first tensors: fc.weight",
        ),
        ({"model.10.conv_block.1.weight": torch.zeros(4, 4, 3, 3)}, "has no model.1.weight of four dimensions"),
    ],
)
def test_other_state_dicts_are_refused_with_what_they_are(tmp_path, state, message):
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=message):
        read_generator(tmp_path / "x.pth")


def test_a_generator_of_other_channels_or_layers_is_refused(tmp_path):
    state = torch.load(REFERENCE / "cyclegan_resnet6_in.pth", weights_only=True)
    registry = Registry.load()

    def adopted(name, **changes):
        torch.save({**state, **changes}, tmp_path / f"{name}.pth")
        import_weights(
            [tmp_path / f"{name}.pth"], registry.architecture("cyclegan"), registry, out=tmp_path / "run", size=None,
            say=print,
        )  # fmt: skip

    with pytest.raises(CheckpointError, match="translates pictures of 3 channels into 2"):
        adopted("two", **{"model.23.weight": torch.zeros(2, 8, 7, 7), "model.23.bias": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"does not fit: g_ab.layers.4.weight is 9x8x3x3 and should be 16x8x3x3"):
        adopted("bent", **{"model.4.weight": torch.zeros(9, 8, 3, 3)})
    with pytest.raises(CheckpointError, match="has tensors that this network has not: g_ab.extra"):
        adopted("more", **{"extra": torch.zeros(1)})
    del state["model.16.bias"]
    with pytest.raises(CheckpointError, match="lacks tensors that the exported networks need: g_ab.layers.16.bias"):
        adopted("less")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_full_size_network_agrees_with_itself_at_other_sizes(tmp_path):
    torch.manual_seed(0)
    cyclegan = CycleGAN(CycleGANConfig(), PHOTO).eval()
    (exported, _) = export_graphs(
        cyclegan, Origin(offer=Registry.load().architecture("cyclegan")), destination=tmp_path
    )  # fmt: skip
    session = onnxruntime.InferenceSession(exported.path)
    for shape in ((256, 256), (320, 448)):
        images = torch.rand(1, 3, *shape) * 2 - 1
        with torch.no_grad():
            expected = cyclegan.g_ab(images).numpy()
        assert np.abs(session.run(None, {"source": images.numpy()})[0] - expected).max() <= 1e-5
