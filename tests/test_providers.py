"""The CUDA provider's refusals: libraries hidden one by one from the real loader, and texts of real failures."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import assert_clean, ganzoo
from test_bench import save

from ganzoo.errors import BenchError, ExportError
from ganzoo.runtime.providers import requirements
from ganzoo.runtime.providers.failures import explain
from ganzoo.runtime.providers.table import find_provider
from ganzoo.runtime.session import open_checked

TEXTS = json.loads((Path(__file__).parent / "data" / "provider_failures.json").read_text(encoding="utf-8"))

DRIVER = """
int cuInit(unsigned flags) { return CU_INIT; }
int cuDeviceGetCount(int *count) { *count = DEVICES; return 0; }
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
int cuTensorMapEncodeTiled(void) { return 0; }
"""
"""A driver that can be loaded and knows next to nothing. The provider's library wants the last by name."""


@pytest.mark.parametrize("recorded", TEXTS, ids=lambda recorded: recorded["source"].rpartition("github.com/")[2])
def test_texts_of_real_failures(recorded):
    trouble = explain(recorded["text"], cuda="13")
    assert recorded["reason"] in trouble.reason
    assert recorded["remedy"] in trouble.remedy
    shown = trouble.reason + trouble.remedy
    hosts = re.findall(r"hostname=(\S+)", recorded["text"])
    assert not any(host in shown for host in hosts), "a host's name must not reach a result"
    assert "conditional_t" not in shown and "cuda_call.cc" not in shown and len(trouble.reason) <= 300


def test_a_text_that_nobody_has_seen_comes_back_without_the_host():
    text = (
        "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:121 onnxruntime::CudaCall(ERRTYPE) "
        "NEWLIB trouble 7: the moon is full ; GPU=0 ; hostname=my-secret-box ; "
        "file=/onnxruntime_src/x.cc ; line=3 ; expr=f();"
    )
    assert explain(text).reason == "NEWLIB trouble 7: the moon is full"
    assert explain("").reason == ""
    unknown = explain("CUDA failure 4242: something new ; GPU=0 ; hostname=box ; file=/a.cc")
    assert unknown.reason == "CUDA failure 4242: something new" and unknown.remedy == ""


@pytest.mark.parametrize(
    "word",
    ["a", "/x", "std::conditional_t<", "[with ", "C:\\", "CUDA failure 1: ", "hostname=b ", "onnxruntime::CudaCall("],
)
def test_a_megabyte_is_no_trouble(word):
    """A pattern that looks back and forth would take hours; the host at the cut is not let through."""
    assert len(explain(word * (10**6 // len(word))).reason) <= 300
    for shift in range(20):
        assert "secret" not in explain("x " * 1000 + "y" * shift + " hostname=secret ; " * 1000).reason


def _site_packages():
    from ganzoo.runtime.ort import onnxruntime

    return Path(onnxruntime.__file__).parents[1]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """Makes a folder with a libcuda.so.1 that answers as asked."""
    if platform.system() != "Linux" or not (_site_packages() / "nvidia" / "cudnn").is_dir():
        pytest.skip("hides Linux libraries that onnxruntime-gpu[cuda,cudnn] brings")
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "these tests compile a driver of four lines: install a C compiler"

    def make(cu_init=0, devices=1):
        folder = tmp_path_factory.mktemp("driver")
        source = folder / "driver.c"
        source.write_text(DRIVER.replace("CU_INIT", str(cu_init)).replace("DEVICES", str(devices)))
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", folder / "libcuda.so.1", source],
            check=True,
        )
        return folder

    return make


def hidden(folder, *libraries, everywhere=True):
    """A folder to be put on PYTHONPATH in which onnxruntime finds all of its libraries but these.

    everywhere: a package `nvidia` that is whole, not a part of one that other folders have parts of too.
    """
    site = _site_packages()
    folder.mkdir(exist_ok=True)
    (folder / "onnxruntime").symlink_to(site / "onnxruntime")
    for directory in (site / "nvidia").glob("*/lib"):
        here = folder / directory.relative_to(site)
        here.mkdir(parents=True)
        for library in directory.iterdir():
            if not library.name.startswith(tuple(f"{name}.so" for name in libraries)):
                (here / library.name).symlink_to(library)
    if everywhere:
        (folder / "nvidia" / "__init__.py").touch()
    return folder


def told(folder, driver=None):
    """What a process with these libraries says is missing."""
    code = (
        "from ganzoo.runtime.providers.requirements import find_trouble; t = find_trouble('cuda'); "
        "t and print(t.reason, t.remedy, sep='|')"
    )
    paths = os.pathsep.join(filter(None, [str(driver or ""), os.environ.get("LD_LIBRARY_PATH", "")]))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])),
        "LD_LIBRARY_PATH": paths,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, cwd=folder
    )
    return done.stdout.strip()


def test_without_a_driver(tmp_path, driver):
    assert "the NVIDIA driver is not installed or not visible here (libcuda.so.1: cannot open" in told(hidden(tmp_path))


@pytest.mark.parametrize(
    ("library", "named", "package"),
    [
        ("libcurand", "libcurand.so.10", "nvidia-curand"),
        ("libcublas", "libcublas.so.13", "nvidia-cublas"),
        ("libcublasLt", "libcublasLt.so.13", "nvidia-cublas"),
        ("libcudnn", "libcudnn.so.9", "nvidia-cudnn-cu13"),
    ],
)
def test_a_hidden_library_is_named_with_what_brings_it(tmp_path, driver, library, named, package):
    """Hidden from the loader, as on a machine that lacks it: no call of ours is replaced."""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    if named in listed:
        pytest.skip(f"{named} is installed for the whole system too, where it cannot be hidden")
    reason, _, remedy = told(hidden(tmp_path, library), driver()).partition("|")
    assert reason == f"the library {named} is missing"
    assert package in remedy and "onnxruntime-gpu[cuda,cudnn]" in remedy


def test_libraries_of_another_folder_than_onnxruntimes_are_found(tmp_path, driver):
    """As after `pip install --target`, or in a user's own site-packages beside the system's."""
    assert told(hidden(tmp_path, "libcurand", "libcublas", "libcudnn", everywhere=False), driver()) == ""


def test_with_all_libraries_nothing_is_missing(tmp_path, driver):
    assert told(hidden(tmp_path), driver()) == ""


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({"cu_init": 100}, "does not start (cuInit gives error 100: no GPU can be seen)"),
        ({"cu_init": 803}, "error 803: the driver's library and its kernel module are of two versions"),
        ({"cu_init": 4711}, "cuInit gives error 4711)"),
        ({"devices": 0}, "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)"),
    ],
)
def test_a_driver_that_does_not_work(tmp_path, driver, answers, text):
    assert text in told(hidden(tmp_path), driver(**answers))


@pytest.fixture
def relu(tmp_path):
    from onnx import helper

    return save(tmp_path / "relu.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", None, ["n"])], [("y", ["n"])])


def test_a_provider_that_fails_at_the_session_says_why_in_one_line(relu, tmp_path, driver):
    """Everything can be loaded and nothing works: the real CUDA provider refuses, and nothing runs on the CPU."""
    paths = {"PYTHONPATH": str(hidden(tmp_path / "site")), "LD_LIBRARY_PATH": str(driver())}
    done = ganzoo("bench", relu.path, "--shape", "x=4", "--provider", "cuda", "--repeats", "1", **paths)
    assert_clean(done, status=1)
    assert "CUDAExecutionProvider cannot open relu.onnx: the NVIDIA driver is older than the CUDA" in done.stderr
    assert "Update the NVIDIA driver" in done.stderr
    assert done.stdout == ""
    assert "hostname=" not in done.stderr and "EP Error" not in done.stderr + done.stdout


def test_a_provider_that_fails_in_the_middle_of_a_run_is_not_replaced_by_the_cpu(relu):
    """onnxruntime's own run would print a line and go on on the CPU: a latency of the wrong device."""
    session = open_checked(relu.path, "cpu").session
    assert session._enable_fallback is False


def test_a_damaged_file_is_not_taken_for_a_broken_provider(tmp_path, monkeypatch):
    from ganzoo.runtime import session

    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ExportError, match="cannot load .*damaged.onnx"):
        session._create(path, find_provider("cuda"), {})


def test_the_remedy_is_the_hint(monkeypatch):
    monkeypatch.setattr(
        requirements, "find_trouble", lambda provider: explain("libcurand.so.10: cannot open shared object file")
    )
    with pytest.raises(BenchError, match="does not work here: the library libcurand.so.10 is missing") as caught:
        requirements.require("cuda")
    assert "nvidia-curand" in caught.value.hint and "ganzoo doctor" in caught.value.hint
