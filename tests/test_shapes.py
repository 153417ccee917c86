"""Six shapes of architecture that a stranger writes, installed as a stranger's distribution, through every verb.

No discriminator and an encoder; four times as large; one channel to three; 40 numbers; 48x80; a second batch of reals.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_clean, ganzoo, ganzoo_here
from PIL import Image

import ganzoo as gz
from ganzoo.runtime.file import OnnxFile

HERE = Path(__file__).parent
DATA = {
    "toy-vae": "digits",
    "toy-super-resolution": "digits-outline",
    "toy-colouriser": "digits-outline",
    "toy-attributes": "toy-bars:30",
    "toy-landscape": "digits",
    "toy-r3gan": "digits",
}
GRAPHS = {
    "toy-vae": {"generator": "paint", "encoder": "embed"},
    "toy-super-resolution": {"enlarge": "translate"},
    "toy-colouriser": {"colour": "translate"},
}
FILES = {
    "toy-vae": "vae.py",
    "toy-super-resolution": "super_resolution.py",
    "toy-colouriser": "colouriser.py",
    "toy-attributes": "attributes.py",
    "toy-landscape": "landscape.py",
    "toy-r3gan": "r3gan.py",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The toys as pip leaves a distribution of theirs."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(HERE / "toy_zoo", folder / "toy_zoo")
    info = folder / "toy_zoo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-zoo\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganzoo]\ntoys = toy_zoo.plugin\n")
    return folder


@pytest.fixture(scope="module")
def runs(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    code = f"""
import ganzoo as gz
for name, data in {DATA!r}.items():
    run = gz.train(name, preset="tiny", data=data, out={str(folder)!r} + "/" + name, progress=gz_lines)
    gz.export(run)
"""
    # One process for all: what imports torch takes seconds. What is said goes to stderr.
    listener = """
import sys
class Lines:
    def update(self, progress): pass
    def say(self, text): print(text, file=sys.stderr)
gz_lines = Lines()
"""
    done = subprocess.run(
        [sys.executable, "-c", listener + code], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    assert_clean(done, status=0)
    assert "left out" not in done.stderr and "failed" not in done.stderr
    return folder


SLOW = ("toy-colouriser", "toy-landscape", "toy-r3gan")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in DATA])
def test_every_verb_works(runs, site, tmp_path, name):
    run = runs / name
    graphs = GRAPHS.get(name, {"generator": "paint"})
    files = {path.stem: path for path in (run / "exports").glob("*.onnx")}
    assert {graph: OnnxFile(path).role.role for graph, path in files.items()} == graphs
    assert len({OnnxFile(path).metadata["ganzoo.model_sha256"] for path in files.values()}) == 1
    assert all(OnnxFile(path).metadata["ganzoo.format"] == "2" for path in files.values())
    for path in files.values():
        assert gz.verify(path).holds and gz.inspect(path)["metadata"]["ganzoo.role"]  # without the plugin
        assert_clean(ganzoo("bench", path, "--repeats", 1, "--max-time", 1, "-o", tmp_path / "b.json"), status=0)
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["reals.png", "step-00000004.png"]
    state = json.loads((run / "checkpoints" / "step-00000004" / "state.json").read_text())
    assert state["score"] > 0
    assert_clean(ganzoo("sample", run, "-o", tmp_path / "grid.png", "-n", 4, path=site), status=0)
    shutil.copytree(run, tmp_path / "again")
    done = ganzoo("train", "--resume", tmp_path / "again", "--steps", 6, path=site)
    assert_clean(done, status=0)
    assert "going on at step 4" in done.stderr


def test_a_run_says_what_its_pictures_are(runs):
    def said(name):
        run = tomllib.loads((runs / name / "config.toml").read_text())["run"]
        return run["pictures"], run.get("condition")

    assert said("toy-landscape") == (
        {"real": {"channels": 3, "height": 48, "width": 80}},
        {"kind": "class", "size": 10},
    )
    _pictures, condition = said("toy-attributes")
    assert condition["kind"] == "vector" and condition["size"] == 40 and condition["names"][39] == "bar-39"
    assert said("toy-super-resolution")[0]["source"] == {"channels": 3, "height": 8, "width": 8}
    assert said("toy-colouriser")[0]["source"]["channels"] == 1


def test_pictures_are_enlarged_and_nothing_is_cut_off(runs, site, tmp_path):
    random = np.random.RandomState(0)
    Image.fromarray(random.randint(256, size=(13, 21, 3), dtype=np.uint8)).save(tmp_path / "in.png")
    run = runs / "toy-super-resolution"
    enlarged = {}
    for what, path in {"run": run, "file": run / "exports" / "enlarge.onnx"}.items():
        assert_clean(ganzoo("sample", path, "-i", tmp_path / "in.png", "-o", tmp_path / "out.png", path=site), status=0)
        with Image.open(tmp_path / "out.png") as out:
            enlarged[what] = np.asarray(out).astype(int)
        assert enlarged[what].shape == (52, 84, 3)
    assert np.abs(enlarged["run"] - enlarged["file"]).max() <= 1
    size = ("--size", "8x12")
    assert_clean(ganzoo("sample", run, "-i", tmp_path / "in.png", "-o", tmp_path / "s.png", *size, path=site), status=0)
    with Image.open(tmp_path / "s.png") as out:
        assert out.size == (48, 32)
    (output,) = OnnxFile(run / "exports" / "enlarge.onnx").outputs
    assert output.shape == ("batch", 3, "4*height", "4*width")


def test_grey_becomes_colour(runs, site, tmp_path):
    Image.new("L", (20, 18), 99).save(tmp_path / "grey.png")
    run = runs / "toy-colouriser"
    assert_clean(ganzoo("sample", run, "-i", tmp_path / "grey.png", "-o", tmp_path / "out.png", path=site), status=0)
    with Image.open(tmp_path / "out.png") as out:
        assert (out.size, out.mode) == ((20, 18), "RGB")
    assert_clean(ganzoo("sample", run, "-o", tmp_path / "grid.png", "-n", 4, path=site), status=0)
    with Image.open(tmp_path / "grid.png") as out:  # grey beside colour
        assert (out.size, out.mode) == ((2 * 3 * 16, 2 * 16), "RGB")


def vector(*numbers):
    return f"vector={','.join(map(str, numbers))}"


def test_numbers_are_stated_by_name_and_count(runs, site, tmp_path):
    run, out = runs / "toy-attributes", tmp_path / "out.png"
    model = run / "exports" / "generator.onnx"
    painted = {}
    for source in (run, model):
        for value in (0.0, 1.0):
            stated = vector(*[value] * 40)
            assert_clean(ganzoo("sample", source, "-o", out, "-n", 4, "--value", stated, path=site), status=0)
            painted[source, value] = np.asarray(Image.open(out)).astype(int)
    for value in (0.0, 1.0):
        assert np.abs(painted[run, value] - painted[model, value]).max() <= 1
    assert np.abs(painted[run, 0.0] - painted[run, 1.0]).max() > 2
    done = ganzoo_here("sample", model, "-o", out, "--value", vector(1, 2, 3))
    assert_clean(done, status=2)
    assert "'vector'" in done.stderr and "is 40 numbers (bar-0, bar-1" in done.stderr and "3 are stated" in done.stderr
    done = ganzoo_here("sample", model, "-o", out, "--value", "vectro=1")
    assert_clean(done, status=2)
    assert "Did you mean 'vector'?" in done.stderr


def test_a_walk_says_what_to_state(runs, site, tmp_path):
    run, out = runs / "toy-attributes", tmp_path / "walk.gif"
    done = ganzoo("sample", run, "-o", out, "--seeds", "0-2", "--walk", 2, path=site)
    assert_clean(done, status=2)
    assert "--value vector=0,0,0,0,..." in done.stderr
    stated = vector(*[0.5] * 40)
    assert_clean(
        ganzoo("sample", run, "-o", out, "--seeds", "0-2", "--walk", 2, "--value", stated, path=site), status=0
    )


def test_an_encoder_is_no_painter(runs, site, tmp_path):
    exports, out = runs / "toy-vae" / "exports", tmp_path / "out.png"
    done = ganzoo_here("sample", exports / "encoder.onnx", "-o", out)
    assert_clean(done, status=2)
    assert "turns pictures into numbers" in done.stderr
    assert_clean(
        ganzoo_here("sample", exports / "encoder.onnx", exports / "generator.onnx", "-o", out, "-n", 4), status=0
    )
    done = ganzoo("sample", runs / "toy-vae", "-i", out, "-o", out, path=site)
    assert_clean(done, status=2)
    assert "paints from noise" in done.stderr


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("toy-super-resolution", ["data.source_size=16"], "paints pictures 4 times as large as those that it reads"),
        ("toy-super-resolution", ["data.load_size=41"], "the pictures of the source would be 10.25 pixels"),
        ("toy-landscape", ["data.size=48"], "paints pictures of 48x80 pixels, not 48"),
        ("toy-attributes", [], "paints from a vector of numbers, and the pictures have class labels"),
        ("toy-vae", ["data.size=8x16"], "Pictures of 8x16 (height by width) are not square"),
        ("toy-vae", ["data.source_size=8"], "are of what a translation reads"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(site, tmp_path, name, options, message):
    data = "digits" if name == "toy-attributes" else DATA[name]
    stated = [part for option in options for part in ("--set", option)]
    done = ganzoo("train", name, "--preset", "tiny", "--data", data, "--out", tmp_path / "x", *stated, path=site)
    assert_clean(done, status=2)
    assert message in done.stderr and not (tmp_path / "x").exists()


def test_crops_of_pairs_are_aligned_to_the_scale(site, tmp_path):
    done = ganzoo(
        "train", "toy-super-resolution", "--preset", "tiny", "--data", "digits-outline", "--out", tmp_path / "x",
        "--set", "data.load_size=40", "--set", "data.flip=true", path=site,
    )  # fmt: skip
    assert_clean(done, status=0)


@pytest.mark.parametrize("name", FILES)
def test_networks_and_spec_are_a_screenful(name):
    """Without blank lines and imports, at most 90 lines."""
    plugin = (HERE / "toy_zoo" / "plugin.py").read_text().split("ArchitectureSpec(\n")
    spec = next(part for part in plugin if f'name="{name}"' in part).partition("        ),\n")[0]
    lines = [*(HERE / "toy_zoo" / FILES[name]).read_text().splitlines(), "ArchitectureSpec(", *spec.splitlines()]
    counted = [line for line in lines if line.strip() and not line.startswith(("import ", "from "))]
    assert len(counted) <= 90
