"""The games: losses written out by hand, weights of nothing, feature networks, resuming, and blending."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ganzoo_restoration.config import ESRGANConfig, RealESRGANConfig, SRGANConfig
from ganzoo_restoration.models import ESRGAN, SRGAN, RealESRGAN
from torch.nn.functional import l1_loss, mse_loss, softplus

import ganzoo as gz
from ganzoo import DataInfo, Picture
from ganzoo.architecture import Pair, Step
from ganzoo.architecture.perceptual import VGG, feature_distance, open_extractor, read_layers
from ganzoo.errors import CheckpointError, RequestError
from ganzoo.nn.filters import sharpened
from ganzoo.plugin.registry import Registry
from ganzoo.testing import Subject

GOLDEN = Path(__file__).parent / "golden.json"
SMALL = {"scale": 2, "width": 4, "discriminator_width": 4, "blocks": 1}
DATA = DataInfo(
    {"source": Picture(channels=3, height=16, width=16), "target": Picture(channels=3, height=32, width=32)}
)
GAMES = {
    "srgan": lambda **more: SRGAN(SRGANConfig(**{**SMALL, **more}), DATA),
    "esrgan": lambda **more: ESRGAN(ESRGANConfig(growth=4, **{**SMALL, **more}), DATA),
    "real-esrgan": lambda **more: RealESRGAN(RealESRGANConfig(growth=4, **{**SMALL, **more}), DATA),
}


def step():
    return Step(seed=0, number=0, batch_size=3, device=torch.device("cpu"), shard=None)


@pytest.fixture
def pair():
    torch.manual_seed(1)
    return Pair(source=torch.rand(3, 3, 16, 16) * 2 - 1, target=torch.rand(3, 3, 32, 32) * 2 - 1)


@pytest.mark.parametrize("name", GAMES)
def test_the_losses_are_the_papers(pair, name):
    torch.manual_seed(0)
    game = GAMES[name]()
    low, good = (pair.source + 1) / 2, (pair.target + 1) / 2
    now = step()
    with now.scope("generator"):
        losses = game.generator_loss(pair, now)
    with now.scope("discriminator"):
        judged = game.discriminator_loss(pair, now).terms["adversarial"]
    painted = game.painted(pair, now)
    torch.testing.assert_close(painted, game.generator(low))
    real, fake = game.discriminator(good), game.discriminator(painted)
    if name == "esrgan":
        relative = real - fake.mean(), fake - real.mean()
        fooled = (softplus(relative[0]).mean() + softplus(-relative[1]).mean()) / 2
        told_apart = (softplus(-relative[0]).mean() + softplus(relative[1]).mean()) / 2
    else:
        fooled, told_apart = softplus(-fake).mean(), softplus(-real).mean() + softplus(fake).mean()
    config = game.config
    torch.testing.assert_close(losses.terms["adversarial"], config.adversarial_weight * fooled)
    torch.testing.assert_close(judged, told_apart)
    distance = mse_loss(painted, good) if name == "srgan" else l1_loss(
        painted, sharpened(good) if name == "real-esrgan" else good
    )  # fmt: skip
    torch.testing.assert_close(losses.terms["pixels"], config.pixel_weight * distance)
    assert set(losses.terms) == {"pixels", "adversarial"}  # nobody has named a feature network


@pytest.mark.parametrize("name", GAMES)
def test_a_weight_of_nothing_is_not_computed(pair, name):
    game = GAMES[name](adversarial_weight=0.0)
    assert not hasattr(game, "discriminator") and [phase.name for phase in game.phases()] == ["generator"]
    assert set(game.generator_loss(pair, step()).terms) == {"pixels"}
    assert game.judged_by == "truth" and GAMES[name]().judged_by == "none"
    with pytest.raises(CheckpointError, match="Every loss has the weight 0"):
        GAMES[name](adversarial_weight=0.0, pixel_weight=0.0).generator_loss(pair, step())


def vgg_state(depth, prefix="features.", width=2):
    """torchvision's layout at tiny widths, with whole numbers of layers."""
    torch.manual_seed(depth)
    state, given, place = {}, 3, 0
    for block, count in enumerate({16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]):
        for _ in range(count):
            made = width * 2 ** min(block, 2)
            state[f"{prefix}{place}.weight"] = torch.randn(made, given, 3, 3) / (3 * given**0.5)
            state[f"{prefix}{place}.bias"] = torch.randn(made) / 10
            given, place = made, place + 2
        place += 1
    return state


@pytest.fixture
def vgg19(tmp_path):
    path = tmp_path / "vgg19.pth"
    torch.save({**vgg_state(19), "classifier.0.weight": torch.rand(4, 4)}, path)
    return path


@pytest.mark.parametrize("prefix", ["features.", ""])
@pytest.mark.parametrize("depth", [16, 19])
def test_vgg_computes_what_torchvisions_modules_compute(tmp_path, depth, prefix):
    torchvision = pytest.importorskip("torchvision")
    state = vgg_state(depth, prefix)
    torch.save(state, tmp_path / "vgg.pth")
    layers = ["conv1_2", "relu3_1", "conv5_3"]
    network = VGG(tmp_path / "vgg.pth", layers, "perceptual")
    plain = getattr(torchvision.models, f"vgg{depth}")(weights=None).features
    for place, module in enumerate(plain):
        if isinstance(module, torch.nn.Conv2d):
            module.weight = torch.nn.Parameter(state[f"{prefix}{place}.weight"])
            module.bias = torch.nn.Parameter(state[f"{prefix}{place}.bias"])
    images = torch.rand(2, 3, 32, 48)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    features, at = (images - mean) / std, {2: "conv1_2", 11: "relu3_1", 28 if depth == 16 else 32: "conv5_3"}
    found = network(images)
    for place, module in enumerate(plain):
        features = torch.relu(features) if isinstance(module, torch.nn.ReLU) else module(features)  # not in place
        if place in at:
            torch.testing.assert_close(found[at[place]], features)
    assert set(found) == set(layers)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"features.0.weight": torch.rand(2, 3, 3, 3), "features.1.running_mean": torch.rand(2)}, "batch norm"),
        ({"0.weight": torch.rand(3, 3, 1, 1), "2.weight": torch.rand(2, 3, 3, 3)}, "the encoder of AdaIN"),
        ({"features.0.weight": torch.rand(2, 3, 3, 3), "features.0.bias": torch.rand(2)}, "neither VGG19 nor VGG16"),
    ],
)
def test_other_weights_are_no_feature_network(tmp_path, state, told):
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=told):
        open_extractor(str(tmp_path / "odd.pth"), ["conv1_1"], "perceptual")


def test_layers_are_read_with_their_weights(vgg19):
    assert read_layers("conv1_2:0.1, conv5_4", "x") == {"conv1_2": 0.1, "conv5_4": 1.0}
    assert read_layers("/layer.1/Relu:0_out", "x") == {"/layer.1/Relu:0_out": 1.0}
    for text in ("", "conv1_1:-1"):
        with pytest.raises(RequestError, match="expected layers"):
            read_layers(text, "perceptual_layers")
    with pytest.raises(RequestError, match="VGG19 has no layer 'conv6_1'"):
        open_extractor(str(vgg19), ["conv6_1"], "perceptual")
    with pytest.raises(RequestError, match="there is no such file"):
        open_extractor("nowhere.pth", ["conv1_1"], "perceptual")


def test_the_perceptual_loss_is_a_distance_of_features(pair, vgg19):
    game = GAMES["real-esrgan"](perceptual=str(vgg19), perceptual_layers="conv1_2:0.5,conv3_4", perceptual_weight=2.0)
    game.phases()
    assert not any("features" in name or "conv5" in name for name in game.state_dict() if name.startswith("_"))
    losses = game.generator_loss(pair, step())
    network = VGG(vgg19, ["conv1_2", "conv3_4"], "perceptual")
    painted, target = game.painted(pair, step()), sharpened((pair.target + 1) / 2)
    one, other = network(painted), network(target)
    wanted = 0.5 * l1_loss(one["conv1_2"], other["conv1_2"]) + l1_loss(one["conv3_4"], other["conv3_4"])
    torch.testing.assert_close(losses.terms["perceptual"], 2 * wanted)
    losses.terms["perceptual"].backward()
    assert all(parameter.grad is not None for parameter in game.generator.parameters())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_any_onnx_network_is_a_feature_network_by_the_names_of_its_tensors(tmp_path):
    import onnx

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 5, 3, 2, 1)

        def forward(self, x):
            return self.two(torch.relu(self.one(x))).mean((2, 3))

    torch.manual_seed(0)
    net, path = Net().eval(), tmp_path / "net.onnx"
    sizes = ({0: "batch", 2: "height", 3: "width"},)
    torch.onnx.export(net, (torch.rand(1, 3, 16, 16),), path, dynamo=True, external_data=False, verbose=False,
                      dynamic_shapes=sizes)  # fmt: skip
    convolutions = [node.output[0] for node in onnx.load(path).graph.node if node.op_type == "Conv"]
    network = open_extractor(str(path), convolutions, "perceptual")
    images = torch.rand(2, 3, 20, 12, requires_grad=True)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    first = net.one((images - mean) / std)
    found = network(images)
    torch.testing.assert_close(found[convolutions[0]], first)
    torch.testing.assert_close(found[convolutions[1]], net.two(torch.relu(first)))
    feature_distance(network, dict.fromkeys(convolutions, 1.0), images, torch.zeros_like(images), "l2").backward()
    assert images.grad.abs().sum() > 0
    with pytest.raises(RequestError, match="has no layer 'nowhere'"):
        open_extractor(str(path), ["nowhere"], "perceptual")


def test_efficientnet_of_a_wheel_sees_blur_and_noise():
    network = open_extractor("efficientnet-lite0", ["block2", "block4"], "perceptual")
    torch.manual_seed(0)
    images = torch.rand(1, 3, 64, 64)
    blurred = torch.nn.functional.avg_pool2d(images, 3, 1, 1)
    weights = {"block2": 1.0, "block4": 1.0}
    near = feature_distance(network, weights, images + 0.01 * torch.randn_like(images), images, "l1")
    assert 0 < near < feature_distance(network, weights, blurred, images, "l1")


def trained(out, **settings):
    return gz.train("real-esrgan", data="digits:40", out=out, preset="tiny", settings={"data.channels": 3, **settings})


def test_resuming_gives_the_bits_of_never_having_stopped(tmp_path, vgg19):
    settings = {"perceptual": str(vgg19), "perceptual_layers": "conv2_2", "train.log_every_steps": 1}
    whole = trained(tmp_path / "whole", **settings, **{"train.steps": 6})
    trained(tmp_path / "half", **settings, **{"train.steps": 3})
    resumed = gz.resume(tmp_path / "half", steps=6)
    losses = [[{k: v for k, v in line.items() if "." in k} for line in run.metrics()[-3:]] for run in (whole, resumed)]
    assert losses[0] == losses[1] and "generator.perceptual" in losses[0][0]
    assert whole.config.data.degrade == "second-order"
    state = vgg_state(19)
    state["features.0.bias"] += 1
    torch.save(state, vgg19)
    with pytest.raises(CheckpointError, match="The feature network .* is another than this run was begun with"):
        gz.resume(tmp_path / "half", steps=8)


def test_a_second_stage_begins_from_the_first_and_the_two_can_be_blended(tmp_path):
    first = trained(tmp_path / "first", adversarial_weight=0.0)
    second = gz.train(
        "real-esrgan", data="digits:40", out=tmp_path / "second", preset="tiny", init_from=first,
        settings={"data.channels": 3},
    )  # fmt: skip
    picture = np.random.RandomState(0).randint(256, size=(9, 12, 3)).astype(np.uint8)
    halves = [gz.load(run).graphs[0] for run in (first, second)]
    given = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
    ends = [graph.run([given])[0] for graph in halves]
    assert not np.allclose(*ends, atol=1e-6)
    for share, end in ((0.0, ends[1]), (1.0, ends[0])):
        assert np.allclose(gz.load(second, blend={first.path: share}).graphs[0].run([given])[0], end, atol=1e-6)
    (exported,) = gz.export(second, out=tmp_path / "half.onnx", blend={first.path: 0.5})
    mixed = gz.load(second, blend={first.path: 0.5}).graphs[0].run([given])[0]
    assert np.abs(gz.load(exported.path).graphs[0].run([given])[0] - mixed).max() < 1e-5
    other = gz.train("srgan", data="digits:40", out=tmp_path / "other", preset="tiny", settings={"data.channels": 3})
    with pytest.raises(RequestError, match="is a srgan of other networks"):
        gz.load(second, blend={other.path: 0.5})
    with pytest.raises(RequestError, match="expected 0 to 1, and 1 in all"):
        gz.load(second, blend={first.path: 1.5})


def test_what_cannot_be_is_said_before_anything_is_written(tmp_path):
    for settings, told in (
        ({"scale": 8}, "enlarges 1, 2 or 4 times"),
        ({"scale": 4, "data.size": 30}, "no multiple of 4"),
        ({"data.size": 36}, "multiples of 8"),
        ({"data.degrade": "blur,down,down"}, "down stands in it twice"),
        ({"data.source_size": 4}, "Leave data.source_size out"),
    ):
        with pytest.raises(RequestError) as caught:
            trained(tmp_path / "run", **settings)
        assert told in f"{caught.value.message} {caught.value.hint}"
        assert not (tmp_path / "run").exists()
    plan = list(GAMES["esrgan"]().warnings_before(1.0))
    assert len(plan) == 1 and "perceptual=vgg19.pth" in plan[0]


@pytest.mark.parametrize("name", GAMES)
def test_golden_losses(name):
    """`tiny` for six steps, to rounding: bits differ between processors. Made by running this file."""
    golden, losses = json.loads(GOLDEN.read_text())[name], _losses(name)
    assert len(losses) == len(golden) == 6
    for found, expected in zip(losses, golden, strict=True):
        assert found == pytest.approx(expected, rel=1e-2, abs=2e-4)  # batch norm of four pictures amplifies rounding


def _losses(name):
    subject = Subject(Registry.load().architecture(name))
    return subject.train(subject.engine(), range(6))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: _losses(name) for name in GAMES}, indent=1) + "\n")
