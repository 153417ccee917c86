"""ganzoo: a plugin-based GAN zoo.

    import ganzoo as gz

    run = gz.train("dcgan", data="photos/", out="runs/photos", kimg=2000)
    gz.load(run).sample(range(16)).save("grid.png")
    gz.export(run)

The names below are what a Python user and a plugin author import. Each is resolved when it is first asked for: this
module imports nothing outside the standard library, and torch arrives with the first verb that needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ganzoo.plugin.old_paths import OldPaths
from ganzoo.version import API_VERSION, __version__

if TYPE_CHECKING:
    from ganzoo.api.bench import bench, plan_bench
    from ganzoo.api.build import build
    from ganzoo.api.choose import choose
    from ganzoo.api.compare import compare, compare_history
    from ganzoo.api.data import data_info, prepare_data
    from ganzoo.api.doctor import doctor
    from ganzoo.api.evaluate import compare_evaluations, evaluate, fetch_features
    from ganzoo.api.export import export, export_weights
    from ganzoo.api.fleet import bench_fleet
    from ganzoo.api.import_run import import_run
    from ganzoo.api.info import info
    from ganzoo.api.inspect import inspect
    from ganzoo.api.list_architectures import list_architectures
    from ganzoo.api.list_runs import list_runs, prune_runs
    from ganzoo.api.load import load
    from ganzoo.api.open_run import open_run
    from ganzoo.api.people import judge_trial, make_trial, serve_trial
    from ganzoo.api.plan_training import plan_training
    from ganzoo.api.plugins import plugins
    from ganzoo.api.project import project
    from ganzoo.api.register import register
    from ganzoo.api.report import report
    from ganzoo.api.resume import fork, resume
    from ganzoo.api.train import train
    from ganzoo.api.verify import verify
    from ganzoo.api.watch import run_status, watch_page
    from ganzoo.errors import GanzooError, GanzooWarning
    from ganzoo.evaluation.estimates import Estimate
    from ganzoo.evaluation.metric import Evidence, Metric, ScoreInfo
    from ganzoo.evaluation.network import FeatureNetwork
    from ganzoo.evaluation.result import Evaluation
    from ganzoo.plugin.hooks import hookimpl
    from ganzoo.plugin.specs import (
        ArchitectureSpec,
        DataSourceSpec,
        FeatureNetworkSpec,
        LoggerSpec,
        MetricSpec,
        Preset,
        ProviderSpec,
    )
    from ganzoo.progress import Progress
    from ganzoo.runs.run import Run
    from ganzoo.runtime.devices.device import Device
    from ganzoo.runtime.providers.provider import Provider
    from ganzoo.sampling.directions import Directions
    from ganzoo.sampling.latents import Latents
    from ganzoo.sampling.model import Model
    from ganzoo.sampling.pictures import Pictures
    from ganzoo.tensors import Condition, DataInfo, Dim, Picture, TensorSpec

_PLACES = {
    "ArchitectureSpec": "plugin.specs",
    "Condition": "tensors",
    "DataInfo": "tensors",
    "DataSourceSpec": "plugin.specs",
    "Device": "runtime.devices.device",
    "Dim": "tensors",
    "Directions": "sampling.directions",
    "Estimate": "evaluation.estimates",
    "Evaluation": "evaluation.result",
    "Evidence": "evaluation.metric",
    "FeatureNetwork": "evaluation.network",
    "FeatureNetworkSpec": "plugin.specs",
    "GanzooError": "errors",
    "GanzooWarning": "errors",
    "Latents": "sampling.latents",
    "LoggerSpec": "plugin.specs",
    "Metric": "evaluation.metric",
    "MetricSpec": "plugin.specs",
    "Model": "sampling.model",
    "Picture": "tensors",
    "Pictures": "sampling.pictures",
    "Preset": "plugin.specs",
    "Progress": "progress",
    "Provider": "runtime.providers.provider",
    "ProviderSpec": "plugin.specs",
    "Run": "runs.run",
    "ScoreInfo": "evaluation.metric",
    "TensorSpec": "tensors",
    "bench": "api.bench",
    "bench_fleet": "api.fleet",
    "build": "api.build",
    "choose": "api.choose",
    "compare": "api.compare",
    "compare_evaluations": "api.evaluate",
    "compare_history": "api.compare",
    "data_info": "api.data",
    "doctor": "api.doctor",
    "evaluate": "api.evaluate",
    "export": "api.export",
    "export_weights": "api.export",
    "fetch_features": "api.evaluate",
    "fork": "api.resume",
    "hookimpl": "plugin.hooks",
    "import_run": "api.import_run",
    "info": "api.info",
    "inspect": "api.inspect",
    "judge_trial": "api.people",
    "list_architectures": "api.list_architectures",
    "list_runs": "api.list_runs",
    "load": "api.load",
    "make_trial": "api.people",
    "open_run": "api.open_run",
    "plan_bench": "api.bench",
    "plan_training": "api.plan_training",
    "plugins": "api.plugins",
    "prepare_data": "api.data",
    "prune_runs": "api.list_runs",
    "project": "api.project",
    "register": "api.register",
    "report": "api.report",
    "resume": "api.resume",
    "run_status": "api.watch",
    "serve_trial": "api.people",
    "train": "api.train",
    "verify": "api.verify",
    "watch_page": "api.watch",
}
"""Where each name is from. A test holds it against the imports above."""

__all__ = [
    "API_VERSION",
    "ArchitectureSpec",
    "Condition",
    "DataInfo",
    "DataSourceSpec",
    "Device",
    "Dim",
    "Directions",
    "Estimate",
    "Evaluation",
    "Evidence",
    "FeatureNetwork",
    "FeatureNetworkSpec",
    "GanzooError",
    "GanzooWarning",
    "Latents",
    "LoggerSpec",
    "Metric",
    "MetricSpec",
    "Model",
    "Picture",
    "Pictures",
    "Preset",
    "Progress",
    "Provider",
    "ProviderSpec",
    "Run",
    "ScoreInfo",
    "TensorSpec",
    "__version__",
    "bench",
    "bench_fleet",
    "build",
    "choose",
    "compare",
    "compare_evaluations",
    "compare_history",
    "data_info",
    "doctor",
    "evaluate",
    "export",
    "export_weights",
    "fetch_features",
    "fork",
    "hookimpl",
    "import_run",
    "info",
    "inspect",
    "judge_trial",
    "list_architectures",
    "list_runs",
    "load",
    "make_trial",
    "open_run",
    "plan_bench",
    "plan_training",
    "plugins",
    "prepare_data",
    "project",
    "prune_runs",
    "register",
    "report",
    "resume",
    "run_status",
    "serve_trial",
    "train",
    "verify",
    "watch_page",
]


OldPaths.install()

if not TYPE_CHECKING:  # a type checker has the imports above, and finds what is misspelt

    def __getattr__(name: str) -> object:
        place = _PLACES.get(name)
        if place is None:
            raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")
        return getattr(importlib.import_module(f"ganzoo.{place}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
