"""Fake distributions on disk and the command line in a process of its own."""

import os
import subprocess
import sys
import textwrap
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
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, timeout=timeout, check=False)


def assert_clean(done, *, status: int) -> None:
    """The exit status is the expected one, and what the user sees is a message, not a traceback."""
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
