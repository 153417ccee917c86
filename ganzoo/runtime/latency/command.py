"""The command line that measures a case again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.errors import shell_word


def command_of(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    """As one line for a POSIX shell, the model by its name alone: a result knows no folder. Whatever is in a result
    of a stranger's is one word of it."""
    words = [shell_word(str(value)) for pair in _options(case, protocol) for value in pair]
    return " ".join(["ganzoo bench", shell_word(case["model"]["file"]), *words])


def _options(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, shape in case["shapes"].items():
        yield "--shape", f"{name}={'x'.join(map(str, shape)) or 'scalar'}"
    for name, fill in case["inputs"].items():
        if fill not in ("file", "described"):
            yield "--fill", f"{name}={fill}"
    settings = case["settings"]
    usual = {"provider": "cpu", "threads": None, "inter_op": None, "optimize": "all"}
    stated = {"provider": case["provider"], **{key: settings[key] for key in ("threads", "inter_op", "optimize")}}
    yield from _unusual(stated, usual)
    if (device := case["device"]) is not None and device["label"] not in ("0", "CPU"):
        yield "--device", device["label"]
    if not settings["spin"]:
        yield "--spin", "off"
    for key, value in settings["options"].items():
        yield "--option", f"{case['provider']}.{key}={value}"
    for library in settings.get("libraries", ()):
        yield "--library", library
    yield from _unusual(protocol, {"precision": "file", "scenario": "single-stream", "lock_clocks": None})
    if case["rate"]:
        yield "--rate", case["rate"].removesuffix("/s")
    elif protocol["objective"]:
        yield "--slo", protocol["objective"]
    yield from _unusual(protocol, {"streams": None, "instances": 1, "cool_to": None, "repeats": 5})
    if protocol["least_seconds"] not in (0.0, 3.0):  # 0: of format 1, which had none
        yield "--seconds", protocol["least_seconds"]
    if protocol["pause_ms"]:
        yield "--idle", protocol["pause_ms"]
    if protocol["rotate_mb"]:
        yield "--rotate", protocol["rotate_mb"]


def _unusual(values: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Options that have the name of a key, where the value is not the usual one."""
    for key, value in usual.items():
        if values[key] != value:
            yield f"--{key.replace('_', '-')}", values[key]
