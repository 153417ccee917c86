"""Export a run, or an untrained architecture: trace, prove, and only then put the file in place."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganzoo.architecture import Architecture, Graph
from ganzoo.architecture.declarations import Contradiction, misbehaviour, misconnected
from ganzoo.architecture.graphs import graphs_of
from ganzoo.architecture.hashes import model_sha256, weights_sha256
from ganzoo.errors import ExportError, GateError, RequestError, did_you_mean, one_line
from ganzoo.exporting.proof import prove
from ganzoo.exporting.proof_file import Proof, proof_path
from ganzoo.exporting.rounding import parity_bound
from ganzoo.exporting.trace import Output, Precision, trace, with_format
from ganzoo.files import check_inside, check_output, child, open_regular, write_text, written_beside
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.progress import Progress, ProgressListener, Silent
from ganzoo.runtime.file import OnnxFile, describe_metadata
from ganzoo.tensors import TensorSpec
from ganzoo.version import __version__

_PROOF = re.compile(rb'\{\s*"format": \d+,\s*"error": |$')  # how one begins, or an empty file


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where the weights come from, for the file's metadata.

    training_data: a description without paths, "" for untrained. kimg: 0 for untrained and imported.
    """

    offer: InstalledSpec[ArchitectureSpec]
    training_data: str = ""
    kimg: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ExportedGraph:
    """One file that was proved."""

    graph: str
    path: Path
    bytes: int
    proof: Proof

    def __repr__(self) -> str:
        return f"<{self.graph}: {self.path}, {self.bytes / 1e6:.1f} MB, {self.proof!r}>"

    def to_json(self) -> dict[str, Any]:
        """What `ganzoo export --json` prints of it."""
        return {
            "graph": self.graph,
            "file": str(self.path),
            "bytes": self.bytes,
            "sha256": self.proof.model_sha256,
            "error": self.proof.error,
            "batches": [case.dims["batch"] for case in self.proof.cases],
        }


def export_graphs(
    architecture: Architecture,
    origin: Origin,
    *,
    destination: Path,
    graph: str = "",
    precision: Precision = "fp32",
    output: Output = "float",
    progress: ProgressListener | None = None,
    facts: Mapping[str, Any] | None = None,
    within: Path | None = None,
) -> list[ExportedGraph]:
    """Export graphs of an architecture in evaluation mode, which is left as it was.

    destination: an .onnx file for one graph, else a directory for all of them.
    graph: the one to export; "" for all but those that are `on_request`.
    progress: told before the first graph and after each; facts: what it is told besides. within: the run that the
    destination is in, if it is in one.

    Raises RequestError for a graph it does not have or a destination that does not fit, ExportError when
    torch cannot export, GateError when the file does not paint the same pictures. Then nothing is
    written under the final name, and a file that was there before stays.
    """
    every = graphs_of(architecture)
    graphs, model = _chosen(every, graph, origin), model_sha256(every)
    told, exported = progress or Silent(), list[ExportedGraph]()
    connections = misconnected(architecture.graphs(), every)
    _raise_contradictions([one for one in connections if one.kind != "unsaid"], origin, told)
    if not graphs:
        raise ExportError(f"{origin.offer.spec.name} has no graph to export.", hint="Its graphs() gives none.")
    if destination.suffix == ".onnx":
        if len(graphs) > 1:
            names = ", ".join(item.name for item in graphs)
            raise RequestError(
                f"{origin.offer.spec.name} exports {len(graphs)} graphs ({names}) and {destination.name} is one file.",
                hint="Name a directory, or choose one with --graph.",
            )
        targets = [destination]
    else:
        suffix = ("_fp16" if precision == "fp16" else "") + ("_uint8" if output == "uint8" else "")
        targets = [_in_folder(destination, f"{item.name}{suffix}.onnx", origin) for item in graphs]
    for target in targets:
        _check_place(target)
    told.update(Progress(done=0, total=len(graphs), unit="graphs", values=facts or {}))
    for item, target in zip(graphs, targets, strict=True):
        found = misbehaviour([item])
        # With those an export cannot begin; the rest is told when tracing and proof have found nothing worse.
        _raise_contradictions([one for one in found if one.kind == "output"], origin, told)
        rest = [one for one in (*connections, *found) if one.kind not in ("graphs", "role", "output")]
        accept = partial(_raise_contradictions, rest, origin, told)
        try:
            place = _Place(path=target, within=within)
            exported.append(_export_one(item, origin, model, every.index(item), place, precision, output, accept))
        except (ExportError, GateError) as error:
            besides = [one.what for one in rest if one.kind != "unsaid" and one.what not in error.message]
            error.message = "\n".join([error.message, *besides])
            raise
        told.update(Progress(done=len(exported), total=len(graphs), unit="graphs", values=facts or {}))
    return exported


def _raise_contradictions(found: Sequence[Contradiction], origin: Origin, told: ProgressListener) -> None:
    """Raises ExportError for what is not as it is declared; of a plugin of API 1, a warning is said."""
    if origin.offer.api < 2:
        for item in found:
            if item.kind != "unsaid":  # it had no way to say it
                told.say(f"warning: {origin.offer.maker}: {item}")
    elif found:
        listed = "\n".join(f"  {item.what}" for item in found)
        raise ExportError(f"{origin.offer.maker} contradicts what it declares:\n{listed}", hint=found[0].remedy)


def _chosen(graphs: Sequence[Graph], name: str, origin: Origin) -> list[Graph]:
    if not name:
        return [graph for graph in graphs if not graph.on_request]
    names = [graph.name for graph in graphs]
    if name not in names:
        raise RequestError(
            f"{origin.offer.spec.name} has no graph {name!r}.{did_you_mean(name, names)} Graphs: {', '.join(names)}."
        )
    return [graph for graph in graphs if graph.name == name]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    path: Path
    within: Path | None


def _in_folder(folder: Path, name: str, origin: Origin) -> Path:
    try:
        return child(folder, name)
    except ValueError as error:
        raise ExportError(f"{origin.offer.maker}: {error}; it would be that of a graph.") from None


def _check_place(path: Path) -> None:
    """Raises RequestError for a place that holds somebody else's model."""
    check_output(path)
    beside = proof_path(path)
    check_output(beside)
    with contextlib.suppress(FileNotFoundError), open_regular(beside) as file:
        if not _PROOF.match(file.read(100)):
            raise RequestError(
                f"{beside} is there, and is no proof of ganzoo.", hint="Choose another -o, or remove it."
            )
    with contextlib.suppress(ExportError):  # of no file, or of one that is no model
        if not OnnxFile(path).ours:
            raise RequestError(
                f"{path} is a model that ganzoo did not export.", hint="Choose another -o, or remove it."
            )


def _export_one(
    graph: Graph,
    origin: Origin,
    model: str,
    position: int,
    place: _Place,
    precision: Precision,
    output: Output,
    accept: Callable[[], None],
) -> ExportedGraph:
    """position: of the graph among those of its model.

    accept: called when the file is proved; raises when it shall not be kept.
    """
    reference = on_cpu(graph)
    shown = with_format(reference, "fp32", output)
    written = with_format(on_cpu(graph), precision, output)
    bound = parity_bound(reference, precision)
    content = trace(written, _metadata(graph, written, origin, model, position, precision, bound))
    path = place.path
    try:
        if place.within is not None:
            check_inside(path, place.within)
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path, within=place.within) as partial:
            partial.write_bytes(content)
            run = _torch_reference(shown)
            proof = prove(partial, written, run, precision=precision, bound=bound, name=path.name)
            accept()
            proof_path(path).unlink(missing_ok=True)  # the old proof never stands beside the new file
        write_text(proof_path(path), proof.to_json() + "\n", within=place.within)
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be written: {one_line(error)}") from None
    return ExportedGraph(graph=graph.name, path=path, bytes=len(content), proof=proof)


def on_cpu(graph: Graph) -> Graph:
    """The graph with a copy of its module on the CPU, where it is traced and proved, in evaluation mode."""
    return replace(graph, module=copy.deepcopy(graph.module).cpu().eval())


def _torch_reference(graph: Graph) -> Any:
    def run(arrays: list[Any]) -> list[Any]:
        return [tensor.numpy() for tensor in graph.run(*[torch.from_numpy(array) for array in arrays])]

    return run


def _metadata(
    graph: Graph, written: Graph, origin: Origin, model: str, position: int, precision: Precision, bound: float
) -> dict[str, str]:
    facts = {
        "version": __version__,
        "architecture": origin.offer.spec.name,
        "plugin": f"{origin.offer.distribution} {origin.offer.version}",
        "task": origin.offer.spec.task,
        "paper": origin.offer.spec.paper,
        "graph": graph.name,
        "position": str(position),
        "role": str(graph.role),
        **{key: name for key, name in (("after", graph.after), ("back", graph.back)) if name is not None},
        **({"reach": str(graph.reach)} if graph.reach is not None else {}),
        "model_sha256": model,
        "precision": precision,
        "training_data": origin.training_data or "none: untrained",
        "kimg": f"{origin.kimg:g}",
        "weights_sha256": weights_sha256(graph.module),
        "parity_bound": f"{bound:g}",
        "latent": _latent(graph.inputs),
    }
    return describe_metadata(written.inputs, written.outputs, **facts)


def _latent(inputs: Sequence[TensorSpec]) -> str:
    """Size and distribution in words, for readers of metadata that know nothing of ganzoo."""
    return "; ".join(
        f"{spec.name}: {'x'.join(str(size) for size in spec.shape[1:])} {spec.kind}"
        for spec in inputs
        if spec.kind in ("normal", "uniform")
    )
