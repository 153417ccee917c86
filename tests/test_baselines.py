"""What the code of before the second shape of the house gave, held against the code of now (tests/baselines/make.py).

Bits differ between processors: losses are compared to rounding, and bit for bit with GANZOO_EXACT=1, on the machine and
with the torch that the comparison is made on from the commit before.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo

BASELINES = Path(__file__).parent / "baselines"
sys.path.insert(0, str(BASELINES))
import make  # noqa: E402  # beside what it made

GOLDEN = json.loads((BASELINES / "golden.json").read_text(encoding="utf-8"))
TEXTS = json.loads((BASELINES / "texts.json").read_text(encoding="utf-8"))
EXACT = os.environ.get("GANZOO_EXACT") == "1"


@pytest.fixture(scope="module")
def found():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return json.loads(json.dumps(make.golden()))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_losses_state_and_graphs(name, found):
    expected = GOLDEN[name]
    for key in ("state", "average", "graphs"):
        assert found[name][key] == expected[key]
    assert len(found[name]["losses"]) == len(expected["losses"]) >= 4
    for one, two in zip(found[name]["losses"], expected["losses"], strict=True):
        assert one == (two if EXACT else pytest.approx(two, rel=1e-3, abs=1e-4))


RUNS = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in ("cgan", "cyclegan", "stylegan2")))
    for name in sorted(make.RUNS)
]


@pytest.fixture(scope="module", params=RUNS)
def old_run(request, tmp_path_factory):
    """A run that the old code made, copied: its name and its folder."""
    folder = tmp_path_factory.mktemp("old") / request.param
    shutil.copytree(BASELINES / "runs" / request.param, folder)
    return request.param, folder


def test_old_runs_and_old_files_paint_the_same_pictures(old_run):
    name, folder = old_run
    pictures = make.painted(folder, name)
    with np.load(BASELINES / "pictures.npz") as kept:
        expected = {key.split(" ")[1]: kept[key] for key in kept.files if key.split(" ")[0] == name}
    assert set(pictures) == set(expected) and pictures
    for what, pixels in expected.items():
        difference = np.abs(pictures[what].astype(int) - pixels.astype(int)).max()
        assert difference <= (0 if EXACT else 1), what


def test_old_files_are_proved_and_old_runs_go_on(old_run):
    _, folder = old_run
    for path in sorted((folder / "exports").glob("*.onnx")):
        assert_clean(ganzoo("verify", path), status=0)
    done = ganzoo("train", "--resume", folder, "--steps", make.STEPS + 2)
    assert_clean(done, status=0)
    assert f"going on at step {make.STEPS}" in done.stderr
    done = ganzoo("export", folder, "--checkpoint", "last", "-o", folder / "again")
    assert_clean(done, status=0)
    assert sorted(item.name for item in (folder / "again").glob("*.onnx")) == sorted(
        item.name for item in (folder / "exports").glob("*.onnx")
    )


@pytest.mark.parametrize("verb", TEXTS["help"])
def test_help(verb):
    now, before = make.ganzoo(*filter(None, [verb]), "--help").stdout, TEXTS["help"][verb]
    assert now == before, "what a user reads has changed: on purpose?"


@pytest.mark.parametrize("request_", TEXTS["errors"])
def test_errors(request_):
    done = make.ganzoo(*make.REQUESTS[request_], cwd=BASELINES)
    status, text = TEXTS["errors"][request_]
    assert [done.returncode, done.stderr] == [status, text.replace("{here}", str(BASELINES))]


@pytest.fixture(scope="module")
def api1(tmp_path_factory):
    """The packaged plugin of API 1, as pip leaves it."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(BASELINES / "api1" / "ganzoo_api1", site / "ganzoo_api1")
    info = site / "ganzoo_api1-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-api1\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganzoo]\napi1 = ganzoo_api1.plugin\n")
    return site


def test_a_plugin_of_api_1_does_everything(api1, tmp_path):
    listed = ganzoo("list", "--json", path=api1)
    assert_clean(listed, status=0)
    assert {"api1-painter", "api1-translator"} <= {item["name"] for item in json.loads(listed.stdout)["architectures"]}
    run = tmp_path / "run"
    common = ("--preset", "tiny", "--out", run, "--set", "train.loggers=jsonl,api1-lines")
    done = ganzoo("train", "api1-painter", "--data", "api1-stripes:30", *common, path=api1)
    assert_clean(done, status=0)
    assert "warning: api1: 0.016 kimg are few" in done.stderr
    assert_clean(ganzoo("train", "--resume", run, "--steps", 6, path=api1), status=0)
    assert (run / "api1.txt").read_text().splitlines()[0] == "from 0"
    assert_clean(
        ganzoo("sample", run, "-o", tmp_path / "a.png", "--label", "1", "--value", "strength=0.6", path=api1), status=0
    )
    assert_clean(ganzoo("export", run, path=api1), status=0)
    assert_clean(ganzoo("export", run, "--graph", "again", "-o", run / "again.onnx", path=api1), status=0)
    assert_clean(ganzoo("verify", run / "exports" / "generator.onnx"), status=0)
    assert_clean(ganzoo("bench", run / "exports" / "generator.onnx", "--repeats", 1, "--max-time", 1), status=0)


@pytest.mark.slow
def test_a_translator_of_api_1_does_everything(api1, tmp_path):
    from PIL import Image

    run = tmp_path / "run"
    done = ganzoo("train", "api1-translator", "--preset", "tiny", "--data", "digits-neon", "--out", run, path=api1)
    assert_clean(done, status=0)
    Image.new("RGB", (12, 8), (9, 99, 200)).save(tmp_path / "in.png")
    assert_clean(ganzoo("sample", run, "--input", tmp_path / "in.png", "-o", tmp_path / "out.png", path=api1), status=0)
    assert Image.open(tmp_path / "out.png").size[1] == 8
    assert_clean(ganzoo("export", run, path=api1), status=0)
    done = ganzoo("import", tmp_path / "in.png", "--as", "api1-translator", "--out", tmp_path / "imported", path=api1)
    assert_clean(done, status=1)
