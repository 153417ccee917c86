"""The verbs on translators: train, sample, export, bench, import; files, folders, grids, sizes."""

import json

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo, ganzoo_here
from PIL import Image

import ganzoo as gz
from ganzoo.api.load import load
from ganzoo.errors import RequestError
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.inputs import InputRequest, sweep_cases
from ganzoo.sampling.translation import translate_pixels


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each game, trained for a moment and exported."""
    folder = tmp_path_factory.mktemp("runs")
    for name, data in (("cyclegan", "digits-neon"), ("pix2pix", "digits-outline")):
        channels = 3 if name == "cyclegan" else 1
        done = ganzoo(
            "train", name, "--preset", "tiny", "--data", data, "--set", f"data.channels={channels}",
            "--set", "data.load_size=20", "--set", "data.flip=true", "--out", folder / name,
        )  # fmt: skip
        assert_clean(done, status=0)
        assert_clean(ganzoo("export", folder / name), status=0)
    return folder


@pytest.fixture
def photos(tmp_path):
    """Three pictures of sizes and modes that no network asked for, and one that is none."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    random = np.random.RandomState(0)
    Image.fromarray(random.randint(256, size=(21, 30, 3), dtype=np.uint8)).save(folder / "a.png")
    Image.fromarray(random.randint(256, size=(50, 17), dtype=np.uint8)).save(folder / "b.jpg")
    Image.fromarray(random.randint(256, size=(5, 5, 3), dtype=np.uint8)).save(folder / "sub" / "a.png")
    (folder / "broken.png").write_text("no picture")
    return folder


def test_training_leaves_grids_scores_and_what_was_shown(runs):
    samples = sorted(path.name for path in (runs / "cyclegan" / "samples").iterdir())
    assert samples == ["reals.png", "step-00000004-b2a.png", "step-00000004.png"]
    with Image.open(runs / "cyclegan" / "samples" / "step-00000004.png") as grid:
        assert grid.size == (2 * 3 * 16, 2 * 16)  # four times source, translation, way back
    with Image.open(runs / "pix2pix" / "samples" / "step-00000004.png") as grid:
        assert grid.size == (2 * 3 * 16, 2 * 16)  # the truth comes third
    state = json.loads((runs / "cyclegan" / "checkpoints" / "step-00000004" / "state.json").read_text())
    assert state["score"] > 0


def test_one_graph_for_each_direction_of_any_batch_height_and_width(runs):
    assert sorted(path.stem for path in (runs / "cyclegan" / "exports").glob("*.onnx")) == ["a2b", "b2a"]
    assert [path.stem for path in (runs / "pix2pix" / "exports").glob("*.onnx")] == ["a2b"]
    file = OnnxFile(runs / "pix2pix" / "exports" / "a2b.onnx")
    assert [tensor.shape for tensor in file.inputs] == [("batch", 1, "height", "width")]
    (spec,) = file.input_specs
    assert [(dim.multiple, dim.default) for dim in spec.shape[2:]] == [(8, 16), (8, 16)]
    proof = json.loads((runs / "pix2pix" / "exports" / "a2b.proof.json").read_text())
    shapes = [tuple(case["dims"].values()) for case in proof["cases"]]
    assert shapes == [(1, 16, 16), (3, 24, 16), (16, 16, 24)]


@pytest.mark.parametrize("what", ["run", "file"])
def test_a_picture_of_any_size_is_translated_at_its_size(runs, photos, tmp_path, what):
    source = runs / "cyclegan" if what == "run" else runs / "cyclegan" / "exports" / "a2b.onnx"
    done = ganzoo_here("sample", source, "--input", photos / "a.png", "-o", tmp_path / "out.png")
    assert_clean(done, status=0)
    with Image.open(tmp_path / "out.png") as out:
        assert (out.size, out.mode) == ((30, 21), "RGB")
    assert "a2b" in done.stdout and "out.png" in done.stdout


def test_run_and_file_translate_alike(runs, photos):
    pixels = np.asarray(Image.open(photos / "a.png")).transpose(2, 0, 1)[None]
    run = next(p for p in load(runs / "cyclegan").graphs if p.name == "b2a")
    file = load(runs / "cyclegan" / "exports" / "b2a.onnx").graphs[0]
    one, two = (translate_pixels(pixels, painter)[0].astype(int) for painter in (run, file))
    assert one.shape == pixels.shape and np.abs(one - two).max() <= 1


def test_a_folder_becomes_a_folder_and_what_is_broken_is_named(runs, photos, tmp_path):
    done = ganzoo_here("sample", runs / "pix2pix", "-i", photos, "-o", tmp_path / "out")
    assert_clean(done, status=0)
    assert "left out:" in done.stderr and "broken.png cannot be read as a picture" in done.stderr
    sizes = {
        path.relative_to(tmp_path / "out").as_posix(): Image.open(path).size for path in (tmp_path / "out").rglob("*.*")
    }
    assert sizes == {"a.png": (30, 21), "b.png": (17, 50), "sub/a.png": (5, 5)}
    assert done.stdout.startswith("3 pictures through a2b of step 4")


def test_grids_of_the_runs_data_and_of_files(runs, photos, tmp_path):
    (photos / "broken.png").unlink()
    for arguments, size, third in (
        ([runs / "cyclegan", "-n", 6], (2 * 3 * 16, 3 * 16), "way back"),
        ([runs / "pix2pix", "-n", 2, "--columns", 1], (3 * 16, 2 * 16), "truth"),
        (
            [runs / "cyclegan", "--direction", "b2a", "-i", photos, "--size", 12, "--columns", 3],
            (3 * 3 * 12, 12),
            "way",
        ),
        ([runs / "cyclegan" / "exports" / "a2b.onnx", "-i", photos, "--columns", 3], (3 * 2 * 16, 16), "translation"),
    ):
        done = ganzoo_here("sample", *arguments, "-o", tmp_path / "grid.png")
        assert_clean(done, status=0)
        assert third in done.stdout
        with Image.open(tmp_path / "grid.png") as grid:
            assert grid.size == size


def test_nothing_is_rounded_on_the_way_back(runs):
    painters = {painter.name: painter for painter in load(runs / "cyclegan").graphs}
    pixels = np.random.RandomState(0).randint(256, size=(2, 3, 16, 16)).astype(np.uint8)
    _, back = translate_pixels(pixels, painters["a2b"], painters["b2a"])
    given = torch.from_numpy(pixels).float() / 127.5 - 1
    middle = painters["a2b"].run([given.numpy()])[0]
    expected = (painters["b2a"].run([middle])[0] + 1) * 127.5
    assert np.abs(back - expected).max() <= 0.51


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cyclegan", "-o", "x.png", "--direction", "c2d"], "has no direction 'c2d'.* Directions: a2b, b2a"),
        (
            ["cyclegan", "-o", "x.png", "--label", "1"],
            "translates pictures; --label is for painting from noise",
        ),
        (["cyclegan", "-o", "x.png", "--seed", "1"], "translates pictures; --seed is for painting"),
        (["cyclegan", "-o", "folder"], "Which pictures\\?"),
        (["cyclegan", "-i", "none.png", "-o", "x.png"], "There is no file none.png"),
        (["cyclegan/exports/a2b.onnx", "-o", "x.png"], "Which pictures shall be translated\\?"),
        (["cyclegan", "-o", "x.png", "--size", "32"], "--size goes with --input"),
    ],
)
def test_requests_that_do_not_fit(runs, arguments, message):
    done = ganzoo("sample", *arguments, cwd=runs)
    assert_clean(done, status=2)
    import re

    assert re.search(message, done.stderr), done.stderr


def test_the_wrong_kind_of_data_is_refused_before_a_run_is_made(tmp_path):
    done = ganzoo_here("train", "cyclegan", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "run")
    assert_clean(done, status=2)
    assert "this architecture learns from two domains" in done.stderr and "--target" in done.stderr
    done = ganzoo_here(
        "train", "dcgan", "--preset", "tiny", "--data", "digits", "--target", "digits", "--out", tmp_path / "run"
    )
    assert_clean(done, status=2)
    assert not (tmp_path / "run").exists()


def test_epochs_on_the_command_line_are_counted_in_the_larger_domain(tmp_path):
    done = ganzoo(
        "train", "cyclegan", "--preset", "tiny", "--data", "digits-neon", "--epochs", 2, "--dry-run",
        "--set", "lr={start=1e-3, end=0.0, from_epochs=1, to_epochs=2}", "--set", "data.flip=true",
    )  # fmt: skip
    assert_clean(done, status=0)
    assert "kimg = 1.5" in done.stdout and "# length: 375 steps of 4 pictures" in done.stdout
    assert "to_kimg = 1.5, from_kimg = 0.75" in done.stdout


def test_bench_sweeps_sizes_and_knows_the_usual_one(runs):
    file = OnnxFile(runs / "pix2pix" / "exports" / "a2b.onnx")
    assert sweep_cases(file, InputRequest()) == [{"source": (1, 1, 16, 16)}]
    request = InputRequest(batches=(1, 2), sizes=((32, 32), (16, 24)))
    assert [case["source"] for case in sweep_cases(file, request)] == [
        (1, 1, 32, 32), (2, 1, 32, 32), (1, 1, 16, 24), (2, 1, 16, 24),
    ]  # fmt: skip
    with pytest.raises(RequestError, match="height of 'source' is 20; the network takes multiples of 8 from 8"):
        sweep_cases(file, InputRequest(sizes=((20, 20),)))
    for text in ("x", "0", "16x", "1x2x3"):
        with pytest.raises(RequestError, match=f"sizes = '{text}': expected whole number >= 1.*or HEIGHTxWIDTH"):
            gz.bench(runs / "pix2pix" / "exports" / "a2b.onnx", sizes=text)


def test_bench_measures_a_translator(runs, tmp_path):
    done = ganzoo(
        "bench", runs / "cyclegan" / "exports" / "a2b.onnx", "--size", "16,24x32", "--repeats", 1, "--seconds", 0.5,
        "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert_clean(done, status=0)
    cases = json.loads((tmp_path / "r.json").read_text())["cases"]
    assert [case["shapes"]["source"] for case in cases] == [[1, 3, 16, 16], [1, 3, 24, 32]]


def test_size_is_for_pictures(tmp_path, runs):
    done = ganzoo("export", "dcgan", "--untrained", "--preset", "tiny", "-o", tmp_path / "d.onnx")
    assert_clean(done, status=0)
    done = ganzoo_here("bench", tmp_path / "d.onnx", "--size", "32")
    assert_clean(done, status=2)
    assert "--size: no input of d.onnx is a picture of a size that is open" in done.stderr


@pytest.mark.slow
def test_an_imported_run_translates_and_begins_another(runs, tmp_path):
    """A generator of our own, saved as the authors' code would have."""
    from ganzoo.plugin.registry import Registry
    from ganzoo.runs.trained import load_trained

    trained = load_trained(runs / "cyclegan", Registry.load(), say=print)
    names = {0: "model", 2: "conv_block"}
    for number, name in enumerate(("g_ab", "g_ba")):
        state = getattr(trained.architecture, name).state_dict()
        renamed = {
            ".".join(
                names.get(place, part) if part == "layers" else part for place, part in enumerate(key.split("."))
            ): value
            for key, value in state.items()
        }
        torch.save(renamed, tmp_path / f"{number}.pth")
    done = ganzoo(
        "import", tmp_path / "0.pth", tmp_path / "1.pth", "--as", "cyclegan", "--out", tmp_path / "run", "--json"
    )
    assert_clean(done, status=0)
    found = json.loads(done.stdout)
    assert (found["size"], found["settings"]["blocks"], found["settings"]["width"]) == (256, 1, 4)
    here, there = (load(path).graphs for path in (runs / "cyclegan", tmp_path / "run"))
    pixels = np.random.RandomState(0).randint(256, size=(1, 3, 16, 16)).astype(np.uint8)
    for one, two in zip(here, there, strict=True):
        assert (translate_pixels(pixels, one)[0] == translate_pixels(pixels, two)[0]).all()
    done = ganzoo("train", "--resume", tmp_path / "run")
    assert_clean(done, status=1)
    assert "was imported from 0.pth, 1.pth, and there is no training to go on with" in done.stderr
    done = ganzoo_here("sample", tmp_path / "run", "-o", tmp_path / "x.png")
    assert_clean(done, status=2)
    assert "was imported and knows no pictures" in done.stderr
    done = ganzoo(
        "train", "cyclegan", "--preset", "tiny", "--data", "digits-neon", "--out", tmp_path / "more",
        "--init-from", tmp_path / "run",
    )  # fmt: skip
    assert_clean(done, status=0)
    assert "took " in done.stderr + done.stdout


def test_a_run_with_a_schedule_in_epochs_goes_on_and_its_data_may_move(tmp_path, photos):
    (photos / "broken.png").unlink()
    for name in ("a", "b"):
        for path in sorted(photos.rglob("*.*")):
            place = tmp_path / name / path.relative_to(photos)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    (tmp_path / "b" / "b.jpg").unlink()
    run = tmp_path / "run"
    done = ganzoo(
        "train", "cyclegan", "--preset", "tiny", "--data", tmp_path / "a", "--target", tmp_path / "b", "--out", run,
        "--epochs", 4, "--set", "lr={start=1e-3, end=0.0, from_epochs=1, to_epochs=4}",
    )  # fmt: skip
    assert_clean(done, status=0)
    config = (run / "config.toml").read_text()
    assert "kimg = 0.012" in config and "epochs" not in config
    (tmp_path / "a").rename(tmp_path / "moved a")
    (tmp_path / "b").rename(tmp_path / "moved b")
    done = ganzoo_here("sample", run, "-o", tmp_path / "grid.png")
    assert_clean(done, status=1)
    assert "learnt from cannot be read" in done.stderr and "Add --input" in done.stderr
    config = config.replace(f"{tmp_path}/a", f"{tmp_path}/moved a").replace(f"{tmp_path}/b", f"{tmp_path}/moved b")
    (run / "config.toml").write_text(config)
    done = ganzoo("train", "--resume", run, "--epochs", 8)
    assert_clean(done, status=0)
    assert "6 steps" in done.stdout  # 8 epochs of 3, 4 a step


def test_a_picture_is_never_written_over_one_that_is_read(runs, photos, tmp_path):
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    for arguments in (["-i", photos, "-o", photos], ["-i", photos / "a.png", "-o", photos / "a.png"]):
        done = ganzoo_here("sample", runs / "cyclegan", *arguments)
        assert_clean(done, status=2)
        assert "is one of the pictures to translate" in done.stderr
    assert before == {path: path.read_bytes() for path in photos.rglob("*.*")}


def test_names_that_meet_and_folders_with_a_dot(runs, photos, tmp_path):
    (photos / "a.bmp").write_bytes((photos / "a.png").read_bytes())
    done = ganzoo_here("sample", runs / "cyclegan", "-i", photos, "-o", tmp_path / "out.v1")
    assert_clean(done, status=0)
    assert sorted(path.name for path in (tmp_path / "out.v1").iterdir()) == ["a.bmp.png", "a.png", "b.png", "sub"]
    done = ganzoo_here("sample", runs / "cyclegan", "-i", photos / "a.png", "-i", "none.png", "-o", tmp_path / "other")
    assert_clean(done, status=2)
    assert not (tmp_path / "other").exists()  # before anything is written


def test_a_broken_file_does_not_spoil_a_grid(runs, photos, tmp_path):
    done = ganzoo_here("sample", runs / "cyclegan", "-i", photos, "-o", tmp_path / "grid.png")
    assert_clean(done, status=0)
    assert "3 times source" in done.stdout and "left out" in done.stderr


def test_grids_show_as_many_as_asked_whatever_the_batch(runs):
    assert json.loads((runs / "cyclegan" / "record.json").read_text())
    with Image.open(runs / "cyclegan" / "samples" / "reals.png") as grid:
        assert grid.size == (2 * 2 * 16, 2 * 16)  # four of source beside target, at the size that is shown


def test_the_kimg_of_epochs_are_whole_steps():
    from ganzoo.config.train_table import TrainConfig
    from ganzoo.runs.run import target_steps

    for pictures in range(1, 3000):
        assert target_steps(TrainConfig(batch_size=1, kimg=200 * (pictures / 1000))) == 200 * pictures


def test_an_average_of_a_network_that_two_directions_share_is_one():
    from torch import nn

    from ganzoo.architecture import Direction, ImageToImage
    from ganzoo.config import ImageToImageConfig
    from ganzoo.tensors import DataInfo

    class Mirror(ImageToImage):
        def build(self):
            self.network = nn.Conv2d(1, 1, 1)

        def directions(self):
            ways = {"a2b": ("source", "target"), "b2a": ("target", "source")}
            return {name: Direction(network=self.network, reads=a, paints=b) for name, (a, b) in ways.items()}

        def optimizers(self):
            return {}

        def phases(self):
            return []

    assert Mirror(ImageToImageConfig(ema_half_life_kimg=1.0), DataInfo(channels=1, size=8)).ema().of == ("network",)


@pytest.mark.parametrize(
    ("shape", "request_", "message"),
    [
        (["n", "c", "h", "w"], InputRequest(sizes=((8, 8),)), "leaves the channels of 'x' open"),
        ([1, 3, "h", "w"], InputRequest(sizes=((8, 8),), batches=(4,)), "is fixed at 1 in dimension 0"),
    ],
)
def test_sizes_of_foreign_files_are_not_guessed(tmp_path, shape, request_, message):
    from onnx import TensorProto, helper, save

    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", tensors[:1], tensors[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "f.onnx")
    with pytest.raises(RequestError, match=message):
        sweep_cases(OnnxFile(tmp_path / "f.onnx"), request_)
