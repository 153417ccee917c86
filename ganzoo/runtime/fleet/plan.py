"""Which node measures which device: from what nodes say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from ganzoo.errors import BenchError, RequestError, first_few, short
from ganzoo.runtime.devices.device import Device, choose

Each = Literal["device-kind", "node", "gpu"]
EACH: tuple[Each, ...] = get_args(Each)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What a node says. id: the cluster's. name: for people and for names of files. machine: equal for nodes that share
    one machine. ganzoo: its version. cpu: the name of its processor. devices: by provider; a provider with one device
    has none. troubles: of providers that do not work there."""

    id: str
    name: str
    machine: str
    ganzoo: str
    cpu: str
    devices: Mapping[str, Sequence[Device]] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)

    def providers(self, asked: Sequence[str]) -> tuple[str, ...]:
        """Of what is asked for what works here."""
        return tuple(name for name in asked if name not in self.troubles)


@dataclass(frozen=True, slots=True)
class Place:
    """One device of one node. device: its label, "" where no provider has a choice. providers: what works there."""

    node: Node
    device: str
    kind: str
    providers: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.node.name} {self.kind}" + (f" ({self.device})" if self.device not in ("", "0") else "")


@dataclass(slots=True)
class Task:
    """One measurement. places: where it can be made, best first; the first is where it is to be."""

    places: list[Place]

    @property
    def kind(self) -> str:
        return self.places[0].kind


def plan(nodes: Sequence[Node], providers: Sequence[str], asked: Sequence[str], each: Each) -> list[Task]:
    """`device-kind`: one place of each kind, the others of the kind stand in for it. `node`: the first meant device of
    every node. `gpu`: every meant device of every node.

    asked: devices as users type them. Raises BenchError where no provider works anywhere, RequestError for devices that
    no node has.
    """
    able = [node for node in nodes if node.providers(providers)]
    if not able:
        why = [f"{node.name}: {next(iter(node.troubles.values()))}" for node in nodes if node.troubles]
        raise BenchError(
            f"No node of {len(nodes)} has a provider {' or '.join(providers)} that works: {first_few(why, 3)}.",
            hint="`ganzoo doctor` on a node says what to do there.",
        )
    places = list(_places(able, providers, asked, every=each != "node"))
    if each != "device-kind":
        return [Task([place]) for place in places]
    kinds: dict[str, list[Place]] = {}
    for place in places:
        kinds.setdefault(place.kind, []).append(place)
    return [Task(_nodes_first(several)) for several in kinds.values()]


def _places(nodes: Sequence[Node], providers: Sequence[str], asked: Sequence[str], *, every: bool) -> Iterator[Place]:
    refused: RequestError | None = None
    found = False
    for node in nodes:
        works = node.providers(providers)
        choosing = next((name for name in works if node.devices.get(name)), None)
        if choosing is None and (odd := [text for text in asked if text not in ("0", "all")]):
            refused = RequestError(
                f"--device {short(odd[0])}: {node.name} has no device to choose for {', '.join(works)}."
            )
            continue
        if choosing is None:
            found = True
            yield Place(node, "", node.cpu, works)
            continue
        try:
            meant = choose(node.devices[choosing], asked or (("all",) if every else ()), choosing)
        except RequestError as error:
            refused = error
            continue
        for device in meant if every else meant[:1]:
            found = True
            yield Place(node, device.key, device.name, works)
    if not found and refused is not None:
        raise refused


def _nodes_first(places: Sequence[Place]) -> list[Place]:
    """In an order in which the next is on another node as long as there is one: a node is lost as a whole."""
    seen: dict[str, int] = {}
    ranked = []
    for place in places:
        seen[place.node.id] = seen.get(place.node.id, -1) + 1
        ranked.append((seen[place.node.id], place))
    return [place for _, place in sorted(ranked, key=lambda one: one[0])]
