"""Who measures what when: tasks go to nodes one at a time on each machine, what is lost goes to another of its kind.

The cluster is behind a protocol: Ray's is in `ray_cluster.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ganzoo import files
from ganzoo.errors import BenchError, RequestError, printable, shell_word
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runtime.fleet.parcel import Parcel
from ganzoo.runtime.fleet.plan import Node, Place, Task
from ganzoo.runtime.latency.places import Places
from ganzoo.runtime.latency.result import BenchResult

SILENT_SECONDS = 180.0
"""Beyond the longest that one process may take: a task of which nothing is heard for so long is lost."""

State = Literal["waiting", "running", "done", "failed", "lost"]


class LostError(Exception):
    """A node, or the process of the cluster's on it, is gone."""


class Cluster(Protocol):
    """Where measurements run."""

    def nodes(self) -> Sequence[tuple[str, str]]:
        """(id, name) of those that are alive."""
        ...

    def probe(self, nodes: Sequence[tuple[str, str]], providers: Sequence[str]) -> tuple[list[Node], dict[str, str]]:
        """What they say, and by name why others said nothing."""
        ...

    def start(self, parcel: Parcel, place: Place, before: Mapping[str, Any] | None, label: str | None) -> Any:
        """A handle of a measurement that has begun."""
        ...

    def messages(
        self, handles: Sequence[Any], seconds: float
    ) -> Iterator[tuple[Any, Mapping[str, Any] | LostError | None]]:
        """What came of any of them within so long; None for one that has ended."""
        ...

    def cancel(self, handle: Any) -> None:
        """End a measurement; nothing of it is left."""
        ...

    def is_alive(self, node: str) -> bool:
        """Whether a node is still there."""
        ...


@dataclass(slots=True)
class Tracked:
    """A task and what became of it. where: where it runs or ran. why: it failed or is lost. moved: from which nodes."""

    task: Task
    where: Place
    state: State = "waiting"
    why: str = ""
    hint: str = ""
    moved: list[str] = field(default_factory=list)
    result: BenchResult | None = None
    heard: float = 0.0
    tries: int = 0

    def forget(self) -> None:
        """What was measured of it, on disk too."""
        for path in self.result.written if self.result is not None else ():
            files.remove_tree(path)
        self.result = None


class Conductor:
    """Runs tasks to their end. save: given each result as it grows, with its task. label: of the user's."""

    def __init__(
        self, cluster: Cluster, parcel: Parcel, tracked: Sequence[Tracked], *, progress: ProgressListener,
        save: Callable[[Tracked], None], label_of: Callable[[Place], str], max_seconds: float,
    ) -> None:  # fmt: skip
        self._cluster, self._parcel, self._tracked = cluster, parcel, tracked
        self._progress, self._save, self._label_of = progress, save, label_of
        self._patience = max_seconds + SILENT_SECONDS
        self._running: dict[int, tuple[Any, Tracked]] = {}
        self._dead: set[str] = set()
        self._mark = 0

    def run(self) -> None:
        """Until all are done, failed or lost; whatever ends it, nothing of it runs on."""
        try:
            while True:
                self._begin()
                if not self._running:
                    break
                self._listen()
        finally:
            for handle, one in self._running.values():
                one.state = "lost" if one.state == "running" else one.state
                self._cluster.cancel(handle)

    def _begin(self) -> None:
        busy = {one.where.node.machine for _, one in self._running.values()}
        for one in self._tracked:
            if one.state != "waiting":
                continue
            places = [place for place in one.task.places if place.node.id not in self._dead]
            if not places:
                one.state, one.why = "lost", f"no node that has {one.task.kind} is left"
                self._say(f"{one.where.title}: lost: {one.why}")
                continue
            free = [place for place in places if place.node.machine not in busy]
            if not free:
                continue
            if free[0] != one.where:
                one.forget()  # another machine begins anew
            one.where, one.state, one.heard = free[0], "running", time.monotonic()
            one.tries += 1
            before = one.result.document if one.result is not None else None
            handle = self._cluster.start(self._parcel, one.where, before, self._label_of(one.where))
            self._mark += 1
            self._running[self._mark] = (handle, one)
            busy.add(one.where.node.machine)

    def _listen(self) -> None:
        handles = {id(handle): mark for mark, (handle, _) in self._running.items()}
        for handle, message in self._cluster.messages([handle for handle, _ in self._running.values()], 1.0):
            mark = handles[id(handle)]
            if mark not in self._running:
                continue
            _, one = self._running[mark]
            one.heard = time.monotonic()
            if message is None:
                del self._running[mark]
                if one.state == "running":
                    self._ended_early(one, "it ended without a result")
            elif isinstance(message, LostError):
                del self._running[mark]
                self._lose(one, str(message))
            else:
                self._take(one, message)
        for mark, (handle, one) in list(self._running.items()):
            if time.monotonic() - one.heard > self._patience:
                del self._running[mark]
                self._cluster.cancel(handle)
                self._lose(one, f"nothing was heard of it for {self._patience:.0f} s")

    def _take(self, one: Tracked, message: Mapping[str, Any]) -> None:
        if "result" in message:
            one.result = BenchResult(dict(message["result"]))
            self._save(one)
            if message.get("whole"):
                one.state = "done"
                self._tell(one, {"case": f"{one.where.title}: done", "repeat": 1, "repeats": 1})
        elif "error" in message:
            one.state, one.why, one.hint = "failed", message["error"]["message"], message["error"]["hint"]
            self._say(f"{one.where.title}: failed: {one.why}")
        elif "said" in message:
            self._say(f"{one.where.title}: {message['said']}")
        elif "case" in message["progress"]:
            values = dict(message["progress"])
            self._tell(one, {**values, "case": f"{one.where.title}: {values['case']}"})

    def _lose(self, one: Tracked, why: str) -> None:
        """The node is gone: another of the kind takes it. The cluster's process on it is gone: once more."""
        one.moved.append(one.where.node.name)
        if not self._cluster.is_alive(one.where.node.id):
            self._dead.add(one.where.node.id)
            self._say(f"{one.where.title}: the node is lost: {why}")
            one.state = "waiting"
        else:
            self._ended_early(one, why)

    def _ended_early(self, one: Tracked, why: str) -> None:
        if one.tries > 1:
            one.state, one.why = "lost", why
            self._say(f"{one.where.title}: lost: {why}")
        else:
            one.state = "waiting"

    def _tell(self, one: Tracked, values: Mapping[str, Any]) -> None:
        done = sum(each.state in ("done", "failed", "lost") for each in self._tracked)
        self._progress.update(Progress(done=done, total=len(self._tracked), unit="devices", values=values))

    def _say(self, text: str) -> None:
        self._progress.say(printable(text))


def labels_of(tracked: Sequence[Tracked], label: str | None) -> Callable[[Place], str]:
    """What each result is called beside its device: the user's label, the node, and which of several alike it is."""
    known = {(place.node.id, place.device, place.kind) for one in tracked for place in one.task.places}
    alike = Counter((node, kind) for node, _, kind in known)

    def label_of(place: Place) -> str:
        several = alike[place.node.id, place.kind] > 1
        return " ".join(filter(None, (label, place.node.name, place.device if several else "")))

    return label_of


def check_versions(nodes: Sequence[Node], version: str) -> None:
    """Raises BenchError for a node with another ganzoo: its results would be of another protocol."""
    odd = [node for node in nodes if node.ganzoo != version]
    if odd:
        raise BenchError(
            f"{odd[0].name} has ganzoo {odd[0].ganzoo}, and this machine {version}.",
            hint="Install the same on every node.",
        )


def places_of(tracked: Sequence[Tracked], out: Path, label_of: Callable[[Place], str]) -> Callable[[Place], Places]:
    """Where each result goes: a folder means a file for each device in it.

    Raises RequestError for a name that several would have, or that cannot be written.
    """
    template = out if out.suffix == ".json" else out / "{label}-{device}.json"

    def of(place: Place) -> Places:
        return Places(template, label_of(place))

    names = Counter(of(one.where).for_device(one.where.kind, one.where.device) for one in tracked)
    if (name := next((name for name, count in names.items() if count > 1), None)) is not None:
        raise RequestError(
            f"{len(tracked)} devices are measured, and {names[name]} of them would be written to {name}.",
            hint=f"-o {shell_word(str(out.with_name('{label}-{device}.json')))}",
        )
    return of
