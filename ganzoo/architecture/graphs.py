"""The graphs of an architecture, each with its role: declared, or for one of plugin API 1 worked out."""

from __future__ import annotations

from dataclasses import replace

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Graph
from ganzoo.roles import inferred_role


def graphs_of(architecture: Architecture) -> list[Graph]:
    """What `graphs()` gives, the main one first; of a translation, with the domains that it reads and paints."""
    declared = list(architecture.graphs())
    signatures = {graph.name: (graph.inputs, graph.outputs) for graph in declared}
    graphs = []
    for graph in declared:
        complete = graph
        if graph.role is None:
            found = inferred_role(graph.name, signatures)
            complete = replace(
                graph,
                role=found.role,
                after=graph.after or found.after,
                back=graph.back or found.back,
                reads=graph.reads or found.reads,
                paints=graph.paints or found.paints,
            )
        if complete.role == "translate":
            complete = replace(complete, reads=complete.reads or "source", paints=complete.paints or "target")
        graphs.append(complete)
    return graphs
