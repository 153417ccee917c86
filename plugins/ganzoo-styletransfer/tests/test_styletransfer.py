"""The published networks' outputs, losses by hand, imports, and painting with two pictures."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from ganzoo_styletransfer.adain import AdaIN
from ganzoo_styletransfer.config import AdaINConfig, FastStyleConfig
from ganzoo_styletransfer.fast_style import FastStyle, gram
from ganzoo_styletransfer.importing import read_encoder
from ganzoo_styletransfer.networks import Decoder, Encoder, TransformerNet, adaptive_instance_norm, statistics
from PIL import Image
from torch import nn
from torch.nn.functional import mse_loss

import ganzoo as gz
from ganzoo import DataInfo
from ganzoo.api.translate_files import translate_files
from ganzoo.architecture import Batch, Pair
from ganzoo.errors import CheckpointError, RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.runs.trained import load_trained
from ganzoo.testing import Subject

REFERENCE, GOLDEN = Path(__file__).parent / "reference", Path(__file__).parent / "golden.json"
PAIR = DataInfo(channels=3, size=16).of("source", "target")
TINY = {"widths": (2, 2, 4, 4), "encoder": "random"}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_networks_have_exactly_the_published_parameters():
    widths = AdaINConfig().widths
    assert (count(Encoder(widths)), count(Decoder(widths)), count(TransformerNet())) == (
        3_505_740,
        3_505_219,
        1_679_235,
    )


@pytest.fixture(scope="module")
def adain(tmp_path_factory):
    """The run, what it paints, and what the exported file paints."""
    folder = tmp_path_factory.mktemp("adain")
    files = [REFERENCE / "adain_decoder.pth", REFERENCE / "adain_vgg_normalised.pth"]
    with pytest.warns(gz.GanzooWarning, match="behind relu4_1"):
        run = gz.import_run(files, architecture="adain", out=folder / "run")
    (exported,) = gz.export(run, out=folder / "stylize.onnx", graph="stylize")
    return run, gz.load(run), gz.load(exported.path)


@pytest.fixture(scope="module")
def given():
    return np.load(REFERENCE / "adain_decoder_io.npz")


@pytest.mark.parametrize("made", [1, 2], ids=["torch", "onnx"])
def test_adain_paints_what_the_published_networks_paint(adain, given, made):
    stylize = next(graph for graph in adain[made].graphs if graph.name == "stylize")
    half = np.array([0.5], dtype=np.float32)
    painted = stylize.run([given["content_37x50"], given["style_45x33"], half])[0]
    assert np.abs(painted - given["y_alpha05"]).max() <= 1e-5 * np.abs(given["y_alpha05"]).max()
    twice = [np.concatenate([one, one[:, :, ::-1]]) for one in (given["content_37x50"], given["style_45x33"])]
    both = stylize.run([*twice, np.array([0.5, 1.0], dtype=np.float32)])[0]  # other batches, a strength for each
    assert np.abs(both[0] - painted[0]).max() < 1e-5 and np.abs(both[1] - painted[0]).max() > 1e-3


def test_the_halves_of_adain_are_the_whole(adain, given):
    graphs = {graph.name: graph for graph in adain[1].graphs}
    mean, std = graphs["style_encoder"].run([given["style_45x33"]])
    half = np.array([0.5], dtype=np.float32)
    painted = graphs["stylize_statistics"].run([given["content_37x50"], mean, std, half])[0]
    assert np.abs(painted - given["y_alpha05"]).max() <= 1e-5 * np.abs(given["y_alpha05"]).max()


def test_features_statistics_and_losses_are_the_published_ones(adain, given):
    network = load_trained(adain[0].path, Registry.load(), say=print).architecture
    content, style = (torch.from_numpy(given[name]) for name in ("content_37x50", "style_45x33"))
    with torch.no_grad():
        features = network.encoder(content)
        mixed = adaptive_instance_norm(features, *statistics(network.encoder(style)))
        painted = network.decoder(torch.from_numpy(given["x_6x5"]))
    assert np.abs(features.numpy() - given["content_features"]).max() < 1e-6
    assert np.abs(mixed.numpy() - given["adain_features"]).max() < 1e-6
    assert np.abs(painted.numpy() - given["y_6x5"]).max() < 1e-6
    pair = Pair(*(torch.from_numpy(given[f"train_{name}_40x48"]) * 2 - 1 for name in ("content", "style")))
    found = network.decoder_loss(pair, None)
    assert found.stats["content"].item() == pytest.approx(float(given["loss_content"]), rel=1e-5)
    assert found.stats["style"].item() == pytest.approx(float(given["loss_style"]), rel=1e-5)
    assert found.terms["style"].item() == pytest.approx(10 * float(given["loss_style"]), rel=1e-5)


def test_the_deviation_is_that_of_n_minus_one():
    features = torch.rand(2, 3, 5, 7)
    mean, std = statistics(features)
    torch.testing.assert_close(mean, features.mean((2, 3), keepdim=True))
    torch.testing.assert_close(std, (features.flatten(2).var(2, unbiased=True) + 1e-5).sqrt()[:, :, None, None])


def test_an_exported_file_computes_with_no_shapes(adain):
    operators = {node.op_type for node in onnx.load(adain[2].path).graph.node}
    assert not operators & {"Shape", "Expand", "Reshape", "ReduceProd"}
    sides = onnx.load(adain[2].path).graph.output[0].type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in sides] == ["batch", 3, "8*ceil(height/8)", "8*ceil(width/8)"]


def test_fast_style_paints_what_the_published_network_paints(tmp_path):
    with pytest.warns(gz.GanzooWarning, match="running statistics of instance norm left out"):
        run = gz.import_run(REFERENCE / "fast_style_transformer.pth", architecture="fast-style", out=tmp_path / "run")
    (exported,) = gz.export(run, out=tmp_path / "fast.onnx")
    given = np.load(REFERENCE / "fast_style_transformer_io.npz")
    for model in (gz.load(run), gz.load(exported.path)):
        for size in ("24x20", "19x30"):
            painted = model.graphs[0].run([given[f"x_{size}"]])[0]
            assert np.abs(painted - given[f"y_{size}"]).max() <= 1e-5 * 255
    picture = given["x_19x30"][0].transpose(1, 2, 0).round().astype(np.uint8)
    painted = model.translate(picture).pixels[0]
    assert painted.shape == (19, 30, 3)  # it paints 20x32, of which what was given is kept
    wanted = model.graphs[0].run([picture.transpose(2, 0, 1)[None].astype(np.float32)])[0][0, :, :19, :30]
    assert np.abs(painted - wanted.round().clip(0, 255).transpose(1, 2, 0)).max() <= 1


def pictures(folder, count, size, start=0):
    folder.mkdir()
    for number in range(start, start + count):
        values = np.random.RandomState(number).randint(256, size=(4, 4, 3)).astype(np.uint8)
        Image.fromarray(values).resize((size + number, size), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


def test_styles_are_given_with_pictures_and_many_make_a_table(adain, tmp_path):
    contents, styles = pictures(tmp_path / "c", 3, 40), pictures(tmp_path / "s", 2, 30, start=7)
    for model in adain[1:]:
        one = model.translate(contents / "0.png", pictures={"style": styles / "7.png"}, values={"strength": 0.8})
        assert one.shape == (1, 40, 40, 3)
        plain = model.translate(contents / "0.png", pictures={"style": styles / "7.png"}, values={"strength": 0.0})
        other = model.translate(contents / "0.png", pictures={"style": styles / "8.png"}, values={"strength": 0.0})
        assert np.array_equal(plain.pixels, other.pixels) and not np.array_equal(one.pixels, plain.pixels)
        with pytest.raises(RequestError, match="takes another picture, 'style'") as caught:
            model.translate(contents / "0.png")
        assert "--with style=PICTURE" in caught.value.hint
        with pytest.raises(RequestError, match="takes no picture 'stile'. Did you mean 'style'"):
            model.translate(contents / "0.png", pictures={"stile": styles / "7.png"})
    out = tmp_path / "one.png"
    translate_files(model, [contents / "1.png"], out=out, pictures={"": styles / "7.png"})
    assert Image.open(out).size == (41, 40)
    line = translate_files(model, [contents], out=tmp_path / "each", pictures={"style": [styles]})
    assert line.startswith("6 pictures") and {path.name for path in (tmp_path / "each").iterdir()} == {"7", "8"}
    line = translate_files(model, [contents], out=tmp_path / "table.png", pictures={"style": styles}, size=32)
    assert line.startswith("3 pictures by 2") and Image.open(tmp_path / "table.png").size == (96, 128)


def test_styles_of_one_name_have_folders_of_their_own_and_numbers_beyond_their_range_are_remarked(adain, tmp_path):
    contents = pictures(tmp_path / "c", 2, 40)
    first, second = pictures(tmp_path / "s", 1, 30, start=7), pictures(tmp_path / "t", 1, 30, start=7)
    styles = [first / "7.png", second / "7.png"]
    translate_files(adain[2], [contents], out=tmp_path / "each", pictures={"style": styles})
    assert len(list((tmp_path / "each").rglob("*.png"))) == 4
    with pytest.warns(gz.GanzooWarning, match="strength = 2 lies outside 0 to 1"):
        adain[2].translate(contents / "0.png", pictures={"style": styles[0]}, values={"strength": 2})


def vgg19_state(widths):
    torch.manual_seed(0)
    state, given, place = {}, 3, 0
    for block, layers in enumerate((2, 2, 4, 4, 4)):
        for _ in range(layers):
            made = widths[min(block, 3)]
            state[f"features.{place}.weight"] = torch.randn(made, given, 3, 3) / (3 * given**0.5)
            state[f"features.{place}.bias"] = torch.randn(made) / 10
            given, place = made, place + 2
        place += 1
    return state


def test_torchvisions_vgg19_is_an_encoder_behind_its_own_normalisation(tmp_path):
    path = tmp_path / "vgg19.pth"
    state = vgg19_state((2, 3, 4, 5))
    torch.save(state, path)
    encoder = Encoder((2, 3, 4, 5))
    encoder.load_state_dict(read_encoder(path, (2, 3, 4, 5)))
    images = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    first = nn.functional.pad((images - mean) / std, (1, 1, 1, 1), mode="reflect")
    wanted = torch.relu(nn.functional.conv2d(first, state["features.0.weight"], state["features.0.bias"]))
    torch.testing.assert_close(encoder.features(images)[0], wanted)
    with pytest.raises(CheckpointError, match=r"\[2, 3, 4, 5\] feature maps, and \[2, 2, 2, 2\] are wanted"):
        read_encoder(path, (2, 2, 2, 2))


def test_a_training_wants_an_encoder_and_a_checkpoint_stands_alone(tmp_path):
    contents, styles = pictures(tmp_path / "c", 5, 24), pictures(tmp_path / "s", 4, 24, start=9)
    path = tmp_path / "vgg19.pth"
    torch.save(vgg19_state((2, 2, 4, 4)), path)
    settings = {"train.log_every_steps": 1}

    def train(out, **more):
        return gz.train("adain", data=contents, target=styles, out=tmp_path / out, preset="tiny",
                        settings={**settings, **more})  # fmt: skip

    for encoder, told in (("", "wants an encoder, and has none"), ("nowhere.pth", "there is no such file")):
        with pytest.raises(RequestError, match=told):
            train("no", encoder=encoder)
        assert not (tmp_path / "no").exists()
    run = train("run", encoder=str(path))
    whole = train("whole", encoder=str(path), **{"train.steps": 6})
    torch.save({}, path), path.unlink()  # what a run has learnt with is in the run
    resumed = gz.resume(run, steps=6)
    for one, other in zip(resumed.metrics()[-2:], whole.metrics()[-2:], strict=True):
        assert {k: v for k, v in one.items() if "." in k} == {k: v for k, v in other.items() if "." in k}
    on = gz.train(
        "adain", data=contents, target=styles, out=tmp_path / "on", preset="tiny", init_from=run, steps=1,
        settings={"encoder": ""},
    )  # fmt: skip
    encoders = [load_trained(one.path, Registry.load(), say=print).architecture.encoder for one in (run, on)]
    assert all(torch.equal(a, b) for a, b in zip(encoders[0].parameters(), encoders[1].parameters(), strict=True))
    assert gz.load(on).translate(contents / "0.png", pictures={"style": styles / "9.png"}).shape[0] == 1
    with pytest.raises(RequestError, match=r"encoder\..* have another shape, and would begin at random"):
        gz.train("adain", data=contents, target=styles, out=tmp_path / "wide", preset="tiny", init_from=run, steps=1,
                 settings={"widths": [3, 3, 4, 4]})  # fmt: skip


@pytest.fixture
def style_and_vgg16(tmp_path):
    style, vgg = tmp_path / "style.png", tmp_path / "vgg16.pth"
    Image.fromarray(np.random.RandomState(0).randint(256, size=(20, 30, 3)).astype(np.uint8)).save(style)
    state = vgg19_state((2, 2, 4, 4))
    places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    kept = [0, 2, 5, 7, 10, 12, 14, 19, 21, 23, 28, 30, 32]  # of VGG19, without the fourth of three blocks
    torch.save({f"features.{new}.{kind}": state[f"features.{old}.{kind}"] for new, old in zip(places, kept, strict=True)
                for kind in ("weight", "bias")}, vgg)  # fmt: skip
    return style, vgg


@pytest.mark.parametrize("changed", ["style", "network"])
def test_fast_style_goes_on_with_the_files_that_it_began_with(tmp_path, style_and_vgg16, changed):
    style, vgg = style_and_vgg16
    settings = {"style": str(style), "perceptual": str(vgg), "train.log_every_steps": 1}
    contents = pictures(tmp_path / "c", 5, 40)
    whole, half = (
        gz.train("fast-style", data=contents, out=tmp_path / str(steps), preset="tiny", steps=steps, settings=settings)
        for steps in (5, 3)
    )
    resumed = gz.resume(half, steps=5)
    losses = [[{k: v for k, v in line.items() if "." in k} for line in run.metrics()[-2:]] for run in (whole, resumed)]
    assert losses[0] == losses[1] and losses[0][0]["transformer.style"] > 0
    if changed == "style":
        Image.new("RGB", (20, 30)).save(style)
    else:
        state = torch.load(vgg)
        state["features.0.bias"] += 1
        torch.save(state, vgg)
    with pytest.raises(CheckpointError, match=rf"{'picture of the style' if changed == 'style' else 'feature network'}"
                       ".* is another than this run was begun with"):  # fmt: skip
        gz.resume(half, steps=7)


def test_fast_styles_losses_are_the_papers(style_and_vgg16):
    style, vgg = style_and_vgg16
    config = FastStyleConfig(widths=(2, 2, 4), blocks=1, style=str(style), perceptual=str(vgg))
    game = FastStyle(config, DataInfo(channels=3, size=32))
    game.phases()
    batch = Batch(real=torch.rand(2, 3, 32, 32) * 2 - 1)
    losses = game.transformer_loss(batch, None)
    network = game._extractors[0]
    given = (batch.real + 1) / 2
    painted = game.transformer(given * 255) / 255
    one, other = network(painted), network(given)
    seen = network(torch.from_numpy(np.asarray(Image.open(style)).copy()).permute(2, 0, 1)[None] / 255)
    torch.testing.assert_close(losses.terms["content"], 1e5 * mse_loss(one["relu2_2"], other["relu2_2"]))
    wanted = sum(mse_loss(gram(one[k]), gram(seen[k]).expand(2, -1, -1)) for k in seen)
    torch.testing.assert_close(losses.terms["style"], 1e10 * wanted)
    features = torch.rand(1, 3, 4, 5)
    flat = features[0].reshape(3, -1)
    torch.testing.assert_close(gram(features)[0], flat @ flat.T / (3 * 4 * 5))
    with pytest.raises(RequestError, match="no style picture"):
        FastStyle(FastStyleConfig(), DataInfo(channels=3, size=32)).warnings_before(1.0)


def test_files_that_do_not_belong_together_are_named(tmp_path):
    encoder, decoder = REFERENCE / "adain_vgg_normalised.pth", REFERENCE / "adain_decoder.pth"
    for files, told in (
        ([encoder], "and encoder is given"),
        ([encoder, encoder], "are both the encoder"),
        ([decoder, REFERENCE / "fast_style_transformer.pth"], "family fast neural style"),
    ):
        with pytest.raises((CheckpointError, RequestError), match=told):
            gz.import_run(files, architecture="adain", out=tmp_path / "run")
    with pytest.raises(RequestError, match="encoder sees colours"):
        AdaIN(AdaINConfig(**TINY), DataInfo(channels=1, size=16).of("source", "target"))
    with pytest.raises(RequestError, match="16 pixels and more"):
        AdaIN(AdaINConfig(**TINY), DataInfo(channels=3, size=8).of("source", "target"))


@pytest.mark.parametrize("name", ["adain", "fast-style"])
def test_golden_losses(name):
    """`tiny` for six steps, to rounding: bits differ between processors. Made by running this file."""
    golden, losses = json.loads(GOLDEN.read_text())[name], _losses(name)
    assert len(losses) == len(golden) == 6
    for found, expected in zip(losses, golden, strict=True):
        assert found == pytest.approx(expected, rel=1e-2, abs=1e-4)


def _losses(name):
    subject = Subject(Registry.load().architecture(name))
    return subject.train(subject.engine(), range(6))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: _losses(name) for name in ("adain", "fast-style")}, indent=1) + "\n")
