"""The kit for a machine without internet: its installer on whole, cut and damaged folders; what it asks pip for."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

GPU = Path(__file__).parents[1] / "benchmarks" / "gpu"


def _module(name):
    spec = importlib.util.spec_from_file_location(name, GPU / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


kit = _module("kit")


def wheel(folder, name, *, requires=(), licence="MIT", extra=""):
    """A wheel with one module, as a build would leave it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}"]
    metadata += [f"Requires-Dist: {text}" for text in requires]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"here = True\n# {extra}")
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def folder(tmp_path):
    """A kit of two wheels, one of them in pieces."""
    root = tmp_path / "kit"
    (root / "wheels").mkdir(parents=True)
    wheel(root / "wheels", "small")
    wheel(root / "wheels", "large", extra="x" * 50_000)
    kit._split(root / "wheels", 2**14)
    shutil.copy(GPU / "kit_install.py", root / "install.py")
    (root / "kit.json").write_text(json.dumps({"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "has": []}))
    files = [path for path in root.rglob("*") if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}" for path in files]
    (root / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    return root


def install(folder, *arguments):
    command = [sys.executable, str(folder / "install.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pieces_are_joined_checked_and_installed_into_a_folder_of_their_own(folder, tmp_path):
    into = tmp_path / "site"
    done = install(folder, "--into", str(into))
    assert done.returncode == 0, done.stderr
    assert (into / "small.py").exists() and (into / "large.py").exists()
    assert "shared libraries still missing:" in done.stdout and f"export PYTHONPATH={into}" in done.stdout


@pytest.mark.parametrize("harm", ["damaged", "missing", "cut short"])
def test_a_kit_that_is_not_whole_is_not_installed(folder, tmp_path, harm):
    piece = next((folder / "wheels").glob("large*.part000"))
    if harm == "missing":
        piece.unlink()
    else:
        content = piece.read_bytes()
        piece.write_bytes(content[:100] if harm == "cut short" else content[:-1] + bytes([content[-1] ^ 1]))
    done = install(folder, "--into", str(tmp_path / "site"))
    assert done.returncode == 1
    assert "The kit is not whole: wheels/large" in done.stderr and "Copy it again." in done.stderr
    assert not (tmp_path / "site").exists()


def test_another_python_is_named(folder):
    (folder / "kit.json").write_text(json.dumps({"python": "3.9", "has": []}))
    done = install(folder)
    assert done.returncode == 1 and "this kit is for Python 3.9, and this is 3." in done.stderr


def test_licences_are_listed(tmp_path):
    wheel(tmp_path, "nvidia_thing", licence="LicenseRef-NVIDIA-Proprietary")
    assert "nvidia_thing 1.0: LicenseRef-NVIDIA-Proprietary" in kit._licences(tmp_path)


def test_the_closure_follows_the_other_pythons_markers_extras_and_what_is_there(tmp_path, monkeypatch):
    """An index of our own in place of pip's: what is asked for is made."""
    index = {
        "asked": [
            "always", 'old; python_version < "3.12"', 'new; python_version >= "3.12"', "there", 'gpu; extra == "cuda"',
        ],
        "always": ['windows; sys_platform == "win32"', "asked"],
        "gpu": [], "new": [], "old": [], "windows": [], "there": ["behind"],
    }  # fmt: skip
    downloaded = []

    def pip(*arguments):
        name = Requirement(arguments[-1]).name
        downloaded.append(name)
        wheel(tmp_path, name, requires=index[name])

    monkeypatch.setattr(kit, "_pip", pip)
    kit._download(["asked[cuda]"], {"there"}, "3.12", tmp_path)
    assert sorted(downloaded) == ["always", "asked", "gpu", "new"]


def test_an_occupied_folder_is_not_removed(tmp_path, monkeypatch):
    (tmp_path / "precious.txt").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["kit.py", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="is there and is no kit"):
        kit.main()
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_what_ganzoo_needs_is_asked_for_and_torch_is_not():
    roots = [Requirement(text).name for text in kit._roots({"torch"})]
    assert "onnxruntime-gpu" in roots and "pydantic" in roots and "torch" not in roots
    assert not [name for name in roots if name.startswith("ganzoo")]
