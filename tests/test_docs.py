"""What the README and the docs say is true."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
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
        ("bench", run / "exports" / "generator.onnx", "--repeats", 1, "--seconds", 0.3),
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs.md", "painting.md"])
def test_the_examples_of_a_page_run(name, tmp_path):
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page[page.index("## From Python") :], re.M | re.S)
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "page.py"], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    made = {"runs.md": ("photos.html", "photos.safetensors", "grid.png"), "painting.md": ("walk.webp", "moved.png")}
    for file in made[name]:
        assert (tmp_path / file).stat().st_size > 0


def test_no_address_of_an_index_is_in_the_project():
    hosts = re.compile(r"https?://[^\s\"'`)]*(pypi|pythonhosted|/simple/)|--(extra-)?index-url|--find-links")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    for name in listed.split():
        if Path(name).suffix in {".py", ".md", ".toml", ".txt", "", ".cfg"} and name != "tests/test_docs.py":
            assert not hosts.search((ROOT / name).read_text(encoding="utf-8", errors="replace")), name


SHAPES = {
    "VAE": {"data.source": "digits", "data.size": 8, "data.channels": 1},
    "SuperResolution": {"data.source": "digits-outline", "data.size": 32, "data.source_size": 8},
    "Colouriser": {"data.source": "digits-outline", "data.size": 32, "data.channels": 3, "data.source_channels": 1},
    "AttributeGAN": {"data.source": "digits", "data.size": 8},
    "Landscape": {"data.source": "digits", "data.size": "48x80", "data.channels": 3},
    "SecondBatch": {"data.source": "digits", "data.size": 8, "objective": "relativistic", "penalty": "r1+r2"},
}
GUIDE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_the_plugin_guide_has_a_screenful_for_each_shape():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.partition("## A metric\n")[0], re.S)
    assert [re.findall(r"^class (\w+)\(\w+\):", block, re.M)[-1] for block in blocks] == list(SHAPES)
    assert max(len(block.splitlines()) for block in blocks) <= 50


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_of_the_plugin_guide_train_and_export(name, tmp_path):
    """From the guide's own text, as a notebook would have them."""
    import ganzoo as gz
    from ganzoo.plugin.call import remember
    from ganzoo.plugin.installed import SCRIPT, InstalledSpec
    from ganzoo.plugin.kinds import DATA_SOURCES
    from ganzoo.plugin.registry import installed_plugins

    block = next(text for text in re.findall(r"```python\n(.*?)```", GUIDE, re.S) if f"class {name}(" in text)
    scope = {"__name__": "guide"}
    exec(compile(block, "docs/plugins.md", "exec", dont_inherit=True), scope)
    settings = dict(SHAPES[name])
    if "Shades" in scope:
        remember("guide:shades", scope["Shades"])
        spec = gz.DataSourceSpec(name="shades", summary="shades", implementation="guide:shades")
        installed_plugins().add(DATA_SOURCES, InstalledSpec(spec=spec, distribution=SCRIPT, version=""))
        settings["data.source"] = "shades"
    gz.register(scope[name], name=f"guide-{name.lower()}")
    settings |= {"train.batch_size": 4, "train.score_count": 8, "train.sample_count": 4}
    run = gz.train(f"guide-{name.lower()}", out=tmp_path / "run", steps=2, settings=settings)
    assert {exported.proof.holds for exported in gz.export(run, checkpoint="last")} == {True}


def test_the_metric_and_the_network_of_the_plugin_guide_work(tmp_path):
    """From the guide's own text, by their specs, and by the conformance suites."""
    import ganzoo as gz
    from ganzoo.plugin.call import remember
    from ganzoo.plugin.installed import SCRIPT, InstalledSpec
    from ganzoo.plugin.kinds import FEATURE_NETWORKS, METRICS
    from ganzoo.plugin.registry import installed_plugins
    from ganzoo.testing.features import evidence_of

    scope = {"__name__": "guide"}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.partition("## A metric\n")[2], re.S):
        exec(compile(block, "docs/plugins.md", "exec", dont_inherit=True), scope)
    for kind, hook in ((METRICS, "ganzoo_metrics"), (FEATURE_NETWORKS, "ganzoo_feature_networks")):
        (spec,) = scope[hook]()
        remember(spec.implementation, scope[spec.implementation.partition(":")[2]])
        installed_plugins().add(kind, InstalledSpec(spec=spec, distribution=SCRIPT, version=""))
    run = gz.train("dcgan", data="digits", preset="tiny", out=tmp_path / "run", steps=1, device="cpu")
    found = gz.evaluate(run, metrics=["mean-distance", "kid"], features="colours", count=20, cache=False, device="cpu")
    assert set(found.scores) == {"mean_distance@colours", "kernel_distance@colours"}
    assert found.protocol["metrics"]["mean-distance"] == {"power": 2.0}
    same = gz.evaluate(run, metrics=[scope["MeanDistance"]()], features=scope["Colours"](None, {}), count=20,
                       cache=False, device="cpu")  # fmt: skip
    assert same["mean_distance"] == found["mean_distance"]
    (tmp_path / "features").mkdir()
    metric = scope["MeanDistance"]()
    apart = evidence_of(metric, tmp_path / "features", np.zeros((9, 4)), np.full((9, 4), 0.5), stated={"power": 1.0})
    assert metric.measure(apart)["mean_distance"].value == 2.0


def test_every_score_saw_what_it_is_made_to_see():
    """In the recorded results, whose table is in docs/scores.md."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import score_tables

    assert score_tables.sanity() and not list(score_tables.all_moved())
