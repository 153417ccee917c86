"""Pictures as people want them: a file a seed, films, tables, latents and moves; from runs and from files."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import onnx
import pytest
from helpers import assert_clean, ganzoo_here
from PIL import Image

import ganzoo as gz
from ganzoo.errors import GanzooError, MissingPackageError, RequestError
from ganzoo.sampling.interpolation import around_sphere, closed_curve
from ganzoo.sampling.latents import Latents
from ganzoo.sampling.noise import InputChoices, paint
from ganzoo.sampling.stations import stations_of
from ganzoo.sampling.walks import walk_stations, walk_through


class Quiet:
    def __init__(self):
        self.said, self.updates = [], []

    def update(self, progress):
        self.updates.append((progress.done, progress.total))

    def say(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in ("dcgan", "cgan", "stylegan2"):
        gz.train(name, preset="tiny", data="digits", out=folder / name, steps=6, progress=Quiet())
    return folder


@pytest.fixture(scope="module")
def halves(runs):
    gz.export(runs / "stylegan2", progress=Quiet())
    return [runs / "stylegan2" / "exports" / f"{name}.onnx" for name in ("mapping", "synthesis")]


# --- a file each


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_each_seed_has_a_file_of_its_own_with_the_pixels_of_the_grid(runs, tmp_path, kind):
    done = ganzoo_here(
        "sample", runs / "dcgan", "-o", tmp_path / "out", "--each", "-n", 20, "--seed", 95, "--kind", kind
    )
    assert_clean(done, status=0)
    with (tmp_path / "out" / "pictures.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["seed"]) for row in rows] == list(range(95, 115))
    assert rows[0]["file"] == f"seed00095.{kind}" and rows[0]["class"] == ""
    expected = np.asarray(gz.load(runs / "dcgan").sample(range(95, 115)))[..., 0]
    for row, pixels in zip(rows, expected, strict=True):
        with Image.open(tmp_path / "out" / row["file"]) as image:
            assert np.array_equal(np.asarray(image.convert("L")), pixels)
    assert len(list((tmp_path / "out").iterdir())) == 21  # nothing half-written beside


def test_labels_are_in_names_and_table_stated_or_drawn(runs, tmp_path):
    model = gz.load(runs / "cgan")
    for label, seeds in (("3,7", range(5)), (None, range(5))):
        folder = tmp_path / str(label)
        table = model.save_each(folder, seeds, label=label, progress=Quiet())
        rows = list(csv.DictReader(table.open(newline="")))
        found = [int(row["class"]) for row in rows]
        if label:
            assert found == [3, 7, 3, 7, 3]
        assert [row["file"] for row in rows] == [f"seed{s:05d}-{c}.png" for s, c in zip(seeds, found, strict=True)]
        for row in rows:  # the class that is written is the one that was painted
            painted = np.asarray(model.sample([int(row["seed"])], label=int(row["class"])))[0, :, :, 0]
            assert np.array_equal(np.asarray(Image.open(folder / row["file"])), painted)


def test_names_of_classes_are_no_paths(runs, tmp_path):
    from ganzoo.sampling.each import _file_part

    assert _file_part("../a/b c\0d") == "_a_b_c_d" and _file_part("") == "_" and _file_part("猫") == "猫"
    assert "/" not in _file_part("/" * 9) and len(_file_part("x" * 999)) == 40 and _file_part("..") == "_"


def test_what_is_there_and_is_nobodys_is_not_written_over(runs, tmp_path):
    model = gz.load(runs / "dcgan")
    (tmp_path / "pictures.csv").write_text("my,own,table\n1,2,3\n")
    with pytest.raises(RequestError, match="no table of ganzoo's"):
        model.save_each(tmp_path, range(2), progress=Quiet())
    (tmp_path / "pictures.csv").unlink()
    (tmp_path / "seed00001.png").write_text("not a picture")
    with pytest.raises(RequestError, match="is no picture"):
        model.save_each(tmp_path, range(3), progress=Quiet())
    for suffix in ("png", "webp"):
        folder = tmp_path / suffix
        folder.mkdir()
        Image.new("L", (8, 8)).save(folder / f"seed00001.{suffix}")
        with pytest.raises(RequestError, match="was not painted here"):
            model.save_each(folder, range(3), kind=suffix, progress=Quiet())
        (folder / f"seed00001.{suffix}").unlink()
        for _ in range(2):  # what is ours is painted again
            model.save_each(folder, range(3), kind=suffix, progress=Quiet())
    (tmp_path / "walk.mp4").write_text("somebody's notes")
    with pytest.raises(RequestError, match="is no film"):
        model.save_walk(tmp_path / "walk.mp4", [0, 1], progress=Quiet())
    assert (tmp_path / "walk.mp4").read_text() == "somebody's notes"


def test_an_interrupt_leaves_a_table_of_what_is_there(runs, tmp_path):
    class Stops(Quiet):
        def update(self, progress):
            if progress.done >= 48:
                raise KeyboardInterrupt

    import ganzoo.sampling.each as module

    before, module._TOLD_SECONDS = module._TOLD_SECONDS, 0.0
    told = Stops()
    try:
        with pytest.raises(KeyboardInterrupt):
            gz.load(runs / "dcgan").save_each(tmp_path / "out", range(200), progress=told)
    finally:
        module._TOLD_SECONDS = before
    rows = list(csv.DictReader((tmp_path / "out" / "pictures.csv").open(newline="")))
    assert len(rows) == 48 and all((tmp_path / "out" / row["file"]).is_file() for row in rows)
    assert "interrupted: 48 of 200 pictures" in told.said[0]


def test_a_seed_twice_is_told(runs, tmp_path):
    with pytest.raises(RequestError, match="named twice"):
        gz.load(runs / "dcgan").save_each(tmp_path, [1, 2, 1], progress=Quiet())
    table = gz.load(runs / "cgan").save_each(tmp_path, [1, 1], label="2,3", progress=Quiet())
    assert len(list(csv.DictReader(table.open(newline="")))) == 2


def test_more_than_a_grid_can_hold_is_told_before_it_is_made(runs, tmp_path):
    pictures = gz.Pictures(np.broadcast_to(np.zeros((1, 1, 1, 1), np.uint8), (600, 1024, 1024, 1)))
    with pytest.raises(RequestError, match="hardly a program opens"):
        pictures.grid()
    assert_clean(ganzoo_here("sample", runs / "dcgan", "-o", tmp_path / "x.png", "-n", 12_000), status=0)


# --- films


def read_film(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)], stream


@pytest.mark.parametrize(
    ("name", "codec", "found"),
    [("w.mp4", None, "av1"), ("w.webm", None, "vp9"), ("w.webm", "av1", "av1"), ("w.mp4", "x264", "h264")],
)
def test_a_film_has_every_frame_and_its_colours(runs, halves, tmp_path, name, codec, found):
    model = gz.load(halves)
    out = tmp_path / name
    assert model.save_walk(out, [0, 1, 2], frames=10, fps=30, codec=codec, progress=Quiet()) == 30
    frames, stream = read_film(out)
    assert len(frames) == 30 and float(stream.average_rate) == 30
    assert found in stream.codec_context.codec.canonical_name
    painted = np.asarray(model.walk([0, 1, 2], frames=10))  # 16 pixels, which films have not: enlarged four times
    assert frames[0].shape == (64, 64, 3)
    for number in (0, 7, 29):
        apart = frames[number][2::4, 2::4, 1].astype(int) - painted[number][..., 0]
        assert np.abs(apart).mean() < 12


@pytest.mark.parametrize("suffix", ["webp", "gif", "png"])
def test_an_animation_has_every_frame(runs, tmp_path, suffix):
    frames = gz.Pictures(np.random.RandomState(0).randint(0, 255, (9, 24, 16, 3), dtype=np.uint8))
    frames.save_animation(tmp_path / f"w.{suffix}", fps=50)
    with Image.open(tmp_path / f"w.{suffix}") as image:
        assert image.size == (16, 24) and image.n_frames == 9 and image.info.get("loop", 0) == 0
        image.seek(8)
        assert suffix == "webp" or image.info["duration"] == 20
        if suffix != "gif":
            apart = np.asarray(image.convert("RGB")).astype(int) - np.asarray(frames)[8]
            assert np.abs(apart).mean() < (1 if suffix == "png" else 60)


def test_frames_are_encoded_as_they_come(tmp_path):
    """Not one is held: a frame may be overwritten as soon as the next is asked for."""
    from ganzoo.sampling.video import write_film

    alive = []

    def frames():
        import weakref

        for number in range(60):
            frame = np.full((96, 80, 3), 4 * number, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(one() is not None for one in alive) <= 2

    for name in ("a.mp4", "a.webm", "a.webp"):
        alive.clear()
        assert write_film(tmp_path / name, frames(), count=60, fps=25) == 60


def test_odd_sides_become_even_and_nothing_is_blurred(tmp_path):
    from ganzoo.sampling.video import write_film

    frame = np.zeros((71, 129, 3), np.uint8)
    frame[:, 64:] = 255
    write_film(tmp_path / "odd.webm", [frame] * 3)
    frames, _ = read_film(tmp_path / "odd.webm")
    assert frames[0].shape == (72, 130, 3)
    assert frames[0][:, :60].max() < 16 and frames[0][:, 70:].min() > 239


def test_a_film_from_onnx_files_wants_no_torch(halves, tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None; import ganzoo as gz\n"
        "model = gz.load(sys.argv[1:3])\n"
        "print(model.save_walk(sys.argv[3], range(3), frames=4), model.save_each(sys.argv[4], range(3)).name)"
    )
    command = [sys.executable, "-c", code, *map(str, halves), str(tmp_path / "w.mp4"), str(tmp_path / "each")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["12", "pictures.csv"]


def test_a_missing_package_is_named_before_anything_is_painted(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingPackageError, match="av is not installed") as error:
        gz.load(runs / "dcgan").save_walk(tmp_path / "w.mp4", [0, 1], progress=Quiet())
    assert "ganzoo[video]" in error.value.hint and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "w.avi", "--walk", 3], "does not end like a picture that moves"),
        (["-o", "w.mp4", "--codec", "vp9"], "these do: av1, x264"),
        (["-o", "w.png", "--fps", 30], "--fps goes with --walk"),
        (["-o", "w.mp4", "--each"], "two things"),
        (["-o", "w.png", "--each"], "is no folder"),
        (["-o", "w.png", "--kind", "webp"], "--kind goes with --each"),
        (["-o", "w.png", "--cutoff", 2], "has no layers of styles"),
        (["-o", "w.png", "--move", "0=1"], "has no styles"),
        (["-o", "w.png", "--move", "x"], "not of the form NUMBER=AMOUNT"),
        (["-o", "pictures"], "with --each"),
        (["-o", "w.png", "--directions", "d.npz"], "--directions goes with --move"),
        (["-o", "w.png", "--latents", "nowhere.npz"], "There is no file"),
        (["-o", "w.png", "--seed", 2**32 - 1, "-n", 2], "expected seeds below"),
    ],
)
def test_what_does_not_go_together_is_said(runs, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = ganzoo_here("sample", runs / "dcgan", *arguments)
    assert_clean(done, status=2)
    assert message in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_captions_stand_on_the_frames(halves, tmp_path):
    from ganzoo.data.sheets import with_caption

    plain = np.full((96, 96, 1), 128, np.uint8)
    written = with_caption(plain, "seed 3")
    assert (
        written.shape == plain.shape
        and (written[:48] == 128).all()
        and written[70:].min() < 20
        and written[70:].max() > 220
    )
    assert with_caption(plain[:16, :16], "seed 3") is not None
    colour = with_caption(np.full((96, 96, 3), 128, np.uint8), "seed 3 猫")
    assert colour.shape == (96, 96, 3)
    done = ganzoo_here("sample", *halves, "-o", tmp_path / "w.webp", "--seeds", "0-1", "--walk", 3, "--captions")
    assert_clean(done, status=0)


def test_a_walk_is_smooth_where_it_passes_its_stations():
    rows = np.random.RandomState(0).randn(5, 3, 4)
    for between, tolerance in ((closed_curve, 1e-9), (around_sphere, 1e-9)):
        for at in range(5):
            assert np.allclose(between(rows, at, 0.0), rows[at], atol=tolerance)
            assert np.allclose(between(rows, at, 1.0), rows[(at + 1) % 5], atol=tolerance)
    step = 1e-5
    for at in range(5):  # the speed before a station is that behind it
        before = (rows[at] - closed_curve(rows, at - 1, 1 - step)) / step
        behind = (closed_curve(rows, at, step) - rows[at]) / step
        assert np.allclose(before, behind, atol=1e-3)
        rest = (closed_curve(rows, at, step, ease=True) - rows[at]) / step
        assert np.abs(rest).max() < 1e-2 < np.abs(behind).max()
    latents = np.random.RandomState(1).randn(4, 128)
    lengths = [np.linalg.norm(around_sphere(latents, at, share)) for at in range(4) for share in (0.2, 0.5, 0.8)]
    assert min(lengths) > 0.98 * np.linalg.norm(latents, axis=1).min()


def test_the_loop_closes_and_its_steps_are_alike(halves):
    source = gz.load(halves).source
    stations = walk_stations(source, [3, 4, 9, 2], InputChoices())
    frames = np.concatenate([part.pictures.pixels for part in walk_through(stations, 12)])
    steps = np.abs(frames - np.roll(frames, -1, 0)).mean((1, 2, 3))
    eased = np.concatenate([part.pictures.pixels for part in walk_through(stations, 12, ease=True)])
    rests = np.abs(eased - np.roll(eased, -1, 0)).mean((1, 2, 3))
    assert rests.min() / rests.max() < 0.5 * steps.min() / steps.max()


# --- tables and edges


def test_edges_name_seeds_and_classes(runs, halves, tmp_path):
    plain = gz.load(runs / "dcgan").sample(range(12))
    assert plain.captions[3] == "seed 3"
    grid, edged = plain.grid(4), plain.edged(4)
    assert edged.width > grid.width and edged.mode == "RGB"
    for arguments, rows, columns in (
        ([runs / "cgan", "--label", "1,5", "--seeds", "0-3"], 2, 4),
        ([*halves, "--seeds", "0-2", "--mix", "7,8"], 4, 3),
    ):
        done = ganzoo_here("sample", *arguments, "-o", tmp_path / "x.png", "--edges")
        assert_clean(done, status=0)
        with Image.open(tmp_path / "x.png") as image:
            cell = 48  # of 16 pixels, enlarged to be read beside
            assert image.width > columns * cell and image.height > rows * cell
            assert np.asarray(image)[:4, :4].min() == 255


def test_a_table_of_classes_shows_the_same_seeds_in_each(runs):
    from ganzoo.api.paint_files import PaintRequest, _table

    model = gz.load(runs / "cgan")
    request = PaintRequest(out=Path("x.png"), label="1,5", seeds=[4, 6, 9], edges=True)
    pictures = _table(model, [4, 6, 9], request, {"label": "1,5"})
    assert pictures.edges == (["1", "5"], ["seed 4", "seed 6", "seed 9"]) and pictures.columns == 3
    assert np.array_equal(np.asarray(pictures)[:3], np.asarray(model.sample([4, 6, 9], label=1)))
    assert np.array_equal(np.asarray(pictures)[3:], np.asarray(model.sample([4, 6, 9], label=5)))


# --- what is no picture, and what is no model alone


def test_numbers_that_are_none_are_an_error_that_names_the_seeds(runs, tmp_path):
    gz.export(runs / "dcgan", progress=Quiet())
    model = onnx.load(runs / "dcgan" / "exports" / "generator.onnx")
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 4:
            array = onnx.numpy_helper.to_array(tensor).copy()
            array.flat[0] = np.nan
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, tmp_path / "nan.onnx")
    broken = gz.load(tmp_path / "nan.onnx")
    for call in (
        lambda: broken.sample([4, 5]),
        lambda: broken.save_each(tmp_path / "out", [4, 5], progress=Quiet()),
        lambda: broken.save_walk(tmp_path / "w.webp", [4, 5], progress=Quiet()),
    ):
        with pytest.raises(GanzooError, match="hold what is no number"):
            call()
    done = ganzoo_here("sample", tmp_path / "nan.onnx", "-o", tmp_path / "x.png", "-n", 3)
    assert_clean(done, status=1)
    assert "seed 0, seed 1, seed 2" in done.stderr and not (tmp_path / "x.png").exists()


def test_synthesis_alone_says_what_it_wants(halves, tmp_path):
    done = ganzoo_here("sample", halves[1], "-o", tmp_path / "x.png")
    assert_clean(done, status=2)
    assert "paints from what the graph 'mapping' gives, which is not here" in done.stderr
    model = gz.load(halves[1])
    for call in (
        lambda: model.sample([0]),
        lambda: model.walk([0, 1]),
        lambda: model.save_each(tmp_path / "o", [0], progress=Quiet()),
        lambda: gz.evaluate(halves[1], data="digits", features="pixels", metrics=["fid"], count=20),
    ):
        with pytest.raises(RequestError, match="mapping"):
            call()


def test_two_models_of_one_name_are_told_apart(runs, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        gz.export(runs / "dcgan", out=tmp_path / name / "generator.onnx", progress=Quiet())
    paths = [tmp_path / name / "generator.onnx" for name in ("one", "two")]
    with pytest.raises(RequestError) as error:
        gz.load(paths).sample([0])
    assert all(str(path) in error.value.message for path in paths)
    result = gz.bench(paths, dims={"batch": [1]}, repeats=1, least_seconds=0.05, max_seconds=20, progress=Quiet())
    assert [case["model"]["file"] for case in result.cases] == ["one/generator.onnx", "two/generator.onnx"]


# --- values, latents, moves


def test_a_truncation_is_stated_shortly_and_cut_off_at_a_layer(runs, halves):
    for model in (gz.load(runs / "stylegan2"), gz.load(halves)):
        whole = model.sample(range(4), values={"truncation_psi": 0.3})
        assert np.array_equal(whole, model.sample(range(4), values={"psi": 0.3}))
        plain = model.sample(range(4))
        every = model.sample(range(4), values={"psi": 0.3}, cutoff=model.layers)
        assert np.abs(np.asarray(every).astype(int) - whole).max() <= 1
        some = model.sample(range(4), values={"psi": 0.3}, cutoff=2)
        assert not np.array_equal(some, plain) and not np.array_equal(some, whole)
        source = model.source
        rows = stations_of(source, range(4), InputChoices(values={"psi": 0.3}), cutoff=2).rows
        full = stations_of(source, range(4), InputChoices()).rows
        assert np.array_equal(rows[:, 2:], full[:, 2:]) and not np.array_equal(rows[:, :2], full[:, :2])
        with pytest.raises(RequestError, match="none is stated"):
            model.sample([0], cutoff=2)
        with pytest.raises(RequestError, match="expected 1 to"):
            model.sample([0], values={"psi": 0.5}, cutoff=99)


def test_latents_are_painted_walked_between_and_mixed(runs, halves, tmp_path):
    for model in (gz.load(runs / "stylegan2"), gz.load(halves)):
        rows = stations_of(model.source, [5, 6], InputChoices()).rows
        kept = Latents(space="w+", rows=rows, names=["a", "b"], model=model.source.identity())
        path = kept.save(tmp_path / "w.npz")
        again = Latents.load(path)
        assert again.space == "w+" and list(again.names) == ["a", "b"] and np.array_equal(again.rows, rows)
        own = np.asarray(model.sample([5, 6])).astype(int)
        assert np.abs(np.asarray(model.sample(latents=path)) - own).max() <= 1
        both = model.sample([7], latents=kept)
        assert len(both) == 3 and list(both.captions) == ["a", "b", "seed 7"]
        assert len(model.walk(latents=kept, frames=3)) == 6
        assert len(model.walk([9], latents=kept[:1], frames=3)) == 6
        assert model.mix([], [1, 2], latents=kept).columns == 3
        one = Latents(space="w", rows=rows[:, 0])
        assert np.abs(np.asarray(model.sample(latents=one)) - own).max() <= 1  # nothing truncates: all layers are alike
        z = Latents(space="z", rows=model.source.painters()[0].inputs[0].sample([5, 6]))
        assert np.abs(np.asarray(model.sample(latents=z)) - own).max() <= 1


def test_latents_of_another_model_are_told_of(runs, tmp_path, recwarn):
    model = gz.load(runs / "stylegan2")
    rows = stations_of(model.source, [5], InputChoices()).rows
    Latents(space="w+", rows=rows, model="0" * 64).save(tmp_path / "w.npz")
    done = ganzoo_here("sample", runs / "stylegan2", "-o", tmp_path / "x.png", "--latents", tmp_path / "w.npz")
    assert_clean(done, status=0)
    assert "with another model" in done.stderr and done.stderr.count("warning") == 1
    with pytest.raises(RequestError, match="takes"):
        model.sample(latents=Latents(space="w+", rows=rows[:, :, :3]))
    with pytest.raises(RequestError, match="has no styles"):
        gz.load(runs / "dcgan").sample(latents=Latents(space="w+", rows=rows))


def test_a_run_and_its_files_are_one_model(runs, halves):
    identity = gz.load(runs / "stylegan2").source.identity()
    assert len(identity) == 64 and identity == gz.load(halves).source.identity()
    assert identity != gz.load(runs / "dcgan").source.identity()


def test_directions_are_the_principal_components_of_the_styles(runs, halves, tmp_path):
    model = gz.load(halves)
    found = model.find_directions(count=5, seeds=500)
    styles = stations_of(model.source, range(500), InputChoices()).rows.mean(1)
    values = np.linalg.svd(styles - styles.mean(0), full_matrices=False)[1] ** 2 / 499
    assert np.allclose(found.deviations, np.sqrt(values[:5]), rtol=1e-3)
    assert np.allclose(found.components @ found.components.T, np.eye(5), atol=1e-4)
    assert np.allclose(found.explained, values[:5] / values.sum(), rtol=1e-3)
    again = gz.load(runs / "stylegan2").find_directions(count=5, seeds=500)
    assert np.allclose(found.components, again.components, atol=2e-3)
    kept = gz.Directions.load(found.save(tmp_path / "d.npz"))
    assert np.array_equal(kept.components, found.components)
    stations = stations_of(model.source, [3], InputChoices())
    moved = kept.moved(stations, {1: 2.0}, layers=[0, 2])
    shift = moved.rows - stations.rows
    assert np.allclose(shift[0, 0], 2 * found.deviations[1] * found.components[1], atol=1e-5)
    assert (shift[0, [1, 3]] == 0).all()
    there = model.sample([3], move={1: 2.0, 0: -1.0}, directions=kept)
    assert not np.array_equal(there, model.sample([3]))
    with pytest.raises(RequestError, match="directions 0 to 4"):
        model.sample([3], move={7: 1.0}, directions=kept)


def test_the_verb_directions_makes_a_sheet(runs, halves, tmp_path):
    done = ganzoo_here("directions", *halves, "--sheet", tmp_path / "d.png", "-o", tmp_path / "d.npz", "-n", 3)
    assert_clean(done, status=0)
    with Image.open(tmp_path / "d.png") as image:
        assert image.width > 7 * 48 and image.height > 3 * 48
    kept = ["--directions", tmp_path / "d.npz"]
    done = ganzoo_here("sample", *halves, "-o", tmp_path / "x.png", "--move", "2=+2", *kept, "--layers", "0-1")
    assert_clean(done, status=0)
    told = json.loads(ganzoo_here("directions", *halves, "--json", "-n", 3).stdout)
    assert len(told["explained"]) == 3 and told["explained"] == sorted(told["explained"], reverse=True)
    for arguments, message in (
        ([runs / "dcgan", "--sheet", tmp_path / "y.png"], "has no styles"),
        ([*halves], "Where shall the directions go?"),
        ([*halves, "--sheet", tmp_path / "y.txt"], "does not end like a picture"),
    ):
        done = ganzoo_here("directions", *arguments)
        assert_clean(done, status=2)
        assert message in done.stderr


def test_a_seed_becomes_a_latent_as_the_docs_say(runs):
    """In the six lines that anyone can repeat in another language."""
    page = (Path(__file__).parents[1] / "docs" / "painting.md").read_text(encoding="utf-8")
    code = page[page.index("## How a seed becomes a latent") :].split("```python\n")[1].split("```")[0]
    assert len(code.strip().splitlines()) <= 14
    names: dict[str, object] = {}
    exec(code, names)
    latent = names["latent"]
    for seed, size in ((0, 4), (123, 7), (2**32 - 1, 512)):
        assert np.array_equal(np.float32(latent(seed, size)), np.random.RandomState(seed).randn(size).astype("float32"))
    spec = gz.load(runs / "dcgan").source.painters()[0].inputs[0]
    assert np.array_equal(spec.sample([7])[0], np.float32(latent(7, spec.shape[1])))


def test_painting_by_batches_gives_what_painting_at_once_gives(runs):
    source = gz.load(runs / "dcgan").source
    assert np.allclose(paint(source, range(40)).pixels[17:19], paint(source, [17, 18]).pixels, atol=1e-5)


def test_a_translation_that_is_no_number_is_an_error_too(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(3):
            pixels = np.random.RandomState(number).randint(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    run = gz.train("cyclegan", preset="tiny", data=tmp_path / "a", target=tmp_path / "b", out=tmp_path / "run", steps=1,
                   progress=Quiet())  # fmt: skip
    path = gz.export(run, progress=Quiet())[0].path
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 4:
            array = np.full(tuple(tensor.dims), np.nan, "float32")
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, tmp_path / "nan.onnx")
    with pytest.raises(GanzooError, match="no number|not finite"):
        gz.load(tmp_path / "nan.onnx").translate(tmp_path / "a" / "0.png")
    done = ganzoo_here("sample", tmp_path / "nan.onnx", "-i", tmp_path / "a" / "0.png", "-o", tmp_path / "x.png")
    assert_clean(done, status=1)
    assert not (tmp_path / "x.png").exists()


def test_a_film_that_is_ended_leaves_nothing_half_written(runs, tmp_path):
    import signal
    import time

    command = [sys.executable, "-m", "ganzoo", "sample", str(runs / "dcgan"), "--seeds", "0-1", "--walk", "5000000",
               "-o", str(tmp_path / "w.mp4")]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(".writing-*")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130 and list(tmp_path.iterdir()) == []


def test_a_table_keeps_what_was_painted_before(runs, tmp_path):
    model = gz.load(runs / "dcgan")
    model.save_each(tmp_path, range(5), progress=Quiet())
    (tmp_path / "seed00004.png").unlink()
    table = model.save_each(tmp_path, range(2, 4), progress=Quiet())
    assert [row["seed"] for row in csv.DictReader(table.open(newline=""))] == ["0", "1", "2", "3"]
    (tmp_path / "seed00009.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(RequestError, match="is no picture"):
        model.save_each(tmp_path, range(8, 10), progress=Quiet())
    assert not (tmp_path / "seed00008.png").exists() and not (tmp_path / "elsewhere.png").exists()


def test_values_that_latents_are_beyond_are_refused_and_moves_can_be_filmed(halves, tmp_path):
    model = gz.load(halves)
    kept = Latents(space="w+", rows=stations_of(model.source, [5], InputChoices()).rows)
    with pytest.raises(RequestError, match="styles already"):
        model.sample(latents=kept, values={"psi": 0.1})
    model.save_walk(tmp_path / "a.webp", [1, 2], frames=3, move={0: 3.0}, progress=Quiet())
    model.save_walk(tmp_path / "b.webp", [1, 2], frames=3, progress=Quiet())
    assert (tmp_path / "a.webp").read_bytes() != (tmp_path / "b.webp").read_bytes()
    with pytest.raises(RequestError, match="at most 50"):
        model.save_walk(tmp_path / "c.gif", [1, 2], fps=60, progress=Quiet())
    for call in (
        lambda: model.sample([1], values={"psi": 0.5}, cutoff=2.5),
        lambda: model.find_directions(count="4"),
        lambda: model.direction_sheet(None),
        lambda: model.sample([1], move={0: float("nan")}),
        lambda: model.sample([1], move={99: 1.0}),
    ):
        with pytest.raises(RequestError):
            call()


def test_rows_of_a_grid_are_named_by_their_seeds():
    from ganzoo.sampling.captions import seeds_in_words
    from ganzoo.sampling.pictures import _row_name

    assert seeds_in_words(range(3, 9)) == "seeds 3 to 8" and seeds_in_words([3, 14, 15]) == "seeds 3, 14, 15"
    assert (
        _row_name(["seed 3", "seed 14"]) == "seeds 3, 14"
        and _row_name(["seed 3", "seed 4", "seed 5"]) == "seeds 3 to 5"
    )
    assert _row_name(["face", "seed 2"]) == "face, seed 2"


def test_files_with_a_cut_off_have_the_class_that_the_table_says(tmp_path):
    settings = {"conditional": True}
    run = gz.train("stylegan2", preset="tiny", data="digits", out=tmp_path / "run", steps=2, settings=settings,
                   progress=Quiet())  # fmt: skip
    model = gz.load(run)
    asked = {"values": {"psi": 0.5}, "cutoff": 2}
    table = model.save_each(tmp_path / "out", range(20), label="1,2,3", progress=Quiet(), **asked)
    rows = list(csv.DictReader(table.open(newline="")))
    assert [row["class"] for row in rows] == (["1", "2", "3"] * 7)[:20]
    for row in rows[15:19]:  # beyond the first batch
        painted = np.asarray(model.sample([int(row["seed"])], label=int(row["class"]), **asked))[0, :, :, 0]
        apart = np.asarray(Image.open(tmp_path / "out" / row["file"])).astype(int) - painted
        assert np.abs(apart).max() <= 1
