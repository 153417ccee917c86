"""What `import ganzoo` gives: public names as they were, nothing heavy, and the same names whatever is imported."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import public_names

import ganzoo as gz

ROOT = Path(__file__).parents[1]


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_public_names_and_how_they_are_called_are_frozen():
    """On purpose? Then `python tests/public_names.py`, and a line in the changelog."""
    expected = json.loads(public_names.TARGET.read_text(encoding="utf-8"))
    assert public_names.public_names() == expected


def test_importing_ganzoo_imports_nothing_outside_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import ganzoo; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    assert set(python(code).split()) - set(sys.stdlib_module_names) == {"ganzoo"}


def test_the_table_of_places_is_what_a_type_checker_sees():
    tree = ast.parse((ROOT / "ganzoo" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module.removeprefix("ganzoo.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == gz._PLACES
    assert set(gz.__all__) == {*seen, "API_VERSION", "__version__"}
    assert gz.__all__ == sorted(gz.__all__) and set(gz.__all__) <= set(dir(gz))
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = gz.trian


def test_every_name_is_itself_after_every_module_is_imported():
    """A module of a verb's name would take its place: `ganzoo.plugins` was one."""
    code = """
import importlib, inspect, pkgutil, sys, warnings
import ganzoo as gz
from ganzoo.plugin import api1
for item in pkgutil.walk_packages(gz.__path__, "ganzoo."):
    if item.name not in ("ganzoo.__main__", "ganzoo.loggers.tensorboard", "ganzoo.loggers.trackio"):
        importlib.import_module(item.name)
for name in api1.MOVED_MODULES:
    importlib.import_module(name)
verbs = [name for name in gz.__all__ if name[0].islower() and name != "hookimpl"]
for name in gz.__all__:
    assert name.startswith("__") or callable(getattr(gz, name)) or name == "API_VERSION", name
called = {
    "bench": lambda: gz.bench("nowhere.onnx"),
    "bench_fleet": lambda: gz.bench_fleet("nowhere.onnx"),
    "plan_bench": lambda: gz.plan_bench("nowhere.onnx"),
    "build": lambda: gz.build("dcgan", preset="tiny"),
    "choose": lambda: gz.choose("nowhere.json", most="throughput"),
    "compare": lambda: gz.compare("nowhere.json", "nowhere.json"),
    "compare_history": lambda: gz.compare_history("nowhere/"),
    "compare_evaluations": lambda: gz.compare_evaluations("nowhere.json", "nowhere.json"),
    "data_info": lambda: gz.data_info("nowhere/"),
    "evaluate": lambda: gz.evaluate("nowhere"),
    "fetch_features": lambda: gz.fetch_features("nowhere"),
    "judge_trial": lambda: gz.judge_trial("nowhere"),
    "make_trial": lambda: gz.make_trial("nowhere", out="x"),
    "serve_trial": lambda: gz.serve_trial("nowhere"),
    "doctor": gz.doctor,
    "export": lambda: gz.export("nowhere"),
    "export_weights": lambda: gz.export_weights("nowhere"),
    "fork": lambda: gz.fork("nowhere", out="x"),
    "list_runs": lambda: gz.list_runs("nowhere"),
    "plan_training": lambda: gz.plan_training("dcgan"),
    "project": lambda: gz.project("nowhere", "x.png"),
    "prune_runs": lambda: gz.prune_runs("nowhere"),
    "run_status": lambda: gz.run_status("nowhere"),
    "watch_page": lambda: gz.watch_page("nowhere", "x.html"),
    "import_run": lambda: gz.import_run("nowhere.pth", architecture="dcgan", out="x"),
    "info": lambda: gz.info("dcgan"),
    "inspect": lambda: gz.inspect("nowhere.onnx"),
    "list_architectures": gz.list_architectures,
    "load": lambda: gz.load("nowhere"),
    "open_run": lambda: gz.open_run("nowhere"),
    "plugins": gz.plugins,
    "prepare_data": lambda: gz.prepare_data("nowhere/", "x.npz"),
    "register": lambda: gz.register(3),
    "report": lambda: gz.report("nowhere.json", out="x.html"),
    "resume": lambda: gz.resume("nowhere"),
    "train": lambda: gz.train("dcgan", out="x"),
    "verify": lambda: gz.verify("nowhere.onnx"),
}
assert sorted(called) == verbs, sorted(set(verbs) ^ set(called))
for name, call in called.items():
    try:
        print(name, type(call()).__name__)
    except gz.GanzooError as error:
        print(name, type(error).__name__)
"""
    told = dict(line.split() for line in python(code).splitlines())
    assert told == {
        "bench": "ExportError",
        "bench_fleet": "ExportError",
        "plan_bench": "ExportError",
        "build": "DCGAN",
        "choose": "RequestError",
        "compare": "RequestError",
        "compare_history": "RequestError",
        "compare_evaluations": "RequestError",
        "evaluate": "RequestError",
        "fetch_features": "RequestError",
        "judge_trial": "RequestError",
        "make_trial": "RequestError",
        "serve_trial": "RequestError",
        "data_info": "DataError",
        "doctor": "dict",
        "export": "CheckpointError",
        "export_weights": "CheckpointError",
        "fork": "CheckpointError",
        "list_runs": "CheckpointError",
        "plan_training": "RequestError",
        "project": "CheckpointError",
        "prune_runs": "CheckpointError",
        "run_status": "CheckpointError",
        "watch_page": "CheckpointError",
        "import_run": "RequestError",
        "info": "ArchitectureInfo",
        "inspect": "ExportError",
        "list_architectures": "list",
        "load": "CheckpointError",
        "open_run": "CheckpointError",
        "plugins": "list",
        "prepare_data": "DataError",
        "register": "RequestError",
        "report": "RequestError",
        "resume": "CheckpointError",
        "train": "RequestError",
        "verify": "ExportError",
    }


@pytest.mark.parametrize(
    "call",
    [
        "gz.list_architectures()",
        "gz.info('dcgan')",
        "gz.plugins()",
        "gz.open_run({run!r}).metrics()",
        "gz.Pictures",
        "gz.list_runs(Path({run!r}).parent)",
        "gz.run_status({run!r})",
    ],
)
def test_verbs_that_only_read_import_no_torch(call):
    run = str(Path(__file__).parent / "baselines" / "runs" / "dcgan")
    code = f"import sys, ganzoo as gz; from pathlib import Path; {call.format(run=run)}; print('torch' in sys.modules)"
    assert python(code) == "False\n"


def test_files_paint_and_are_measured_where_torch_is_not_installed(tmp_path):
    """Its import is refused, as where it is missing."""
    exports = Path(__file__).parent / "baselines" / "runs" / "dcgan" / "exports"
    code = f"""
import sys
sys.modules["torch"] = None
import ganzoo as gz
model = gz.load({str(exports)!r})
pictures = model.sample(range(3))
pictures.save({str(tmp_path / "grid.png")!r})
file = {str(exports / "generator.onnx")!r}
print(pictures.pixels.shape, gz.verify(file).holds, gz.inspect(file)["opset"])
print(len(gz.bench(file, dims={{"batch": [1, 2]}}, repeats=1, max_seconds=2).cases))
"""
    assert python(code) == "(3, 16, 16, 1) True 18\n2\n"
    assert (tmp_path / "grid.png").exists()


def test_every_public_name_says_what_it_is():
    """Classes, functions, and the methods and properties that ganzoo gives them."""
    import importlib
    import inspect

    silent = []
    for module in public_names.MODULES:
        room = importlib.import_module(f"ganzoo.{module}".rstrip("."))
        for name in room.__all__:
            value = getattr(room, name)
            if not getattr(value, "__module__", "").startswith("ganzoo"):
                continue
            doc = value.__doc__ or ""
            if not doc or doc.startswith(f"{name}("):  # what a dataclass says of itself
                silent.append(f"{room.__name__}.{name}")
            for key, member in vars(value).items() if inspect.isclass(value) else ():
                tells = isinstance(member, property) or inspect.isfunction(member)
                if tells and not key.startswith("_") and not member.__doc__:
                    silent.append(f"{room.__name__}.{name}.{key}")
    assert silent == []
