"""What works on this machine, and what does not."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from ganzoo.api.registry import installed
from ganzoo.errors import GanzooError, MissingPackageError, missing_package, one_line
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.plugin.registry import Registry
from ganzoo.version import API_VERSION, __version__


def doctor(*, bench: bool = False) -> dict[str, Any]:
    """Facts about Python, torch, CUDA, ONNX Runtime's providers and the plugins, as plain values.

    bench: whether this machine is fit for measuring, too, which takes some seconds: `bench` lists what was looked at,
    each good, bad or unknown, and what to do. What is bad there is no problem.
    `problems` lists what ganzoo needs on every machine and is broken; a missing GPU is none.
    """
    facts: dict[str, Any] = {
        "ganzoo": __version__,
        "plugin_api": API_VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    problems: list[str] = []
    registry = installed()
    facts["torch"] = _torch(problems, needed=bool(registry.architectures))
    facts["onnxruntime"] = _onnxruntime(problems, registry)
    facts["plugins"] = {f"{report.distribution}:{report.entry_point}": report.status for report in registry.plugins}
    problems += [f"plugin {report.distribution} {report.version}: {report.problem}" for report in registry.problems]
    if bench:
        from ganzoo.runtime.latency.readiness import checks

        facts["bench"] = [check._asdict() for check in checks()]
    facts["problems"] = problems
    return facts


def _torch(problems: list[str], *, needed: bool) -> dict[str, Any]:
    """needed: architectures are installed, which are of no use without it."""
    try:
        import torch

        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is not None and not needed:
            return {"usable": False, "installed": False}
        problems.append(f"torch cannot be imported: {one_line(error)}; {missing.hint if missing else ''}".strip())
        return {"usable": False, "installed": error.name != "torch"}
    except Exception as error:  # a broken build raises OSError or worse
        problems.append(f"torch cannot be imported: {one_line(error)}; train, sample RUN and export need it")
        return {"usable": False, "installed": True}
    return {
        "usable": True,
        "installed": True,
        "version": torch.__version__,
        "built_for_cuda": torch.version.cuda,
        "gpus": gpus,
        "threads": torch.get_num_threads(),
    }


def _onnxruntime(problems: list[str], registry: Registry) -> dict[str, Any]:
    from ganzoo.runtime.providers.provider import installed_runtimes

    names = installed_runtimes()
    installed = [f"{name} {metadata.version(name)}" for name in names]
    if len(names) > 1:
        problems.append(
            f"{' and '.join(installed)} are both installed and overwrite each other's files: "
            f"pip uninstall --yes {' '.join(names)}, then install one, such as ganzoo[cpu] or ganzoo[cuda]"
        )
    try:
        from ganzoo.runtime.providers.requirements import describe
        from ganzoo.runtime.providers.table import known_names, offer

        version = _version_of_onnxruntime()
    except MissingPackageError as error:
        problems.append(f"{error.message} {error.hint}")
        return {"usable": False, "installed": installed}
    except Exception as error:
        problems.append(f"onnxruntime cannot be imported: {one_line(error)}; sample, export, verify and bench need it")
        return {"usable": False, "installed": installed}
    offer(registry.of(PROVIDERS))
    providers: dict[str, Any] = {}
    for name in known_names():
        try:
            providers[name] = describe(name)
        except GanzooError as error:  # of a plugin
            providers[name] = {"state": "broken", "reason": error.message, "remedy": error.hint, "in_build": True}
            problems.append(f"provider {name}: {error.message}")
    return {"usable": True, "installed": installed, "version": version, "providers": providers}


def _version_of_onnxruntime() -> str:
    from ganzoo.runtime.ort import onnxruntime

    return str(onnxruntime.__version__)
