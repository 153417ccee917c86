"""The verbs as functions: what they give, what they refuse, and how they tell how far they are."""

import json
import signal
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import ganzoo
from PIL import Image

import ganzoo as gz
from ganzoo.errors import CheckpointError, DataError, RequestError

BASELINES = Path(__file__).parent / "baselines" / "runs"


class Heard:
    def __init__(self):
        self.progress, self.said = [], []

    def update(self, progress):
        self.progress.append(progress)

    def say(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def heard():
    return Heard()


@pytest.fixture(scope="module")
def run(tmp_path_factory, heard):
    out = tmp_path_factory.mktemp("api") / "run"
    return gz.train(
        "dcgan", data="digits", out=out, preset="tiny", steps=6, settings={"train.log_every_steps": 2}, progress=heard
    )


def test_training_gives_a_run_that_says_how_it_went(run, heard):
    assert run.architecture == "dcgan" and not run.interrupted
    assert run.outcome.finished and run.outcome.steps == 6 and run.outcome.leads
    assert [record["step"] for record in run.metrics()] == [2, 4, 6]
    assert [checkpoint.step for checkpoint in run.checkpoints] == [6]
    assert [(item.done, item.total, item.unit) for item in heard.progress] == [
        (2, 6, "steps"),
        (4, 6, "steps"),
        (6, 6, "steps"),
    ]
    assert heard.progress[-1].values["kimg"] == run.metrics()[-1]["kimg"] and heard.progress[0].seconds_left >= 0
    again = gz.open_run(run.path)
    assert again.config.tables() == run.config.tables() and again.outcome is None and again.metrics() == run.metrics()


def test_a_run_can_be_gone_on_with(run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    longer = gz.resume(copy, steps=8, progress=Heard())
    assert longer.outcome.steps == 8 and [item.step for item in longer.checkpoints] == [8, 6]
    with pytest.raises(RequestError, match="cannot change on resume"):
        gz.resume(longer, settings={"latent_size": 3})


def test_settings_of_python_are_those_of_the_command_line(tmp_path):
    plain = gz.train(
        "dcgan", data="digits", out=tmp_path / "a", preset="tiny", steps=1, batch_size=4, progress=Heard(),
        settings={"width": 8, "train.seed": 3, "data": {"flip": True}},
    )  # fmt: skip
    done = ganzoo(
        "train", "dcgan", "--data", "digits", "--out", tmp_path / "b", "--preset", "tiny", "--steps", 1,
        "--batch-size", 4, "--set", "width=8", "--set", "train.seed=3", "--set", "data.flip=true",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert gz.open_run(tmp_path / "b").config.tables() == plain.config.tables()
    for settings, message in (
        ({"widht": 8}, "has no key 'widht'"),
        ({"trian.seed": 3}, "no table 'trian'. Did you mean 'train'"),
        ("width=8", "expected a mapping"),
    ):
        with pytest.raises(RequestError, match=message):
            gz.train("dcgan", data="digits", out=tmp_path / "c", settings=settings)
    assert not (tmp_path / "c").exists()


def test_where_nobody_listens_messages_are_warnings(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gz.train("stylegan", data="digits", out=tmp_path / "run", preset="tiny", steps=1)
    told = [warning for warning in caught if issubclass(warning.category, gz.GanzooWarning)]
    assert any("the pictures grow to" in str(warning.message) for warning in told)
    assert not any(str(warning.message).startswith("warning") for warning in told)
    assert {Path(warning.filename).name for warning in told} == {"test_api.py"}  # whose call it was


@pytest.mark.parametrize("progress", [print, Heard, "bar", object()])
def test_a_listener_that_cannot_be_told(tmp_path, progress):
    with pytest.raises(RequestError, match=r"update\(progress\) and say\(text\)"):
        gz.train("dcgan", data="digits", out=tmp_path / "run", progress=progress)
    assert not (tmp_path / "run").exists()


def test_an_interrupt_saves_and_gives_the_run(tmp_path):
    class Impatient(Heard):
        def update(self, progress):
            super().update(progress)
            if progress.done == 2:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = gz.train(
        "dcgan", data="digits", out=tmp_path / "run", preset="tiny", steps=500, progress=Impatient(),
        settings={"train.log_every_steps": 1},
    )  # fmt: skip
    assert run.interrupted and run.outcome.steps < 500 and run.checkpoints[0].step == run.outcome.steps
    assert signal.getsignal(signal.SIGINT) is before
    assert not gz.resume(run, steps=run.outcome.steps + 1, progress=Heard()).interrupted


def test_training_in_a_thread(tmp_path):
    """A notebook's or a service's: signals are handled by the main thread alone."""
    results = []

    def work():
        results.append(gz.train("dcgan", data="digits", out=tmp_path / "run", preset="tiny", steps=2, progress=Heard()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results[0].outcome.finished


def test_a_run_and_its_file_are_the_same_model(run):
    (exported,) = gz.export(run, progress=Heard())
    assert exported.path in gz.open_run(run.path).exports and gz.verify(exported.path).holds
    models = [gz.load(source) for source in (run, run.path, str(run.path), exported.path, exported.path.parent)]
    assert models[0].run.path == run.path and models[0].step == 6 and models[3].run is None
    pictures = [model.sample([5, 6, 5]) for model in models]
    for other in pictures:
        assert other.pixels.shape == (3, 16, 16, 1) and other.pixels.dtype == np.uint8
        assert np.abs(other.pixels.astype(int) - pictures[0].pixels.astype(int)).max() <= 1
        assert (other.pixels[0] == other.pixels[2]).all()
    assert repr(models[3]).startswith("<Model ") and "generator" in repr(models[3])


def test_pictures(run, tmp_path):
    pictures = gz.load(run).sample(range(5))
    assert np.asarray(pictures).shape == (5, 16, 16, 1) and np.array(pictures, dtype=float).max() <= 255
    assert len(pictures) == 5 and pictures[0].size == (16, 16) and pictures[-1].size == (16, 16)
    assert len(pictures[1:3]) == 2 and [image.mode for image in pictures] == ["L"] * 5
    with pytest.raises(IndexError):
        pictures[5]
    assert pictures._repr_png_().startswith(b"\x89PNG") and repr(pictures) == "<5 pictures of 1x16x16>"
    assert Image.open(pictures.save(tmp_path / "deep" / "grid.png", columns=5)).size == (80, 16)
    assert [path.name for path in pictures.save_each(tmp_path / "each")] == [f"000{n}.png" for n in range(5)]
    assert Image.open(pictures.save_animation(tmp_path / "a.gif", fps=10)).n_frames >= 2
    (tmp_path / "file").write_text("")
    for name, message in (("grid.txt", "does not end like a picture"), ("file/grid.png", "cannot be written")):
        with pytest.raises(RequestError, match=message):
            pictures.save(tmp_path / name)
    copy = np.array(pictures, copy=True)
    copy[:] = 0
    assert pictures.pixels.any()


def test_labels_values_walks_and_mixes():
    cgan, style = gz.load(BASELINES / "cgan"), gz.load(BASELINES / "stylegan2")
    three = cgan.sample([1, 2], label=3)
    assert (three.pixels == cgan.sample([1, 2], label="3").pixels).all()
    assert (cgan.sample([1, 2], label=[3, 5]).pixels == cgan.sample([1, 2], label="3, 5").pixels).all()
    assert len(cgan.sample(range(10), label="all")) == 10
    for label in (10, "cat", -1, [], "3,"):
        with pytest.raises(RequestError, match="expected class indices from 0 to 9"):
            cgan.sample([1], label=label)
    with pytest.raises(RequestError, match="takes no labels"):
        style.sample([1], label=3)
    assert (style.sample([1], values={"truncation_psi": 0.5}).pixels != style.sample([1]).pixels).any()
    walk = style.walk([1, 2], frames=3)
    assert len(walk) == 6 and (walk.pixels[0] == style.sample([1]).pixels[0]).mean() > 0.99
    table = style.mix([1, 2], [3, 4, 5])
    assert len(table) == 12 and table.columns == 4 and style.layers > 2
    for call, message in (
        (lambda: style.sample([]), "at least one"),
        (lambda: style.sample([-1]), "each from 0"),
        (lambda: style.sample(7), "expected whole numbers"),
        (lambda: style.walk([1, 2], frames=0), "goes nowhere"),
        (lambda: style.mix([1], [2], layers=[99]), "has the layers 0 to"),
        (lambda: cgan.mix([1], [2]), "has no styles to mix"),
        (lambda: style.sample([1], values={"psi": 1}), "Did you mean|no input 'psi'"),
        (lambda: style.translate("x.png"), "paints from noise"),
    ):
        with pytest.raises(RequestError, match=message):
            call()


def test_translating():
    model = gz.load(BASELINES / "cyclegan")
    assert model.translates and model.directions == ["a2b", "b2a"]
    array = np.random.RandomState(0).randint(256, size=(2, 20, 12, 3)).astype(np.uint8)
    both = model.translate(array)
    assert both.pixels.shape == (2, 20, 12, 3)
    assert (model.translate(Image.fromarray(array[0])).pixels[0] == both.pixels[0]).all()
    assert (model.translate([array[0], Image.fromarray(array[1])]).pixels == both.pixels).all()
    assert (model.translate(both).pixels.shape == both.pixels.shape) and model.translate(array[0, :, :, 0]).pixels.any()
    assert (model.translate(array, direction="b2a").pixels != both.pixels).any()
    assert model.translate([array[0], array[1, :8]], size=16).pixels.shape == (2, 16, 16, 3)
    files = gz.load(BASELINES / "cyclegan" / "exports")
    assert np.abs(files.translate(array).pixels.astype(int) - both.pixels.astype(int)).max() <= 1
    for call, kind, message in (
        (lambda: model.sample([1]), RequestError, r"translates pictures.*\n.*model.translate"),
        (lambda: model.walk([1, 2]), RequestError, "translates pictures"),
        (lambda: model.translate(array, direction="c2d"), RequestError, "Directions: a2b, b2a"),
        (lambda: model.translate([array[0], array[1, :8]]), RequestError, "several sizes: 20x12, 8x12"),
        (lambda: model.translate([]), RequestError, "No picture is given"),
        (lambda: model.translate(array.astype(float)), RequestError, "expected uint8"),
        (lambda: model.translate(3), RequestError, "is no picture"),
        (lambda: model.translate("nowhere.png"), DataError, "cannot be read"),
    ):
        with pytest.raises(kind, match=message):
            call()


def test_what_cannot_be_loaded_together(run, tmp_path):
    import shutil

    (file,) = gz.export(run, out=tmp_path / "files", progress=Heard())
    gz.export(run, out=tmp_path / "files", output="uint8", progress=Heard())
    with pytest.raises(
        RequestError, match=r"2 of the files hold the graph 'generator': generator.onnx, generator_uint8"
    ) as caught:
        gz.load(tmp_path / "files")
    assert "Name the one" in caught.value.hint
    assert gz.load(tmp_path / "files" / "generator_uint8.onnx").sample([1]).pixels.dtype == np.uint8
    other = BASELINES / "stylegan2" / "exports" / "mapping.onnx"
    with pytest.raises(RequestError, match="different architectures"):
        gz.load([file.path, other])
    (tmp_path / "empty").mkdir()
    for source, message in (
        (tmp_path / "empty", "neither a run nor an ONNX file"),
        ([run.path, file.path], "can be sampled at once"),
        ([], "Nothing is named"),
    ):
        with pytest.raises(RequestError, match=message):
            gz.load(source)
    with pytest.raises(RequestError, match="--checkpoint goes with a run"):
        gz.load(file.path, checkpoint="last")
    with pytest.raises(RequestError, match="no checkpoint '3'"):
        gz.load(run, checkpoint=3)
    shutil.copy(BASELINES / "stylegan2" / "exports" / "synthesis.onnx", tmp_path / "empty")
    shutil.copy(other, tmp_path / "empty")
    assert gz.load(tmp_path / "empty").layers > 2


def test_measuring(run, tmp_path):
    (file,) = gz.export(run, out=tmp_path, progress=Heard())
    heard = Heard()
    result = gz.bench(file.path, dims={"batch": [1, 4]}, repeats=1, max_seconds=2, progress=heard)
    assert [case["batch"] for case in result.cases] == [1, 4]
    assert [(item.done, item.total) for item in heard.progress] == [(0, 2), (1, 2)]
    assert json.loads(result.save(tmp_path / "r.json").read_text()) == result.document
    assert repr(result).splitlines()[0].startswith("model") and len(repr(result).splitlines()) == 3
    with pytest.raises(RequestError, match="cannot be written"):
        result.save(tmp_path / "nowhere" / "r.json")
    for dims, message in (({"bacth": 1}, "no dimension|has a dimension 'bacth'"), ({"batch": []}, "one or several")):
        with pytest.raises(RequestError, match=message):
            gz.bench(file.path, dims=dims)


def test_dimensions_of_any_name_are_swept(tmp_path):
    from onnx import TensorProto, helper
    from test_bench import save

    from ganzoo.runtime.latency.inputs import InputRequest, sweep_cases

    file = save(
        tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        outputs=(("y", ["n", 3, "h", "w"]),),
    )  # fmt: skip
    cases = sweep_cases(file, InputRequest(dims={"h": [8, 16], "w": [4]}, batches=(1, 2)))
    assert [case["x"] for case in cases] == [(1, 3, 8, 4), (2, 3, 8, 4), (1, 3, 16, 4), (2, 3, 16, 4)]


def test_building(run):
    import torch

    state = torch.random.get_rng_state()
    network = gz.build("dcgan", size=32, channels=1, settings={"width": 8}, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    z = torch.randn(2, network.config.latent_size)
    assert network.generator(z).shape == (2, 1, 32, 32)
    with pytest.raises(RequestError, match="paints pictures of"):
        gz.build("dcgan", size=33)
    with pytest.raises(RequestError, match="There is no architecture 'dcgam'. Did you mean 'dcgan'"):
        gz.build("dcgam")


def test_info_is_what_the_command_line_prints():
    assert {spec.task for spec in gz.list_architectures() if spec.name == "cgan"} == {"noise-to-image"}
    told = gz.info("cgan")
    assert told.spec.name == "cgan" and {"architecture", "train", "data"} == set(told.settings)
    assert json.loads(ganzoo("info", "cgan", "--json").stdout) == json.loads(json.dumps(told.to_json()))


def test_a_class_of_a_script_is_trained_and_its_run_says_where_it_is_from(tmp_path):
    from torch import nn

    from ganzoo.architecture import NoiseToImage
    from ganzoo.config import NoiseToImageConfig

    class TwoLayers(NoiseToImage):
        """Two linear layers."""

        config: NoiseToImageConfig

        def build_generator(self):
            shape = (self.data.channels, self.data.size, self.data.size)
            return nn.Sequential(nn.Linear(self.config.latent_size, np.prod(shape)), nn.Tanh(), nn.Unflatten(1, shape))

        def build_discriminator(self):
            return nn.Sequential(nn.Flatten(), nn.Linear(self.data.channels * self.data.size**2, 1))

    offer = gz.register(TwoLayers)
    assert offer.qualified_name == "__main__:two-layers" and offer.spec.summary == "Two linear layers."
    assert gz.register(TwoLayers, presets={}).spec == offer.spec  # again, as a notebook's cell does
    assert [item.name for item in gz.list_architectures()].count("two-layers") == 1
    assert gz.info("two-layers").spec.task == "noise-to-image"
    run = gz.train(
        "two-layers", data="digits", out=tmp_path / "run", steps=2, batch_size=4, progress=Heard(),
        settings={"data.size": 16, "train.score_count": 0},
    )  # fmt: skip
    assert gz.load(run).sample([1]).pixels.shape == (1, 16, 16, 1)
    assert gz.export(run, progress=Heard())[0].path.exists() and gz.open_run(run.path).architecture == "two-layers"
    done = ganzoo("export", run.path)
    assert done.returncode == 2 and "which a script or notebook registered" in done.stderr
    assert "ganzoo.register(...), under the name 'two-layers'" in done.stderr
    assert ganzoo("sample", run.exports[0], "-o", tmp_path / "x.png").returncode == 0  # the file needs nobody
    for wrong, message in ((int, "is no Architecture"), ("dcgan", "expected an ArchitectureSpec or a class")):
        with pytest.raises(RequestError, match=message):
            gz.register(wrong)
    with pytest.raises(RequestError, match="lower-case letters"):
        gz.register(TwoLayers, name="Two Layers")


def test_a_directory_that_is_no_run(tmp_path):
    for verb in (gz.open_run, gz.resume, gz.export):
        with pytest.raises(CheckpointError, match="is not a run|is not there"):
            verb(tmp_path)
    assert not any(tmp_path.iterdir())
