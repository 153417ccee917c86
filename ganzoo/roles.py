"""What graphs are for, and how those of one model belong together: declared by who makes them.

Graphs of plugin API 1, and files of format 1, say nothing of it. What they are is worked out in `inferred_role`, and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

from ganzoo.datainfo import Domain
from ganzoo.tensors import TensorSpec

Role = Literal["paint", "map", "synthesize", "translate", "embed", "judge"]
"""paint: noise to pictures. map: noise to what another graph paints from. synthesize: pictures from what the graph
`after` names gives. translate: pictures to pictures. embed: pictures to numbers. judge: pictures to logits."""

ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphRole:
    """after: the graph whose first output is this one's first input. back: of a translation, the way back.

    reads, paints: of a graph that takes or gives pictures, their domains.
    """

    role: Role
    after: str | None = None
    back: str | None = None
    reads: Domain | None = None
    paints: Domain | None = None


class Connected(Protocol):
    """A graph as it is declared, whatever runs it."""

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Sequence[TensorSpec]: ...
    @property
    def outputs(self) -> Sequence[TensorSpec]: ...
    @property
    def role(self) -> Role | None: ...
    @property
    def after(self) -> str | None: ...
    @property
    def back(self) -> str | None: ...


GraphT = TypeVar("GraphT", bound=Connected)
Signature = tuple[Sequence[TensorSpec], Sequence[TensorSpec]]
"""Inputs and outputs."""


def painting_chain(graphs: Sequence[GraphT]) -> list[GraphT]:
    """What paints pictures from noise, in order: one graph, or those that `synthesize` comes after, and it.

    Empty when there is none, or one of them is missing: see `missing_before`.
    """
    for graph in graphs:
        if graph.role == "paint":
            return [graph]
    for graph in graphs:
        if graph.role == "synthesize" and (chain := chain_to(graph, graphs)):
            return chain
    return []


def style_chain(graphs: Sequence[GraphT]) -> list[GraphT]:
    """What maps noise, and the graph that paints from it: the first that is complete; empty for none."""
    for graph in graphs:
        if graph.role == "synthesize" and len(chain := chain_to(graph, graphs)) > 1:
            return chain
    return []


def chain_to(graph: GraphT, graphs: Sequence[GraphT]) -> list[GraphT]:
    """A graph and those it comes after, first to last. Empty when one of them is missing, or they run in a circle."""
    named = {other.name: other for other in graphs}
    chain = [graph]
    while chain[0].after is not None:
        before = named.get(chain[0].after)
        if before is None or before in chain:
            return []
        chain.insert(0, before)
    return chain


def missing_before(graphs: Sequence[GraphT]) -> list[tuple[GraphT, str]]:
    """Graphs that come after one that is not there, and its name."""
    names = {graph.name for graph in graphs}
    return [(graph, graph.after) for graph in graphs if graph.after is not None and graph.after not in names]


def translations(graphs: Sequence[GraphT]) -> list[GraphT]:
    """Those that translate pictures, in order."""
    return [graph for graph in graphs if graph.role == "translate"]


def way_back(graph: GraphT, graphs: Sequence[GraphT]) -> GraphT | None:
    """The translation that a graph names as its way back, if it is there."""
    return next((other for other in graphs if graph.back is not None and other.name == graph.back), None)


def inferred_role(name: str, signatures: Mapping[str, Signature]) -> GraphRole:
    """What a graph that does not say its role is, from its tensors and those of the others.

    signatures: inputs and outputs of all graphs of the model, by name. The only guess in ganzoo.
    """
    inputs, outputs = signatures[name]
    paints = outputs[0].kind == "picture"
    if any(spec.kind == "picture" for spec in inputs):
        reads = _domain(inputs[0].name)
        if not paints:
            return GraphRole(role="embed", reads=reads)
        backs = [
            other
            for other, (taken, given) in signatures.items()
            if [spec.name for spec in (*given, *taken)] == [spec.name for spec in (*inputs, *outputs)]
            and any(spec.kind == "picture" for spec in taken)
        ]
        back = next(iter(backs), None)
        return GraphRole(role="translate", back=back, reads=reads, paints=_domain(outputs[0].name))
    if not paints:
        return GraphRole(role="map")
    before = [other for other, (_, given) in signatures.items() if inputs and given[0].name == inputs[0].name]
    if before and before[0] != name and len(inputs[0].shape) == 3:
        return GraphRole(role="synthesize", after=before[0], paints="real")
    return GraphRole(role="paint", paints="real")


def _domain(name: str) -> Domain | None:
    return name if name in get_args(Domain) else None  # type: ignore[return-value]
