"""From pictures back to latents: found again, kept in files, refused where nothing can be found."""

import json
import zipfile

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo_here, within
from PIL import Image

import ganzoo as gz
from ganzoo.errors import CheckpointError, RequestError
from ganzoo.projection.distance import PictureDistance
from ganzoo.projection.search import descend, refine
from ganzoo.sampling.array_file import read_arrays, write_arrays
from ganzoo.sampling.latents import Latents
from ganzoo.tensors import BATCH, TensorSpec


class Quiet:
    def update(self, progress): ...

    def say(self, text): ...


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in ("dcgan", "cgan", "stylegan2"):
        settings = {"train.score_count": 0}
        gz.train(name, preset="tiny", data="digits", out=folder / name, steps=40, settings=settings, progress=Quiet())
    return folder


SPEC = TensorSpec(name="image", shape=(BATCH, 1, 2, 2), kind="picture")


def test_pixels_beyond_black_and_white_are_black_and_white():
    targets = torch.tensor([[[[-1.0, 1.0], [0.5, -1.0]]]])
    painted = torch.tensor([[[[-3.0, 2.0], [0.0, 1.5]]]])
    found = PictureDistance(targets, SPEC).residuals(painted)
    assert found.tolist() == [[0.0, 0.0, -0.25, 1.25]]  # shares of the way from black to white
    assert PictureDistance(targets, SPEC).pixels(painted).item() == pytest.approx(np.sqrt((0.25**2 + 1.25**2) / 4))


def test_the_search_finds_the_least_of_a_known_function():
    target = torch.tensor([[1.0, -2.0], [0.5, 0.25]])
    matrix = torch.tensor([[3.0, 0.1], [0.0, 0.01]])  # badly conditioned: Adam alone stops short in the second

    def residuals(u, rows):
        return torch.tanh((u - target[rows]) @ matrix.T)

    start = torch.zeros(2, 2)
    told = []
    every = torch.arange(2)
    found = descend(
        start, lambda u: residuals(u, every).square().mean(1), steps=150, seed=0, prior=0.0, tell=told.append
    )
    assert told == list(range(1, 151)) and found.way.shape[1:] == (2, 2)
    fine = refine(found.coordinates, residuals, steps=20, tell=lambda _: None)
    assert (fine - target).abs().max() < 1e-3
    assert torch.equal(
        descend(start, lambda u: residuals(u, every).square().mean(1), steps=9, seed=3, prior=0.0, tell=print).way,
        descend(start, lambda u: residuals(u, every).square().mean(1), steps=9, seed=3, prior=0.0, tell=print).way,
    )


LONG = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("dcgan", "z"),
        ("cgan", "z"),
        ("stylegan2", "w"),
        pytest.param("stylegan2", "w+", marks=LONG),
        pytest.param("stylegan2", "z", marks=LONG),
    ],
)
def test_a_painted_picture_is_found_again(runs, name, space):
    model = gz.load(runs / name)
    seeds = [70_001, 70_002, 70_003]
    label = {"label": 3} if name == "cgan" else {}
    pictures = model.sample(seeds, **label)
    found = gz.project(
        runs / name, list(np.asarray(pictures)), space=space, steps=200, starts=4, progress=Quiet(), **label
    )
    assert found.latents.space == space and len(found.latents) == 3
    assert max(found.distances) < 0.05
    assert all(far <= near + 1e-6 for far, near in zip(found.distances, found.nearest, strict=True))
    again = np.asarray(model.sample(latents=found.latents)).astype(int)
    assert np.abs(again - np.asarray(found.pictures)).max() <= 1  # the file paints what the search saw
    assert np.sqrt(((again / 255 - np.asarray(pictures) / 255.0) ** 2).mean()) < 0.05
    if name == "cgan":
        assert list(found.latents.labels) == [3, 3, 3]


def test_the_verb_writes_latents_a_sheet_and_a_film(runs, tmp_path):
    picture = tmp_path / "my face.png"
    gz.load(runs / "stylegan2").sample([70_004])[0].resize((40, 30)).save(picture)
    made = ["--sheet", tmp_path / "s.png", "--video", tmp_path / "way.webp"]
    search = ["--steps", 30, "--starts", 2, "--fit", "stretch"]
    done = ganzoo_here("project", runs / "stylegan2", "-i", picture, "-o", tmp_path / "w.npz", *search, *made)
    assert_clean(done, status=0)
    assert "my face: 0." in done.stdout and "nearest of 2,000 samples" in done.stdout
    with Image.open(tmp_path / "s.png") as sheet, Image.open(tmp_path / "way.webp") as film:
        assert sheet.size == (32, 16) and film.n_frames > 10
    kept = np.load(tmp_path / "w.npz")  # numpy reads it too
    assert kept["latents"].shape == (1, 16) or kept["latents"].ndim == 2
    done = ganzoo_here("sample", runs / "stylegan2", "-o", tmp_path / "x.png", "--latents", tmp_path / "w.npz")
    assert_clean(done, status=0)
    done = ganzoo_here("project", runs / "dcgan", "-i", picture, "-o", tmp_path / "z.npz", "--steps", 5, "--json")
    told = json.loads(done.stdout)
    assert told["space"] == "z" and told["pictures"][0]["name"] == "my face"


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["dcgan", "-i", "p.png", "-o", "w.txt"], "does not end with .npz", 2),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--space", "w"], "has no styles, and so no space w", 2),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--space", "v"], "space = 'v'", 2),
        (["dcgan", "-i", "nowhere.png", "-o", "w.npz"], "nowhere.png", 1),
        (["dcgan", "-i", "empty", "-o", "w.npz"], "No picture is given", 2),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--feature-layers", "a"], "none is named", 2),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--features", "nowhere.pth"], "there is no such file", 2),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--label", "3"], "takes no labels", 2),
        (["x.onnx", "-i", "p.png", "-o", "w.npz"], "gives no gradients", 2),
        (["nowhere", "-i", "p.png", "-o", "w.npz"], "is not there", 1),
        (["dcgan", "-i", "p.png", "-o", "w.npz", "--video", "w.avi"], "picture that moves", 2),
    ],
)
def test_what_cannot_be_projected_is_said(runs, tmp_path, monkeypatch, arguments, message, status):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (20, 20)).save("p.png")
    (tmp_path / "empty").mkdir()
    source = runs / arguments[0] if (runs / arguments[0]).exists() else arguments[0]
    done = ganzoo_here("project", source, *arguments[1:])
    assert_clean(done, status=status)
    assert message in done.stderr, done.stderr
    assert not (tmp_path / "w.npz").exists()


def test_a_translator_has_no_latents(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(4):
            Image.fromarray(np.random.RandomState(number).randint(0, 255, (32, 32, 3), dtype=np.uint8)).save(
                tmp_path / folder / f"{number}.png"
            )
    run = gz.train("cyclegan", preset="tiny", data=tmp_path / "a", target=tmp_path / "b", out=tmp_path / "run", steps=1,
                   progress=Quiet())  # fmt: skip
    with pytest.raises(RequestError, match="paints nothing from latents"):
        gz.project(run, tmp_path / "a", progress=Quiet())


def test_features_of_a_network_are_compared_too(runs, tmp_path):
    onnx2torch = pytest.importorskip("onnx2torch")
    assert onnx2torch
    import onnx
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], np.random.RandomState(0).randn(108).tolist())
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"])]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", c, "h", "v"]) for n, c in (("x", 3), ("r", 4))]
    graph = helper.make_graph(nodes, "features", ends[:1], ends[1:], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), tmp_path / "f.onnx")
    picture = np.asarray(gz.load(runs / "dcgan").sample([70_009]))[0]
    with pytest.raises(RequestError, match="Which layers"):
        gz.project(runs / "dcgan", picture, features=tmp_path / "f.onnx", progress=Quiet())
    found = gz.project(
        runs / "dcgan", picture, features=tmp_path / "f.onnx", layers=["r"], steps=60, starts=2, progress=Quiet()
    )
    assert found.distances[0] < found.nearest[0]


def test_the_same_search_gives_the_same_latents(runs):
    picture = np.asarray(gz.load(runs / "stylegan2").sample([70_010]))[0]
    one, two = (gz.project(runs / "stylegan2", picture, steps=20, starts=2, progress=Quiet()) for _ in range(2))
    assert np.array_equal(one.latents.rows, two.latents.rows)


def test_projection_from_weights_alone(runs, tmp_path):
    file = gz.export_weights(runs / "dcgan", out=tmp_path / "w.safetensors")
    picture = np.asarray(gz.load(file).sample([70_011]))[0]
    assert gz.project(file, picture, steps=10, starts=1, progress=Quiet()).latents.space == "z"


# --- files of latents, a stranger's too


def test_a_file_of_latents_is_the_same_bytes_each_time(tmp_path):
    rows = np.random.RandomState(0).randn(2, 5).astype("float32")
    for name in ("a.npz", "b.npz"):
        Latents(space="z", rows=rows, names=["x", "y"], labels=[1, 2]).save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = Latents.load(tmp_path / "a.npz")
    assert np.array_equal(again.rows, rows) and again.labels == [1, 2] and again[:1].names == ["x"]


def test_another_file_is_not_written_over(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"something of mine")
    np.savez(tmp_path / "numpys.npz", a=np.zeros(3))
    for name in ("mine.npz", "numpys.npz"):
        with pytest.raises(RequestError, match="holds no latents of ganzoo's"):
            Latents(space="z", rows=np.zeros((1, 3), "float32")).save(tmp_path / name)
    assert (tmp_path / "mine.npz").read_bytes() == b"something of mine"


def _npy(shape, count, descr="<f4"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"\0" * count


HOSTILE = {
    "no zip": b"PK no",
    "empty": b"",
    "claims more than there is": {"latents.npy": _npy((10**9, 10**3), 16)},
    "objects": {"latents.npy": _npy((1, 2), 16, "|O")},
    "a wrong dtype": {"latents.npy": _npy((1, 2), 16, "<M8[s]")},
    "no rows": {"latents.npy": _npy((0, 4), 0)},
    "one dimension": {"latents.npy": _npy((4,), 16)},
    "nothing inside": {},
    "other names": {"rows.npy": _npy((1, 4), 16)},
    "names of another number": {"latents.npy": _npy((1, 4), 16), "about": {"names": ["a", "b"]}},
    "labels that are none": {"latents.npy": _npy((1, 4), 16), "about": {"labels": ["x"]}},
    "a space that is none": {"latents.npy": _npy((1, 4), 16), "about": {"space": "q"}},
    "a space that is a table": {"latents.npy": _npy((1, 4), 16), "about": {"space": {"x": [1]}}},
    "beyond float32": {"latents.npy": _npy((1, 1), 0, "<f8") + np.float64(1e300).tobytes()},
    "a newer format": {"latents.npy": _npy((1, 4), 16), "about": {"format": 99}},
    "another kind": {"latents.npy": _npy((1, 4), 16), "about": {"kind": "directions"}},
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_strangers_latents_are_refused_with_a_message(tmp_path, name):
    content, path = HOSTILE[name], tmp_path / "w.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        about = {"kind": "latents", "format": 1, "space": "z", "names": [], "labels": [], **content.get("about", {})}
        with zipfile.ZipFile(path, "w") as archive:
            for part, data in content.items():
                if part != "about":
                    archive.writestr(part, data)
            archive.writestr("about.json", json.dumps(about))
    with within(seconds=10, megabytes=200), pytest.raises(RequestError):
        Latents.load(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.json", json.dumps({"kind": "latents", "format": 1, "space": "z"}))
        with archive.open("latents.npy", "w", force_zip64=True) as part:
            part.write(_npy((2**20, 2**9), 0))
            for _ in range(2**11):
                part.write(b"\0" * 2**20)
    with within(seconds=10, megabytes=200), pytest.raises(RequestError, match="claims more than it can hold"):
        Latents.load(tmp_path / "w.npz")


def test_not_a_number_is_no_latent(tmp_path):
    rows = np.full((1, 3), np.nan, "float32")
    write_arrays(
        tmp_path / "w.npz", {"latents": rows}, {"kind": "latents", "format": 1, "space": "z", "names": [], "labels": []}
    )
    with pytest.raises(RequestError, match="no latents that can be painted"):
        Latents.load(tmp_path / "w.npz")
    assert read_arrays(tmp_path / "w.npz", "latents")[0]["latents"].shape == (1, 3)
    with pytest.raises(CheckpointError):
        gz.project(tmp_path / "nowhere", rows, progress=Quiet())
