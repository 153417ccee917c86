"""What an architecture declares, held against what it does: looked at once, when a run starts and when it is exported.

Everything runs on an evaluation copy, on rows drawn by seed, so that nothing is learnt and no random state moves.
Shapes: B batch.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.graphs import graphs_of
from ganzoo.architecture.noise_to_image import NoiseToImage
from ganzoo.architecture.records import Graph
from ganzoo.errors import GanzooError, first_few, one_line
from ganzoo.roles import ROLES, chain_to
from ganzoo.tensors import BATCH, DataInfo, Dim, TensorSpec

Kind = Literal["graphs", "unsaid", "role", "output", "finite", "random", "rows", "discriminator", "untrained"]

_FAIR_PIXELS = 32  # height and width of pictures whose size is open
_ROUNDING = 1e-4  # of the largest value: kernels of different batch sizes round differently, by a hundredth of this
_ROUNDING_TF32 = 2e-2  # the same on a GPU, whose convolutions are TF32 unless told otherwise
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """One thing that is not as it is declared. what: both sides, in a sentence. remedy: what its author can change."""

    kind: Kind
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def contradictions(twin: Architecture) -> list[Contradiction]:
    """Of the graphs of an evaluation copy, those on request left out, and of its discriminator."""
    graphs = graphs_of(twin)
    found = misconnected(twin.graphs(), graphs)
    for graph in graphs:
        if not graph.on_request:
            found += misbehaviour([graph]) or _against_data(graph, twin.data)
    return found + _discriminator(twin) if isinstance(twin, NoiseToImage) else found


def untrained(architecture: Architecture, trained: Iterable[Tensor]) -> list[Contradiction]:
    """Parameters that want a gradient and that no optimiser has. trained: those that the optimisers have."""
    known = {id(parameter) for parameter in trained}
    names = [
        name
        for name, parameter in architecture.named_parameters()
        if parameter.requires_grad and id(parameter) not in known
    ]
    if not names:
        return []
    what = f"No optimiser trains {first_few(names)}."
    remedy = "Name their network in `trains` of an Optimizer, or say that they stay: requires_grad_(False)."
    return [Contradiction(kind="untrained", what=what, remedy=remedy)]


def misconnected(declared: Sequence[Graph], graphs: Sequence[Graph]) -> list[Contradiction]:
    """Names, roles, and the graphs that graphs name. declared: as an architecture gives them; graphs: completed."""
    found = []
    names = [graph.name for graph in graphs]
    if not names:
        what = "graphs() gives none, and there is nothing to sample or to export."
        return [
            Contradiction(kind="graphs", what=what, remedy="Give one graph at least; super().graphs() has the base's.")
        ]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        what = f"graphs() gives {first_few([repr(name) for name in names])}."
        found.append(
            Contradiction(kind="graphs", what=what, remedy="Each wants a name of its own, of a file's letters.")
        )
        return found
    named = {graph.name: graph for graph in graphs}
    for original, graph in zip(declared, graphs, strict=True):
        if original.role is None:
            what = f"graph {graph.name!r} does not say its role."
            remedy = f"Graph(role=...), one of {', '.join(ROLES)}; it looks like {graph.role!r}."
            found.append(Contradiction(kind="unsaid", what=what, remedy=remedy))
        elif graph.role not in ROLES:
            what = f"graph {graph.name!r} has the role {graph.role!r}."
            found.append(Contradiction(kind="role", what=what, remedy=f"Expected one of {', '.join(ROLES)}."))
        for field, other in (("after", graph.after), ("back", graph.back)):
            if other is not None and other not in named:
                what = f"graph {graph.name!r} says {field}={other!r}, and there is no graph of that name."
                found.append(Contradiction(kind="role", what=what, remedy=f"There are {', '.join(names)}."))
        found += _unlike_its_role(graph)
        if graph.after is not None and graph.after in named and not chain_to(graph, graphs):
            what = f"graph {graph.name!r} comes after {graph.after!r}, and that after it: a circle."
            found.append(Contradiction(kind="role", what=what, remedy="`after` names the graph that comes first."))
        before = named.get(graph.after or "")
        if before is not None and not (graph.inputs and _feeds(before.outputs[0], graph.inputs[0])):
            what = (
                f"graph {graph.name!r} comes after {before.name!r}, whose first output is {_shown(before.outputs[0])}, "
                f"and its first input is {_shown(graph.inputs[0]) if graph.inputs else 'none'}."
            )
            found.append(Contradiction(kind="role", what=what, remedy="They must be one shape and type."))
    return found


def _unlike_its_role(graph: Graph) -> list[Contradiction]:
    """A painter that gives no pictures, a judge that reads none."""
    paints, reads = graph.outputs[0].kind == "picture", any(spec.kind == "picture" for spec in graph.inputs)
    wanted = {"paint": (True, False), "synthesize": (True, False), "map": (False, False), "translate": (True, True)}
    gives, takes = wanted.get(str(graph.role), (False, True))  # embed, judge
    if graph.role not in ROLES or (paints, reads) == (gives, takes) or (graph.role == "paint" and paints):
        return []
    what = (
        f"graph {graph.name!r} has the role {graph.role!r}, and it {'reads' if reads else 'reads no'} pictures and "
        f"{'gives' if paints else 'gives no'} pictures."
    )
    expected = f"{'pictures' if takes else 'no pictures'} in, {'pictures' if gives else 'none'} out"
    remedy = f"Expected of it: {expected}; look at its role, and at the kind of its TensorSpecs."
    return [Contradiction(kind="role", what=what, remedy=remedy)]


def _against_data(graph: Graph, data: DataInfo) -> list[Contradiction]:
    """Whether what a graph reads and paints are pictures as the data have them, where it says which those are."""
    read, painted = (data.pictures.get(domain) if domain else None for domain in (graph.reads, graph.paints))
    dims: dict[str, int] = {BATCH.name: 1}
    for what, spec, picture in (("reads", graph.inputs[:1], read), ("paints", graph.outputs[:1], painted)):
        if not spec or picture is None or spec[0].kind != "picture" or len(spec[0].shape) != 4:
            continue
        if what == "reads":
            sides = zip(spec[0].shape[2:], picture.shape[1:], strict=True)
            dims |= {side.name: size for side, size in sides if isinstance(side, Dim)}
        if any(isinstance(side, Dim) and side.name not in dims for side in spec[0].shape):
            continue
        found = spec[0].sizes(dims)[1:]
        if found != picture.shape:
            domain = graph.reads if what == "reads" else graph.paints
            told = f"graph {graph.name!r} {what} pictures of {_by(found)}, and those of {domain} are {picture}."
            remedy = "Take sizes from self.data.pictures, or refuse them in build() with a RequestError."
            return [Contradiction(kind="output", what=told, remedy=remedy)]
    return []


def _feeds(output: TensorSpec, given: TensorSpec) -> bool:
    sizes = [tuple(str(size) for size in spec.shape[1:]) for spec in (output, given)]
    return sizes[0] == sizes[1] and output.dtype == given.dtype


def misbehaviour(graphs: Sequence[Graph]) -> list[Contradiction]:
    """Outputs against their declaration, for batches of 2 and 3 and for two sizes where sizes are open.

    Leaves torch's generators as they were.
    """
    found = []
    for graph in graphs:
        device = _device(graph.module)
        with _same_randomness(device):
            found += _misbehaviour(graph, device)
    return found


def _device(module: nn.Module) -> torch.device:
    return next((tensor.device for tensor in module.parameters()), torch.device("cpu"))


def _same_randomness(device: torch.device) -> contextlib.AbstractContextManager[None]:
    forked: contextlib.AbstractContextManager[None] = torch.random.fork_rng([device] if device.type == "cuda" else [])
    return forked


def _misbehaviour(graph: Graph, device: torch.device) -> list[Contradiction]:
    sizes = _sizes(graph)
    # The two are the last of the three and the first, so that a row which sees those before it is found too.
    runs = [((0, 1, 2), sizes[0])] * 2 + [((2, 0), dims) for dims in sizes]
    results: list[tuple[Tensor, ...]] = []
    for seeds, dims in runs:
        count = len(seeds)
        rows = [torch.from_numpy(spec.sample(seeds, dims)).to(device) for spec in graph.inputs]
        try:
            outputs = graph.run(*rows)
        except GanzooError as error:
            return [Contradiction(kind="output", what=error.message, remedy="Return what graphs() declares.")]
        except Exception as error:
            given = ", ".join(f"{spec.name} {list(row.shape)}" for spec, row in zip(graph.inputs, rows, strict=True))
            what = f"graph {graph.name!r} fails for {given}: {one_line(error)}."
            remedy = (
                "Its inputs are drawn as their TensorSpecs in graphs() say: is one of them of another shape or kind?"
            )
            return [Contradiction(kind="output", what=what, remedy=remedy)]
        if wrong := _against_declaration(graph, outputs, {**dims, BATCH.name: count}):
            return wrong
        results.append(outputs)
    again, fewer = results[1], results[2]
    for spec, one, two, three in zip(graph.outputs, results[0], again, fewer, strict=True):
        if not torch.equal(one, two):
            what = f"graph {graph.name!r} gives two results {spec.name!r} for one input in evaluation mode."
            remedy = "Is it random there? Draw noise in training alone, or make it an input of the graph."
            return [Contradiction(kind="random", what=what, remedy=remedy)]
        largest = float(one.double().abs().max()) if one.numel() else 0.0
        apart = float((one[[2, 0]].double() - three.double()).abs().max()) if three.numel() else 0.0
        rounding = _ROUNDING if device.type == "cpu" else _ROUNDING_TF32
        if apart > rounding * max(largest, 1e-12):
            what = (
                f"graph {graph.name!r}: a row of {spec.name!r} depends on the other rows of the batch: the same two "
                f"differ by {apart:.2g} beside a third."
            )
            remedy = "Does the module take a mean, a norm or a sort over the batch (dimension 0)?"
            return [Contradiction(kind="rows", what=what, remedy=remedy)]
    return []


def _against_declaration(graph: Graph, outputs: tuple[Tensor, ...], dims: Mapping[str, int]) -> list[Contradiction]:
    remedy = "Change the TensorSpec in graphs(), or what the module returns."
    if len(outputs) != len(graph.outputs):
        what = f"graph {graph.name!r} declares {len(graph.outputs)} outputs and gives {len(outputs)}."
        return [Contradiction(kind="output", what=what, remedy=remedy)]
    known = {dim.name for spec in graph.inputs for dim in spec.shape if isinstance(dim, Dim)} | {BATCH.name}
    for spec, value in zip(graph.outputs, outputs, strict=True):
        if strange := [dim.name for dim in spec.shape if isinstance(dim, Dim) and dim.name not in known]:
            what = f"graph {graph.name!r} declares {spec.name!r} with the dimension {strange[0]!r}, which no input has."
            return [Contradiction(kind="output", what=what, remedy=remedy)]
        expected, dtype = spec.sizes(dims), str(value.dtype).removeprefix("torch.")
        if tuple(value.shape) != expected or dtype != spec.dtype:
            what = (
                f"graph {graph.name!r} declares {spec.name!r} as {_by(expected)} {spec.dtype} and gives "
                f"{_by(value.shape)} {dtype}."
            )
            return [Contradiction(kind="output", what=what, remedy=remedy)]
        if value.is_floating_point() and not value.isfinite().all():
            what = f"graph {graph.name!r} gives {spec.name!r} with values that are not finite."
            return [
                Contradiction(kind="finite", what=what, remedy="Look for a division by 0, or a log or root of 0."),
            ]
    return []


def _discriminator(twin: NoiseToImage) -> list[Contradiction]:
    """Whether it gives one row of logits for each picture. Pictures that it refuses are its first step's to tell."""
    count, device = 2, _device(twin)
    picture = twin.picture_spec("image")
    specs = [picture, *twin.condition_inputs()]
    rows = [torch.from_numpy(spec.sample(range(count))).to(device) for spec in specs]
    try:
        with torch.no_grad(), _same_randomness(device):
            logits = twin.discriminator(*rows)
    except Exception:
        return []
    if not isinstance(logits, Tensor):
        what = f"the discriminator returns a {type(logits).__name__}."
        remedy = "Expected one tensor of logits that begins with the batch; put several heads together in it."
        return [Contradiction(kind="discriminator", what=what, remedy=remedy)]
    if logits.ndim == 0 or logits.shape[0] != count:
        what = f"the discriminator gives {_by(logits.shape) or 'a scalar'} for {count} pictures."
        remedy = "Expected logits of a shape that begins with the batch; the loss takes the mean."
        return [Contradiction(kind="discriminator", what=what, remedy=remedy)]
    return []


def _sizes(graph: Graph) -> list[dict[str, int]]:
    """One size of each open dimension; and where there are any, another, of which one side is longer."""
    dims = {dim.name: dim for spec in graph.inputs for dim in spec.shape if isinstance(dim, Dim) and dim != BATCH}
    first = {name: dim.smallest(min(dim.default or _FAIR_PIXELS, _FAIR_PIXELS)) for name, dim in dims.items()}
    second = {name: first[name] + (dim.multiple if place == 0 else 0) for place, (name, dim) in enumerate(dims.items())}
    return [first, second] if dims else [first]


def _shown(spec: TensorSpec) -> str:
    return f"{'x'.join(str(size) for size in spec.shape[1:])} {spec.dtype}"


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
