"""The cases of a sweep: models, times settings, times shapes, times rates. One that cannot be is a failed case."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganzoo.errors import (
    BenchError,
    ExportError,
    GanzooError,
    RequestError,
    did_you_mean,
    distinct_names,
    printable,
    shell_word,
    short,
)
from ganzoo.runtime.devices.device import Device, choose
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.content import files_of_data
from ganzoo.runtime.latency.inputs import InputRequest, how_filled, sweep_cases
from ganzoo.runtime.latency.request import Rate, Request
from ganzoo.runtime.providers.requirements import devices_of
from ganzoo.runtime.providers.table import find_provider, known_names
from ganzoo.runtime.session import SessionSettings

START_SECONDS = 1.5  # of a process, about: imports and a session
LEAST_SECONDS = 0.3


@dataclass(kw_only=True, slots=True)
class Case:
    """One point of a sweep. file: None where it cannot be read.

    inputs: where the content of each is from. files: those it is read from. rate: of a server; shares are made
    numbers when the capacity is known. device: None where the provider has one alone. several: it is one of several
    devices, so that the title names it. named: the file, where another of the sweep has its name.
    """

    path: Path
    provider: str
    settings: SessionSettings
    file: OnnxFile | None = None
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rate: Rate | None = None
    files: dict[str, Path] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    error: GanzooError | None = None
    device: Device | None = None
    several: bool = False
    named: str = ""

    @property
    def name(self) -> str:
        """Of the file, for people and results: told from others of the sweep."""
        return self.named or self.path.name

    @property
    def elements(self) -> int:
        """Numbers in all inputs."""
        return _elements(self.shapes)

    @property
    def title(self) -> str:
        """For people."""
        shapes = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in self.shapes.items())
        return printable(" ".join(part for part in (self.name, shapes, *self.said()) if part))

    def said(self) -> Iterator[str]:
        """What differs from the defaults, and the rate."""
        plain = SessionSettings()
        if self.provider != "cpu":
            yield self.provider
        if self.device is not None and self.several:
            yield f"device={self.device.key}"
        if self.settings.threads != plain.threads:
            yield f"threads={self.settings.threads}"
        if self.settings.inter_op != plain.inter_op:
            yield f"inter-op={self.settings.inter_op}"
        if self.settings.optimize != plain.optimize:
            yield f"optimize={self.settings.optimize}"
        if self.settings.spin != plain.spin:
            yield "spin=off"
        yield from (f"{key}={value}" for key, value in self.settings.options.items())
        if self.rate is not None:
            yield str(self.rate)

    def key(self) -> dict[str, Any]:
        """What makes the case this one, as plain values."""
        return {
            "file": self.name,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "inputs": dict(self.inputs),
            "provider": self.provider,
            "device": None if self.device is None else self.device.to_json(),
            "settings": settings_json(self.settings),
            "rate": None if self.rate is None else str(self.rate),
        }


def settings_json(settings: SessionSettings) -> dict[str, Any]:
    """As a result has them; null where the choice is ONNX Runtime's."""
    return {
        "threads": settings.threads or None,
        "inter_op": settings.inter_op or None,
        "optimize": settings.optimize,
        "spin": settings.spin,
        "options": dict(settings.options),
        "libraries": [Path(library).name for library in settings.libraries],
    }


def cases_of(request: Request) -> list[Case]:
    """Raises RequestError for what no model can be asked, BenchError for a provider that is not here."""
    settings = list(_settings(request))
    devices = devices_meant(request)
    many = any(len(found) > 1 for found in devices.values())
    cases, several = list[Case](), len(request.models) > 1
    unused = set(_stated(request.inputs)) if several else set[tuple[str, str]]()
    names = distinct_names(request.models)
    for path in request.models:
        try:
            file = OnnxFile(path)
            wanted = _of_model(file, request.inputs) if several else request.inputs
            unused -= set(_stated(wanted))
            if wanted.data is not None:
                wanted = replace(wanted, files={**files_of_data(file, wanted.data), **wanted.files})
            shapes = sweep_cases(file, wanted)
            inputs = how_filled(file, wanted)
        except (ExportError, BenchError, RequestError) as error:
            if not several:
                raise
            cases.append(Case(path=path, provider=request.axes.providers[0], settings=SessionSettings(), error=error,
                              named=names[path]))  # fmt: skip
            continue
        cases += [
            Case(
                path=path, provider=provider, settings=chosen, file=file, shapes=shape, rate=rate,
                files=dict(wanted.files), inputs=inputs, device=device, several=many,
                named=names[path],
            )
            for provider, chosen in settings
            for device in devices[provider]
            for shape in shapes
            for rate in request.load.rates or (None,)
        ]  # fmt: skip
    if unused:
        what, name = min(unused)
        raise RequestError(
            f"--{what} {short(name)}: no model has it.", hint="`ganzoo inspect` shows inputs and shapes."
        )
    refused = [case.error for case in cases if case.error is not None]
    if len(refused) == len(cases) and (wrong := next((one for one in refused if isinstance(one, RequestError)), None)):
        raise wrong
    return cases


def devices_meant(request: Request) -> dict[str, Sequence[Device | None]]:
    """Of each provider the devices that are asked for; None alone for one that has no choice of them.

    Raises RequestError for what no provider has.
    """
    found: dict[str, Sequence[Device | None]] = {}
    for name in request.axes.providers:
        provider = find_provider(name)
        found[name] = (None,) if not provider.device_option else _devices(request.devices, name)
    chooses = any(find_provider(name).device_option for name in request.axes.providers)
    if not chooses and (odd := [text for text in request.devices if text not in ("0", "all")]):
        raise RequestError(
            f"--device {short(odd[0])}: {' and '.join(request.axes.providers)} has one device.",
            hint="`ganzoo doctor` lists the devices of every provider.",
        )
    together = max((len(devices) for devices in found.values()), default=0)
    if request.together and together < 2:
        raise RequestError(
            f"--together wants several devices, and {'none can be chosen' if not chooses else 'one is meant'} here.",
            hint="`ganzoo doctor` lists the devices of every provider; --device all means all of them.",
        )
    return found


def _devices(asked: Sequence[str], provider: str) -> Sequence[Device]:
    """A provider that lists none takes any number: its runtime says whether there is one."""
    known = devices_of(provider)
    if not known and all(text.isdecimal() for text in asked):
        return [Device(name=find_provider(provider).ort_name, number=int(text)) for text in asked or ("0",)]
    return choose(known, asked, provider)


def _stated(inputs: InputRequest) -> Iterator[tuple[str, str]]:
    """What is stated of inputs and dimensions by their names: the option, and the name."""
    stated = {"shape": inputs.shapes, "input": inputs.files, "fill": inputs.fills, "dim": inputs.dims}
    yield from ((option, name) for option, names in stated.items() for name in names)


def _of_model(file: OnnxFile, inputs: InputRequest) -> InputRequest:
    """Of what is stated for several models that which one of them has."""
    names = {tensor.name for tensor in file.inputs}
    dims = {size for tensor in file.inputs for size in tensor.shape if isinstance(size, str)}
    return replace(
        inputs,
        shapes={name: one for name, one in inputs.shapes.items() if name in names},
        files={name: one for name, one in inputs.files.items() if name in names},
        fills={name: one for name, one in inputs.fills.items() if name in names},
        dims={name: one for name, one in inputs.dims.items() if name in dims},
    )


def _settings(request: Request) -> Iterator[tuple[str, SessionSettings]]:
    """Of each provider its settings, and options that are its own."""
    axes = request.axes
    found = {name: find_provider(name) for name in axes.providers}
    by_provider: dict[str, list[tuple[str, tuple[str, ...]]]] = {name: [] for name in axes.providers}
    for key, values in axes.options.items():
        provider, dot, option = key.partition(".")
        if not dot or provider not in by_provider:
            named = provider in known_names()
            raise RequestError(
                f"--option {short(key)}: expected PROVIDER.KEY=VALUE of {', '.join(by_provider)}."
                + ("" if named else did_you_mean(provider, known_names())),
                hint=f"Measure with it, too: --provider {shell_word(','.join([*by_provider, provider]))}"
                if named
                else "",
            )
        for value in values:
            found[provider].check_options({option: value})
        by_provider[provider].append((option, values))
    if request.precision != "file" and not any(request.precision in one.precisions for one in found.values()):
        next(iter(found.values())).check_precision(request.precision)
    if True in axes.cuda_graph and not any(one.graph_option for one in found.values()):
        raise RequestError("--cuda-graph: none of the providers captures graphs.", hint="--provider cuda")
    libraries = tuple(str(path.resolve()) for path in request.libraries)
    for provider, own in by_provider.items():
        plain = itertools.product(axes.threads, axes.inter_op, axes.optimize, axes.spin)
        graphs = axes.cuda_graph if found[provider].graph_option else (False,)
        for (threads, inter_op, optimize, spin), graph in itertools.product(plain, graphs):
            base = SessionSettings(
                threads=threads, inter_op=inter_op, optimize=optimize, spin=spin, libraries=libraries
            )
            for chosen in itertools.product(*(values for _, values in own)):
                options = {key: value for (key, _), value in zip(own, chosen, strict=True)}
                if graph:
                    options[found[provider].graph_option] = "1"
                yield provider, replace(base, options=options)


def libraries_of(request: Request) -> Iterator[str]:
    """Files whose code a sweep runs: custom operators, and what options of providers name."""
    yield from map(str, request.libraries)
    for key, values in request.axes.options.items():
        provider, _, option = key.partition(".")
        known = find_provider(provider).options.get(option) if provider in request.axes.providers else None
        if known is not None and known.runs_code:  # others are refused by name, where cases are made
            yield from values


def seconds_of(request: Request, count: int, groups: int) -> float:
    """Of samples in one process: what is asked for, or less where all of them must end in time.

    groups: of cases that are measured at once, too.
    """
    processes = count * (request.repeats + request.profile) + groups * request.repeats
    share = request.max_seconds / max(1, processes) - START_SECONDS
    return max(LEAST_SECONDS, min(request.least_seconds, share))


def expected_seconds(request: Request, cases: list[Case]) -> float:
    """How long a sweep takes, about, if nothing must be repeated."""
    alive = [case for case in cases if case.error is None]
    groups = len(groups_of(alive)) if request.together else 0
    each = seconds_of(request, len(alive), groups) + START_SECONDS + 0.5
    processes = len(alive) * (request.repeats + request.profile) + groups * request.repeats
    return min(request.max_seconds, processes * each + START_SECONDS * len(request.models))


def groups_of(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that differ in the device alone, where there are several."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        if case.device is not None:
            key = json.dumps([str(case.path), {**case.key(), "device": None}], sort_keys=True)
            found.setdefault(key, []).append(case)
    return [several for several in found.values() if len(several) > 1]


def _elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    total = 0
    for shape in shapes.values():
        size = 1
        for length in shape:
            size *= length
        total += size
    return total
