"""Discovery and isolation, on real distributions in a folder of their own."""

import json
import sys

import pytest
from helpers import assert_clean, ganzoo, good_plugin, make_distribution

from ganzoo.errors import PluginError, RequestError
from ganzoo.plugin.registry import Registry

BROKEN = {
    "import-error": ("import no_such_module_at_all\nGANZOO_API = 1", "No module named 'no_such_module_at_all'"),
    "syntax-error": ("def broken(:", "SyntaxError"),
    "exits": ("import sys\nsys.exit(3)", "SystemExit: 3"),
    "no-api": ("x = 1", "does not state GANZOO_API"),
    "odd-api": ("GANZOO_API = 'one'", "GANZOO_API is 'one'"),
    "newer-api": (
        "from ganzoo import ArchitectureSpec, hookimpl\nGANZOO_API = 99\n@hookimpl\n"
        "def ganzoo_architectures(): return [ArchitectureSpec(field_of_the_future=1)]",
        "written for plugin API 99, and ganzoo",
    ),
    "older-api": ("GANZOO_API = 0", "needs 1 or newer"),
    "misspelt": (
        "from ganzoo import hookimpl\nGANZOO_API = 1\n@hookimpl\ndef ganzoo_architecture(): return []",
        "unknown hook 'ganzoo_architecture'. Did you mean 'ganzoo_architectures'",
    ),
    "raises": (
        "from ganzoo import hookimpl\nGANZOO_API = 1\n@hookimpl\n"
        "def ganzoo_architectures(): raise OSError('disk on fire')",
        "OSError: disk on fire",
    ),
    "half-way": (
        "from ganzoo import ArchitectureSpec, hookimpl\nGANZOO_API = 1\n@hookimpl\n"
        "def ganzoo_architectures():\n"
        "    yield ArchitectureSpec(name='half', task='noise-to-image', summary='', implementation='a:b')\n"
        "    raise RuntimeError('out of ideas')",
        "RuntimeError: out of ideas",
    ),
    "endless": (
        "import itertools\nfrom ganzoo import ArchitectureSpec, hookimpl\nGANZOO_API = 1\n@hookimpl\n"
        "def ganzoo_architectures():\n"
        "    for i in itertools.count():\n"
        "        yield ArchitectureSpec(name=f'n{i}', task='noise-to-image', summary='', implementation='a:b')",
        "yields more than 1000 specs",
    ),
    "wrong-type": (
        "from ganzoo import hookimpl\nGANZOO_API = 1\n@hookimpl\ndef ganzoo_architectures(): return ['mygan']",
        "gave a str; expected ArchitectureSpec",
    ),
    "returns-none": (
        "from ganzoo import hookimpl\nGANZOO_API = 1\n@hookimpl\ndef ganzoo_architectures(): return None",
        "TypeError",
    ),
    "bad-spec": (
        "from ganzoo import ArchitectureSpec, hookimpl\nGANZOO_API = 1\n@hookimpl\n"
        "def ganzoo_architectures(): return [ArchitectureSpec(name='X Y', task='t', summary='', implementation='')]",
        "lower-case letters",
    ),
    "twice": (
        "from ganzoo import ArchitectureSpec, hookimpl\nGANZOO_API = 1\n@hookimpl\ndef ganzoo_architectures():\n"
        "    return [ArchitectureSpec(name='one', task='noise-to-image', summary='', implementation='a:b')] * 2",
        "offers the architecture 'one' twice",
    ),
    "hostile-message": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "its message cannot be printed",
    ),
}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder at the head of sys.path; modules imported from it are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_one_line_and_hurts_nobody(site, kind):
    code, reason = BROKEN[kind]
    make_distribution(site, f"broken-{kind}", code, version="2.3")
    make_distribution(site, "sound", good_plugin("sound-gan"))
    lines = []
    registry = Registry.load(warn=lines.append)
    assert registry.architecture("sound-gan").distribution == "sound"
    (line,) = lines
    assert f"plugin broken-{kind} 2.3 is broken" in line and reason in line and "\n" not in line
    (report,) = registry.problems
    assert report.distribution == f"broken-{kind}" and reason in report.problem


def test_what_a_broken_plugin_offered_is_explained(site):
    make_distribution(site, "broken-half", BROKEN["half-way"][0])
    with pytest.raises(RequestError) as caught:
        Registry.load().architecture("half")
    assert "Offered by broken-half 1.0, which is broken: RuntimeError: out of ideas" in caught.value.message


def test_an_unknown_name_says_what_is_near_and_what_there_is(site):
    make_distribution(site, "sound", good_plugin("sound-gan"))
    with pytest.raises(RequestError) as caught:
        Registry.load().architecture("sound-gam")
    assert caught.value.message.startswith("There is no architecture 'sound-gam'. Did you mean 'sound-gan'?")
    assert "sound-gan (sound 1.0)" in caught.value.message
    assert caught.value.exit_status == 2


def test_two_distributions_with_one_name_need_the_qualified_name(site):
    for name in ("alpha", "beta"):
        make_distribution(site, name, good_plugin("shared"))
    registry = Registry.load()
    with pytest.raises(RequestError, match=r"2 distributions offer the architecture 'shared': alpha:shared, beta:sha"):
        registry.architecture("shared")
    assert registry.architecture("beta:shared").distribution == "beta"
    assert not registry.problems


def test_distributions_may_share_the_name_of_an_entry_point(site):
    for name in ("alpha", "beta"):
        make_distribution(site, name, good_plugin(f"{name}-gan"), entry="gan")
    names = [offer.spec.name for offer in Registry.load().architectures]
    assert {"alpha-gan", "beta-gan"} <= set(names)


def test_the_allow_list(site, monkeypatch):
    make_distribution(site, "alpha", good_plugin("alpha-gan"))
    make_distribution(site, "beta", "raise RuntimeError('must not be imported')")
    monkeypatch.setenv("GANZOO_PLUGINS", "Alpha, missing")
    registry = Registry.load()
    assert [offer.spec.name for offer in registry.architectures] == ["alpha-gan"]
    assert {report.distribution: report.status for report in registry.plugins}["beta"] == "disabled"
    assert [(report.distribution, report.problem) for report in registry.problems] == [
        ("missing", "GANZOO_PLUGINS names it, but it is not installed")
    ]
    with pytest.raises(RequestError, match=r"Left out by GANZOO_PLUGINS: beta 1\.0"):
        registry.architecture("beta-gan")
    monkeypatch.setenv("GANZOO_PLUGINS", "")
    registry = Registry.load()
    assert registry.architectures == []
    assert registry.data_source("digits").distribution == "ganzoo"


def test_strict_mode_turns_isolation_off(site, monkeypatch):
    make_distribution(site, "broken", "raise OSError('no')")
    monkeypatch.setenv("GANZOO_STRICT", "1")
    with pytest.raises(PluginError, match="plugin broken 1.0 is broken: OSError: no") as caught:
        Registry.load()
    assert isinstance(caught.value.__cause__, OSError)


def test_an_older_api_that_still_works_is_loaded(site, monkeypatch):
    make_distribution(site, "vintage", good_plugin("vintage-gan"))
    monkeypatch.setattr("ganzoo.plugin.registry.API_VERSION", 2)
    registry = Registry.load()
    assert registry.architecture("vintage-gan")
    assert next(report.api for report in registry.plugins if report.distribution == "vintage") == 1


def test_a_plugin_that_prints_does_not_spoil_the_json(tmp_path):
    make_distribution(tmp_path, "chatty", "print('hello from my plugin')\nGANZOO_API = 1")
    done = ganzoo("list", "--json", path=tmp_path)
    assert_clean(done, status=0)
    assert json.loads(done.stdout)["problems"] == []
    assert "hello from my plugin" in done.stderr


def test_list_and_plugins_list_show_the_problem(tmp_path):
    make_distribution(tmp_path, "broken", "raise OSError('no')")
    done = ganzoo("list", "--json", path=tmp_path)
    assert_clean(done, status=0)
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["distribution"] == "broken" and problem["reason"].startswith("OSError: no")
    assert "warning: plugin broken 1.0 is broken and was left out: OSError: no" in done.stderr
    listed = ganzoo("plugins", "list", path=tmp_path)
    assert_clean(listed, status=0)
    assert "OSError: no" in listed.stdout
    doctor = ganzoo("doctor", "--json", path=tmp_path)
    assert_clean(doctor, status=1)
    assert "OSError: no" in json.loads(doctor.stdout)["problems"][0]


def test_a_missing_implementation_names_the_distribution(tmp_path):
    make_distribution(tmp_path, "hollow", good_plugin("hollow-gan"))
    done = ganzoo("train", "hollow-gan", "--data", "digits", "--dry-run", path=tmp_path)
    assert_clean(done, status=1)
    assert "'hollow-gan' of hollow 1.0 cannot be loaded: fake.model:Fake: ModuleNotFoundError" in done.stderr


def test_a_missing_first_party_plugin_names_its_package(monkeypatch):
    monkeypatch.setattr("ganzoo.plugin.registry.entry_points", lambda: iter(()))
    with pytest.raises(RequestError) as caught:
        Registry.load().architecture("dcgan")
    assert caught.value.hint == "It is published as ganzoo-dcgan: pip install ganzoo-dcgan"


def test_half_removed_distributions_are_passed_by(site):
    (site / "ruin-1.0.dist-info").mkdir()
    (site / "ruin-1.0.dist-info" / "entry_points.txt").write_bytes(b"[ganzoo]\nx = \xff\xfe")
    make_distribution(site, "sound", good_plugin("sound-gan"))
    assert Registry.load().architecture("sound-gan")


def test_a_new_kind_is_one_row(tmp_path):
    """Found, reported, named, asked for by either name, refused when repeated: all of it from a row."""
    code = """
        from dataclasses import dataclass
        from ganzoo import hookimpl
        GANZOO_API = 1
        @dataclass(frozen=True)
        class WidgetSpec:
            name: str
        @hookimpl
        def ganzoo_widgets():
            return [WidgetSpec(name) for name in NAMES]
    """
    make_distribution(tmp_path, "ganzoo-one", code.replace("NAMES", "('knob', 'lever')"))
    make_distribution(tmp_path, "ganzoo-two", code.replace("NAMES", "('knob',)"))
    make_distribution(tmp_path, "ganzoo-three", code.replace("NAMES", "('dial', 'dial')"))
    make_distribution(tmp_path, "ganzoo-four", code.replace("WidgetSpec(name)", "name").replace("NAMES", "('dial',)"))
    script = """
import json, sys
from ganzoo.errors import RequestError
from ganzoo.plugin.kinds import KINDS, Kind
from ganzoo.plugin.registry import Registry
class Spec(type):
    def __instancecheck__(cls, value): return type(value).__name__ == "WidgetSpec"
class WidgetSpec(metaclass=Spec): pass
row = Kind(name="widgets", word="widget", hook="ganzoo_widgets", spec=WidgetSpec, added="0.2")
registry = Registry.load(kinds=(*KINDS, row))
told = [[report.distribution, report.status, list(report.offers["widgets"]), report.problem]
        for report in registry.plugins if report.distribution.startswith("ganzoo-") and report.offers["widgets"]
        or report.problem]
errors = []
for name in ("knob", "levr"):
    try: registry.find(row, name)
    except RequestError as error: errors.append(str(error))
found = [registry.find(row, name).qualified_name for name in ("lever", "ganzoo-two:knob")]
print(json.dumps([told, errors, found, [report.to_json()["widgets"] for report in registry.plugins][:1]]))
"""
    import os
    import subprocess

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    told, errors, found, empty = json.loads(done.stdout)
    assert ["ganzoo-one", "loaded", ["knob", "lever"], ""] in told
    assert ["ganzoo-three", "broken", ["dial", "dial"], "it offers the widget 'dial' twice"] in told
    assert ["ganzoo-four", "broken", [], "ganzoo_widgets() gave a str; expected WidgetSpec"] in told
    assert "2 distributions offer the widget 'knob': ganzoo-one:knob, ganzoo-two:knob" in errors[0]
    assert "There is no widget 'levr'. Did you mean 'lever'" in errors[1] and "knob (ganzoo-one 1.0)" in errors[1]
    assert found == ["ganzoo-one:lever", "ganzoo-two:knob"] and empty == [[]]


def test_ganzoos_own_are_there_whatever_the_allow_list_says(monkeypatch):
    monkeypatch.setenv("GANZOO_PLUGINS", "")
    registry = Registry.load()
    assert not registry.architectures
    assert registry.data_source("digits").distribution == "ganzoo" and registry.logger("jsonl").distribution == "ganzoo"


def test_what_is_published_is_what_the_plugins_offer():
    import subprocess
    from pathlib import Path

    script = Path(__file__).parents[1] / "benchmarks" / "published.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
