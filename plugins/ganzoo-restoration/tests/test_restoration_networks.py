"""Parameter counts, the outputs that the published networks give for their weights, how far they see, and imports."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from ganzoo_restoration import compact, rrdb, srresnet
from ganzoo_restoration.compact import SRVGGNetCompact
from ganzoo_restoration.discriminators import SRGANDiscriminator, UNetDiscriminator, VGGDiscriminator
from ganzoo_restoration.importing import read_network
from ganzoo_restoration.rrdb import RRDBNet
from ganzoo_restoration.srresnet import SRResNet
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import conv2d, pixel_unshuffle

import ganzoo as gz
from ganzoo.errors import CheckpointError, MissingPackageError, RequestError
from ganzoo.nn import Stepwise

REFERENCE = Path(__file__).parent / "reference"
FILES = {
    "esrgan_rrdb_x4_new": "esrgan",
    "esrgan_rrdb_x4_old_keys": "esrgan",
    "realesrgan_x2_params_ema": "real-esrgan",
    "srvgg_compact_x4": "real-esrgan",
}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_networks_have_exactly_the_parameters_of_the_published_ones():
    assert [count(SRResNet(per_channel=channel, bias=bias)) for channel in (False, True) for bias in (True, False)] == [
        1_549_462, 1_547_350, 1_550_659, 1_548_547
    ]  # fmt: skip
    judges = [SRGANDiscriminator(channels=3, height=96, width=96, bias=bias) for bias in (True, False)]
    assert list(map(count, judges)) == [23_565_505, 23_563_649]
    sizes = [VGGDiscriminator(channels=3, height=side, width=side) for side in (128, 256)]
    assert list(map(count, sizes)) == [14_499_401, 21_055_049]
    assert [count(RRDBNet(unshuffle=u)) for u in (1, 2, 4)] == [16_697_987, 16_703_171, 16_723_907]
    assert count(RRDBNet(blocks=6)) == 4_467_779
    assert [count(SRVGGNetCompact(scale=s, convolutions=n)) for s, n in ((4, 16), (4, 32), (2, 16), (3, 16))] == [
        621_424, 1_213_296, 600_652, 609_307
    ]  # fmt: skip
    unet = UNetDiscriminator()
    assert (count(unet), sum(buffer.numel() for buffer in unet.buffers())) == (4_376_897, 17_856)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Of each file the model of the run that it was imported to, and of the file that was exported of that."""
    folder, models = tmp_path_factory.mktemp("imported"), {}
    with pytest.warns(gz.GanzooWarning):
        for name, architecture in FILES.items():
            run = gz.import_run(REFERENCE / f"{name}.pth", architecture=architecture, out=folder / name)
            (exported,) = gz.export(run, out=folder / f"{name}.onnx")
            models[name] = gz.load(run), gz.load(exported.path)
    return models


def padded(pixels, multiple):
    """As the published inference does it: mirrored to the right and below."""
    return np.pad(pixels, [(0, 0), (0, 0), *((0, -side % multiple) for side in pixels.shape[2:])], mode="reflect")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("made", [0, 1], ids=["torch", "onnx"])
def test_they_paint_what_the_published_networks_paint(imported, name, made):
    graph = imported[name][made].graphs[0]
    given = np.load(REFERENCE / f"{name}_io.npz")
    sizes = [key.removeprefix("x_") for key in given if key.startswith("x_")]
    assert len(sizes) == 2
    for size in sizes:
        pixels, wanted = given[f"x_{size}"], given[f"y_{size}"]
        rows = np.concatenate([pixels, pixels[:, :, ::-1], pixels])  # other batches too
        painted = graph.run([padded(rows, graph.inputs[0].shape[2].multiple)])[0]
        painted = painted[:, :, : wanted.shape[2], : wanted.shape[3]]
        assert np.abs(painted[[0, 2]] - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_what_learns_and_what_was_averaged_are_both_taken(imported):
    given = np.load(REFERENCE / "esrgan_rrdb_x4_new_io.npz")
    network = read_network(REFERENCE / "esrgan_rrdb_x4_new.pth")
    live = RRDBNet(width=12, growth=6, blocks=2)
    live.load_state_dict(network.state)
    with torch.no_grad():
        painted = live(torch.from_numpy(given["x_16x12"])).numpy()
    assert np.abs(painted - given["y_params_16x12"]).max() < 1e-5
    assert not np.array_equal(given["y_params_16x12"], given["y_16x12"])


def test_a_shuffle_before_a_convolution_is_one_convolution():
    torch.manual_seed(0)
    network = RRDBNet(unshuffle=2, width=5, growth=3, blocks=1).double()
    images = torch.rand(2, 3, 8, 10, dtype=torch.float64)
    first = network.conv_first
    seen = []
    network.body.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    network(images)
    torch.testing.assert_close(seen[0], conv2d(pixel_unshuffle(images, 2), first.weight, first.bias, padding=1))


def test_an_exported_file_reshapes_no_pictures(imported):
    for name, (_, file) in imported.items():
        operators = {node.op_type for node in onnx.load(file.path).graph.node}
        assert not operators & {"Shape", "Reshape", "Expand", "Transpose"}, name


@pytest.mark.parametrize(
    ("network", "far"),
    [
        (SRVGGNetCompact(width=3, convolutions=4), compact.reach(4)),
        (RRDBNet(width=3, growth=2, blocks=1), rrdb.reach(1, (2, 2), 1)),
        (RRDBNet(width=3, growth=2, blocks=1, unshuffle=2), rrdb.reach(1, (2, 2), 2)),
        (RRDBNet(width=3, growth=2, blocks=1, enlarge=(2,)), rrdb.reach(1, (2,), 1)),
        (SRResNet(width=3, blocks=2), srresnet.reach(2, 4)),
        (SRResNet(width=3, blocks=1, scale=1), srresnet.reach(1, 1)),
    ],
)
def test_no_pixel_is_seen_from_further_than_is_said(network, far):
    network = network.double().eval()
    middle, size = 2 * far + 8, 4 * far + 16
    images = torch.rand(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    painted = network(images)
    scale = painted.shape[2] // size
    painted[0, :, middle * scale : (middle + 4) * scale, middle * scale : (middle + 4) * scale].sum().backward()
    rows = (images.grad[0].abs().sum((0, 2)) > 0).nonzero()
    seen = max(middle - int(rows.min()), int(rows.max()) - (middle + 3))
    assert seen <= far and far - seen <= 4  # of a shuffle, where a pixel lies in its square decides


def test_the_discriminators_spectrum_is_taken_as_it_was_stored():
    given = np.load(REFERENCE / "unet_sn_discriminator_io.npz")
    network = read_network(REFERENCE / "unet_sn_discriminator.pth")
    judge = UNetDiscriminator(features=8)
    judge.load_state_dict(network.state)
    for size in [key.removeprefix("x_") for key in given if key.startswith("x_")]:
        with torch.no_grad():
            logits = judge.eval()(torch.from_numpy(given[f"x_{size}"])).numpy()
        assert np.abs(logits - given[f"y_{size}"]).max() <= 1e-5 * np.abs(given[f"y_{size}"]).max()
    for module in judge.modules():  # one power iteration, as torch's own makes one at a forward pass in training
        if isinstance(module, Stepwise):
            module.advance()
    with torch.no_grad():
        logits = judge(torch.from_numpy(given["x_32x32"])).numpy()
    assert np.abs(logits - given["y_train_32x32"]).max() < 1e-5 * np.abs(given["y_train_32x32"]).max()
    u = judge.conv1.parametrizations.weight[0].u.numpy()
    assert np.abs(u - given["conv1_weight_u_after_train"]).max() < 1e-6


MIDDLE = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}


def stored(name="esrgan_rrdb_x4_new"):
    return torch.load(REFERENCE / f"{name}.pth", weights_only=True)


def renamed(state):
    """By the names of the ESRGAN repository."""
    found = {}
    for key, tensor in state.items():
        owner, _, kind = key.rpartition(".")
        name = f"{MIDDLE.get(owner, owner)}.{kind}"
        found[name.replace("body.", "RRDB_trunk.").replace("rdb", "RDB") if name.startswith("body.") else name] = tensor
    return found


@pytest.mark.parametrize("how", ["middle", "safetensors", "nested", "of DataParallel", "half"])
def test_the_same_weights_are_known_in_every_wrapping(tmp_path, how):
    state, path = stored()["params_ema"], tmp_path / "weights.pth"
    if how == "middle":
        torch.save(renamed(state), path)
    elif how == "safetensors":
        path = tmp_path / "weights.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    elif how == "nested":
        torch.save({"model_state_dict": state, "epoch": 3}, path)
    elif how == "of DataParallel":
        torch.save({"params_ema": {f"module.{key}": tensor for key, tensor in state.items()}}, path)
    else:
        torch.save({key: tensor.half() for key, tensor in state.items()}, path)
    network, wanted = read_network(path), read_network(REFERENCE / "esrgan_rrdb_x4_new.pth").average
    assert set(network.state) == set(wanted) and network.settings["growth"] == 6
    assert all(torch.allclose(network.state[key], wanted[key], atol=1e-3) for key in wanted)


def old_layout(ups):
    """A file of 2018 with so many enlargements."""
    state = {"model.0": (4, 3), "model.1.sub.1": (4, 4)}
    for number in range(1, 4):
        for layer in range(1, 6):
            made = 4 if layer == 5 else 2
            state[f"model.1.sub.0.RDB{number}.conv{layer}.0"] = (made, 4 + 2 * (layer - 1))
    for up in range(1, ups + 1):
        state[f"model.{3 * up}"] = (4, 4)
    state |= {f"model.{3 * ups + 2}": (4, 4), f"model.{3 * ups + 4}": (3, 4)}
    return {f"{name}.{kind}": torch.rand(*shape, 3, 3) if kind == "weight" else torch.rand(shape[0])
            for name, shape in state.items() for kind in ("weight", "bias")}  # fmt: skip


@pytest.mark.parametrize(("ups", "scale"), [(0, 1), (1, 2), (2, 4), (3, 8)])
def test_old_files_of_every_scale(tmp_path, ups, scale):
    torch.save(old_layout(ups), tmp_path / "old.pth")
    network = read_network(tmp_path / "old.pth")
    assert (network.scale, network.settings["blocks"]) == (scale, 1)
    assert bool(network.notes) == (ups == 1)  # an old x3 file has the names of x2
    run = gz.import_run(tmp_path / "old.pth", architecture="esrgan", out=tmp_path / "run")
    painted = gz.load(run).translate(np.zeros((9, 11, 3), dtype=np.uint8))
    assert painted.shape == (1, 9 * scale, 11 * scale, 3)


def test_what_a_file_does_not_say_can_be_stated(tmp_path):
    torch.save(old_layout(1), tmp_path / "old.pth")
    run = gz.import_run(tmp_path / "old.pth", architecture="esrgan", out=tmp_path / "x3", settings={"scale": 3})
    assert gz.load(run).translate(np.zeros((9, 11, 3), dtype=np.uint8)).shape == (1, 27, 33, 3)
    torch.save({f"body.{n}.{kind}": torch.rand(*((4, 3 if n == 0 else 4, 3, 3) if kind == "weight" else (4,)))
                if n < 4 else torch.rand(*((48, 4, 3, 3) if kind == "weight" else (48,)))
                for n in (0, 2, 4) for kind in ("weight", "bias")}, tmp_path / "plain.pth")  # fmt: skip
    run = gz.import_run(tmp_path / "plain.pth", architecture="real-esrgan", out=tmp_path / "plain",
                        settings={"activation": "leaky-relu"})  # fmt: skip
    assert run.config.architecture.activation == "leaky-relu" and run.config.architecture.convolutions == 1
    with pytest.raises(RequestError, match=r"Settings of \[train\]"):
        gz.import_run(tmp_path / "plain.pth", architecture="real-esrgan", out=tmp_path / "no",
                      settings={"train.seed": 1})  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"body.0.rdb1.conv1x1.weight": torch.rand(2, 2, 1, 1)}, "ESRGAN+"),
        ({"body.0.extra.weight": torch.rand(3)}, "which RRDBNet has not"),
    ],
)
def test_derivatives_are_refused_by_what_they_have(tmp_path, change, told):
    torch.save({**stored()["params"], **change}, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=told.replace("+", r"\+")) as caught:
        gz.import_run(tmp_path / "odd.pth", architecture="esrgan", out=tmp_path / "run")
    assert "fixed-restoration" in str(caught.value.hint)
    assert not (tmp_path / "run").exists()


def test_a_package_of_an_extra_that_is_lacking_is_named(tmp_path, monkeypatch):
    for name in ("spandrel", "onnx2torch", "efficientnet_lite_pytorch"):
        monkeypatch.setitem(sys.modules, name, None)
    torch.save({"layers.0.residual_group.blocks.0.attn.relative_position_bias_table": torch.rand(3, 3)},
               tmp_path / "swin.pth")  # fmt: skip
    with pytest.raises(MissingPackageError, match="spandrel is not installed") as caught:
        gz.import_run(tmp_path / "swin.pth", architecture="fixed-restoration", out=tmp_path / "run")
    assert caught.value.hint == "pip install 'ganzoo[restoration]'"
    with pytest.raises(MissingPackageError, match="efficientnet_lite_pytorch is not installed"):
        gz.train("real-esrgan", preset="tiny", data="digits", out=tmp_path / "run", settings={
            "data.channels": 1, "perceptual": "efficientnet-lite0", "perceptual_layers": "block2",
        })  # fmt: skip


def test_an_imported_network_is_scored_on_good_pictures_alone(tmp_path, imported):
    good = tmp_path / "good"
    good.mkdir()
    for number in range(2):
        values = np.random.RandomState(number).randint(256, size=(6, 9, 3)).astype(np.uint8)
        Image.fromarray(values).resize((90 + number, 61), Image.Resampling.BICUBIC).save(good / f"{number}.png")
    run, file = imported["esrgan_rrdb_x4_new"]
    found = [
        gz.evaluate(run.path, data=good, metrics=["pairs"]),  # with the architecture's own recipe
        gz.evaluate(file.path, data=good, metrics=["pairs"], settings={"data.degrade": "down"}),
    ]
    values = [one["psnr"].value for one in found]
    assert values[0] == pytest.approx(values[1], abs=0.01)
    with pytest.raises(RequestError, match="gives one of each pair alone") as caught:
        gz.evaluate(file.path, data=good, metrics=["pairs"])
    assert "data.degrade=down" in caught.value.hint


def test_whole_numbers_are_no_weights(tmp_path):
    state = {key: (100 * tensor).to(torch.int32) for key, tensor in stored()["params"].items()}
    torch.save(state, tmp_path / "int.pth")
    with pytest.raises(CheckpointError, match="whole numbers for weights"):
        gz.import_run(tmp_path / "int.pth", architecture="esrgan", out=tmp_path / "run")


def test_files_go_to_whom_they_belong(tmp_path):
    compact, judge = REFERENCE / "srvgg_compact_x4.pth", REFERENCE / "unet_sn_discriminator.pth"
    with pytest.raises(CheckpointError, match="of the family Real-ESRGAN compact") as caught:
        gz.import_run(compact, architecture="esrgan", out=tmp_path / "run")
    assert "--as real-esrgan" in caught.value.hint
    with pytest.raises(RequestError, match=r"one generator, and perhaps a discriminator; given are .*discriminator"):
        gz.import_run(judge, architecture="real-esrgan", out=tmp_path / "run")
    with pytest.raises(CheckpointError, match="which is Real-ESRGAN's network") as caught:
        gz.import_run(REFERENCE / "realesrgan_x2_params_ema.pth", architecture="esrgan", out=tmp_path / "run")
    assert "--as real-esrgan" in caught.value.hint
    with pytest.raises(CheckpointError, match="ESRGAN's network") as caught:
        torch.save(old_layout(3), tmp_path / "x8.pth")
        gz.import_run(tmp_path / "x8.pth", architecture="real-esrgan", out=tmp_path / "run")
    assert "--as esrgan" in caught.value.hint


def test_a_generator_and_its_discriminator_go_on_together(tmp_path):
    files = [REFERENCE / "unet_sn_discriminator.pth", REFERENCE / "realesrgan_x2_params_ema.pth"]
    run = gz.import_run(files, architecture="real-esrgan", out=tmp_path / "run")
    assert run.config.architecture.discriminator_width == 8 and run.config.architecture.scale == 2
    on = gz.train(
        "real-esrgan", data="digits", out=tmp_path / "on", steps=2, init_from=run,
        settings={**run.config.tables()["architecture"], "train.batch_size": 4, "data.size": 32, "data.channels": 3,
                  "perceptual_weight": 0.0},
    )  # fmt: skip
    assert on.metrics()


def test_networks_of_other_families_paint_as_they_are(tmp_path):
    network = SRVGGNetCompact(width=8, convolutions=3)
    torch.save({"params": network.state_dict()}, tmp_path / "net.pth")
    with pytest.warns(gz.GanzooWarning, match="RealESRGAN Compact, read by spandrel"):
        run = gz.import_run(tmp_path / "net.pth", architecture="fixed-restoration", out=tmp_path / "run")
    (exported,) = gz.export(run)
    picture = np.random.RandomState(0).randint(256, size=(13, 18, 3)).astype(np.uint8)
    with torch.no_grad():
        wanted = network(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)[0]
    wanted = (wanted.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    for source in (run, exported.path):
        painted = gz.load(source).translate(picture).pixels[0]
        assert np.abs(painted.astype(int) - wanted).max() <= 1
    with pytest.raises(RequestError, match="has no game to learn in") as caught:
        gz.train("fixed-restoration", data="digits", out=tmp_path / "no")
    assert "real-esrgan" in caught.value.hint
    torch.save({"a": torch.rand(3)}, tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="no network that spandrel"):
        gz.import_run(tmp_path / "none.pth", architecture="fixed-restoration", out=tmp_path / "none")
    with pytest.raises(CheckpointError, match="neither RRDBNet nor SRVGGNetCompact"):
        gz.import_run(tmp_path / "none.pth", architecture="real-esrgan", out=tmp_path / "none")
