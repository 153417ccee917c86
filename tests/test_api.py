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
    assert pictures._repr_png_().startswith(b"\x89PNG") and repr(pictures) == "<5 pictures, 16x16, grey>"
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
        (lambda: style.sample([1], values={"phi": 1}), "Did you mean|no input 'phi'"),
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
        RequestError, match=r"2 of the files hold the graph 'generator': .*generator.onnx, .*generator_uint8"
    ) as caught:
        gz.load(tmp_path / "files")
    assert "Name the one" in caught.value.hint
    assert gz.load(tmp_path / "files" / "generator_uint8.onnx").sample([1]).pixels.dtype == np.uint8
    other = BASELINES / "stylegan2" / "exports" / "mapping.onnx"
    with pytest.raises(RequestError, match="different architectures"):
        gz.load([file.path, other])
    (tmp_path / "empty").mkdir()
    for source, message in (
        ([run.path, file.path], "can be sampled at once"),
        ([], "Nothing is named"),
    ):
        with pytest.raises(RequestError, match=message):
            gz.load(source)
    with pytest.raises(CheckpointError, match="is not a run: it has no config.toml"):
        gz.load(tmp_path / "empty")
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
    result = gz.bench(file.path, dims={"batch": [1, 4]}, repeats=1, least_seconds=0.3, max_seconds=30, progress=heard)
    assert [case["batch"] for case in result.cases] == [1, 4]
    assert [(item.done, item.total) for item in heard.progress] == [(0, 2), (1, 2), (2, 2)]
    assert json.loads(result.save(tmp_path / "r.json").read_text()) == result.document
    assert repr(result).splitlines()[0].startswith("model") and len(repr(result).splitlines()) == 3
    with pytest.raises(RequestError, match="cannot be written"):
        result.save(tmp_path / "r.json" / "r.json")
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
    assert "ganzoo.register(...) first, under the name 'two-layers'" in done.stderr
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


def test_threads_leave_stdout_as_it_was(run, tmp_path):
    """Plugins' prints are kept off stdout while they load, and exporters'; several at once must not lose it."""
    import sys

    before, failed = sys.stdout, []

    def work(number):
        try:
            gz.build("dcgan", preset="tiny")
            gz.export(run, out=tmp_path / f"{number}.onnx", progress=Heard())
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and sys.stdout is before
    assert len({path.read_bytes() for path in tmp_path.glob("*.onnx")}) == 1


def test_a_listener_that_fails_stops_nothing(run, tmp_path):
    class Broken:
        def update(self, progress):
            raise OSError("the terminal went away")

        def say(self, text):
            raise SystemExit(3)

    with pytest.warns(gz.GanzooWarning, match="is told no more: OSError: the terminal"):
        (exported,) = gz.export(run, out=tmp_path, progress=Broken())
    with pytest.warns(gz.GanzooWarning, match="is told no more"):
        assert gz.bench(exported, repeats=1, least_seconds=0.3, max_seconds=30, progress=Broken()).cases
    with pytest.warns(gz.GanzooWarning, match="is told no more"):
        done = gz.train("stylegan", data="digits", out=tmp_path / "run", preset="tiny", steps=1, progress=Broken())
    assert done.outcome.finished


def test_what_is_said_is_a_warning_and_what_is_reported_is_not(run, tmp_path):
    import shutil

    shutil.copytree(run.path, tmp_path / "copy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        longer = gz.resume(tmp_path / "copy", steps=40)
    assert longer.steps == 40
    with pytest.raises(RequestError, match="is at step 40 already, beyond the 3 that are asked for"):
        gz.resume(longer, steps=3)
    assert gz.open_run(longer.path).config.train.steps == 40


def test_what_verbs_give_verbs_take(run, tmp_path):
    exported = gz.export(gz.load(run), out=tmp_path, progress=Heard())
    assert gz.verify(exported[0]).holds and gz.inspect(exported[0])["opset"] == 18
    assert gz.load(exported).sample([1]).pixels.any() and gz.load(exported[0]).sample([1]).pixels.any()
    assert (
        gz.bench(exported, repeats=1, least_seconds=0.3, max_seconds=30).cases
        and gz.open_run(run).steps == gz.load([run]).step == 6
    )
    fresh = gz.train(
        "dcgan", data="digits", out=tmp_path / "b", preset="tiny", steps=1, init_from=run, progress=Heard()
    )
    assert fresh.outcome.finished
    for value in (exported[0], gz.verify(exported[0]), gz.info("dcgan"), run):
        assert repr(value).startswith("<") and len(repr(value)) < 400


EX = BASELINES / "dcgan" / "exports" / "generator.onnx"
REFUSED = {
    "train": ["gz.train(None, out='x')", "gz.train('dcgan', out=None)", "gz.train('dcgan', out='x', data=5)",
              "gz.train('dcgan', out='x', data='digits', kimg=1, steps=2)", "gz.train('dcgan', out='x', compile='yes')",
              "gz.train('dcgan', out='x', settings=3)", "gz.train('dcgan', out='x', settings={'data': 3})",
              "gz.train('dcgan', out='x', data='digits', preset=3)", "gz.train('dcgan', out='x', config={})"],
    "read": ["gz.open_run(None)", "gz.resume(None)", "gz.load(None)", "gz.load('')", "gz.load(b'x')", "gz.load([None])",
             "gz.verify(None)", "gz.verify(EX, provider=None)", "gz.inspect([])", "gz.info(None)", "gz.export(None)",
             "gz.load(RUN, checkpoint=0)", "gz.open_run(EX)", "gz.open_run(RUN / 'checkpoints' / 'step-00000004')"],
    "export": ["gz.export(RUN, output='uint9')", "gz.export(RUN, precision='bf16')", "gz.export(RUN, out=3)",
               "gz.import_run([], architecture='pix2pix', out='x')",
               "gz.import_run(None, architecture='pix2pix', out='x')"],
    "bench": ["gz.bench(EX, precision='fp16')", "gz.bench(EX, threads=-1)", "gz.bench(EX, device='')",
              "gz.bench(EX, max_seconds=0)", "gz.bench(EX, max_seconds=float('nan'))", "gz.bench(EX, repeats=0)",
              "gz.bench(EX, repeats=1.5)", "gz.bench(EX, dims=[1])", "gz.bench(EX, dims={'batch': '1,8'})",
              "gz.bench(EX, dims={'batch': 1.5})", "gz.bench(EX, sizes='16')", "gz.bench(EX, sizes=[(1, 2, 3)])",
              "gz.bench(EX, shapes={'z': '2x8'})", "gz.bench(EX, shapes={'z': 2})", "gz.bench(None)", "gz.bench([])",
              "gz.bench(EX, inputs={'z': None})"],
    "build": ["gz.build('dcgan', seed=-1)", "gz.build('dcgan', seed='1')", "gz.build('cgan', classes=-1)",
              "gz.build(3)"],
    "sample": ["M.sample([1.5])", "M.sample(['1'])", "M.sample([True])", "M.sample('12')", "M.sample([float('inf')])",
               "M.sample([1], values={'psi': 'x'})", "M.sample([1], values=[1])", "M.sample([1], label=1.5)",
               "S.sample([1], values={'truncation_psi': float('nan')})", "S.walk([1, 2], frames=2.5)",
               "S.walk([1, 2], frames='2')", "S.mix([1], [2], layers='0-1')", "S.mix([1], [2], layers=[0.5])",
               "S.mix([1], [2], layers=0)", "T.translate(A, size=0)", "T.translate(A, size='8x')",
               "T.translate(A, direction=3)", "T.translate(A.transpose(2, 0, 1)[:, :, :5])", "T.translate(A[:0])"],
    "pictures": ["P.save(None)", "P.save_each(None)", "P.save_each('x', names=['a'])",
                 "P.save_each('x', names=['a', 'a', 'b'])", "P.save_each('x', names=['a', '../b', 'c'])",
                 "P.save_animation('x.gif', fps=0)", "P.save('x.png', columns=0)", "P.grid('x')", "P[3:3].grid()",
                 "gz.Pictures([1])", "gz.Pictures(A)", "gz.Pictures(A[None].astype(float))"],
    "register": ["gz.register(None)", "gz.register(K, name='dcgan')", "gz.register(K, name=3)",
                 "gz.register(K, presets=['tiny'])", "gz.register(W)"],
}  # fmt: skip


@pytest.fixture(scope="module")
def given():
    """Models and classes that the requests below are made with."""
    from ganzoo.architecture import NoiseToImage

    class Wrong(NoiseToImage):
        config: int

    model = gz.load(EX)
    return {
        "gz": gz, "EX": EX, "RUN": BASELINES / "dcgan", "M": model, "S": gz.load(BASELINES / "stylegan2"),
        "T": gz.load(BASELINES / "cyclegan"), "A": np.zeros((8, 8, 3), np.uint8), "P": model.sample(range(3)),
        "K": NoiseToImage, "W": Wrong,
    }  # fmt: skip


@pytest.mark.parametrize("call", [call for calls in REFUSED.values() for call in calls])
def test_odd_arguments_are_refused_in_words(call, given, tmp_path, monkeypatch):
    """Whatever a notebook's cell gets wrong is a GanzooError that says so, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(gz.GanzooError) as caught:
        eval(call, dict(given))
    assert "Error:" not in caught.value.message and "iterable" not in caught.value.message
    assert not any(tmp_path.iterdir())


def test_numpys_numbers_are_numbers(given):
    model, style = given["M"], given["S"]
    cgan = gz.load(BASELINES / "cgan")
    assert (model.sample(np.arange(2)).pixels == model.sample([np.int64(0), 1]).pixels).all()
    assert (cgan.sample([1], label=np.int64(3)).pixels == cgan.sample([1], label=np.array([3])).pixels).all()
    assert len(style.mix((seed for seed in [1]), (seed for seed in [2, 3]), layers=np.arange(2))) == 6
    assert len(given["P"][[0, 2]]) == 2 and len(given["P"][np.array([True, False, True])]) == 2
    assert given["P"].shape == (3, 16, 16, 1) and given["P"][3:3]._repr_png_() is None
    result = gz.bench(EX, dims={"batch": np.int64(2)}, repeats=np.int64(1), least_seconds=0.3, max_seconds=30)
    assert result.cases[0]["batch"] == 2 and json.dumps(result.document)


def test_names_that_differ_in_a_dash_alone():
    from torch import nn

    from ganzoo.architecture import NoiseToImage

    class First(NoiseToImage):
        def build_generator(self):
            return nn.Linear(self.config.latent_size, 1)

        build_discriminator = build_generator

    class Second(First):
        pass

    gz.register(First, name="a-b")
    gz.register(Second, name="a_b")
    assert type(gz.build("a-b")).__name__ == "First" and type(gz.build("a_b")).__name__ == "Second"


def test_a_list_of_what_is_published_that_cannot_be_read_costs_a_hint_alone(monkeypatch):
    for text in (None, "{bad", "[]", '{"x": 3}'):

        def read(self, *arguments, text=text, **named):
            if text is None:
                raise FileNotFoundError(self)
            return text

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", read)
            with pytest.raises(RequestError, match="There is no architecture 'nope'"):
                gz.info("nope")
