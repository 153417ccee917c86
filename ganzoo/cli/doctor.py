"""`ganzoo doctor`."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import Any

import click

from ganzoo.cli.common import json_option, load_registry, print_json
from ganzoo.errors import one_line
from ganzoo.version import API_VERSION, __version__


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Check torch, CUDA, ONNX Runtime's providers and the plugins.

    Exit status 1 when something that ganzoo needs on every machine is broken. A missing GPU is not.
    """
    facts: dict[str, Any] = {
        "ganzoo": __version__,
        "plugin_api": API_VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    problems: list[str] = []
    facts["torch"] = _torch(problems)
    facts["onnxruntime"] = _onnxruntime(problems)
    registry = load_registry()
    facts["plugins"] = {f"{report.distribution}:{report.entry_point}": report.status for report in registry.plugins}
    problems += [f"plugin {report.distribution} {report.version}: {report.problem}" for report in registry.problems]
    facts["problems"] = problems
    if as_json:
        print_json(facts)
    else:
        _print(facts)
    if problems:
        sys.exit(1)


def _torch(problems: list[str]) -> dict[str, Any]:
    try:
        import torch

        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    except Exception as error:  # a broken build raises OSError or worse
        problems.append(f"torch cannot be imported: {one_line(error)}; train, sample RUN and export need it")
        return {"usable": False}
    return {
        "usable": True,
        "version": torch.__version__,
        "built_for_cuda": torch.version.cuda,
        "gpus": gpus,
        "threads": torch.get_num_threads(),
    }


def _onnxruntime(problems: list[str]) -> dict[str, Any]:
    installed = []
    for name in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"):
        try:
            installed.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    if len(installed) > 1:
        problems.append(
            f"{' and '.join(installed)} are both installed and overwrite each other's files: uninstall both, "
            "then install one"
        )
    try:
        import onnxruntime

        from ganzoo.runtime.providers.requirements import what_is_missing
        from ganzoo.runtime.providers.table import PROVIDERS
    except Exception as error:
        problems.append(f"onnxruntime cannot be imported: {one_line(error)}; sample, export, verify and bench need it")
        return {"usable": False, "installed": installed}
    return {
        "usable": True,
        "installed": installed,
        "version": onnxruntime.__version__,
        "providers": {provider: what_is_missing(provider) or "works" for provider in PROVIDERS},
    }


def _print(facts: dict[str, Any]) -> None:
    click.echo(
        f"ganzoo {facts['ganzoo']} (plugin API {facts['plugin_api']}), Python {facts['python']}, {facts['system']}"
    )
    torch, runtime = facts["torch"], facts["onnxruntime"]
    if torch["usable"]:
        build = f"built for CUDA {torch['built_for_cuda']}" if torch["built_for_cuda"] else "built without CUDA"
        gpus = ", ".join(torch["gpus"]) or "no GPU that torch can use"
        click.echo(f"torch {torch['version']} ({build}): {gpus}, {torch['threads']} CPU threads")
    if runtime["usable"]:
        click.echo(f"onnxruntime {runtime['version']} ({', '.join(runtime['installed']) or 'unknown package'})")
        for provider, state in runtime["providers"].items():
            click.echo(f"  {provider}: {state}")
    for name, status in facts["plugins"].items():
        click.echo(f"plugin {name}: {status}")
    for problem in facts["problems"]:
        click.echo(f"problem: {problem}")
    click.echo("all is well" if not facts["problems"] else f"{len(facts['problems'])} problems")
