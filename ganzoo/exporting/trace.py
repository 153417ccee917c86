"""A graph of torch modules to the bytes of one ONNX file."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.architecture import Graph
from ganzoo.errors import ExportError, one_line
from ganzoo.plugin.streams import stdout_to
from ganzoo.runtime.file import RANDOM_OPERATORS
from ganzoo.runtime.reading import nodes
from ganzoo.tensors import BATCH, Dim, TensorSpec

Precision = Literal["fp32", "fp16"]
Output = Literal["float", "uint8"]

OPSET = 18
"""The exporter's native opset, and the newest whose convolution and padding kernels every CUDA provider has."""

_TRACED_BATCH = 2  # not 1: a batch of one is specialised by the exporter
_LARGEST_BYTES = 2**31 - 1  # of a protobuf message


class FileFormat(nn.Module):
    """A graph's module with its precision inside and, for uint8, pixels as 0..255.

    Inputs stay as the graph declares them and float outputs stay float32, so that a consumer need not
    know the precision of the file.
    """

    def __init__(self, graph: Graph, precision: Precision, output: Output) -> None:
        super().__init__()
        self.module = graph.module
        self._specs = graph.outputs
        self._half = precision == "fp16"
        self._uint8 = output == "uint8"

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if self._half:
            inputs = tuple(value.half() if value.is_floating_point() else value for value in inputs)
        result = self.module(*inputs)
        results = result if isinstance(result, tuple) else (result,)
        return tuple(self._finish(value, spec) for value, spec in zip(results, self._specs, strict=True))

    def _finish(self, value: Tensor, spec: TensorSpec) -> Tensor:
        if self._half and value.is_floating_point():
            value = value.float()
        if self._uint8 and spec.kind == "picture":
            # Rounded like ganzoo's own pictures: the nearest of 256 levels.
            scaled = (value - spec.low) * (255 / (spec.high - spec.low))
            return scaled.round().clamp(0, 255).to(torch.uint8)
        return value


def with_format(graph: Graph, precision: Precision, output: Output) -> Graph:
    """The graph as it will stand in the file. `graph.module` is converted in place for fp16."""
    outputs = tuple(
        replace(spec, dtype="uint8", low=0.0, high=255.0) if output == "uint8" and spec.kind == "picture" else spec
        for spec in graph.outputs
    )
    if precision == "fp16":
        graph.module.half()
    return replace(graph, module=FileFormat(graph, precision, output).eval(), outputs=outputs)


def trace(graph: Graph, metadata: Mapping[str, str]) -> bytes:
    """One ONNX model with weights inside, symbolic dimensions, and no paths of the machine that made it.

    The same weights give the same bytes. Raises ExportError when torch cannot export the module, when a
    dimension came out fixed, for random operators, and for a model over 2 GB.
    """
    dims = {dim.name: _traced_size(dim) for spec in graph.inputs for dim in spec.shape if isinstance(dim, Dim)}
    dims[BATCH.name] = _TRACED_BATCH
    seeds = range(_TRACED_BATCH)
    example = tuple(torch.from_numpy(spec.sample(list(seeds), dims)) for spec in graph.inputs)
    shapes = tuple(
        {axis: dim.name for axis, dim in enumerate(spec.shape) if isinstance(dim, Dim)} for spec in graph.inputs
    )
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                graph.module,
                example,
                dynamo=True,
                input_names=[spec.name for spec in graph.inputs],
                output_names=[spec.name for spec in graph.outputs],
                dynamic_shapes=(shapes,),  # FileFormat takes *inputs: one entry, a tuple
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:
        raise ExportError(
            f"torch {torch.__version__} cannot export the graph {graph.name!r}: {_cause(error)}",
            hint="The module must be free of data-dependent control flow and of operators that ONNX lacks.",
        ) from error
    assert program is not None
    return _serialize(program, graph, metadata)


def _cause(error: BaseException) -> str:
    """What went wrong at first, and where in the module: the exporter wraps it in pages of advice."""
    first = error
    while (inner := first.__cause__ or (None if first.__suppress_context__ else first.__context__)) is not None:
        first = inner
    text = one_line(first, limit=600)
    frames = [
        frame
        for frame in traceback.extract_tb(first.__traceback__)
        if "/torch/" not in frame.filename.replace("\\", "/") and "<" not in frame.filename
    ]
    return f"{text} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else text


def _serialize(program: Any, graph: Graph, metadata: Mapping[str, str]) -> bytes:
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    ClearMetadataAndDocStringPass()(program.model)  # nodes carry stack traces with build paths
    _rename_doubles(program.model.graph)
    program.model.metadata_props.clear()
    program.model.metadata_props.update(sorted(metadata.items()))
    proto = onnx_ir.serde.serialize_model(program.model)
    opset = {item.domain: item.version for item in proto.opset_import}.get("")
    if opset != OPSET:
        raise ExportError(f"the exporter wrote opset {opset} for {graph.name!r}; asked for was {OPSET}")
    _check_symbolic(graph.inputs, proto.graph.input)
    _check_symbolic(graph.outputs, proto.graph.output)
    random = sorted({node.op_type for node in nodes(proto.graph)} & RANDOM_OPERATORS)
    if random:
        raise ExportError(
            f"graph {graph.name!r} draws random numbers inside ({', '.join(random)}), which no seed reaches.",
            hint="Make the noise a buffer or an input of the graph.",
        )
    if proto.ByteSize() > _LARGEST_BYTES:
        raise ExportError(f"graph {graph.name!r} has {proto.ByteSize():,} bytes; one ONNX file holds 2 GB.")
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _rename_doubles(graph: Any) -> None:
    """torch names what is inside after its operators, and does not see that an input or output has that name."""
    ours = [*graph.inputs, *graph.outputs]
    taken = {value.name for value in ours}
    for number, value in enumerate(value for node in graph for value in node.outputs):
        if value.name in taken and not any(value is one for one in ours):
            value.name = f"{value.name}.{number}"


def _check_symbolic(specs: Sequence[TensorSpec], values: Any) -> None:
    """A dimension asked to be symbolic can come out as the traced size without a word."""
    for spec, value in zip(specs, values, strict=True):
        for axis, (size, found) in enumerate(zip(spec.shape, value.type.tensor_type.shape.dim, strict=True)):
            if isinstance(size, Dim) and not found.dim_param:
                raise ExportError(
                    f"dimension {axis} ({size}) of {spec.name!r} came out fixed at {found.dim_value}.",
                    hint="Something in the module depends on the traced size, for example int(x.shape[0]).",
                )
            if isinstance(size, Dim) and (size.times > 1 or size.rounded > 1):
                found.dim_param = str(size)  # torch writes it in one of several ways


def _traced_size(dim: Dim) -> int:
    """A size the network accepts, large enough that it is not special: the exporter specialises 0 and 1."""
    size = dim.multiple
    while size < max(dim.least, 2):
        size += dim.multiple
    return size


_one_at_a_time = threading.RLock()  # torch's exporter keeps its state in globals, and so do warnings


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports its steps and inner deprecations; what matters here is checked afterwards."""
    logger = logging.getLogger("torch.onnx")
    with _one_at_a_time, warnings.catch_warnings(), stdout_to(io.StringIO()):
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
