"""What the README and the docs say is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import assert_clean, ganzoo

from ganzoo.cli import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]


def test_the_tables_are_current():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_are_of_verbs_and_options_that_exist(page):
    for verb, rest in re.findall(r"^ {4}ganzoo ([a-z]+)(.*)$", page.read_text(encoding="utf-8"), re.M):
        assert verb in VERBS, verb
        help_text = ganzoo(verb, "--help").stdout
        for option in re.findall(r"(?<= )(--?[a-z][a-z-]*)", rest.partition("#")[0]):
            assert option in help_text, f"{verb} {option}"


@pytest.fixture(scope="module")
def mygan(tmp_path_factory):
    """The plugin of the README, installed as pip would, from the README's own text."""
    site = tmp_path_factory.mktemp("site")
    for name, code in re.findall(r"`(mygan/\w+\.py)`[^`]*?```python\n(.*?)```", README, re.S):
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(code)
    assert sorted(item.name for item in (site / "mygan").iterdir()) == ["config.py", "model.py", "plugin.py"]
    entry = re.search(r"\[project\.entry-points\.ganzoo\]\n(.*?)\n", README)[1].replace('"', "")
    info = site / "ganzoo_mygan-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-mygan\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[ganzoo]\n{entry}\n")
    (site / "test_mygan.py").write_text(re.search(r"`test_mygan\.py`:\n\n```python\n(.*?)```", README, re.S)[1])
    return site


def test_the_plugin_of_the_readme_trains_exports_and_is_measured(mygan, tmp_path):
    run = tmp_path / "run"
    for arguments in (
        ("info", "mygan"),
        ("train", "mygan", "--preset", "tiny", "--data", "digits", "--out", run),
        ("sample", run, "-o", tmp_path / "grid.png"),
        ("export", run),
        ("bench", run / "exports" / "generator.onnx", "--repeats", 1, "--max-time", 2),
    ):
        assert_clean(ganzoo(*arguments, path=mygan), status=0)


def test_the_plugin_of_the_readme_conforms(mygan):
    import os

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(mygan), str(mygan)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(mygan)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_plugin_fits_on_a_screen():
    blocks = re.findall(r"`mygan/\w+\.py`[^`]*?```python\n(.*?)```", README, re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert len(lines) <= 60


def test_the_examples_for_python_run(tmp_path):
    """All of the page, in order, in one process, as a notebook would."""
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) >= 12
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "page.py"], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    for name in ("grid.png", "walk.webp", "mixed.png", "neon.png", "bench.json"):
        assert (tmp_path / name).stat().st_size > 0
    assert "dcgan 20 0.16" in done.stdout and "model.translate(picture)" in done.stdout
    assert "8/8 steps, 0 s left" in done.stdout


def test_no_address_of_an_index_is_in_the_project():
    hosts = re.compile(r"https?://[^\s\"'`)]*(pypi|pythonhosted|/simple/)|--(extra-)?index-url|--find-links")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    for name in listed.split():
        if Path(name).suffix in {".py", ".md", ".toml", ".txt", "", ".cfg"} and name != "tests/test_docs.py":
            assert not hosts.search((ROOT / name).read_text(encoding="utf-8", errors="replace")), name
