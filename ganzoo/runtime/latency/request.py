"""What a sweep is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ganzoo.errors import RequestError, short
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.scenarios import Scenario
from ganzoo.runtime.session import OPTIMIZE, Optimize

Check = Literal["auto", "strict", "off"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How fast calls arrive at a server: so many a second, or a share of what it can do."""

    value: float
    of_capacity: bool = False

    def __str__(self) -> str:
        return f"{100 * self.value:g}%" if self.of_capacity else f"{self.value:g}/s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """The largest rate is looked for at which this quantile of the latency is below a limit."""

    quantile: float
    limit_ms: float

    def __str__(self) -> str:
        return f"p{100 * self.quantile:g}={self.limit_ms:g}ms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """rates: of a server, swept. objective: instead of rates. streams: calls of one query of a multi-stream. instances:
    sessions that work side by side. pause_ms: before each call of a closed loop. rotate: so many megabytes of inputs
    are gone through in turn, 0 for one input."""

    scenario: Scenario = "single-stream"
    rates: tuple[Rate, ...] = ()
    objective: Objective | None = None
    streams: int = 8
    instances: int = 1
    pause_ms: float = 0.0
    rotate: float = 0.0

    def __post_init__(self) -> None:
        if self.scenario == "server" and not self.rates and self.objective is None:
            raise RequestError(
                "The scenario server wants to know how fast calls arrive.",
                hint="--rate 200, --rate 50%,80% of what it can do, or --slo p99=20ms",
            )
        if self.scenario != "server" and (self.rates or self.objective is not None):
            raise RequestError("--rate and --slo are of the scenario server.", hint="--scenario server")
        if self.rates and self.objective is not None:
            raise RequestError("--rate states how fast calls arrive, and --slo looks for it: one of them.")
        if self.instances > 1 and self.scenario == "single-stream":
            raise RequestError(
                "A single stream has one call at a time, so that --instances has nothing to share.",
                hint="--scenario offline, multi-stream or server",
            )
        if self.pause_ms and self.scenario not in ("single-stream", "multi-stream"):
            raise RequestError("--idle is of closed loops: --scenario single-stream or multi-stream.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """What is swept beside models and shapes. options: by provider and key, `cuda.cudnn_conv_algo_search`, texts."""

    providers: tuple[str, ...] = ("cpu",)
    threads: tuple[int, ...] = (0,)
    inter_op: tuple[int, ...] = (0,)
    optimize: tuple[Optimize, ...] = ("all",)
    spin: tuple[bool, ...] = (True,)
    cuda_graph: tuple[bool, ...] = (False,)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := [one for one in self.optimize if one not in OPTIMIZE]:
            raise RequestError(f"--optimize {short(unknown[0])}: expected {', '.join(OPTIMIZE)}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A sweep.

    libraries: of custom operators, whose code runs. profile: each case is run once more, for where its time goes.
    cool_to: degrees Celsius to which the device cools before each process; None for no waiting.
    devices: as users type them, see `devices.device.choose`; nothing means the first of each provider. together: they
    are measured at once, too. lock_clocks: at which their clocks are held. label: what the user
    calls the machine. precision: `file` for what the file holds, or a mode of a provider.
    repeats: processes per case, at least. least_seconds: of samples in each. within: half of the interval's relative
    width at which a case has enough. max_seconds: for everything, a bound. check: of outputs. seed: of arrivals and of
    the order.
    """

    models: Sequence[Path]
    libraries: tuple[Path, ...] = ()
    profile: bool = False
    cool_to: float | None = None
    axes: Axes = field(default_factory=Axes)
    load: Load = field(default_factory=Load)
    devices: tuple[str, ...] = ()
    together: bool = False
    lock_clocks: str | None = None
    label: str | None = None
    precision: str = "file"
    inputs: InputRequest = field(default_factory=InputRequest)
    repeats: int = 5
    least_seconds: float = 3.0
    within: float = 0.02
    max_seconds: float = 120.0
    check: Check = "auto"
    seed: int = 0
