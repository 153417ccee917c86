"""What one process is asked and what it answers, as plain values: the parent writes it, the worker reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganzoo.runtime.latency.request import Objective
from ganzoo.runtime.latency.scenarios import Scenario
from ganzoo.runtime.session import SessionSettings

Mode = Literal["measure", "capacity", "reference", "profile"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """mode: measure the scenario, or how many calls a second are possible, or only run once without optimisation, or
    where the time goes.

    seconds: of samples. longest: for everything after the session is there. outputs: those of the first run are
    wanted. rate: of a server, a second. seed: of its arrivals. implementation: where the provider is, see
    `table.find_provider`. graph: its runs are captured and replayed. meet: it begins at one moment with others. build:
    a folder in which a provider may keep what it builds of the model; "" for none.
    """

    mode: Mode
    model: str
    shapes: dict[str, tuple[int, ...]]
    provider: str
    implementation: str = ""
    files: dict[str, str] = field(default_factory=dict)
    fills: dict[str, str] = field(default_factory=dict)
    settings: SessionSettings = field(default_factory=SessionSettings)
    device: int = 0
    precision: str = "file"
    scenario: Scenario = "single-stream"
    streams: int = 1
    instances: int = 1
    pause_ms: float = 0.0
    rotate: float = 0.0
    rate: float = 0.0
    objective: Objective | None = None
    seconds: float = 1.0
    longest: float = 60.0
    seed: int = 0
    outputs: bool = False
    graph: bool = False
    meet: bool = False
    build: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        objective = values.pop("objective")
        settings, shapes = values.pop("settings"), values.pop("shapes")
        return cls(
            **values,
            settings=SessionSettings(**{**settings, "libraries": tuple(settings["libraries"])}),
            objective=None if objective is None else Objective(**objective),
            shapes={name: tuple(shape) for name, shape in shapes.items()},
        )

    @property
    def path(self) -> Path:
        return Path(self.model)
