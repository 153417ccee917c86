"""A broken plugin hurts nobody: each of these is installed beside a sound one, and everything else goes on."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from helpers import ganzoo, good_plugin, make_distribution

from ganzoo.errors import PluginError, RequestError, one_line
from ganzoo.plugin.call import call_plugin
from ganzoo.plugin.isolation import Isolated
from ganzoo.plugin.registry import Registry

SPEC = """
from ganzoo import ArchitectureSpec, DataSourceSpec, LoggerSpec, hookimpl
GANZOO_API = 2
def spec(name="stranger", **more):
    return ArchitectureSpec(**{"name": name, "task": "noise-to-image", "summary": "a fake",
                               "implementation": "fake.model:Fake", **more})
"""

AT_IMPORT = {
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an interrupt with words": ("raise KeyboardInterrupt('no')", "KeyboardInterrupt: no"),
    "an exit": ("raise SystemExit(0)", "SystemExit: 0"),
    "os.exit's exception": ("import sys; sys.exit()", "SystemExit"),
    "a base exception": ("class Own(BaseException): pass\nraise Own('no')", "Own: no"),
    "a generator's end": ("raise GeneratorExit", "GeneratorExit"),
    "a text that raises": (
        "class Own(Exception):\n    def __str__(self): raise OSError\nraise Own",
        "Own: (its message cannot be printed)",
    ),
    "a text that exits": (
        "class Own(Exception):\n    def __str__(self): raise SystemExit\nraise Own",
        "Own: (its message cannot be printed)",
    ),
    "a text that interrupts": (
        "class Own(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise Own",
        "Own: (its message cannot be printed)",
    ),
    "a text that is none": ("class Own(Exception):\n    def __str__(self): return 5\nraise Own", "Own: (its message"),
    "a text without an end": ("class Own(Exception):\n    def __str__(self): return str(self)\nraise Own", "Own: (its"),
    "a name that raises": (
        "class Meta(type):\n    __name__ = property(lambda cls: 1 / 0)\n"
        "class Own(Exception, metaclass=Meta): pass\nraise Own('no')",
        "Exception: no",
    ),
    "a repr that raises": ("class Own(Exception):\n    def __repr__(self): raise OSError\nraise Own('no')", "Own: no"),
    "commands for a terminal": ("raise OSError('\\x1b[2J\\x1b]0;owned\\x07 no\\nwarning: yes')", "OSError: \\x1b[2J"),
    "lone surrogates": ("raise OSError('\\ud800')", "OSError: \\ud800"),
    "a text of megabytes": ("raise OSError('x' * 10**7)", "OSError: xxx"),
    "no recursion left": ("import sys\nsys.setrecursionlimit(60)\ndef f(): f()\nf()", "RecursionError"),
    "an endless recursion": ("def f(): f()\nf()", "RecursionError"),
    "no memory": ("raise MemoryError", "MemoryError"),
    "a group": ("raise BaseExceptionGroup('no', [SystemExit(1)])", "BaseExceptionGroup: no"),
    "a bad file": ("x = (", "SyntaxError"),
    "no plugin": ("GANZOO_API = 'x'", "GANZOO_API is 'x'"),
}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of distributions that this process finds, and forgets afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    make_distribution(tmp_path, "sound", good_plugin("sound-gan"))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", AT_IMPORT)
def test_what_is_raised_at_import(site, name):
    code, reason = AT_IMPORT[name]
    make_distribution(site, "broken", code)
    told = []
    registry = Registry.load(warn=told.append)
    (problem,) = [report for report in registry.problems if report.distribution == "broken"]
    assert problem.problem.startswith(reason), problem.problem
    assert problem.problem.isprintable() and len(problem.problem) < 500
    assert registry.architecture("sound-gan") and registry.architecture("dcgan")
    assert any(line.startswith("plugin broken 1.0 is broken and was left out: ") for line in told)


IN_A_HOOK = {
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an interrupt on the way": ("yield spec()\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "specs without an end": ("while True: yield spec()", "yields more than 1000 specs"),
    "a spec of another class": ("return [object()]", "gave a object; expected ArchitectureSpec"),
    "nothing to iterate": ("return 5", "TypeError"),
    "a name of lone surrogates": ("return [spec(name='\\ud800')]", "ValueError: architecture name '\\ud800'"),
    "a name with a command": ("return [spec(name='a\\x1b[2J')]", "ValueError: architecture name"),
    "a summary that is no text": ("return [spec(summary=5)]", "ValueError: summary and paper"),
}


@pytest.mark.parametrize("name", IN_A_HOOK)
def test_what_a_hook_does(site, name):
    code, reason = IN_A_HOOK[name]
    make_distribution(site, "broken", f"{SPEC}\n@hookimpl\ndef ganzoo_architectures():\n    {code}\n")
    registry = Registry.load()
    (problem,) = [report for report in registry.problems if report.distribution == "broken"]
    assert reason in problem.problem
    assert registry.architecture("sound-gan")
    with pytest.raises(RequestError):
        registry.architecture("stranger")


def test_a_hook_that_changes_its_spec_afterwards(site):
    code = f"""{SPEC}
import sys
import textwrap
kept = spec(presets={{"tiny": __import__("ganzoo").Preset(summary="x", train={{"steps": 4}})}})
class Shifty(ArchitectureSpec):
    @property
    def summary(self): return "changes" + str(id(self))[:0]
@hookimpl
def ganzoo_architectures():
    return [kept]
def change():
    object.__setattr__(kept, "name", "digits")
    object.__setattr__(kept, "summary", None)
    kept.presets["tiny"].train["steps"] = -1
    kept.presets.clear()
"""
    make_distribution(site, "shifty", code)
    registry = Registry.load()
    import shifty_plugin

    shifty_plugin.change()
    spec = registry.architecture("stranger").spec
    assert spec.summary == "a fake" and spec.presets["tiny"].train == {"steps": 4}


def test_a_text_of_a_class_of_its_own_becomes_a_plain_one(site):
    code = f"""{SPEC}
class Text(str):
    def __str__(self): raise KeyboardInterrupt
    def __format__(self, how): raise SystemExit
    def __eq__(self, other): raise OSError
    __hash__ = str.__hash__
@hookimpl
def ganzoo_architectures():
    return [spec(summary=Text("a text"), paper=Text("p"))]
"""
    make_distribution(site, "odd", code)
    spec = Registry.load().architecture("stranger").spec
    assert type(spec.summary) is str and f"{spec.summary}{spec.paper}" == "a textp"


def test_what_a_plugin_does_to_the_process_is_undone(site, tmp_path):
    code = f"""{SPEC}
import os, signal, sys, warnings
sys.setrecursionlimit(10**7)
os.chdir("/")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
sys.stdout = sys.stderr = sys.stdin = None
warnings.simplefilter("error")
@hookimpl
def ganzoo_architectures():
    sys.setrecursionlimit(200)
    return [spec()]
"""
    make_distribution(site, "rude", code)
    import warnings
    from pathlib import Path

    def state():
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = [signal.getsignal(number) for number in numbers]
        return sys.getrecursionlimit(), Path.cwd(), handlers, sys.stdin, sys.stdout, sys.stderr, list(warnings.filters)

    before = state()
    registry = Registry.load()
    assert state() == before
    assert registry.architecture("stranger")


@pytest.fixture
def ctrl_c():
    """As it usually is: tests may run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_a_signal_brought_ends_the_program(site, ctrl_c):
    """Ctrl-C while a plugin is imported: no plugin is broken by that."""
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(5)"
    make_distribution(site, "slow", code)
    with pytest.raises(KeyboardInterrupt):
        Registry.load()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    done = ganzoo("list", path=site)
    assert done.returncode == 130 and done.stderr.endswith("interrupted\n")


def test_interrupts_later_on(ctrl_c):
    def raises():
        raise KeyboardInterrupt

    with pytest.raises(PluginError, match="it failed: KeyboardInterrupt"):
        call_plugin(raises, failed="it failed")
    guest = Isolated()
    with pytest.raises(KeyboardInterrupt), guest:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    assert guest.interrupted


def test_an_import_that_takes_long_says_who_is_waited_for(tmp_path):
    make_distribution(tmp_path, "sleepy", "import time\ntime.sleep(3.5)\nGANZOO_API = 2")
    make_distribution(tmp_path, "lively", good_plugin("lively-gan"))
    done = ganzoo("list", "--json", path=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["problems"] == []
    lines = [line for line in done.stderr.splitlines() if "waiting" in line]
    assert lines == ["warning: waiting for plugin sleepy 1.0, which is being imported"]


NOISE = """
import ctypes, os, subprocess, sys
print("python")
os.write(1, b"descriptor\\n")
ctypes.CDLL(None).puts(b"library")
ctypes.CDLL(None).fflush(None)
subprocess.run(["echo", "child"])
sys.__stdout__.write("original\\n")
sys.__stdout__.flush()
open("/dev/stdout", "w").write("device\\n") if 0 else None
"""


@pytest.mark.parametrize("verb", ["list --json", "plugins list --json", "info dcgan --json", "list"])
def test_what_is_printed_past_python_does_not_spoil_a_result(tmp_path, verb):
    make_distribution(tmp_path, "noisy", NOISE + SPEC + "@hookimpl\ndef ganzoo_architectures():\n    return [spec()]\n")
    done = ganzoo(*verb.split(), path=tmp_path)
    assert done.returncode == 0, done.stderr
    words = ("python", "descriptor", "library", "child", "original")
    assert not any(word in done.stdout.splitlines() for word in words)
    assert all(word in done.stderr.splitlines() for word in words)
    if "--json" in verb:
        assert json.loads(done.stdout)


# Names that are ours


STRANGERS = f"""{SPEC}
@hookimpl
def ganzoo_architectures():
    return [spec(name="dcgan", summary="a stranger's")]
@hookimpl
def ganzoo_data_sources():
    return [DataSourceSpec(name="digits", summary="a stranger's", implementation="x_data:open_digits")]
@hookimpl
def ganzoo_loggers():
    return [LoggerSpec(name="jsonl", summary="a stranger's", implementation="x_data:Log")]
"""


def test_ours_keep_their_names_and_theirs_have_longer_ones(site):
    make_distribution(site, "acme", STRANGERS)
    registry = Registry.load()
    assert registry.architecture("dcgan").distribution == "ganzoo-dcgan"
    assert registry.data_source("digits").distribution == "ganzoo"
    assert registry.logger("jsonl").distribution == "ganzoo"
    assert registry.architecture("acme:dcgan").spec.summary == "a stranger's"
    assert registry.data_source("acme:digits").spec.implementation == "x_data:open_digits"
    assert registry.logger("acme:jsonl").distribution == "acme"
    assert not [report for report in registry.problems if report.distribution == "acme"]
    make_distribution(site, "other", STRANGERS.replace("dcgan", "their-gan"))
    make_distribution(site, "third", STRANGERS.replace("dcgan", "their-gan"))
    with pytest.raises(RequestError, match="2 distributions offer the architecture 'their-gan'"):
        Registry.load().architecture("their-gan")


def test_a_training_beside_strangers_of_our_names(tmp_path):
    make_distribution(tmp_path, "acme", STRANGERS)
    (tmp_path / "x_data.py").write_text(
        "from ganzoo.data.digits import open_digits\n"
        "class Log:\n"
        "    def __init__(self, run, *, resume_step): self.file = (run / 'theirs.txt').open('a')\n"
        "    def log(self, record): print(record['step'], file=self.file, flush=True)\n"
        "    def picture(self, path, step): pass\n"
        "    def close(self): self.file.close()\n"
    )
    run = tmp_path / "run"
    done = ganzoo("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", run, path=tmp_path)
    assert done.returncode == 0 and (run / "metrics.jsonl").is_file(), done.stderr
    theirs = ("--data", "acme:digits", "--set", "train.loggers=acme:jsonl,jsonl")
    done = ganzoo("train", "dcgan", "--preset", "tiny", *theirs, "--out", tmp_path / "two", path=tmp_path)
    assert done.returncode == 0 and (tmp_path / "two" / "theirs.txt").read_text() == "4\n", done.stderr
    done = ganzoo("train", "acme:dcgan", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "3", path=tmp_path)
    assert done.returncode in (1, 2) and "acme" in done.stderr


@pytest.mark.parametrize("name", ["ganzoo-dcgan", "Ganzoo.DCGAN", "ganzoo_dcgan"])
def test_an_impostor_of_our_name_hides_nobody(site, name):
    make_distribution(site, name, STRANGERS)
    registry = Registry.load()
    assert registry.architecture("dcgan").spec.summary != "a stranger's"
    (problem,) = [report for report in registry.problems if report.distribution == name]
    assert "whose entry point is ganzoo_dcgan.plugin" in problem.problem and "another package" in problem.problem


def test_a_distribution_called_ganzoo(site):
    make_distribution(site, "ganzoo", STRANGERS.replace('"dcgan"', '"theirs"').replace('"jsonl"', '"x"'))
    registry = Registry.load()
    assert registry.data_source("digits").spec.implementation.startswith("ganzoo.data")
    assert registry.logger("jsonl").spec.implementation.startswith("ganzoo.loggers")


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\n", None, "Name:\nVersion:\n", "\x00\x01"])
def test_a_distribution_without_metadata(site, metadata):
    make_distribution(site, "nameless", good_plugin("nameless-gan"))
    file = site / "nameless-1.0.dist-info" / "METADATA"
    file.write_text(metadata) if metadata is not None else file.unlink()
    registry = Registry.load()
    assert registry.architecture("nameless-gan").distribution == "nameless"
    assert registry.architecture("sound-gan")


def test_names_and_summaries_are_printed_escaped(tmp_path):
    summary = "\\x1b[31mred\\x1b[0m \\u202ebidi \\ud800 [bold]x[/bold] \\n second"
    hook = f'@hookimpl\ndef ganzoo_architectures():\n    return [spec(summary="{summary}", paper="{summary}")]\n'
    make_distribution(tmp_path, "loud", SPEC + hook)
    for verb in (["list"], ["plugins", "list"], ["info", "stranger"], ["list", "--json"]):
        done = ganzoo(*verb, path=tmp_path)
        assert "\x1b" not in done.stdout + done.stderr and "\u202e" not in done.stdout + done.stderr, verb
        assert "Traceback" not in done.stderr
    assert "\\x1b[31mred" in ganzoo("list", path=tmp_path).stdout


def test_an_error_says_what_it_can():
    class OddError(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    assert one_line(OddError()) == "OddError: (its message cannot be printed)"
    assert one_line(OSError("a\x1b[2J\nb")) == "OSError: a\\x1b[2J b"


def test_a_process_that_a_plugin_started_keeps_no_result(tmp_path):
    """`ganzoo list | head` ends although a child of a plugin's lives on: it holds stderr, not stdout."""
    make_distribution(tmp_path, "parent", "import subprocess\nsubprocess.Popen(['sleep', '20'])\nGANZOO_API = 2")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    began = time.monotonic()
    command = f"{sys.executable} -m ganzoo list --json 2>/dev/null | cat"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert json.loads(done.stdout) and time.monotonic() - began < 15


@pytest.mark.parametrize("verb", [["list", "--json"], ["info", "nobody"]])
def test_a_thread_that_never_ends_does_not_keep_the_program(tmp_path, verb):
    make_distribution(
        tmp_path,
        "endless",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nGANZOO_API = 2",
    )
    began = time.monotonic()
    done = ganzoo(*verb, path=tmp_path)
    assert time.monotonic() - began < 30 and done.returncode == (0 if "--json" in verb else 2)


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit(0)"])
def test_what_ends_programs_in_a_step_of_training_does_not_lose_it(tmp_path, error):
    """An interrupt that nobody sent, in a stranger's loss: the plugin is named, and the last checkpoint stays."""
    code = f"""
        from ganzoo_dcgan.model import DCGAN
        class Odd(DCGAN):
            def discriminator_loss(self, batch, step):
                if step.number == 3:
                    raise {error}
                return super().discriminator_loss(batch, step)
    """
    make_distribution(
        tmp_path,
        "odd",
        SPEC + "@hookimpl\ndef ganzoo_architectures():\n    return [spec(name='odd', implementation='odd_model:Odd', "
        "config='ganzoo_dcgan.config:Config')]\n",
    )
    (tmp_path / "odd_model.py").write_text(textwrap.dedent(code))
    small = ("--set", "width=4", "--set", "data.size=16", "--batch-size", 8, "--steps", 6)
    small += ("--set", "train.checkpoint_every_kimg=0.008")
    done = ganzoo("train", "odd", "--data", "digits", *small, "--out", tmp_path / "run", path=tmp_path)
    assert done.returncode == 1 and f"In a step of 'odd' of odd 1.0: {error[:10]}" in done.stderr, done.stderr
    assert (tmp_path / "run" / "checkpoints" / "step-00000003").is_dir() and "Traceback" not in done.stderr


LATE = """
import atexit, os, threading, time
atexit.register(print, "at the end")
def talk():
    while True:
        print("a thread")
        time.sleep(0.01)
threading.Thread(target=talk, daemon=True).start()
GANZOO_API = 2
"""


@pytest.mark.parametrize("verb", ["list --json", "export dcgan --untrained --preset tiny --json -o m.onnx"])
def test_what_threads_and_last_words_print_is_no_result(tmp_path, verb):
    make_distribution(tmp_path, "late", LATE)
    done = ganzoo(*verb.split(), path=tmp_path, cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout), done.stderr
    assert "a thread" in done.stderr and "at the end" in done.stderr


def test_an_alarm_of_a_plugins_does_not_end_the_program(tmp_path):
    make_distribution(tmp_path, "alarming", "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.3)\nGANZOO_API = 2")
    done = ganzoo("info", "dcgan", path=tmp_path)
    assert done.returncode == 0, done.stderr


def test_other_threads_print_where_they_did(capsys):
    """What a plugin prints is turned for the thread that called it; a program's own threads go on."""
    import io
    import threading

    from ganzoo.plugin.streams import stdout_to

    inside, printed, turned = threading.Event(), threading.Event(), io.StringIO()

    def other():
        inside.wait(10)
        print("of the program")
        printed.set()

    thread = threading.Thread(target=other)
    thread.start()
    with stdout_to(turned):
        print("of the plugin")
        late = threading.Thread(target=print, args=("of a thread of the plugin",))
        late.start()
        late.join()
        inside.set()
        assert printed.wait(10)
    thread.join()
    print("afterwards")
    assert turned.getvalue() == "of the plugin\nof a thread of the plugin\n"
    assert capsys.readouterr().out == "of the program\nafterwards\n"
