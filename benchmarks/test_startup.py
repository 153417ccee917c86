"""CPU time of the verbs that compute nothing, with 20 plugins installed."""

import os
import statistics
import subprocess
import sys

import pytest
from helpers import good_plugin, make_distribution

BASELINE = "import click, pluggy, importlib.metadata"
BOUNDS = {"--help": 1.3, "list --json": 1.6, "list": 2.2, "info dcgan": 4.5}


def cpu_seconds(arguments, path):
    """User and system time of a child process, to its end."""
    env = {**os.environ, "PYTHONPATH": str(path)}
    before = os.times()
    subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for number in range(20):
        make_distribution(folder, f"many-{number}", good_plugin(f"many-{number}"))
    import compileall

    compileall.compile_dir(folder, quiet=1)
    return folder


@pytest.mark.parametrize("verb", BOUNDS)
def test_startup(verb, site, report):
    ours, theirs = [], []
    for _ in range(15):
        theirs.append(cpu_seconds(["-c", BASELINE], site))
        ours.append(cpu_seconds(["-m", "ganzoo", *verb.split()], site))
    # The tick of a process's CPU time is coarse, so the means of many, not the median of ratios.
    ratio = statistics.mean(ours) / statistics.mean(theirs)
    report(
        verb,
        ours_ms=round(1000 * statistics.mean(ours), 1),
        baseline_ms=round(1000 * statistics.mean(theirs), 1),
        ratio=round(ratio, 2),
        bound=BOUNDS[verb],
    )
    assert ratio <= BOUNDS[verb]


def test_importing_the_front_door(site, report):
    """`import ganzoo` beside the same baseline, and beside an interpreter that imports nothing."""
    ours, theirs, nothing = [], [], []
    for _ in range(15):
        theirs.append(cpu_seconds(["-c", BASELINE], site))
        ours.append(cpu_seconds(["-c", "import ganzoo"], site))
        nothing.append(cpu_seconds(["-c", "pass"], site))
    ratio = statistics.mean(ours) / statistics.mean(theirs)
    report(
        "import ganzoo",
        ours_ms=round(1000 * statistics.mean(ours), 1),
        baseline_ms=round(1000 * statistics.mean(theirs), 1),
        nothing_ms=round(1000 * statistics.mean(nothing), 1),
        ratio=round(ratio, 2),
        bound=1.3,
    )
    assert ratio <= 1.3
