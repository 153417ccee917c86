"""The command line that measures a case again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.errors import shell_word


def command_of(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    """As one line for a POSIX shell, the model by its name alone: a result knows no folder."""
    return " ".join(["ganzoo bench", shell_word(case["model"]["file"]), *_options(case, protocol)])


def _options(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> Iterator[str]:
    for name, shape in case["shapes"].items():
        yield f"--shape {shell_word(name + '=' + ('x'.join(map(str, shape)) or 'scalar'))}"
    for name, fill in case["inputs"].items():
        if fill not in ("file", "described"):
            yield f"--fill {shell_word(f'{name}={fill}')}"
    settings = case["settings"]
    if case["provider"] != "cpu":
        yield f"--provider {shell_word(case['provider'])}"
    for key in ("threads", "inter_op"):
        if settings[key]:
            yield f"--{key.replace('_', '-')} {settings[key]}"
    if settings["optimize"] != "all":
        yield f"--optimize {settings['optimize']}"
    if not settings["spin"]:
        yield "--spin off"
    for key, value in settings["options"].items():
        stated = f"{case['provider']}.{key}={value}"
        yield f"--option {shell_word(stated)}"
    for library in settings.get("libraries", ()):
        yield f"--library {shell_word(library)}"
    if protocol["precision"] != "file":
        yield f"--precision {protocol['precision']}"
    if protocol["device"]:
        yield f"--device {protocol['device']}"
    yield from _load(case, protocol)


def _load(case: Mapping[str, Any], protocol: Mapping[str, Any]) -> Iterator[str]:
    if protocol["scenario"] != "single-stream":
        yield f"--scenario {protocol['scenario']}"
    if case["rate"]:
        yield f"--rate {shell_word(case['rate'].removesuffix('/s'))}"
    elif protocol["objective"]:
        yield f"--slo {shell_word(protocol['objective'])}"
    if protocol["streams"]:
        yield f"--streams {protocol['streams']}"
    if protocol["instances"] != 1:
        yield f"--instances {protocol['instances']}"
    if protocol["pause_ms"]:
        yield f"--idle {protocol['pause_ms']:g}"
    if protocol["rotate_mb"]:
        yield f"--rotate {protocol['rotate_mb']:g}"
    if protocol["cool_to"] is not None:
        yield f"--cool-to {protocol['cool_to']:g}"
