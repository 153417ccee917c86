"""Where a result comes from: machine, driver, versions, clocks. No host, user or path."""

import hashlib
import importlib.util
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]


def device_name():
    """`cuda` where torch can use a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def record():
    import torch

    from ganzoo.runtime.latency import machine

    facts = machine.record()
    keys = ("cpu", "logical_cpus", "usable_cpus", "memory_bytes", "python", "onnxruntime", "onnxruntime_build")
    found = {key: facts[key] for key in keys}
    found |= {
        "system": " ".join(facts["system"].split()[:1] + facts["system"].split()[-1:]),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "device": device_name(),
        "gpu": None,
        "gpus": torch.cuda.device_count(),
        "versions": _versions("ganzoo", "onnx", "onnxscript", "numpy", "pydantic", "safetensors"),
    }
    if found["device"] == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
        found["gpu_facts"] = _facts()
        found["capability"] = list(torch.cuda.get_device_capability())
    return found


def gpu_state():
    """Clocks, power, temperature, throttling now; None without a GPU, or without nvidia-ml-py."""
    meter = _meter() if device_name() == "cuda" else None
    return None if meter is None else {key: value for key, value in meter.read()._asdict().items() if key != "at_ns"}


def _meter():
    from ganzoo.runtime.devices import nvml

    found = nvml.list_gpus()
    return nvml.NvmlMeter(found[0]) if found else None


def _facts():
    from ganzoo.runtime.devices import nvml
    from ganzoo.runtime.devices.meters import record_of

    found = nvml.list_gpus()
    return record_of(found[0], nvml.NvmlMeter(found[0]), provider="cuda") if found else None


def key(facts):
    """Of a result file's name: `nvidia-h100-80gb-hbm3`, `cpu-x86_64-2`."""
    if facts["gpu"]:
        return "-".join(facts["gpu"].lower().split())
    return f"cpu-{facts['system'].split()[-1].lower()}-{facts['usable_cpus']}"


def source_sha256():
    """A hash of the code at work, ganzoo's, its plugins' and these scripts': figures of other code are not mixed in."""
    from ganzoo.plugin.registry import Registry

    names = {offer.spec.implementation.partition(":")[0].partition(".")[0] for offer in Registry.load().architectures}
    digest = hashlib.sha256()
    for name in ["ganzoo", *sorted(names)]:
        spec = importlib.util.find_spec(name)
        for folder in spec.submodule_search_locations or [] if spec else []:  # a namespace package has more than one
            _update(digest, Path(folder), name)
        if spec and not spec.submodule_search_locations and spec.origin:
            digest.update(Path(spec.origin).read_bytes())
    _update(digest, Path(__file__).parent, "scripts")
    return digest.hexdigest()[:16]


def _update(digest, folder, name):
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{name}/{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())


def _versions(*names):
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
