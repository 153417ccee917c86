"""Shared by the benchmarks: interleaved pairs, ratios with intervals, one result file per machine."""

import compileall
import datetime
import json
import platform
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
sys.path.insert(0, str(ROOT / "tests"))


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Bytecode before any start-up is timed: an editable install may have none."""
    import ganzoo_dcgan

    import ganzoo

    for package in (ganzoo, ganzoo_dcgan):
        compileall.compile_dir(Path(package.__file__).parent, quiet=1)


@pytest.fixture
def report(request):
    """Print a figure and keep it in results/NAME.json, NAME being that of the test file."""

    def keep(name, **facts):
        print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
        RESULTS.mkdir(exist_ok=True)
        stem = Path(request.node.fspath).stem.removeprefix("test_")
        path = RESULTS / f"{stem}-{machine_key()}.json"
        figures = json.loads(path.read_text())["figures"] if path.exists() else {}
        figures[name] = {"date": datetime.date.today().isoformat(), **facts}
        path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")

    return keep


def machine():
    from ganzoo.runtime.latency.machine import record

    facts = record()
    import torch

    keys = ("cpu", "logical_cpus", "usable_cpus", "system", "python", "onnxruntime")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {**{key: facts[key] for key in keys}, "torch": torch.__version__, "gpu": gpu}


def machine_key():
    """Short and without a host's name: what runs the code, e.g. `epyc-2cpu`."""
    import os

    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name().lower().replace(" ", "-")
    return f"{platform.machine().lower()}-{len(os.sched_getaffinity(0))}cpu"
