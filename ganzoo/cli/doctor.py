"""`ganzoo doctor`."""

from __future__ import annotations

import sys
from typing import Any

import click

from ganzoo.cli.common import echo, json_option, print_json


@click.command("doctor")
@click.option("--bench", is_flag=True, help="Whether this machine is fit for measuring, too.")
@json_option
def command(bench: bool, as_json: bool) -> None:
    """Check torch, CUDA, ONNX Runtime's providers and the plugins.

    Exit status 1 when something that ganzoo needs on every machine is broken. A missing GPU is not.
    """
    from ganzoo.api.doctor import doctor

    facts = doctor(bench=bench)
    if as_json:
        print_json(facts)
    else:
        _print(facts)
    if facts["problems"]:
        sys.exit(1)


def _provider(found: dict[str, Any]) -> str:
    """`works: CPU (openvino 2025.4.1)`, or what keeps it from working and what to type."""
    if found["state"] != "works":
        return f"{found['state']}: {found['reason']}"
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    untried = "; nobody of ganzoo has run it" if not found["tried"] else ""
    devices = ", ".join(found["devices"]) or "its devices are not listed"
    return f"works: {devices}{f' ({versions})' if versions else ''}{untried}"


def _print(facts: dict[str, Any]) -> None:
    echo(f"ganzoo {facts['ganzoo']} (plugin API {facts['plugin_api']}), Python {facts['python']}, {facts['system']}")
    torch, runtime = facts["torch"], facts["onnxruntime"]
    if torch["usable"]:
        build = f"built for CUDA {torch['built_for_cuda']}" if torch["built_for_cuda"] else "built without CUDA"
        gpus = ", ".join(torch["gpus"]) or "no GPU that torch can use"
        echo(f"torch {torch['version']} ({build}): {gpus}, {torch['threads']} CPU threads")
    elif not torch["installed"]:
        echo("torch is not installed; training, sampling a run and exporting need it: pip install 'ganzoo[train]'")
    if runtime["usable"]:
        echo(f"onnxruntime {runtime['version']} ({', '.join(runtime['installed']) or 'unknown package'})")
        for provider, found in runtime["providers"].items():
            if found["in_build"] or found["state"] == "broken":
                echo(f"  {provider}: {_provider(found)}")
        absent = [provider for provider, found in runtime["providers"].items() if not found["in_build"]]
        echo(f"  not in this build: {', '.join(absent)}") if absent else None
    for name, status in facts["plugins"].items():
        echo(f"plugin {name}: {status}")
    for check in facts.get("bench", ()):
        echo(
            f"{check['name']}: {check['state']}: {check['found']}" + (f". {check['remedy']}" if check["remedy"] else "")
        )
    for problem in facts["problems"]:
        echo(f"problem: {problem}")
    bad = sum(check["state"] == "bad" for check in facts.get("bench", ()))
    well = "all is well" if "bench" not in facts else f"the installation is well; {bad} things here disturb measuring"
    echo(well if not facts["problems"] else f"{len(facts['problems'])} problems")
