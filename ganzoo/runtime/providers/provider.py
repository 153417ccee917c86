"""What one execution provider of ONNX Runtime is: its options, what it needs, where it runs, how its failures read.

A plugin that brings another subclasses `Provider`, announces it with `ganzoo_providers`, and proves it with
`ganzoo.testing.ProviderConformance`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, ClassVar, Literal

from ganzoo.errors import RequestError, did_you_mean, first_few, short
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.providers.failures import Explanation, explain

Kind = Literal["switch", "whole", "number", "choice", "text"]
RUNTIMES = (
    "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-migraphx",
    "onnxruntime-rocm", "onnxruntime-qnn", "onnxruntime-webgpu", "onnxruntime-silicon",
)  # fmt: skip
"""Distributions that bring the package `onnxruntime`; two of them in one environment overwrite each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option of a provider, as ONNX Runtime names it; its value is a text.

    choices: all that there are. least, most: of a whole number. runs_code: its value names a library that is loaded.
    """

    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    runs_code: bool = False

    @property
    def expected(self) -> str:
        """In words."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "whole":
            low, high = (
                "" if self.least is None else f" from {self.least}",
                "" if self.most is None else f" to {self.most}",
            )
            return f"a whole number{low}{high}"
        return {"switch": "1 or 0", "number": "a number", "text": "a text"}[self.kind]

    def refuses(self, value: str) -> bool:
        """Whether a value is none of what is expected."""
        if self.kind == "choice":
            return value not in self.choices
        if self.kind == "switch":
            return value not in ("0", "1", "true", "false", "True", "False")
        if self.kind in ("whole", "number"):
            try:
                number = int(value) if self.kind == "whole" else float(value)
            except ValueError:
                return True
            return (self.least is not None and number < self.least) or (self.most is not None and number > self.most)
        return not value or "\0" in value


SWITCH = Option(kind="switch")
WHOLE = Option(kind="whole", least=0)
TEXT = Option()


def choice(*values: str) -> Option:
    """An option that is one of these."""
    return Option(kind="choice", choices=values)


class Provider:
    """One execution provider. What a subclass declares:

    name: what users type. ort_name: ONNX Runtime's. packages: distributions of ONNX Runtime that bring it, best first.
    options: all that it takes, by name. always: of every session, where nobody states another value. precisions: modes
        of computing beside "file", what the file holds, with the options that switch each on.
    device_option: which option chooses the device, by `device_value`; "" where there is one device.
    graph_option: which switches on that a run is captured and replayed. build_options: which keep what is built of a
        model in a folder, "{folder}" where its name goes, so that only the first session builds.
    compiles: it makes a form of its own of parts of the graph, so that the optimised graph cannot be written.
    memory: what ONNX Runtime calls the memory of its device where inputs can lie there beforehand; "" for the host's.
    maker: "nvidia", "amd" or "intel" where the maker's driver tells what its devices do; "" where nothing does.
    tried: where its authors ran it; "" says that nobody did.
    """

    name: ClassVar[str]
    ort_name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {}
    always: ClassVar[Mapping[str, str]] = {}
    precisions: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    device_option: ClassVar[str] = ""
    graph_option: ClassVar[str] = ""
    build_options: ClassVar[Mapping[str, str]] = {}
    compiles: ClassVar[bool] = False
    memory: ClassVar[str] = ""
    maker: ClassVar[str] = ""
    tried: ClassVar[str] = ""

    def find_trouble(self) -> Explanation | None:
        """What keeps it from working here: `missing` for what is not installed, otherwise broken; None for nothing."""
        from ganzoo.runtime.ort import onnxruntime

        if self.ort_name in onnxruntime.get_available_providers():
            return None
        return Explanation(
            reason=f"onnxruntime {onnxruntime.__version__} as installed is a build without {self.ort_name}",
            remedy=self.how_to_install(),
            missing=True,
        )

    def how_to_install(self) -> str:
        """The command; "" where no published package brings it."""
        if not self.packages:
            return f"No published package of onnxruntime brings {self.ort_name}: build it from source."
        there = [name for name in installed_runtimes() if name != self.packages[0]]
        install = f'pip install "{self.packages[0]}"'
        return f"pip uninstall --yes {' '.join(there)} && {install}" if there else install

    def explain(self, text: str) -> Explanation:
        """What a message of ONNX Runtime about it means, without the host's name."""
        return explain(text)

    def devices(self) -> Sequence[Device]:
        """What it can run on here, in the order of their numbers; the first is taken where nothing is stated."""
        return ()

    def device_value(self, number: int) -> str:
        """Of `device_option`, for the device of this number."""
        return str(number)

    def alone(self, device: Device) -> tuple[Mapping[str, str], int]:
        """The environment in which a process sees this device and no other, and the device's number there."""
        return {}, device.number

    def versions(self) -> Mapping[str, str]:
        """What identifies its build beside ONNX Runtime's own version."""
        return {}

    def session_options(self, *, device: int, precision: str, options: Mapping[str, str]) -> dict[str, str]:
        """All options of a session. options: what the user states, which is over all else."""
        chosen = {**self.always, **self.precisions.get(precision, {})}
        if self.device_option:
            chosen[self.device_option] = self.device_value(device)
        return {**chosen, **options}

    def attach(self, session_options: Any, options: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
        """What goes into a session's `providers`. One that is a library of its own registers and adds it here to
        ONNX Runtime's `session_options`, and returns nothing."""
        return [(self.ort_name, dict(options))]

    def check_options(self, options: Mapping[str, str]) -> None:
        """Raises RequestError for one that it does not have, or a value that is none: ONNX Runtime takes some of those
        without a word, or goes on on the CPU."""
        for key, value in options.items():
            option = self.options.get(key)
            if option is None:
                raise RequestError(
                    f"The provider {self.name} has no option {short(key)}.{did_you_mean(key, self.options)} "
                    f"Options: {first_few(list(self.options), 60) or 'none'}."
                )
            if option.refuses(value):
                raise RequestError(f"--option {self.name}.{key}={short(value)}: expected {option.expected}.")

    def check_precision(self, precision: str) -> None:
        """Raises RequestError for a mode that it does not have."""
        if precision != "file" and precision not in self.precisions:
            raise RequestError(
                f"The provider {self.name} has no precision {short(precision)}: expected "
                f"{', '.join(('file', *self.precisions))}.",
                hint="A file of fp16 is made with: ganzoo export RUN --precision fp16",
            )


def installed_runtimes() -> list[str]:
    """Distributions of ONNX Runtime that are installed; more than one overwrite each other's files."""
    found = []
    for name in RUNTIMES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.version(name)
            found.append(name)
    return found
