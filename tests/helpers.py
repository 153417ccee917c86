"""Fake distributions on disk and the command line in a process of its own."""

import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path


def make_distribution(folder: Path, name: str, code: str, *, version: str = "1.0", entry: str = "plugin") -> Path:
    """A distribution with one entry point in the group `ganzoo`, as pip would leave it in site-packages."""
    module = name.replace("-", "_") + "_plugin"
    (folder / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[ganzoo]\n{entry} = {module}\n", encoding="utf-8")
    return folder


def twin_distribution(folder: Path) -> Path:
    """The provider `twin` and the management library of GPUs that are not there, as installed in a folder."""
    here = Path(__file__).parent
    for source in (here / "fake_nvml/pynvml.py", here / "twin_provider.py"):
        shutil.copy(source, folder)
    code = """
        from ganzoo import ProviderSpec, hookimpl
        GANZOO_API = 2

        @hookimpl
        def ganzoo_providers():
            return [ProviderSpec(name="twin", summary="For tests.", implementation="twin_provider:Twin")]
    """
    return make_distribution(folder, "twin", code)


def good_plugin(architecture: str) -> str:
    return f"""
        from ganzoo import ArchitectureSpec, hookimpl
        GANZOO_API = 1
        @hookimpl
        def ganzoo_architectures():
            return [ArchitectureSpec(name="{architecture}", task="noise-to-image", summary="a fake",
                                     implementation="fake.model:Fake")]
    """


def ganzoo(
    *arguments: object, path: Path | None = None, cwd: Path | None = None, timeout: float = 300, **environment: str
):
    """`python -m ganzoo ARGUMENTS` to its end; `path` goes before everything on sys.path."""
    env = {**os.environ, "COLUMNS": "200", **environment}
    if path is not None:
        env["PYTHONPATH"] = os.pathsep.join([str(path), env.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "ganzoo", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        timeout=timeout,
        check=False,
        preexec_fn=usual_signals,
    )


def usual_signals() -> None:
    """For a child of tests that run under nohup, or in the background, where these are ignored."""
    for name in ("SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def assert_clean(done, *, status: int) -> None:
    """The exit status is the expected one, and what the user sees is a message, not a traceback."""
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr


@contextlib.contextmanager
def within(*, seconds: float = 10.0, megabytes: float = 1000.0):
    """The block takes no longer, and no more memory beyond what the process has. The bounds are those of strangers'
    files: a decision about them, not a measurement of speed."""
    before = _memory("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    began = time.monotonic()

    def stop(*_):
        raise AssertionError(f"still at it after {3 * seconds:.0f} s")

    before_alarm = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 3 * seconds)  # what hangs shall not hang the tests
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before_alarm)
    took, grew = time.monotonic() - began, (_memory("VmHWM") - before) / 1024
    assert took < seconds, f"{took:.1f} s"
    assert grew < megabytes, f"{grew:.0f} MB"


def _memory(key: str) -> int:
    """KiB, of /proc/self/status; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def run_main(*arguments: object) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of `ganzoo ARGUMENTS` in this process; any exception but SystemExit goes up."""
    from ganzoo.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            return ended.code, out.getvalue(), err.getvalue()
    raise AssertionError("main() returned")


def ganzoo_here(*arguments: object):
    """What `ganzoo` gives, from this process: in no time, where a process of its own is not the matter."""
    status, out, err = run_main(*arguments)
    return subprocess.CompletedProcess(arguments, status, out, err)


def special(path: Path, kind: str) -> None:
    """Something that is there and is no file."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
        os.chdir(before)
    else:
        path.mkdir()
