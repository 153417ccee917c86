"""Core and plugin build as wheels and work from them."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, *sorted((ROOT / "plugins").iterdir())):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def test_a_wheel_holds_its_own_package_and_no_other(wheels):
    assert set(wheels) == {
        "ganzoo", "ganzoo_classics", "ganzoo_cyclegan", "ganzoo_dcgan", "ganzoo_restoration", "ganzoo_stylegan",
        "ganzoo_styletransfer",
    }  # fmt: skip
    for package, path in wheels.items():
        names = zipfile.ZipFile(path).namelist()
        assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {package}
        assert f"{package}/py.typed" in names
        assert any(name.endswith("licenses/LICENSE") for name in names)
    names = zipfile.ZipFile(wheels["ganzoo"]).namelist()
    for data in ("data/digits.npz", "data/DIGITS.md", "plugin/published.json", "runtime/latency/result.schema.json"):
        assert f"ganzoo/{data}" in names


def test_installed_from_wheels_the_verbs_work(wheels, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*command, *map(str, wheels.values())], check=True, capture_output=True)
    env = {**os.environ, "PYTHONPATH": str(site)}

    def ganzoo(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "ganzoo", *arguments], capture_output=True, text=True, env=env, cwd=tmp_path,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import ganzoo as g, ganzoo_dcgan as d, ganzoo_classics as c; print(g, d, c)"],
        capture_output=True, text=True, env=env, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert where.stdout.count(str(site)) == 3
    listed = json.loads(ganzoo("list", "--json"))
    assert [item["name"] for item in listed["architectures"]] == [
        "adain", "cgan", "cyclegan", "dcgan", "esrgan", "fast-style", "fixed-restoration", "gan", "pix2pix",
        "real-esrgan", "srgan", "stylegan", "stylegan2", "vae", "wgan", "wgan-gp",
    ]  # fmt: skip
    assert listed["problems"] == []
    ganzoo("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", "run")
    ganzoo("export", "run")
