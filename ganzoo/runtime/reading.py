"""An ONNX model from its file, and the weights that it keeps beside it. Needs onnx, never torch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import files
from ganzoo.errors import ExportError, did_you_mean, one_line

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

_MOST_BYTES = 2**31 - 1  # of a protobuf message
_MOST_DIMS = 64
_MOST_METADATA = 8 * 2**20
_MOST_TIMES = 2  # how often tensors may claim the bytes that lie beside a model


def load_model(path: Path) -> tuple[ModelProto, list[Path]]:
    """The model with its weights inside, and the files beside it in which some of them lie.

    Raises ExportError for a file that is not there, is not an ONNX model, or claims what it does not have.
    """
    import onnx

    if not path.exists():
        beside = [item.name for item in path.parent.glob("*.onnx")] if path.parent.is_dir() else []
        raise ExportError(f"There is no file {path}.{did_you_mean(path.name, beside)}")
    if path.is_dir():
        raise ExportError(f"{path} is a directory; expected an ONNX file.", hint="Export a run: ganzoo export RUN")
    try:
        if (size := files.size_of(path)) > _MOST_BYTES:
            raise ValueError(f"it has {size:,} bytes, and one ONNX file holds 2 GB")
        with files.open_regular(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = onnx.load(file, format="protobuf", load_external_data=False)
            _check_counts(model)
            outside = _load_weights(model, path)
    except Exception as error:  # protobuf's own errors, and missing external data
        raise ExportError(f"{path} cannot be read as an ONNX model: {one_line(error)}") from None
    if not model.graph.output:
        raise ExportError(f"{path} is not an ONNX model that can be run: its graph has no outputs.")
    if not model.graph.node:
        raise ExportError(f"{path} is not an ONNX model that can be run: its graph has no nodes.")
    return model, outside


def _check_counts(model: ModelProto) -> None:
    """Raises ValueError for tensors of hundreds of dimensions, and for metadata that are a file of their own."""
    if any(len(tensor.dims) > _MOST_DIMS for tensor in _tensors(model)):
        raise ValueError(f"it has a tensor of more than {_MOST_DIMS} dimensions")
    if (size := sum(len(item.key) + len(item.value) for item in model.metadata_props)) > _MOST_METADATA:
        raise ValueError(f"its metadata have {size:,} characters; {_MOST_METADATA:,} are the most")


def _load_weights(model: ModelProto, path: Path) -> list[Path]:
    """Those that lie in other files, which are returned. Raises ValueError, OSError."""
    import onnx

    outside = [tensor for tensor in _tensors(model) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    if not outside:
        return []
    places = set[Path]()
    claimed, there = 0, dict[tuple[int, int], int]()
    for tensor in outside:
        stated = {entry.key: entry.value for entry in tensor.external_data}
        place = path.parent / stated.get("location", "")
        files.size_of(place)
        places.add(place)
        found = place.stat()  # by what the system calls it: one file has many names
        there[found.st_dev, found.st_ino] = found.st_size
        if "length" not in stated:  # it may be left out: it follows from the shape
            tensor.external_data.add(key="length", value=str(_bytes_of(tensor)))
            claimed += _bytes_of(tensor)
        else:
            claimed += int(stated["length"])
        if claimed > _MOST_TIMES * sum(there.values()) + 2**20:
            raise ValueError(f"its weights claim {claimed:,} bytes, and {sum(there.values()):,} lie beside it")
    onnx.load_external_data_for_model(model, str(path.parent))
    return sorted(places)


def _bytes_of(tensor: TensorProto) -> int:
    import onnx

    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    halves = onnx.TensorProto.DataType.Name(tensor.data_type) in ("INT4", "UINT4", "FLOAT4E2M1")
    numbers: int = math.prod(tensor.dims)
    return (numbers + 1) // 2 if halves else numbers * int(kind.itemsize)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Of the graph, of what is inside it, and of its functions' attributes."""
    graphs = [model.graph]
    for node in [*nodes(model.graph), *(node for function in model.functions for node in nodes(function))]:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            graphs += [attribute.g, *attribute.graphs]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def nodes(graph: GraphProto | FunctionProto) -> Iterator[NodeProto]:
    """Every node of a graph, or of a function, those of subgraphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)
            for inner in attribute.graphs:
                yield from nodes(inner)
