"""The graphs of an architecture, each with its role: declared, or for one of plugin API 1 worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.records import Graph
from ganzoo.errors import PluginError
from ganzoo.roles import inferred_role
from ganzoo.tensors import TensorSpec


def graphs_of(architecture: Architecture) -> list[Graph]:
    """What `graphs()` gives, the main one first; of a translation, with the domains that it reads and paints."""
    declared = _checked(architecture)
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


def _checked(architecture: Architecture) -> list[Graph]:
    """Raises PluginError for what are no graphs, or graphs of what is no module and no TensorSpecs."""
    given: object = architecture.graphs()
    if not isinstance(given, Sequence) or not all(isinstance(graph, Graph) for graph in given):
        raise PluginError(
            f"graphs() of {type(architecture).__name__} gives {_short(given)}.", hint="Expected a list of Graph(...)."
        )
    for graph in given:
        specs = [graph.inputs, graph.outputs]
        if not isinstance(graph.name, str) or not isinstance(graph.module, nn.Module):
            raise PluginError(
                f"A graph of {type(architecture).__name__} has name = {_short(graph.name)} and module = "
                f"{_short(graph.module)}.",
                hint="Expected a text and an nn.Module.",
            )
        if not all(isinstance(side, tuple | list) and all(isinstance(s, TensorSpec) for s in side) for side in specs):
            raise PluginError(
                f"The graph {graph.name!r} has inputs = {_short(graph.inputs)}, outputs = {_short(graph.outputs)}.",
                hint="Expected a tuple of TensorSpec each: (z,).",
            )
        if not graph.outputs:
            raise PluginError(
                f"The graph {graph.name!r} declares no output.", hint="Expected outputs=(TensorSpec(...),)."
            )
    return list(given)


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
