"""What works on this machine, and what does not."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from ganzoo.api.registry import installed
from ganzoo.errors import one_line
from ganzoo.version import API_VERSION, __version__


def doctor() -> dict[str, Any]:
    """Facts about Python, torch, CUDA, ONNX Runtime's providers and the plugins, as plain values.

    `problems` lists what ganzoo needs on every machine and is broken; a missing GPU is none.
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
    registry = installed()
    facts["plugins"] = {f"{report.distribution}:{report.entry_point}": report.status for report in registry.plugins}
    problems += [f"plugin {report.distribution} {report.version}: {report.problem}" for report in registry.problems]
    facts["problems"] = problems
    return facts


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
        from ganzoo.runtime.ort import onnxruntime
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
