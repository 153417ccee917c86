"""An installation without training: what is measured and painted where neither torch nor a GPU is.

Marked slow: an environment of its own is made, with OpenVINO as a second real provider.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo as gz
from ganzoo.testing.models import small_models

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
SUITES = """
from ganzoo.testing import ProviderConformance

class TestCPU(ProviderConformance):
    provider = "cpu"

class TestOpenVINO(ProviderConformance):
    provider = "openvino"
"""


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Path:
    """A file that the large installation exported."""
    folder = tmp_path_factory.mktemp("run")
    run = gz.train("dcgan", data="digits", out=folder / "run", preset="tiny", steps=4)
    return gz.export(run, out=folder / "generator.onnx")[0].path


class Environment:
    """A virtual environment without what this one has."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.bin = folder / "bin"

    def install(self, *packages: str) -> None:
        command = [self.bin / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*command, "-c", ROOT / "constraints.txt", *packages], check=True, timeout=900)

    def run(self, *arguments: object, module: str = "ganzoo", cwd: Path | None = None):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [self.bin / "python", "-m", module, *map(str, arguments)],
            capture_output=True, text=True, check=False, timeout=600, cwd=cwd, env={**environment, "COLUMNS": "200"},
        )  # fmt: skip


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """`pip install ganzoo`, and nothing beside it."""
    made = Environment(tmp_path_factory.mktemp("bare") / "env")
    made.install(str(ROOT))
    return made


@pytest.fixture(scope="module")
def small(bare):
    """`pip install ganzoo[openvino]` over it."""
    bare.install(f"{ROOT}[openvino]", "pytest")
    return bare


def test_the_base_has_neither(bare, tmp_path):
    model = next(small_models(tmp_path))
    listed = succeeded(bare.run("list", "--format=freeze", module="pip"))
    assert "torch" not in listed and "onnxruntime" not in listed and "onnxscript" not in listed
    assert "1 Conv" in succeeded(bare.run("inspect", model))
    succeeded(bare.run("list"))
    done = bare.run("bench", model)
    assert done.returncode == 1 and "onnxruntime is not installed; it is needed for running ONNX files" in done.stderr
    assert (
        "pip install 'ganzoo[cpu]' (or ganzoo[cuda] for NVIDIA GPUs" in done.stderr and "Traceback" not in done.stderr
    )
    done = bare.run("doctor")
    assert done.returncode == 1 and "problem: onnxruntime is not installed" in done.stdout
    assert "torch is not installed; training" in done.stdout


def test_doctor_is_content_with_the_small_one(small):
    shown = succeeded(small.run("doctor"))
    assert "  cpu: works: CPU" in shown and "  openvino: works: CPU" in shown and "all is well" in shown


def test_the_suites_of_cpu_and_openvino(small, tmp_path):
    """The same checks that a plugin's provider passes, none skipped but those that are of other machines."""
    (tmp_path / "test_both.py").write_text(SUITES)
    shown = succeeded(small.run("-q", "-p", "no:cacheprovider", "test_both.py", "-rs", module="pytest", cwd=tmp_path))
    assert "does not work here" not in shown, shown


def test_a_file_is_measured_by_both(small, generator, tmp_path):
    out = tmp_path / "result.json"
    options = ("--repeats", "2", "--seconds", "0.3", "--profile")
    succeeded(small.run("bench", generator, "--provider", "cpu,openvino", "--batch", "1,2", *options, "-o", out))
    cases = json.loads(out.read_text())["cases"]
    assert [(case["provider"], case["state"]) for case in cases] == [("cpu", "ok")] * 2 + [("openvino", "ok")] * 2
    assert cases[2]["provider_options"]["precision"] == "FP32"
    assert set(cases[2]["placement"]["nodes"]) == {"OpenVINOExecutionProvider"}
    assert all(case["profile"]["operators"] for case in cases)
    versions = json.loads(out.read_text())["machine"]
    assert versions["providers"]["openvino"]["openvino"] and "onnxruntime-openvino" in versions["onnxruntime_build"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--option", "openvino.devise_type=CPU"], "Did you mean 'device_type'"),
        (["--option", "openvino.device_type=GPU"], "Device GPU is not available"),
        (["--precision", "fp16"], "CPU only supports FP32"),
    ],
)
def test_openvino_never_becomes_the_processors_own(small, tmp_path, arguments, text):
    """Each of these ONNX Runtime takes with a line on stderr, and goes on on its CPU provider."""
    model = next(small_models(tmp_path))
    done = small.run("bench", model, "--provider", "openvino", "--repeats", "1", "--seconds", "0.2", *arguments)
    assert done.returncode in (1, 2) and text in done.stderr and "Traceback" not in done.stderr


def test_a_file_is_painted_and_looked_at(small, generator, tmp_path):
    succeeded(small.run("sample", generator, "--seeds", "0-3", "-o", tmp_path / "grid.png"))
    assert (tmp_path / "grid.png").stat().st_size > 100
    assert "dcgan" in succeeded(small.run("inspect", generator))


def test_what_wants_torch_says_so(small, tmp_path):
    done = small.run("data", "info", "digits")
    assert done.returncode == 0 or "pip install 'ganzoo[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_onnx_runtimes_are_told(small):
    """The last of this module: it spoils the environment."""
    small.install("onnxruntime")
    done = small.run("doctor")
    assert done.returncode == 1
    assert "overwrite each other's files: pip uninstall --yes onnxruntime onnxruntime-openvino" in done.stdout
