"""What an ONNX file says about itself. Needs onnx, never torch.

A file of ours describes its tensors and origin in `metadata_props` under `ganzoo.*`; any other file
still has inputs, outputs, operators and weights.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ganzoo import files
from ganzoo.errors import ExportError, one_line
from ganzoo.roles import ROLES, GraphRole, Role
from ganzoo.runtime.reading import load_model, nodes
from ganzoo.tensors import TensorSpec

if TYPE_CHECKING:
    from onnx import TensorProto, ValueInfoProto

PREFIX = "ganzoo."
RANDOM_OPERATORS = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
_FORMATS = ("1", "2")
_SMALL = 64  # integer initializers up to this many elements are shapes and axes: structure, not weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """An input or output as the file declares it. A dimension is a size, a symbolic name, or None. ranked: how many
    there are is declared. kind: tensor, or what else ONNX has: a sequence, an optional, a map, a sparse_tensor."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    ranked: bool = True
    kind: str = "tensor"


class OnnxFile:
    """An ONNX model read from `path`. external_files: beside it, in which some of its weights lie.

    Raises ExportError for a file that is not there or is not an ONNX model.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model, self.external_files = load_model(path)
        self.metadata = {item.key: item.value for item in self.model.metadata_props}

    @property
    def ours(self) -> bool:
        """Whether the file describes its tensors as ganzoo does."""
        return f"{PREFIX}inputs" in self.metadata

    @property
    def opset(self) -> int:
        """The version of ONNX's own operator set; 0 when the file names none."""
        return max((item.version for item in self.model.opset_import if item.domain in ("", "ai.onnx")), default=0)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """Declared inputs; initializers that old files list among them are left out."""
        weights = {item.name for item in self.model.graph.initializer}
        return tuple(_tensor(value) for value in self.model.graph.input if value.name not in weights)

    @cached_property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(_tensor(value) for value in self.model.graph.output)

    @cached_property
    def input_specs(self) -> tuple[TensorSpec, ...] | None:
        """How to draw the inputs, or None for a file that does not say. Raises ExportError if damaged."""
        return self._specs("inputs")

    @cached_property
    def output_specs(self) -> tuple[TensorSpec, ...] | None:
        return self._specs("outputs")

    @property
    def role(self) -> GraphRole | None:
        """What the graph is for, and what it belongs to; None for a file of format 1, or not ours.

        Raises ExportError for a role that there is not.
        """
        role = self.metadata.get(f"{PREFIX}role")
        if role is None:
            return None
        if role not in ROLES:
            raise ExportError(f"{self.path}: {PREFIX}role is {role!r}; expected one of {', '.join(ROLES)}.")
        after, back = (self.metadata.get(f"{PREFIX}{key}") or None for key in ("after", "back"))
        return GraphRole(role=cast(Role, role), after=after, back=back)

    @property
    def reach(self) -> int | None:
        """How many pixels of the input away an output pixel sees; None where the file does not say."""
        text = self.metadata.get(f"{PREFIX}reach", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None

    def operators(self) -> dict[str, int]:
        """How many nodes there are of each operator, subgraphs included, most first."""
        counts = Counter(node.op_type for node in nodes(self.model.graph))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def parameter_count(self) -> int:
        """Numbers in all initializers."""
        total = 0
        for tensor in self.model.graph.initializer:
            size = 1
            for dim in tensor.dims:
                size *= dim
            total += size
        return total

    def structure_sha256(self) -> str:
        """A hash of the graph without its weights and names: equal for one architecture in any lab."""
        digest, ids = hashlib.sha256(), {}
        for tensor in self.model.graph.initializer:
            shape = list(tensor.dims)
            content = _bytes(tensor).hex() if _is_structure(tensor) else ""
            ids[tensor.name] = f"{tensor.data_type}{shape}{content}"
        for position, value in enumerate(self.inputs):
            ids[value.name] = f"in{position} {value.dtype} {list(value.shape)}"
        for position, node in enumerate(self.model.graph.node):
            attributes = sorted(_attribute(item) for item in node.attribute)
            reads = [ids.get(name, name and "?") for name in node.input]
            digest.update(f"{node.domain}.{node.op_type}({reads}){attributes}\n".encode())
            ids |= {name: f"{position}.{index}" for index, name in enumerate(node.output)}
        digest.update(str([ids.get(value.name) for value in self.outputs]).encode())
        return digest.hexdigest()

    def weights_sha256(self) -> str:
        """A hash of the initializers in the order of the file."""
        digest = hashlib.sha256()
        for tensor in self.model.graph.initializer:
            if not _is_structure(tensor):
                digest.update(f"{tensor.data_type}{list(tensor.dims)}".encode())
                digest.update(_bytes(tensor))
        return digest.hexdigest()

    def random_operators(self) -> list[str]:
        return sorted(RANDOM_OPERATORS & set(self.operators()))

    def sha256(self) -> str:
        return files.sha256(self.path)

    def size(self) -> int:
        """Bytes on disk, those of external weights among them."""
        return sum(path.stat().st_size for path in (self.path, *self.external_files))

    def _specs(self, which: str) -> tuple[TensorSpec, ...] | None:
        text = self.metadata.get(PREFIX + which)
        if text is None:
            return None
        if (version := self.metadata.get(f"{PREFIX}format", "1")) not in _FORMATS:
            raise ExportError(
                f"{self.path} is of format {version!r}, and this ganzoo reads {' and '.join(_FORMATS)}.",
                hint="It was exported by a newer ganzoo: upgrade this one.",
            )
        try:
            specs = tuple(TensorSpec.from_json(item) for item in files.parse_json(text))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ExportError(f"{self.path}: its metadata {PREFIX}{which} is damaged: {one_line(error)}") from None
        declared = self.inputs if which == "inputs" else self.outputs
        if [spec.name for spec in specs] != [value.name for value in declared]:
            names = [value.name for value in declared]
            raise ExportError(
                f"{self.path}: {PREFIX}{which} describes {[spec.name for spec in specs]}, the graph has {names}."
            )
        for spec, value in zip(specs, declared, strict=True):
            if not _describes(spec, value):
                raise ExportError(
                    f"{self.path}: {PREFIX}{which} describes {spec.name!r} as {spec.dtype} "
                    f"{list(map(str, spec.shape))}, the graph has {value.dtype} {list(value.shape)}."
                )
        return specs


def _describes(spec: TensorSpec, value: Tensor) -> bool:
    """Whether what metadata say of a tensor is what the graph declares; a size that it leaves open fits any."""
    if spec.dtype != value.dtype or len(spec.shape) != len(value.shape):
        return False
    return all(size == found or not isinstance(found, int) for size, found in zip(spec.shape, value.shape, strict=True))


def describe_metadata(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], **facts: str) -> dict[str, str]:
    """`metadata_props` for a file of ours: the tensors, the given facts, and ONNX's `Image.*` keys."""
    props = {
        f"{PREFIX}format": "2",
        f"{PREFIX}inputs": json.dumps([spec.to_json() for spec in inputs]),
        f"{PREFIX}outputs": json.dumps([spec.to_json() for spec in outputs]),
        **{PREFIX + key: value for key, value in facts.items()},
    }
    picture = next((spec for spec in outputs if spec.kind == "picture" and spec.shape[1] in (1, 3)), None)
    if picture is not None:
        props["Image.BitmapPixelFormat"] = "Gray8" if picture.shape[1] == 1 else "Rgb8"
        props["Image.ColorSpaceGamma"] = "SRGB"
        props["Image.NominalPixelRange"] = (
            "NominalRange_0_255"
            if picture.dtype == "uint8"
            else "Normalized_0_1"
            if (picture.low, picture.high) == (0, 1)
            else "Normalized_1_1"
        )
    return props


def _tensor(value: ValueInfoProto) -> Tensor:
    import onnx

    what = (value.type.WhichOneof("value") or "tensor_type").removesuffix("_type")
    kind = value.type.tensor_type
    try:
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
    except KeyError:
        dtype = f"type {kind.elem_type}"
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in kind.shape.dim)
    return Tensor(name=value.name, dtype=dtype, shape=shape, ranked=kind.HasField("shape"), kind=what)


def _is_structure(tensor: TensorProto) -> bool:
    import onnx

    size = 1
    for dim in tensor.dims:
        size *= dim
    return tensor.data_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32) and size <= _SMALL


def _bytes(tensor: TensorProto) -> bytes:
    import onnx

    return onnx.numpy_helper.to_array(tensor).tobytes()


def _attribute(attribute: Any) -> str:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        value = (value.data_type, list(value.dims), _bytes(value).hex())
    elif isinstance(value, onnx.GraphProto):
        value = value.SerializeToString(deterministic=True).hex()
    return f"{attribute.name}={value}"


def _class_names(file: OnnxFile) -> list[str]:
    """Empty for a file that has none, or describes its inputs wrongly, which is not what was asked."""
    try:
        specs = file.input_specs or ()
    except ExportError:
        return []
    return [name for spec in specs if spec.kind == "class" for name in spec.names]


def summarize(file: OnnxFile) -> dict[str, Any]:
    """What `ganzoo inspect --json` prints. Raises ExportError for damaged metadata or weights."""
    try:
        facts: Mapping[str, Any] = {
            "file": file.path.name,
            "bytes": file.path.stat().st_size,
            "sha256": file.sha256(),
            "opset": file.opset,
            "producer": f"{file.model.producer_name} {file.model.producer_version}".strip(),
            "inputs": [{"name": t.name, "dtype": t.dtype, "shape": list(t.shape)} for t in file.inputs],
            "outputs": [{"name": t.name, "dtype": t.dtype, "shape": list(t.shape)} for t in file.outputs],
            "operators": file.operators(),
            "parameters": file.parameter_count(),
            "structure_sha256": file.structure_sha256(),
            "weights_sha256": file.weights_sha256(),
            "random_operators": file.random_operators(),
            "classes": _class_names(file),
            "metadata": dict(sorted(file.metadata.items())),
        }
    except ExportError:
        raise
    except Exception as error:  # sizes that contradict each other, in a file with flipped bytes
        raise ExportError(f"{file.path} is damaged: {one_line(error)}") from None
    return dict(facts)
