"""`ganzoo evaluate`: runs, files and folders, feature networks, protocols, comparison, the cache, the page."""

import dataclasses
import json
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo, ganzoo_here
from PIL import Image

import ganzoo as gz
from ganzoo.errors import GanzooError, MissingPackageError, RequestError
from ganzoo.evaluation.networks import weights
from ganzoo.evaluation.networks.inception import Inception


class Quiet:
    def __init__(self):
        self.said = []

    def update(self, progress): ...

    def say(self, text):
        self.said.append(text)


def score(subject, **named):
    return gz.evaluate(subject, **{"progress": Quiet(), "device": "cpu", "cache": False, "features": "pixels", **named})


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run on digits with its exported file, and a conditional one."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for name in ("dcgan", "cgan"):
        made[name] = gz.train(
            name, data="digits", preset="tiny", out=folder / name, steps=3, device="cpu", progress=Quiet(),
            settings={"data.size": 16},
        )  # fmt: skip
    made["file"] = gz.export(made["dcgan"], progress=Quiet())[0].path
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """60 coloured pictures, and 60 of them blurred."""
    from PIL import ImageFilter

    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.RandomState(0)
    for kind in ("real", "blurred"):
        (folder / kind).mkdir()
    for index in range(60):
        ground = random.randint(0, 256, 3)
        pixels = np.clip(ground + random.randint(-60, 60, (20, 20, 3)), 0, 255).astype(np.uint8)
        image = Image.fromarray(pixels)
        image.save(folder / "real" / f"{index:03}.png")
        image.filter(ImageFilter.GaussianBlur(2)).save(folder / "blurred" / f"{index:03}.png")
    return folder


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """The published file's layout with random weights."""
    path = tmp_path_factory.mktemp("weights") / "weights-inception-2015-12-05-6726825d.pth"
    torch.manual_seed(0)
    torch.save(_random_inception().state_dict(), path)
    return path


def _random_inception():
    import torch_fidelity.feature_extractor_inceptionv3 as module

    class NoFileError(Exception):
        pass

    def nothing(*given, **named):
        raise NoFileError

    network = module.FeatureExtractorInceptionV3.__new__(module.FeatureExtractorInceptionV3)
    kept, module.load_state_dict_from_url = module.load_state_dict_from_url, nothing
    try:
        network.__init__("x", ["2048"])
    except NoFileError:
        pass
    finally:
        module.load_state_dict_from_url = kept
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):  # as it comes, a picture would not be seen behind so many layers
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.nn.init.normal_(network.fc.weight, std=20.0)
    return network


def test_a_run_and_its_file_have_the_same_scores_and_the_same_protocol(runs):
    metrics = ("fid", "kid", "pr", "dc", "swd", "authenticity")
    one = score(runs["dcgan"], metrics=metrics, count=200)
    two = score(runs["file"], data="digits", metrics=metrics, count=200)
    for name, record in one.scores.items():
        assert two.scores[name].estimate.value == pytest.approx(record.estimate.value, rel=1e-4, abs=1e-6), name
    assert gz.compare_evaluations(one, two).scores
    assert one.subject["kind"] == "run" and two.subject["kind"] == "onnx"


def test_the_same_request_gives_the_same_bits(runs):
    first, second = (score(runs["dcgan"], metrics="fid,kid,pr", count=120, repeats=2, seed=7) for _ in range(2))
    assert {name: record.to_json() for name, record in first.scores.items()} == {
        name: record.to_json() for name, record in second.scores.items()
    }
    assert first.seeds == [7, 127] and first.protocol == second.protocol
    other = score(runs["dcgan"], metrics="fid", count=120, seed=8)
    assert other["frechet"].value != first.scores["frechet@pixels"].repeats[0]


@pytest.mark.slow
def test_scores_are_those_of_torch_fidelity_called_directly(runs, inception):
    """Same pictures, same network: FID, KID, IS, precision and recall."""
    from torch_fidelity import calculate_metrics

    count = 24
    found = score(
        runs["dcgan"], metrics="fid,kid,is,pr", features=f"inception-2015={inception}", count=count, real_count=30,
        options={"kid.subset_size": 12, "kid.subsets": 5},
    )  # fmt: skip

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, pixels):
            self.pixels = pixels

        def __len__(self):
            return len(self.pixels)

        def __getitem__(self, index):
            return torch.from_numpy(self.pixels[index])

    painted = gz.load(runs["dcgan"]).sample(range(count)).pixels.transpose(0, 3, 1, 2).repeat(3, 1)
    from ganzoo.api.judged_data import SubjectRequest
    from ganzoo.api.judged_subject import open_subject
    from ganzoo.api.registry import installed
    from ganzoo.config import DataConfig

    request = SubjectRequest(data=DataConfig(), stated=frozenset(), real_count=30)
    reals = open_subject(runs["dcgan"].path, request, installed(), lambda line: None).reals.read(0, 30).pixels
    direct = calculate_metrics(
        input1=Pictures(np.ascontiguousarray(painted)), input2=Pictures(reals.repeat(3, 1)), cuda=False, isc=True,
        fid=True, kid=True, prc=True, feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(inception),
        feature_layer_prc="2048", kid_subset_size=12, kid_subsets=5, rng_seed=0, verbose=False, cache=False,
        save_cpu_ram=True, batch_size=50,
    )  # fmt: skip
    name = f"inception-{found.protocol['features']['sha256'][:8]}"
    scale = abs(direct["frechet_inception_distance"])
    assert scale > 0.1 and abs(direct["kernel_inception_distance_mean"]) > 1e-5
    assert direct["inception_score_mean"] > 1.0001  # precision and recall that are not 0: tests/test_metrics.py
    assert found[f"frechet@{name}"].value == pytest.approx(direct["frechet_inception_distance"], abs=1e-6 * scale)
    assert found[f"kernel_distance@{name}"].value == pytest.approx(
        direct["kernel_inception_distance_mean"], rel=1e-6, abs=1e-6
    )
    # torch-fidelity shuffles for IS by rng_seed, which is one for all of its metrics; ours has its own.
    from torch_fidelity import calculate_metrics as again

    shuffled = again(
        input1=Pictures(np.ascontiguousarray(painted)), cuda=False, isc=True, verbose=False, cache=False,
        feature_extractor="inception-v3-compat", feature_extractor_weights_path=str(inception), save_cpu_ram=True,
    )  # fmt: skip
    assert found[f"class_score@{name}"].value == pytest.approx(shuffled["inception_score_mean"], rel=1e-6)
    assert found[f"precision@{name}"].value == pytest.approx(direct["precision"], abs=1e-6)
    assert found[f"recall@{name}"].value == pytest.approx(direct["recall"], abs=1e-6)


def test_only_the_published_weights_make_what_is_called_fid(runs, inception, monkeypatch):
    network = Inception(inception, {})
    assert not network.official and network.name.startswith("inception-") and network.name != "inception-2015"
    published = dataclasses.replace(weights.FILES["inception-2015"], sha256=network.identity()["sha256"])
    monkeypatch.setitem(weights.FILES, "inception-2015", published)
    found = score(runs["dcgan"], metrics="fid,is", features=inception, count=12, real_count=12)
    assert set(found.scores) == {"fid", "is"} and found.scores["fid"].title == "FID"


@pytest.mark.slow
def test_pictures_that_another_filter_has_resized_go_in_behind_the_networks_own(inception):
    """At 299 pixels torch-fidelity's resizing does nothing: whole numbers must give the same features both ways."""
    network = Inception(inception, {})
    pixels = np.random.RandomState(0).randint(0, 256, (2, 3, 299, 299)).astype(np.float32)
    with torch.no_grad():
        direct = network._network(torch.from_numpy(pixels).to(torch.uint8))[0].numpy()
    assert np.allclose(network.compute(pixels)["features"], direct, atol=1e-5 * np.abs(direct).max())
    shifted = network.compute(pixels * 0.5 + 0.25)["features"]
    assert not np.allclose(shifted, direct)


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/ganzoo-was-here"),))


@pytest.mark.parametrize("content", ["pickle", "other tensors", "text", "a folder"])
def test_weights_that_are_none_are_said_and_never_run(tmp_path, content):
    path = tmp_path / "inception.pth"
    if content == "pickle":
        path.write_bytes(pickle.dumps({"fc.weight": Hostile()}))
    elif content == "other tensors":
        torch.save({"weight": torch.zeros(3)}, path)
    elif content == "text":
        path.write_text("no weights")
    else:
        path.mkdir()
    with pytest.raises(RequestError) as caught:
        Inception(path, {})
    assert str(path) in caught.value.message
    assert not Path("/tmp/ganzoo-was-here").exists()


def test_without_weights_the_three_ways_to_get_them_are_said(runs, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(RequestError) as caught:
        score(runs["dcgan"], metrics="fid", features=None)
    assert caught.value.message == (
        "inception-2015 needs weights that are not here: weights-inception-2015-12-05-6726825d.pth."
    )
    for way in ("--features inception-2015=PATH/", "ganzoo evaluate --fetch inception-2015", "efficientnet-lite0"):
        assert way in caught.value.hint
    with pytest.raises(RequestError, match="lpips-vgg16 needs weights that are not here") as caught:
        score(runs["dcgan"], metrics="ppl", features=None)
    assert "--perceptual PATH/vgg16-397923af.pth" in caught.value.hint


def test_weights_are_kept_only_where_their_hash_is_the_published_one(inception, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(GanzooError, match="What was read has the sha256 .* it is not kept"):
        gz.fetch_features("inception-2015", source=inception)
    assert not list(tmp_path.rglob("*.pth"))
    published = dataclasses.replace(
        weights.FILES["inception-2015"], sha256=Inception(inception, {}).identity()["sha256"]
    )
    monkeypatch.setitem(weights.FILES, "inception-2015", published)
    place = gz.fetch_features("inception-2015", source=inception)
    assert place.is_relative_to(tmp_path) and weights.find_weights("inception-2015", None) == place
    with pytest.raises(RequestError, match=r"There are no weights of 'resnet' to fetch"):
        gz.fetch_features("resnet")


def test_a_download_that_fails_says_what_else_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    unreachable = dataclasses.replace(weights.FILES["inception-2015"], url="http://127.0.0.1:9/none.pth")
    monkeypatch.setitem(weights.FILES, "inception-2015", unreachable)
    with pytest.raises(GanzooError) as caught:
        gz.fetch_features("inception-2015")
    assert "cannot be read" in caught.value.message and "--fetch inception-2015=" in caught.value.hint


def test_a_wheels_network_carries_its_name(runs):
    found = score(runs["dcgan"], metrics="fid,is", features="efficientnet-lite0", count=12, real_count=12)
    assert set(found.scores) == {"frechet@efficientnet-lite0", "class_score@efficientnet-lite0"}
    assert found.protocol["features"]["resize"] == "pil-bicubic"
    assert found.protocol["features"]["size"] == [224, 224]
    assert found.protocol["real"] == {**found.protocol["real"], "count": 12, "of": 1500, "chosen": "evenly spaced"}


def onnx_network(path, *, outputs=("features",), size=None, dtype="float32"):
    """The mean of each channel, and as `logits` twice that."""
    import onnx
    from onnx import TensorProto, helper

    kind = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8}[dtype]
    sides = ["n", 3, size or "h", size or "w"]
    nodes = [] if dtype == "float32" else [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT)]
    source = "x" if dtype == "float32" else "f"
    nodes += [helper.make_node("ReduceMean", [source], [name], axes=[2, 3], keepdims=0) for name in outputs]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, sides)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in outputs],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    onnx.save(model, path)
    return path


def test_an_onnx_file_of_ones_own_is_a_feature_network_once_its_range_is_declared(runs, tmp_path):
    path = onnx_network(tmp_path / "mine.onnx", outputs=("features", "logits"))
    with pytest.raises(RequestError, match="does not say what black and white are to it"):
        score(runs["dcgan"], metrics="fid", features=path, count=20)
    with pytest.raises(RequestError, match="has the outputs features, logits; which has the layer"):
        score(runs["dcgan"], metrics="fid", features=path, feature_options={"range": "0:1"}, count=20)
    options = {"range": "0:1", "layer": "features", "logits": "logits"}
    found = score(runs["dcgan"], metrics="fid,is", features=path, feature_options=options, count=20)
    assert all(re.fullmatch(r"\w+@mine-[0-9a-f]{8}", name) for name in found.scores)
    halved = score(runs["dcgan"], metrics="fid", features=path, feature_options={**options, "range": "0:2"}, count=20)
    assert halved["frechet"].value == pytest.approx(4 * found["frechet"].value, rel=1e-4)
    with pytest.raises(RequestError, match="They were not scored alike.*features.option.range: '0:1' and '0:2'"):
        gz.compare_evaluations(found, halved)
    eight = onnx_network(tmp_path / "eight.onnx", dtype="uint8", size=32)
    assert score(runs["dcgan"], metrics="fid", features=eight, count=20).protocol["features"]["size"] == [32, 32]
    with pytest.raises(RequestError, match="A feature file has no option 'rnage'. Did you mean 'range'"):
        score(runs["dcgan"], metrics="fid", features=path, feature_options={"rnage": "0:1"}, count=20)


def test_a_folder_of_pictures_is_judged_whoever_painted_them(pictures):
    same = score(pictures / "real", data=pictures / "real", metrics="fid,pr")
    blurred = score(pictures / "blurred", data=pictures / "real", metrics="fid,pr", features="efficientnet-lite0")
    assert abs(same["frechet"].value) < 1e-4 and same["precision"].value == 1.0
    assert blurred["frechet"].value > 1 and blurred["precision"].value < 0.5
    assert blurred.protocol["painted"]["format"] == "8 bits, not compressed with loss" and blurred.seeds == []
    assert blurred.protocol["real"]["pictures"] == "3x20"
    with pytest.raises(RequestError, match="paints the same pictures whatever the seed"):
        score(pictures / "blurred", data=pictures / "real", metrics="fid", repeats=2)
    with pytest.raises(RequestError, match="is a set of pictures: nothing of how they were painted"):
        score(pictures / "blurred", data=pictures / "real", metrics="fid", values={"psi": 1})


def test_pictures_of_several_sizes_want_one_stated(pictures, tmp_path):
    shutil.copytree(pictures / "real", tmp_path / "mixed")
    Image.new("RGB", (30, 20)).save(tmp_path / "mixed" / "zz.png")
    with pytest.raises(RequestError, match="are of several sizes: 20x20, 20x30"):
        score(tmp_path / "mixed", data=pictures / "real", metrics="fid")
    assert score(tmp_path / "mixed", data=pictures / "real", metrics="fid", settings={"data.size": 16}).scores


def test_labels_of_painted_pictures_are_those_of_the_real_ones(runs):
    found = score(runs["cgan"], metrics="fid-classes", count=300)
    assert found.protocol["painted"]["labels"] == "drawn from the real pictures'"
    assert set(found.classes) == set("0123456789")
    one = score(runs["cgan"], metrics="fid", count=30, labels="3")
    assert one.protocol["painted"]["labels"] == "class 3"
    with pytest.raises(RequestError, match="takes no labels"):
        score(runs["dcgan"], metrics="fid", count=30, labels="3")
    with pytest.raises(RequestError, match="The metric 'fid-classes' wants classes"):
        score(runs["dcgan"], metrics="fid-classes", count=30)


def test_a_protocol_can_be_repeated_and_what_differs_is_named(runs, tmp_path):
    path = tmp_path / "a.json"
    first = score(runs["dcgan"], metrics="kid", count=90, real_count=100, seed=5, out=path,
                  options={"kid.subsets": 7})  # fmt: skip
    again = gz.evaluate(runs["file"], data="digits", like=path, cache=False, progress=Quiet(), device="cpu")
    assert again.protocol == first.protocol and again.seeds == [5]
    heard = Quiet()
    gz.evaluate(runs["file"], data="digits", like=path, count=95, cache=False, progress=heard, device="cpu")
    assert any("painted.count: 90 there, 95 here" in line for line in heard.said)
    other = score(runs["dcgan"], metrics="kid", count=80, real_count=100)
    with pytest.raises(RequestError) as caught:
        gz.compare_evaluations(path, other)
    for name in ("painted.count: 90 and 80", "metrics.kid.subsets: 7 and 100"):
        assert name in caught.value.message
    assert "--like" in caught.value.hint


def test_two_runs_are_better_worse_or_undecided(pictures):
    """More repetitions than painted here can be: values as they would be."""
    from ganzoo.evaluation.estimates import Estimate
    from ganzoo.evaluation.result import ScoreRecord

    def of(**values):
        scores = {
            name: ScoreRecord(
                name=name, title=name, metric=name, better="higher" if name == "recall" else "lower",
                estimate=Estimate.of_repeats([Estimate(value=value) for value in some]),
            )
            for name, some in values.items()
        }  # fmt: skip
        return gz.Evaluation(subject={}, scores=scores, protocol={"repeats": 3})

    found = gz.compare_evaluations(
        of(fid=[10, 10.1, 9.9], recall=[0.5, 0.51, 0.49], kid=[1, 2, 3], swd=[1.0]),
        of(fid=[8, 8.1, 7.9], recall=[0.4, 0.41, 0.39], kid=[1.1, 2.1, 2.9], swd=[2.0]),
    )
    assert {one.name: one.verdict for one in found.scores} == {
        "fid": "better", "recall": "worse", "kid": "undecided", "swd": "undecided"
    }  # fmt: skip
    assert found["swd"].why.endswith("other seeds show it, --repeats 3")
    assert found["fid"].low < -2 < found["fid"].high


def test_wrong_verdicts_of_equal_runs_are_at_most_five_in_a_hundred():
    from ganzoo.evaluation.estimates import Estimate
    from ganzoo.evaluation.result import ScoreRecord

    random, wrong = np.random.RandomState(0), 0
    for _ in range(600):
        sides = [
            gz.Evaluation(
                subject={}, protocol={},
                scores={
                    str(index): ScoreRecord(
                        name=str(index), title="", metric="", better="lower",
                        estimate=Estimate.of_values(list(random.randn(3)), method=""),
                    )
                    for index in range(4)
                },
            )
            for _ in range(2)
        ]  # fmt: skip
        wrong += any(one.verdict != "undecided" for one in gz.compare_evaluations(*sides).scores)
    assert wrong / 600 < 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5


def test_features_of_real_pictures_are_kept_by_what_is_in_the_files(pictures, tmp_path, monkeypatch):
    from ganzoo.evaluation.networks.pixels import Pixels

    computed = []
    original = Pixels.compute
    monkeypatch.setattr(Pixels, "compute", lambda self, given: computed.append(len(given)) or original(self, given))
    cache = tmp_path / "cache"

    def judged(data):
        computed.clear()
        found = score(pictures / "blurred", data=data, metrics="fid", cache=cache)
        return sum(computed), found

    first, one = judged(pictures / "real")
    moved = shutil.copytree(pictures / "real", tmp_path / "elsewhere")
    second, two = judged(moved)
    assert (first, second) == (120, 60)
    assert one.scores["frechet@pixels"].to_json() == two.scores["frechet@pixels"].to_json()
    assert one.protocol == two.protocol
    (entry,) = cache.glob("reals-*")
    (entry / "features.npy").write_bytes(b"damaged")
    assert judged(moved)[0] == 120
    assert judged(moved)[0] == 60
    Image.new("RGB", (20, 20)).save(moved / "000.png")
    changed, three = judged(moved)
    assert changed == 120 and three.protocol["real"]["contents"] != one.protocol["real"]["contents"]
    assert not list(cache.glob(".partial-*"))


def test_a_translator_is_held_against_its_true_partners(tmp_path):
    run = gz.train(
        "pix2pix", data="digits-outline", preset="tiny", out=tmp_path / "run", steps=1, device="cpu", progress=Quiet()
    )
    found = score(run, metrics="pairs,fid", count=20, options={"pairs.crop": 2, "pairs.colour": "y"})
    assert {"psnr", "ssim", "l1", "frechet@pixels"} == set(found.scores)
    assert found["psnr"].count == 20 and found["psnr"].low < found["psnr"].value
    assert found.protocol["metrics"]["pairs"] == {"crop": 2, "colour": "y"}
    with pytest.raises(RequestError, match="The metric 'cycle' wants a translator with a way back"):
        score(run, metrics="cycle", count=4)
    with pytest.raises(RequestError, match="The metric 'ppl' wants a generator that paints from normal noise"):
        score(run, metrics="ppl", count=4, options={"ppl.distance": "features"})


@pytest.mark.slow
def test_a_cycle_is_held_against_what_it_was_given(tmp_path):
    run = gz.train(
        "cyclegan", data="digits-neon", preset="tiny", out=tmp_path / "run", steps=1, device="cpu", progress=Quiet()
    )
    found = score(run, metrics="cycle,fid", count=6)
    assert {"cycle_psnr", "cycle_ssim", "cycle_l1", "frechet@pixels"} == set(found.scores)
    back = score(run, metrics="cycle", count=6, direction="b2a")
    assert back.protocol["painted"]["direction"] == "b2a" and back["cycle_l1"].value != found["cycle_l1"].value
    files = [one.path for one in gz.export(run, progress=Quiet())]
    of_files = score(files, data="digits-neon", metrics="cycle", count=6)
    assert of_files["cycle_l1"].value == pytest.approx(found["cycle_l1"].value, rel=1e-3)
    with pytest.raises(RequestError, match="The metric 'pairs' wants true pictures"):
        score(run, metrics="pairs", count=4)


def test_path_length_of_a_linear_generator_is_the_closed_form():
    """Of x = A z between latents on a line: E |A (z2 - z1)|^2 = 2 |A|^2."""
    from ganzoo.evaluation.metric import Evidence, Latents, settings_of
    from ganzoo.evaluation.metrics.path_length import PathLength

    size, scale = 6, 1000.0
    matrix = np.random.RandomState(0).randn(3 * 4 * 4, size) * scale

    class AsTheyAre(gz.FeatureNetwork):
        name = "as-they-are"

        def identity(self):
            return {}

        def compute(self, pictures):
            return {"features": pictures.reshape(len(pictures), -1)}

    def paint(latents, labels):
        return (latents @ matrix.T).reshape(-1, 3, 4, 4).astype(np.float32)

    metric = PathLength()
    stated = {"distance": "features", "between": "lerp", "pairs": 3000, "trim": 0.0}
    options = settings_of(metric, stated, real=0, painted=0)
    found = metric.measure(Evidence(options=options, network=AsTheyAre(), latents=Latents(size, 0, paint)))["ppl"]
    assert found.low < 2 * (matrix**2).sum() < found.high
    assert found.high - found.low < 0.1 * found.value


def test_path_length_is_torch_fidelitys_of_the_same_generator_and_distance(runs):
    """Called directly, as people would: a generator, a distance, its own latents."""
    from torch_fidelity import GenerativeModelModuleWrapper, SampleSimilarityBase, register_sample_similarity
    from torch_fidelity.metric_ppl import calculate_ppl

    from ganzoo.evaluation.networks.pixels import Pixels
    from ganzoo.plugin.registry import installed_plugins
    from ganzoo.runs.trained import load_trained

    network, generator = Pixels(None, {}), load_trained(runs["dcgan"].path, installed_plugins(), say=print).architecture

    class Painter(torch.nn.Module):
        def forward(self, z):
            with torch.no_grad():
                return ((generator.generator(z) + 1) * 127.5).repeat(1, 3, 1, 1)

    class Distance(SampleSimilarityBase):
        def __init__(self, name, **named):
            super().__init__(name)

        def forward(self, one, other):
            sides = [torch.from_numpy(network.compute(side.numpy())["features"]).double() for side in (one, other)]
            return (sides[0] - sides[1]).square().sum(1).float()

    register_sample_similarity("of-the-test", Distance)
    size = generator.config.latent_size
    direct = calculate_ppl(
        1, input1=GenerativeModelModuleWrapper(Painter(), size, "normal", 0), input1_model_num_samples=24, cuda=False,
        ppl_sample_similarity="of-the-test", ppl_sample_similarity_resize=None, ppl_sample_similarity_dtype=None,
        ppl_z_interp_mode="slerp_any", ppl_epsilon=0.1, ppl_discard_percentile_lower=None,
        ppl_discard_percentile_higher=None, rng_seed=3, verbose=False, batch_size=16,
    )  # fmt: skip
    options = {"ppl.distance": "features", "ppl.pairs": 24, "ppl.epsilon": 0.1, "ppl.trim": 0.0}
    found = score(runs["dcgan"], metrics="ppl", count=4, seed=3, options=options)
    assert found["ppl"].value == pytest.approx(direct["perceptual_path_length_mean"], rel=1e-6)


def test_path_length_of_a_run_carries_the_networks_name(runs):
    found = score(runs["dcgan"], metrics="ppl", count=4, options={"ppl.distance": "features", "ppl.pairs": 20})
    assert set(found.scores) == {"ppl@pixels"} and found["ppl"].value > 0
    conditional = score(runs["cgan"], metrics="ppl", count=4, options={"ppl.distance": "features", "ppl.pairs": 20})
    assert conditional["ppl"].value > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_lpips_is_that_of_its_package_with_the_same_weights(tmp_path):
    import lpips
    import torchvision

    torch.manual_seed(0)
    trunk = torchvision.models.vgg16(weights=None)
    torch.save(trunk.state_dict(), tmp_path / "vgg16.pth")
    from ganzoo.evaluation.metrics.pairs import perceptual_distance

    ours = perceptual_distance(tmp_path / "vgg16.pth")
    theirs = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    for index, part in enumerate((theirs.net.slice1, theirs.net.slice2, theirs.net.slice3, theirs.net.slice4,
                                  theirs.net.slice5)):  # fmt: skip
        for name, layer in part.named_children():
            layer.load_state_dict(trunk.features[int(name)].state_dict())
        assert index < 5
    one, other = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.allclose(ours(one, other), theirs.eval()(one, other), atol=1e-6)
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(RequestError, match="holds other tensors than torchvision's VGG16"):
        perceptual_distance(tmp_path / "other.pth")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"metrics": "fdi"}, "There is no metric 'fdi'. Did you mean 'fid'"),
        ({"metrics": ""}, "metrics = '': expected names"),
        ({"metrics": "fid", "features": "incepton-2015"}, "There is no feature network 'incepton-2015'"),
        ({"metrics": "fid", "resize": "pil-bicubc", "features": "efficientnet-lite0"}, "There is no resize filter"),
        ({"metrics": "fid", "protocol": "fid50k"}, "There is no protocol 'fid50k'"),
        ({"metrics": "fid", "protocol": "stylegan", "like": "x.json"}, "like= and protocol= both state"),
        ({"metrics": "fid", "options": {"kid.subsets": 1}}, "Options are stated of 'kid', which is not asked for"),
        ({"metrics": "is"}, "The metric 'is' wants a network with classes, and pixels has none"),
        ({"metrics": "fid", "count": 0}, "count = 0: expected a whole number from 1"),
        ({"metrics": "fid", "real_count": 99_999}, "99,999 pictures are asked for, and there are 1,500"),
        ({"metrics": "fid", "out": "scores.txt"}, "expected a name that ends in .json or .html"),
        ({"metrics": "fid", "direction": "a2b"}, "--direction is for translation"),
        ({"metrics": "fid", "values": {"psi": 0.5}, "count": 4}, "has no input 'psi' that is a number"),
        ({"metrics": "kid", "count": 30, "options": {"kid.subset_size": 40}}, "kid of 100 subsets of 40: there are"),
    ],
)
def test_what_cannot_be_judged_is_said(runs, named, told):
    with pytest.raises(GanzooError) as caught:
        score(runs["dcgan"], **named)
    assert told in caught.value.message


def test_a_package_that_is_missing_is_named_with_its_extra(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.metric_fid", None)
    with pytest.raises(MissingPackageError) as caught:
        score(runs["dcgan"], metrics="fid", count=10)
    assert caught.value.hint == "pip install 'ganzoo[scores]'"


def test_nothing_is_written_over_that_ganzoo_did_not_write(runs, tmp_path):
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    with pytest.raises(RequestError, match="is there, and ganzoo did not write it"):
        score(runs["dcgan"], metrics="fid", count=10, out=tmp_path / "notes.json")
    place = tmp_path / "scores.json"
    for _ in range(2):
        score(runs["dcgan"], metrics="fid", count=10, out=place)
    assert gz.compare_evaluations(place, place)["frechet"].difference == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'{"kind": "ganzoo evaluation", "format": 9}', b"[" * 100_000, b"\xff\xfe",
     b'{"kind": "ganzoo evaluation", "format": 1, "scores": {"fid": {"value": "x", "better": "lower"}}}',
     b'{"kind": "ganzoo evaluation", "format": 1, "scores": {"fid": {"value": NaN, "better": "lower"}}}',
     b'{"kind": "ganzoo evaluation", "format": 1, "scores": {"fid": {"value": 1, "better": "up"}}}',
     b'{"kind": "ganzoo evaluation", "format": 1, "scores": {}, "subject": 7}'],
)  # fmt: skip
def test_what_is_no_evaluation_is_said(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(RequestError, match="is no evaluation"):
        gz.compare_evaluations(path, path)
    done = ganzoo_here("evaluate", path, path, "--compare")
    assert_clean(done, status=2)


def test_comparing_needs_no_torch(runs, tmp_path):
    for name in ("a", "b"):
        score(runs["dcgan"], metrics="kid,pr", count=60, out=tmp_path / f"{name}.json")
    code = (
        "import sys, ganzoo as gz; gz.compare_evaluations(*sys.argv[1:]); "
        "sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.json"), str(tmp_path / "b.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_command_tells_and_gates(runs, tmp_path):
    done = ganzoo("evaluate", runs["dcgan"].path, "--features", "pixels", "--metrics", "fid,kid", "-n", 60, "--json",
                  "--cache", "off", "-o", tmp_path / "a.json", "--device", "cpu")  # fmt: skip
    assert_clean(done, status=0)
    assert json.loads(done.stdout) == json.loads((tmp_path / "a.json").read_text())
    better = json.loads(done.stdout)
    for record in better["scores"].values():
        record.update(value=record["value"] - 100, error=0.01, low=0, high=0, freedom=9)
    for record in (worse := json.loads(done.stdout))["scores"].values():
        record.update(error=0.01, low=0, high=0, freedom=9)
    (tmp_path / "good.json").write_text(json.dumps(better))
    (tmp_path / "bad.json").write_text(json.dumps(worse))
    done = ganzoo("evaluate", "--compare", tmp_path / "good.json", tmp_path / "bad.json", "--fail-if-worse")
    assert done.returncode == 3 and "worse" in done.stdout
    assert_clean(
        ganzoo("evaluate", "--compare", tmp_path / "bad.json", tmp_path / "good.json", "--fail-if-worse"), status=0
    )
    assert ganzoo("evaluate").returncode == 2
    assert "--ask goes with --people" in ganzoo("evaluate", runs["dcgan"].path, "--ask", "real").stderr


def test_a_trial_is_made_by_the_command(runs, tmp_path):
    folder = tmp_path / "trial"
    done = ganzoo("evaluate", "--people", runs["dcgan"].path, runs["file"], "--data", "digits", "--ask", "better",
                  "--questions", 10, "--catch", 2, "-o", folder)  # fmt: skip
    assert_clean(done, status=0)
    key = json.loads((folder / "key.json").read_text())
    assert key["makers"] == ["dcgan", "generator"] and len(key["questions"]) == 12
    again = ganzoo("evaluate", "--people", runs["dcgan"].path, "-o", folder)
    assert again.returncode == 2 and "is not empty" in again.stderr
    answers = {"kind": "ganzoo answers", "format": 1, "trial": key["trial"], "judge": "ann", "answers": [
        {"question": one["name"], "chosen": one["catch"] or one["shown"][one["makers"].index("dcgan")]}
        for one in key["questions"]]}  # fmt: skip
    (tmp_path / "ann.json").write_text(json.dumps(answers))
    done = ganzoo("evaluate", "--judged", folder, tmp_path / "ann.json")
    assert_clean(done, status=0)
    assert "dcgan over generator" in done.stdout and "10 to 0 questions, 0 ties" in done.stdout
    assert ganzoo("evaluate", "--judged", folder).returncode == 2


HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="apt-get install chromium")
def test_the_page_opens_in_a_browser_and_runs_nothing(runs, tmp_path):
    from ganzoo.evaluation.page import text

    place = tmp_path / "page.html"
    score(runs["cgan"], metrics="fid,pr,fid-classes", count=300, out=place)
    page = place.read_text()
    assert "<script" not in page and "<" not in text(HOSTILE).replace("&lt;", "") and "\x1b" not in text(HOSTILE)
    probe = tmp_path / "probe.html"
    probe.write_text(
        '<!doctype html><iframe id="f" src="page.html" style="width:400px;height:800px;border:0"></iframe>'
        '<pre id="out"></pre><script>addEventListener("load", () => { const page = '
        'document.getElementById("f").contentDocument; document.getElementById("out").textContent = JSON.stringify({'
        "wide: page.documentElement.scrollWidth,"
        "headings: [...page.querySelectorAll('h2')].map((one) => one.textContent),"
        "broken: [...page.images].filter((one) => !one.naturalWidth).length,"
        "images: page.images.length }); });</script>"
    )
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
         "--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom", f"file://{probe}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = json.loads(re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)[1])
    assert found["wide"] <= 400 and found["broken"] == 0 and found["images"] >= 5
    assert {"Scores", "Painted and real", "Nearest real pictures", "Most and least real", "Classes", "Protocol"} <= set(
        found["headings"]
    )


def test_two_processes_give_the_number_of_one(runs, tmp_path):
    """Under torchrun, on gloo."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29631", "-m",
               "ganzoo", "evaluate", str(runs["dcgan"].path), "--features", "pixels", "--metrics", "fid,kid,pr", "-n",
               "230", "--device", "cpu", "--cache", "off", "-o", str(tmp_path / "two.json")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    one = score(runs["dcgan"], metrics="fid,kid,pr", count=230)
    two = json.loads((tmp_path / "two.json").read_text())
    assert two["computed"]["processes"] == 2
    for name, record in one.scores.items():
        assert two["scores"][name]["value"] == pytest.approx(record.estimate.value, rel=1e-6, abs=1e-6)
    assert two["protocol"] == json.loads(json.dumps(one.protocol))


def test_a_training_is_scored_by_a_metric_and_keeps_the_best_by_it(tmp_path):
    """Recall, which is better when it is higher."""
    from ganzoo.runs import checkpoint as checkpoints

    run = gz.train(
        "dcgan", data="digits", preset="tiny", out=tmp_path / "run", steps=12, device="cpu", progress=Quiet(),
        settings={"train.score": "dc,fid", "train.score_features": "pixels", "train.score_count": 64,
                  "train.checkpoint_every_kimg": 0.024, "train.keep_checkpoints": 9, "data.size": 16},
    )  # fmt: skip
    lines = {line["step"]: line["score.pixels.density"] for line in run.metrics() if "score.pixels.density" in line}
    assert len(lines) >= 4 and any("score.pixels.frechet" in line for line in run.metrics())
    best = checkpoints.best(run.path / "checkpoints")
    most = max(lines.values())
    assert lines[best.step] == most and best.step == max(step for step, value in lines.items() if value == most)
    assert best.state()["score_of"] == "score.pixels.density"


def test_scores_of_another_kind_do_not_decide_about_the_best(tmp_path):
    from ganzoo.runs import checkpoint as checkpoints

    states = {
        1: {"score": 0.001},
        2: {"score": 0.9, "score_of": "score.fid"},
        3: {"score": 0.7, "score_of": "score.fid"},
        4: {"score": None, "score_of": "score.fid"},
    }
    for step, state in states.items():
        place = tmp_path / "run" / "checkpoints" / f"step-{step:08d}"
        place.mkdir(parents=True)
        (place / "state.json").write_text(json.dumps({"step": step, **state}))
    assert [item.step for item in checkpoints._by_score(tmp_path / "run" / "checkpoints")] == [3, 2]


def test_a_metric_that_a_training_cannot_have_is_refused_before_it(tmp_path):
    with pytest.raises(RequestError, match="'ppl' is of steps between latents, and no training is scored by that"):
        gz.train("dcgan", data="digits", preset="tiny", out=tmp_path / "run", steps=1, device="cpu", progress=Quiet(),
                 settings={"train.score": "ppl"})  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_fall_and_a_stall_are_said_once():
    from ganzoo.training.collapse import CollapseWatch

    watch, said = CollapseWatch(), []
    for recall in (0.6, 0.5, 0.25, 0.2, 0.2, 0.2):
        said += watch.look({"score.fid": 1.0, "score.recall": recall, "kimg": 1.0})
    assert len(said) == 1 and said[0].startswith("recall has fallen to 0.20 from 0.60")
    for _ in range(20):
        said += watch.look({"score.fid": 2.0, "kimg": 9.0})
    assert len(said) == 2 and "fid has found nothing better than 1 (at 1 kimg)" in said[1]


def test_labels_are_part_of_what_is_kept_and_compared(pictures, tmp_path):
    """Features kept without labels serve no metric of classes; other labels of the same files are others."""
    folders = {}
    for name, share in (("one", 2), ("two", 3)):
        folders[name] = tmp_path / name
        for index, path in enumerate(sorted((pictures / "real").iterdir())):
            place = folders[name] / ("a" if index % share else "b")
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place / path.name)
    common = {"cache": tmp_path / "cache", "options": {"fid-classes.least": 5}, "settings": {"data.labels": "folders"}}
    plain = {key: value for key, value in common.items() if key != "options"}
    score(folders["one"], data=folders["one"], metrics="fid", cache=tmp_path / "cache")
    found = [score(folders["one"], data=folders[name], metrics="fid-classes", **common) for name in ("one", "two")]
    assert found[0]["fid_classes"].value < found[1]["fid_classes"].value
    with pytest.raises(RequestError, match=r"real\.labels"):
        gz.compare_evaluations(*found)
    assert score(folders["one"], data=folders["one"], metrics="fid", **plain).scores


def test_what_a_translator_was_given_is_part_of_its_protocol(tmp_path, pictures):
    run = gz.train(
        "cyclegan", data="digits-neon", preset="tiny", out=tmp_path / "run", steps=1, device="cpu", progress=Quiet()
    )
    found = [
        score(run, data=pictures / first, target=pictures / "real", metrics="cycle", count=4, real_count=4)
        for first in ("real", "blurred")
    ]
    with pytest.raises(RequestError, match=r"painted\.given"):
        gz.compare_evaluations(*found)


@pytest.mark.parametrize("damage", ["row", "labels", "contents"])
def test_a_damaged_entry_is_made_anew(pictures, tmp_path, damage):
    cache = tmp_path / "cache"
    whole = score(pictures / "blurred", data=pictures / "real", metrics="fid", cache=cache)
    (entry,) = cache.glob("reals-*")
    if damage == "row":
        content = bytearray((entry / "features.npy").read_bytes())
        content[400:404] = b"\x00\x00\xc0\x7f"
        (entry / "features.npy").write_bytes(content)
    elif damage == "labels":
        np.save(entry / "labels.npy", np.arange(3))
    else:
        (entry / "contents.json").write_text("[")
    again = score(pictures / "blurred", data=pictures / "real", metrics="fid", cache=cache)
    assert again["frechet"] == whole["frechet"]


@pytest.mark.parametrize("setting", ["size", "channels", "load_size"])
def test_the_size_of_a_runs_pictures_is_not_to_be_stated(runs, setting):
    value = {"size": 64, "channels": 3, "load_size": 80}[setting]
    settings = {f"data.{setting}": value, **({"data.size": 64} if setting == "load_size" else {})}
    with pytest.raises(RequestError, match=r"the pictures of a run come as its networks see them"):
        score(runs["dcgan"], metrics="fid", count=20, settings=settings)
    if setting == "size":
        with pytest.raises(RequestError, match="data.size is stated, and .* paints pictures of 16x16"):
            score(runs["file"], data="digits", metrics="fid", count=20, settings=settings)


def test_mirror_images_of_the_settings_are_left_out(runs):
    assert score(runs["dcgan"], metrics="fid", count=20, settings={"data.flip": True}).protocol["real"]["of"] == 1500


def test_pictures_that_are_there_twice_are_no_new_ones(pictures, tmp_path):
    for index, path in enumerate(sorted((pictures / "real").iterdir())[:20]):
        for copy in "ab":
            (tmp_path / "twice").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "twice" / f"{index}{copy}.png")
    found = score(tmp_path / "twice", data=tmp_path / "twice", metrics="authenticity,dc")
    assert found["authenticity"].value == 0 and found["novelty"].value == 0 and found["coverage"].value == 1
    (tmp_path / "flat").mkdir()
    for index in range(10):
        Image.new("RGB", (20, 20), "red").save(tmp_path / "flat" / f"{index}.png")
    with pytest.raises(GanzooError, match="The real pictures are all the same"):
        score(tmp_path / "twice", data=tmp_path / "flat", metrics="authenticity")


def test_a_run_and_its_own_pictures_as_png_are_compared(runs, tmp_path):
    pictures = gz.load(runs["dcgan"]).sample(range(60))
    (tmp_path / "png").mkdir()
    for index, picture in enumerate(pictures):
        picture.save(tmp_path / "png" / f"{index:03}.png")
    one = score(runs["dcgan"], metrics="kid", count=60)
    two = score(tmp_path / "png", data="digits", metrics="kid")
    assert gz.compare_evaluations(one, two)["kernel_distance"].difference == 0


def test_a_metric_that_spoils_its_evidence_spoils_nothing_else(runs):
    class Spoiler(gz.Metric):
        name = "spoiler"
        scores = {"spoilt": gz.ScoreInfo(title="x", better="lower")}  # noqa: RUF012

        def measure(self, evidence):
            evidence.real.moments().mean[:] = 100
            return {"spoilt": gz.Estimate(value=1.0)}

    with pytest.raises(GanzooError, match="read-only"):
        score(runs["dcgan"], metrics=[Spoiler(), "fid"], count=20)

    class Twin(gz.Metric):
        name = "twin"
        scores = {"fid": gz.ScoreInfo(title="x", better="lower")}  # noqa: RUF012

        def measure(self, evidence):
            return {"fid": gz.Estimate(value=1.0)}

    with pytest.raises(RequestError, match="'fid' and 'twin' both give the score 'fid'"):
        score(runs["dcgan"], metrics=["fid", Twin()], count=20)


@pytest.mark.parametrize("returned", [np.float32(1.5), 1.5, "x", None, np.zeros(3), float("nan")])
def test_what_a_metric_gives_is_a_number_or_an_error(runs, returned, tmp_path):
    class Odd(gz.Metric):
        name = "odd"
        scores = {"odd": gz.ScoreInfo(title="x", better="lower")}  # noqa: RUF012

        def measure(self, evidence):
            return {"odd": gz.Estimate(value=returned)}

    if (isinstance(returned, float) and returned == 1.5) or isinstance(returned, np.float32):
        place = tmp_path / "a.json"
        assert score(runs["dcgan"], metrics=[Odd()], count=10, out=place)["odd"].value == 1.5
        assert gz.compare_evaluations(place, place)["odd"].difference == 0
    else:
        with pytest.raises(GanzooError, match="gave odd"):
            score(runs["dcgan"], metrics=[Odd()], count=10)


@pytest.mark.parametrize(
    "made",
    [None, [1, 2], {"features": np.zeros((50, 0), np.float32)}, {"features": np.full((50, 2), "x")},
     {"features": np.full((50, 2), 1e300)}, {"features": np.zeros((3, 2), np.float32)}],
)  # fmt: skip
def test_what_a_network_gives_is_features_or_an_error(runs, made):
    class Odd(gz.FeatureNetwork):
        name = "odd"

        def identity(self):
            return {}

        def compute(self, pictures):
            return made

    with pytest.raises(GanzooError, match="The feature network odd gave"):
        score(runs["dcgan"], metrics="fid", features=Odd(), count=50, real_count=50)


def test_what_does_not_go_together_is_refused(runs):
    lines = ("--compare a b --data x", "--people a -o t --metrics fid", "--judged t -o x.json",
             "--fetch inception-2015 a", "--serve t --json")  # fmt: skip
    for line in lines:
        done = ganzoo_here("evaluate", *line.split())
        assert_clean(done, status=2)
        assert "does not go with" in done.stderr


def test_asked_to_end_it_takes_its_temporary_files_with_it(runs, tmp_path):
    import signal
    import time

    environment = {**__import__("os").environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "ganzoo", "evaluate", str(runs["dcgan"].path), "--features", "efficientnet-lite0",
               "--metrics", "fid", "--cache", "off", "--device", "cpu"]  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509  # as in the background
    )  # fmt: skip
    until = time.monotonic() + 120
    while not list(tmp_path.glob("ganzoo-evaluate-*/reals/features.npy")) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130 and not list(tmp_path.glob("ganzoo-evaluate-*"))
