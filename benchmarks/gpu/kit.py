"""A folder that brings ganzoo to a machine without internet: `make gpu-kit`.

Wheels of ganzoo, its plugins and everything they need for a stated Python, with checksums, licences, and a script that
installs them and says which shared libraries are still missing. It holds libraries under NVIDIA's terms, which allow to
use and not to publish them: the folder is ignored by git and is for your own machines.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
EXTRA = ["nvidia-ml-py", "pytest"]  # the GPU's record, and what tests on that machine want
PLATFORMS = [
    "manylinux1_x86_64",
    "manylinux2010_x86_64",
    "manylinux2014_x86_64",
    *(f"manylinux_2_{n}_x86_64" for n in range(5, 40)),
]
INSTALLER = Path(__file__).with_name("kit_install.py")


def main():
    arguments = _arguments()
    out = arguments.out
    if out.exists():
        if not (out / "SHA256SUMS").exists():
            sys.exit(f"{out} is there and is no kit: choose another folder with --out")
        shutil.rmtree(out)
    wheels = out / "wheels"
    wheels.mkdir(parents=True)
    (out / ".gitignore").write_text("*\n")
    _build_own(wheels)
    has = {canonicalize_name(name) for name in arguments.has}
    _download(_roots(has), has, arguments.python, wheels)
    (out / "LICENSES.txt").write_text(_licences(wheels), encoding="utf-8")
    shutil.copy(INSTALLER, out / "install.py")
    (out / "kit.json").write_text(json.dumps({"python": arguments.python, "has": sorted(has)}) + "\n")
    if arguments.piece_mb:
        _split(wheels, arguments.piece_mb * 2**20)
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name != ".gitignore")
    sums = [f"{_sha256(path)}  {path.relative_to(out).as_posix()}" for path in files]
    (out / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    size = sum(path.stat().st_size for path in files)
    print(f"{out}: {len(files)} files, {size / 1e6:,.0f} MB, for Python {arguments.python} on x86-64 Linux")
    print(f"It expects there: {', '.join(sorted(has)) or 'nothing'}. On that machine: python3 install.py")
    print("It holds libraries under NVIDIA's terms (LICENSES.txt): do not publish it.")


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu-kit")
    parser.add_argument("--python", default="3.12", help="of the other machine")
    parser.add_argument("--has", nargs="*", default=["torch"], help="distributions that are there and are left out")
    parser.add_argument("--piece-mb", type=int, default=0, help="cut larger files into pieces of so many MiB")
    return parser.parse_args()


def _pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"pip {arguments[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _build_own(wheels):
    for project in [ROOT, *sorted((ROOT / "plugins").iterdir())]:
        if (project / "pyproject.toml").exists():
            _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(project))


def _roots(has):
    """What ganzoo and its plugins require, but themselves and what is there."""
    found = {}
    for project in [ROOT, *sorted((ROOT / "plugins").iterdir())]:
        if (project / "pyproject.toml").exists():
            facts = tomllib.loads((project / "pyproject.toml").read_text())["project"]
            extras = facts.get("optional-dependencies", {})
            for text in [*facts["dependencies"], *extras.get("train", ()), *extras.get("cuda", ())]:
                requirement = Requirement(text)
                name = canonicalize_name(requirement.name)
                if name not in has and not name.startswith("ganzoo"):
                    found[str(requirement)] = requirement
    return [*found, *EXTRA]


def _download(requirements, has, python, wheels):
    """Every wheel of the closure. Markers are judged for the other Python: pip judges them for this one."""
    target = ["--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
    for platform in PLATFORMS:
        target += ["--platform", platform]
    environment = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": "x86_64",
                   "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
                   "implementation_name": "cpython", "platform_python_implementation": "CPython"}  # fmt: skip
    seen, waiting = set(has), [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop(0)
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen or key[0] in has or key[0].startswith("ganzoo"):
            continue
        if requirement.marker is not None and not _wanted(requirement.marker, environment, ""):
            continue
        seen.add(key)
        path = _wheel_of(wheels, key[0])
        if path is None:
            spec = f"{requirement.name}{requirement.specifier}"
            _pip(
                "download",
                "--quiet",
                "--no-deps",
                "-c",
                str(ROOT / "constraints.txt"),
                *target,
                "-d",
                str(wheels),
                spec,
            )
            path = _wheel_of(wheels, key[0])
            print(f"  {path.name}")
        for text in _metadata(path).get_all("Requires-Dist") or ():
            needed = Requirement(text)
            extras = ["", *requirement.extras]
            if needed.marker is None or any(_wanted(needed.marker, environment, extra) for extra in extras):
                needed.marker = None
                waiting.append(needed)


def _wanted(marker, environment, extra):
    return marker.evaluate({**environment, "extra": extra})


def _wheel_of(wheels, name):
    return next((path for path in wheels.glob("*.whl") if canonicalize_name(path.name.split("-")[0]) == name), None)


def _metadata(path):
    with zipfile.ZipFile(path) as archive:
        name = next(item for item in archive.namelist() if item.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def _licences(wheels):
    lines = [
        "What this folder holds, and under which terms. Nothing of it is ours to publish but ganzoo's own wheels.",
        "",
    ]
    for path in sorted(wheels.glob("*.whl")):
        facts = _metadata(path)
        classifiers = [
            text.split(" :: ")[-1] for text in facts.get_all("Classifier") or () if text.startswith("License")
        ]
        terms = facts.get("License-Expression") or "; ".join(classifiers) or (facts.get("License") or "").splitlines()
        terms = terms[0] if isinstance(terms, list) and terms else terms or "not stated: see the wheel"
        lines.append(f"{facts['Name']} {facts['Version']}: {terms}")
    return "\n".join(lines) + "\n"


def _split(wheels, size):
    for path in sorted(wheels.glob("*.whl")):
        if path.stat().st_size <= size:
            continue
        with path.open("rb") as whole:
            for number in range(10**6):
                piece = whole.read(size)
                if not piece:
                    break
                path.with_name(f"{path.name}.part{number:03d}").write_bytes(piece)
        path.unlink()


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
