"""What a fleet measured: a result of each device, and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.runtime.fleet.conduct import State, Tracked
from ganzoo.runtime.latency.result import BenchResult


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetTask:
    """One device of a node. node, kind: in words. state: done, failed or lost. moved: nodes that were lost with it.

    result: what was measured, also of one that was not finished; None for nothing. written: files that hold it.
    """

    node: str
    device: str
    kind: str
    state: State
    why: str
    hint: str
    moved: tuple[str, ...]
    result: BenchResult | None
    written: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetResult:
    """tasks: one for each device that was to be measured. silent: nodes that said nothing, and why."""

    tasks: Sequence[FleetTask]
    silent: dict[str, str]

    @property
    def results(self) -> list[BenchResult]:
        """Of those that were measured to their end."""
        return [one.result for one in self.tasks if one.result is not None and one.state == "done"]

    @property
    def failed(self) -> list[FleetTask]:
        """Those that failed or were lost, or have a case that did."""
        return [one for one in self.tasks if one.state != "done" or one.result is None or one.result.failed]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells: a row for each case and kind of latency of each device."""
        headings: list[str] = []
        cells: list[list[str]] = []
        for one in self.tasks:
            where = [one.node, one.kind + (f" ({one.device})" if one.device not in ("", "0") else "")]
            rows: list[list[str]] = []
            if one.result is not None:
                headings, rows = one.result.table()
            cells += [[*where, *row] for row in rows]
            if one.state != "done":
                cells.append([*where, *["-"] * max(0, len(headings or rows) - 1), one.state])
        return ["node", "device", *headings] if headings else ["node", "device", "state"], cells

    def to_json(self) -> dict[str, Any]:
        """Plain values: the results whole."""
        return {
            "tasks": [
                {
                    "node": one.node, "device": one.device, "kind": one.kind, "state": one.state, "why": one.why,
                    "moved": list(one.moved), "result": one.result.document if one.result is not None else None,
                }
                for one in self.tasks
            ],
            "silent": dict(self.silent),
        }  # fmt: skip


def result_of(tracked: Sequence[Tracked], silent: dict[str, str]) -> FleetResult:
    """From what a conductor leaves."""
    return FleetResult(
        tasks=[
            FleetTask(
                node=one.where.node.name, device=one.where.device, kind=one.where.kind, state=one.state, why=one.why,
                hint=one.hint, moved=tuple(one.moved), result=one.result,
                written=tuple(one.result.written) if one.result is not None else (),
            )
            for one in tracked
        ],
        silent=silent,
    )  # fmt: skip
