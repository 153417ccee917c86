"""Installs the kit that this file lies in: `python3 install.py [--into FOLDER]`. Needs nothing but Python.

Checks every file against SHA256SUMS, joins pieces, installs into a folder of its own beside everything that the machine
has, and says which shared libraries are still missing. No connection is opened.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent

CHECK = """
import importlib.metadata as metadata
for name in ("torch", "onnxruntime-gpu", "ganzoo"):
    try:
        print(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        print(name, "is not there")
from ganzoo.runtime.providers.requirements import find_trouble, missing_libraries
missing = missing_libraries()
print("shared libraries still missing:", ", ".join(missing) or "none")
trouble = find_trouble("cuda")
print("CUDA in ONNX Runtime:", f"{trouble.reason}. {trouble.remedy}" if trouble else "works")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=HERE / "site", help="a folder for PYTHONPATH; made if need be")
    arguments = parser.parse_args()
    about = json.loads((HERE / "kit.json").read_text(encoding="utf-8"))
    wanted, expected = about["python"], about["has"]
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if wanted != here:
        sys.exit(f"this kit is for Python {wanted}, and this is {here}. Try: python{wanted} install.py")
    join_pieces()
    check_sums()
    install(sorted((HERE / "wheels").glob("*.whl")), arguments.into)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(arguments.into), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, check=False)
    absent = [name for name in expected if not _is_there(name)]
    if absent:
        print(
            f"\nThis kit expects {', '.join(absent)} here, which is not there: install it, or make a kit that has it."
        )
    print(f"\nUse it with: export PYTHONPATH={arguments.into}")
    print(f"then: {sys.executable} -m ganzoo doctor; and in a checkout: make gpu GPU_PYTHON={sys.executable}")
    sys.exit(1 if absent else done.returncode)


def _is_there(name):
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def join_pieces():
    """Larger files come in pieces; what they make is checked by its own zip, each piece by its sum."""
    check_sums(only=".part")
    for first in sorted((HERE / "wheels").glob("*.whl.part000")):
        whole = first.with_name(first.name[: -len(".part000")])
        pieces = sorted(first.parent.glob(f"{whole.name}.part*"))
        with whole.open("wb") as file:
            for piece in pieces:
                file.write(piece.read_bytes())
        broken = zipfile.ZipFile(whole).testzip()
        if broken:
            sys.exit(f"{whole.name} is damaged at {broken}: copy its pieces again")


def check_sums(only=""):
    wrong = []
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ", 1)
        if only not in name:
            continue
        path = HERE / name
        if not path.exists():
            wrong.append(f"{name} is missing")
        elif _sha256(path) != expected:
            wrong.append(f"{name} is damaged")
    if wrong:
        sys.exit("The kit is not whole: " + "; ".join(wrong) + ". Copy it again.")


def install(wheels, into):
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--upgrade", "--target", str(into), *map(str, wheels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    print(
        f"pip does not do it ({(done.stderr.strip().splitlines() or ['no message'])[-1]}); unpacking the wheels instead"
    )
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(into)


def _sha256(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
