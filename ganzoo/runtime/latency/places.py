"""Where results go whose names say of what they are: `{label}-{device}.json` is a file for each device."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, did_you_mean, short
from ganzoo.runtime.latency.result import BenchResult, check_place

_FIELD = re.compile(r"\{([^{}]*)\}")
FIELDS = ("label", "device", "date")
_MOST = 80  # characters of a part of a name


class Places:
    """A file, or one for each device.

    out: a path; `{label}`, `{device}` and `{date}` in its name are filled in. Raises RequestError for a field that
    there is not, a label that nobody gave, or a place that cannot be written, see `check_place`.
    """

    def __init__(self, out: Path, label: str | None, inputs: Iterable[Path] = ()) -> None:
        self._out, self._label = out, label
        fields = _FIELD.findall(str(out))
        if unknown := [field for field in fields if field not in FIELDS]:
            raise RequestError(
                f"-o {short(str(out))}: there is no field {{{unknown[0]}}}.{did_you_mean(unknown[0], FIELDS)} "
                f"Fields: {', '.join(f'{{{field}}}' for field in FIELDS)}."
            )
        if "label" in fields and not _slug(label or ""):
            what = (
                f"the label {short(label)} has nothing that a name can have"
                if label
                else "there is no label to fill in"
            )
            raise RequestError(f"-o {short(str(out))}: {what}.", hint="--label NAME")
        self._by_device = "device" in fields
        first = Path(_FIELD.sub("x", str(out))) if self._by_device else self._filled({}, "")
        check_place(first, inputs)

    def save(self, result: BenchResult) -> list[Path]:
        """Where it was written. Raises RequestError when it cannot be."""
        parts = _by_device(result.document) if self._by_device else [("", result.document)]
        return [BenchResult(part).save(self._filled(part, name)) for name, part in parts]

    def for_device(self, name: str, label: str) -> Path:
        """The file of a result that has one device of this name and label; "" for a processor's."""
        slug = device_slug({"name": name, "label": label} if label else None, name)
        return self._filled({"date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")}, slug)

    def __str__(self) -> str:
        return str(self._out)

    def _filled(self, document: Mapping[str, Any], device: str) -> Path:
        words = {"label": _slug(self._label or ""), "device": device, "date": document.get("date", "date")}
        return Path(_FIELD.sub(lambda match: words[match[1]], str(self._out)))


def _by_device(document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A document for each device that cases ran on, with the device as a part of a file's name."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    devices = document["machine"]["devices"]
    for case in document["cases"]:
        parts.setdefault(device_slug(case["device"], document["machine"].get("cpu")), []).append(case)
    found = []
    for name, cases in parts.items():
        own = {case["device"]["label"] for case in cases if case["device"] is not None}
        machine = {**document["machine"], "devices": [device for device in devices if device["label"] in own]}
        found.append((name, {**document, "machine": machine, "cases": cases}))
    return found


def device_slug(device: Mapping[str, Any] | None, cpu: str | None) -> str:
    """`nvidia-h100-80gb-hbm3`, of any but the first device with its label behind it: two runs never share a name."""
    if device is None or device["name"] == "CPU":
        return _slug(cpu or "processor").lower()
    told = device["label"] in ("0", device["name"])
    return _slug(device["name"] if told else f"{device['name']} {device['label']}").lower()


def _slug(text: str) -> str:
    """Of what is in any name of a file."""
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:_MOST]
