"""Seeds and ranges, truncation, tables of mixed styles and walks, from a run and from its files alone."""

import numpy as np
import pytest
from ganzoo_stylegan.auto import configure
from helpers import ganzoo, ganzoo_here
from PIL import Image

from ganzoo.api.load import load
from ganzoo.cli.parse import parse_seeds
from ganzoo.errors import RequestError
from ganzoo.sampling.noise import InputChoices, paint
from ganzoo.sampling.walks import mix, walk


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    done = ganzoo("train", "stylegan2", "--preset", "tiny", "--data", "digits", "--steps", 12, "--out", folder)
    assert done.returncode == 0, done.stderr
    done = ganzoo("export", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def halves(run):
    return [run / "exports" / f"{name}.onnx" for name in ("mapping", "synthesis")]


def test_the_whole_and_its_halves_paint_alike(run, halves):
    chosen = InputChoices(values={"truncation_psi": 0.6})
    pictures = [
        paint(load(paths).source, range(5), chosen).pixels
        for paths in ([run], [run / "exports" / "generator.onnx"], halves)
    ]
    for other in pictures[1:]:
        assert np.abs(other - pictures[0]).max() <= 1e-4


def test_truncation_is_none_unless_asked_for_and_pulls_together(run):
    model = load(run).source
    plain, whole, half, none = (
        paint(model, range(8), InputChoices(values=values)).pixels
        for values in ({}, {"truncation_psi": 1}, {"truncation_psi": 0.5}, {"truncation_psi": 0})
    )
    assert (plain == whole).all() and (plain != half).any()
    assert half.std(0).mean() < whole.std(0).mean()
    assert np.abs(none - none[:1]).max() < 1e-5


def test_a_table_of_mixed_styles(run, halves):
    for paths in ([run], halves):
        model = load(paths).source
        table = mix(model, [0, 1, 2], [7, 8], [0, 1], InputChoices())[0].pixels.reshape(4, 3, 1, 16, 16)
        own, other = (paint(model, seeds).pixels for seeds in ([0, 1, 2], [7, 8]))
        assert np.abs(table[1:, 0] - own).max() <= 1e-5 and np.abs(table[0, 1:] - other).max() <= 1e-5
        assert (table[0, 0] == 1).all()
        everything = mix(model, [0], [7, 8], range(6), InputChoices())[0].pixels[3:]
        assert np.abs(everything[1:] - other).max() <= 1e-5  # a row with all of a column's styles is the column


def test_a_walk_passes_its_seeds_and_closes(run, halves):
    for paths in ([run], halves):
        model = load(paths).source
        frames = np.concatenate([part.pixels for part in walk(model, [3, 4, 9], 8, InputChoices())])
        assert len(frames) == 24
        assert np.abs(frames[[0, 8, 16]] - paint(model, [3, 4, 9]).pixels).max() <= 1e-4
        steps = np.abs(frames - np.roll(frames, -1, 0)).mean((1, 2, 3))
        assert steps.max() < np.abs(frames[0] - frames[8]).mean()  # the last leads to the first like any other


def test_the_verbs(run, halves, tmp_path):
    for arguments, size in (
        (["--seeds", "0-3,9", "--columns", 5], (80, 16)),
        (["--seeds", "0-1", "--mix", "5-7", "--layers", "0-3"], (64, 48)),
    ):
        for paths in ([run], halves):
            done = ganzoo_here("sample", *paths, "-o", tmp_path / "x.png", *arguments)
            assert done.returncode == 0, done.stderr
            with Image.open(tmp_path / "x.png") as image:
                assert image.size == size
    for suffix in ("gif", "webp", "png"):
        done = ganzoo_here("sample", *halves, "-o", tmp_path / f"w.{suffix}", "--seeds", "0,5", "--walk", 6)
        assert done.returncode == 0, done.stderr
        assert "12 pictures on a walk through 2 seeds" in done.stdout
        with Image.open(tmp_path / f"w.{suffix}") as image:
            assert image.size == (16, 16) and image.n_frames > 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--value", "truncation=1"], "has no input 'truncation' that is a number. Did you mean 'truncation_psi'?"),
        (["--value", "truncation_psi"], "is not of the form NAME=NUMBER"),
        (["--seeds", "3-1"], "--seeds '3-1' is not of the form 0-15,20"),
        (["--seeds", "0-3", "--seed", 1], "--seed and --count do not go with it"),
        (["--seeds", "4", "--walk", 5], "A walk goes from seed to seed"),
        (["--walk", 5, "--mix", "1"], "state one"),
        (["--mix", "1", "--layers", "6"], "has the layers 0 to 5"),
    ],
)
def test_requests_that_do_not_fit(run, tmp_path, arguments, message):
    done = ganzoo_here("sample", run, "-o", tmp_path / "x.png", *arguments)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_mapping_alone_paints_nothing(halves, tmp_path):
    done = ganzoo_here("sample", halves[0], "-o", tmp_path / "x.png")
    assert done.returncode == 2
    assert "paints no pictures: it gives w" in done.stderr and "mapping.onnx synthesis.onnx" in done.stderr
    done = ganzoo_here("sample", halves[1], "-o", tmp_path / "x.txt", "--walk", 3)
    assert done.returncode == 2 and "does not end like a picture" in done.stderr


def test_seeds():
    assert parse_seeds("0-3, 9") == [0, 1, 2, 3, 9]
    for text in ("", "a", "1-", "-1", "0-99999999", str(2**32)):
        with pytest.raises(RequestError, match="--seeds"):
            parse_seeds(text)


@pytest.mark.parametrize(
    ("size", "devices", "batch_size", "expected"),
    [
        (256, 1, None, (16, 16384, 2.5e-3, 0.8192, 5.0)),
        (256, 8, None, (64, 16384, 2.5e-3, 0.2048, 20.0)),
        (1024, 8, None, (32, 32768, 2e-3, 6.5536, 10.0)),
        (1024, 8, 64, (64, 32768, 2e-3, 3.2768, 20.0)),
        (32, 1, None, (32, 16384, 2.5e-3, 0.0064, 10.0)),
    ],
)
def test_auto_settings_follow_the_papers_rule(size, devices, batch_size, expected):
    tables = configure(height=size, width=size, devices=devices, batch_size=batch_size)
    settings = tables["architecture"]
    found = [settings[key] for key in ("maps_base", "generator_lr", "penalty_weight", "ema_half_life_kimg")]
    assert (tables["train"]["batch_size"], *found) == pytest.approx(expected)


def test_auto_wants_the_size_and_leaves_what_is_stated(tmp_path):
    done = ganzoo("train", "stylegan2", "--preset", "auto", "--data", "digits", "--dry-run")
    assert done.returncode == 2 and "none is stated" in done.stderr and "--set data.size=N" in done.stderr
    done = ganzoo(
        "train", "stylegan2", "--preset", "auto", "--data", "digits", "--dry-run", "--set", "data.size=32",
        "--batch-size", 8, "--set", "maps_base=64", "--set", "maps_most=8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = {line.partition(" =")[0]: line for line in done.stdout.splitlines()}
    assert "= 64 " in lines["maps_base"] and "--set" in lines["maps_base"]
    assert "0.0256" in lines["penalty_weight"] and "preset auto, computed" in lines["penalty_weight"]
