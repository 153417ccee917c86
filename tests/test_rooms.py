"""The rooms of the house: what may be imported without torch, and that no arrow runs in a circle."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.cli import VERBS

TORCH_FREE = ["api", "cli", "config", "plugin", "runs", "runtime", "sampling"]


@pytest.mark.parametrize("room", TORCH_FREE)
def test_a_room_is_imported_without_torch(room):
    """Every module of it, in a process of its own."""
    code = f"""
import importlib, pkgutil, sys
import ganzoo.{room} as room
names = [item.name for item in pkgutil.walk_packages(room.__path__, "ganzoo.{room}.")]
for name in names:
    importlib.import_module(name)
print(len(names), *(name for name in ("torch", "torchvision", "pydantic") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *heavy = done.stdout.split()
    assert int(count) >= 2
    assert heavy == []


ROOT = Path(__file__).parents[1]
IMPORTERS = {"ganzoo/__init__.py", "ganzoo/cli/__init__.py", "ganzoo/plugin/call.py", "ganzoo/plugin/api1.py",
             "ganzoo/plugin/old_paths.py", "ganzoo/testing/__init__.py"}  # fmt: skip
"""Who imports by a string: the front door and the verbs their own names, `call` what plugins name."""


def sources():
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("ganzoo/**/*.py")}


def test_one_place_resolves_import_strings():
    found = {name for name, text in sources().items() if "import_module(" in text or "__import__(" in text}
    assert found <= IMPORTERS


def test_no_file_is_more_than_a_room():
    files = [*ROOT.glob("ganzoo/**/*.py"), *ROOT.glob("plugins/*/ganzoo_*/**/*.py")]
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert len(lines) > 150 and {name: count for name, count in lines.items() if count > 320} == {}


def test_the_command_line_is_a_thin_skin():
    cli = {name: text for name, text in sources().items() if name.startswith("ganzoo/cli/")}
    assert sum(len(text.splitlines()) for text in cli.values()) <= 125 * len(VERBS)
    allowed = {"api", "cli", "config", "errors", "plugin", "version"}
    for name, text in cli.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "ganzoo":
                assert node.module.split(".")[1] in allowed, f"{name}: {node.module}"


def test_no_import_runs_in_a_circle():
    """Not even one that only a type checker follows."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("ganzoo", exclude_type_checking_imports=False)
    assert graph.find_modules_directly_imported_by("ganzoo.plugin.registry")
    below = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert circles(below) == []


def circles(below):
    """The strongly connected components of more than one module (Tarjan)."""
    found, index, low, stack = [], {}, {}, []

    def visit(module):
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(below[module]):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            part = [stack.pop()]
            while part[-1] != module:
                part.append(stack.pop())
            if len(part) > 1:
                found.append(sorted(part))

    for module in sorted(below):
        if module not in index:
            visit(module)
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def imported(text):
    """Modules that a file imports when it runs; what is under TYPE_CHECKING is for those who check types."""
    found, tree = set(), ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_onnx_runtime_is_imported_in_one_place():
    """Its telemetry is off there, before."""
    modules = {name: {one.partition(".")[0] for one in imported(text)} for name, text in sources().items()}
    assert [name for name, found in modules.items() if "onnxruntime" in found] == ["ganzoo/runtime/ort.py"]
    for path in ROOT.glob("benchmarks/**/*.py"):
        assert "onnxruntime" not in imported(path.read_text(encoding="utf-8")), path


WRITES = re.compile(
    r"(?<!files)\.write_(text|bytes)\(|os\.replace\(|\.rename\(|shutil\.|\.unlink\(|O_CREAT|open\([^)]*[\"'][wa]b?[\"']"
)
WRITERS = {
    "ganzoo/files.py": "the one place",
    "ganzoo/runs/lock.py": "its own file, which is never renamed: the lock is on it",
    "ganzoo/runs/weights.py": "inside a folder that is beside its name and renamed as a whole",
    "ganzoo/runs/checkpoint.py": "renames what it removes",
    "ganzoo/data/png.py": "under the name that files.py gave",
    "ganzoo/data/prepared.py": "under the name that files.py gave",
    "ganzoo/data/cache.py": "inside a folder that is beside its name and renamed as a whole",
    "ganzoo/evaluation/feature_set.py": "rows into a folder of temporary files",
    "ganzoo/evaluation/feature_cache.py": "inside a folder that is beside its name and renamed as a whole",
    "ganzoo/exporting/exporter.py": "under the name that files.py gave; and takes the old proof away",
    "ganzoo/sampling/each.py": "under the name that files.py gave",
    "ganzoo/loggers/jsonl.py": "under the name that files.py gave",
}


def test_one_place_writes_files():
    found = {name for name, text in sources().items() if WRITES.search(text)}
    assert found == set(WRITERS)
