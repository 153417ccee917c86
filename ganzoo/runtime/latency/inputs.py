"""What a model is fed: from the file's own description, or from --shape and --input.

A dimension nobody fixed is an error that names it; nothing is guessed but a batch of 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import BenchError, RequestError, did_you_mean, shell_word
from ganzoo.runtime.file import OnnxFile, Tensor
from ganzoo.runtime.latency.content import load_array
from ganzoo.runtime.latency.fills import check_fill, made_up, usual_fill
from ganzoo.tensors import Dim, TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class InputRequest:
    """What the user asked for.

    batches: sizes of the first dimension; empty when not stated.
    sizes: heights and widths of pictures whose size is symbolic; empty when not stated.
    shapes: for an input by name, the shapes to sweep. files: for an input by name, a .npy file.
    dims: for a dimension by its symbolic name, the sizes to sweep. fills: for an input by name, how it is made up.
    data: a folder of ONNX test data, `input_0.pb` and so on; None for none.
    """

    batches: tuple[int, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    shapes: Mapping[str, Sequence[tuple[int, ...]]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    dims: Mapping[str, Sequence[int]] = field(default_factory=dict)
    fills: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None


def sweep_cases(file: OnnxFile, request: InputRequest) -> list[dict[str, tuple[int, ...]]]:
    """The cases of a sweep: for each, the shape of every input.

    Raises RequestError for an unknown input, a shape the file refuses or a dimension nobody fixed.
    """
    _refuse_others(file)
    names = [tensor.name for tensor in file.inputs]
    for option, given in (("--shape", request.shapes), ("--input", request.files), ("--fill", request.fills)):
        for name in given:
            if name not in names:
                raise RequestError(
                    f"{option} {name}: {file.path.name} has no input of that name.{did_you_mean(name, names)} "
                    f"Inputs: {', '.join(names) or 'none'}."
                )
    files = {name: tuple(load_array(path).shape) for name, path in request.files.items()}
    swept = [[(name, shape) for shape in shapes] for name, shapes in request.shapes.items()]
    batches: Sequence[int | None] = request.batches or (None,)
    declared = {spec.name: spec for spec in file.input_specs or ()}
    pictures = [
        tensor
        for tensor in file.inputs
        if _is_open_picture(tensor, declared.get(tensor.name)) and tensor.name not in (*request.shapes, *files)
    ]
    if request.sizes and not pictures:
        raise RequestError(
            f"--size: no input of {file.path.name} is a picture of a size that is open.",
            hint="`ganzoo inspect` shows the shapes; --shape NAME=1x3x256x256 states one.",
        )
    _check_dims(file, request.dims)
    _check_batches(file, request, {*request.shapes, *files})
    named = [[(name, size) for size in sizes] for name, sizes in request.dims.items()]
    cases: list[dict[str, tuple[int, ...]]] = []
    for combination, dims, size, batch in itertools.product(
        itertools.product(*swept), itertools.product(*named), request.sizes or (None,), batches
    ):
        given = {**files, **dict(combination)}
        if size is not None:
            given |= {tensor.name: (*_leading(tensor, option="--size"), *size) for tensor in pictures}
        case = _case(file, given, {*request.shapes, *files}, batch, dict(dims))
        if case not in cases:
            cases.append(case)
    return cases


def _refuse_others(file: OnnxFile) -> None:
    """Raises BenchError for an input that is no tensor."""
    for tensor in file.inputs:
        if tensor.kind != "tensor":
            raise BenchError(
                f"Input {tensor.name!r} of {file.path.name} is of kind {tensor.kind}, and ganzoo feeds tensors alone.",
                hint="Put what makes it of tensors (SequenceConstruct, Optional) into the model.",
            )


def _check_dims(file: OnnxFile, dims: Mapping[str, Sequence[int]]) -> None:
    known = list(dict.fromkeys(size for tensor in file.inputs for size in tensor.shape if isinstance(size, str)))
    for name in dims:
        if name not in known:
            raise RequestError(
                f"No input of {file.path.name} has a dimension {name!r}.{did_you_mean(name, known)} "
                f"Open ones: {', '.join(known) or 'none'}.",
                hint="`ganzoo inspect` shows the shapes.",
            )


def _check_batches(file: OnnxFile, request: InputRequest, stated: Collection[str]) -> None:
    """Raises RequestError for sizes of the batch where nothing is left to have them, or another option has."""
    if not request.batches:
        return
    left = [tensor for tensor in file.inputs if tensor.name not in stated and (tensor.shape or not tensor.ranked)]
    if file.inputs and not left:
        raise RequestError("--batch: the shapes of all inputs are stated, and it does not change them.")
    for tensor in left:
        if tensor.shape and tensor.shape[0] in request.dims:
            raise RequestError(
                f"--batch and --dim {shell_word(tensor.shape[0])} both size the first dimension of {tensor.name!r}: "
                "one of them."
            )


def _is_open_picture(tensor: Tensor, spec: TensorSpec | None) -> bool:
    """A picture (batch, channels, H, W) whose H and W are open. A file of ours says which inputs are pictures."""
    four = len(tensor.shape) == 4 and (spec is None or spec.kind == "picture")
    return four and not any(isinstance(size, int) for size in tensor.shape[2:])


def _leading(tensor: Tensor, *, option: str) -> tuple[int, int]:
    """Batch, 1 where it is open, and channels. Raises RequestError where the channels are open too."""
    first, channels = tensor.shape[:2]
    if not isinstance(channels, int):
        raise RequestError(
            f"{option} leaves the channels of {tensor.name!r} open, and they are not fixed in the file.",
            hint=f"State the whole shape: --shape {shell_word(f'{tensor.name}=1x3x256x256')}",
        )
    return first if isinstance(first, int) else 1, channels


def _case(
    file: OnnxFile,
    given: Mapping[str, tuple[int, ...]],
    stated: Collection[str],
    batch: int | None,
    dims: dict[str, int],
) -> dict[str, tuple[int, ...]]:
    """The shape of every input. stated: of those that are given, the ones whose batch is not ours to choose. dims:
    sizes by symbolic name; those found on the way are added."""
    specs = {spec.name: spec for spec in file.input_specs or ()}
    shapes = {}
    for tensor in sorted(file.inputs, key=lambda tensor: tensor.name not in given):
        wanted = given.get(tensor.name)
        size = None if tensor.name in stated else batch  # what is stated whole stays as it is
        if wanted is not None and size is not None and tensor.shape and not isinstance(tensor.shape[0], int):
            wanted = (size, *wanted[1:])
        spec = specs.get(tensor.name)
        usual = {dim.name: dim.default for dim in spec.shape if isinstance(dim, Dim) and dim.default} if spec else {}
        shapes[tensor.name] = _shape(file, tensor, wanted, size, dims, usual)
        if spec is not None:
            _check_spec(spec, shapes[tensor.name])
    return {tensor.name: shapes[tensor.name] for tensor in file.inputs}


def _shape(
    file: OnnxFile,
    tensor: Tensor,
    wanted: tuple[int, ...] | None,
    batch: int | None,
    dims: dict[str, int],
    usual: Mapping[str, int],
) -> tuple[int, ...]:
    """One input's shape; symbolic names that inputs share are collected in `dims` and must agree.

    usual: what our own files say of a dimension that nobody states.
    """
    if not tensor.ranked:
        if wanted is None:
            raise RequestError(
                f"{tensor.name!r} of {file.path.name} does not say how many dimensions it has.",
                hint=f"State them: --shape {shell_word(f'{tensor.name}=1x3x256x256')}, or --shape NAME=scalar",
            )
        return wanted
    declared = "x".join(str(size or "?") for size in tensor.shape)
    if wanted is not None and len(wanted) != len(tensor.shape):
        raise RequestError(
            f"{tensor.name!r} of {file.path.name} has {len(tensor.shape)} dimensions ({declared}), "
            f"and {'x'.join(map(str, wanted)) or 'scalar'} has {len(wanted)}."
        )
    sizes = []
    for axis, size in enumerate(tensor.shape):
        if isinstance(size, int):
            asked = wanted[axis] if wanted else size
            if axis == 0 and batch is not None:
                asked = batch
            if asked != size:
                raise RequestError(
                    f"{tensor.name!r} of {file.path.name} is fixed at {size} in dimension {axis} ({declared}); "
                    f"{asked} was asked for.",
                    hint="Export the model with that dimension symbolic." if axis == 0 else "",
                )
            sizes.append(size)
            continue
        found = _stated(size, wanted[axis] if wanted else None, dims, usual)
        if axis == 0 and batch is not None and found not in (None, batch):
            raise RequestError(
                f"--batch {shell_word(batch)}: the first dimension of {tensor.name!r} of {file.path.name} is "
                f"{found} already.",
                hint="State one of the two.",
            )
        if found is None and axis == 0:
            found = batch or 1
        if found is None:
            stated = f"{tensor.name}={declared.replace('?', 'N')}"
            raise RequestError(
                f"Dimension {axis} ({size or 'unnamed'}) of input {tensor.name!r} of {file.path.name} is not fixed.",
                hint=f"Say how large: --shape {shell_word(stated)} with numbers."
                + (f" Or --dim {shell_word(f'{size}=16')}" if size else ""),
            )
        if size and dims.setdefault(size, found) != found:
            raise RequestError(
                f"Dimension {size!r} of {file.path.name} is {dims[size]} in one input and {found} in {tensor.name!r}."
            )
        sizes.append(found)
    return tuple(sizes)


def _stated(name: str | None, wanted: int | None, dims: Mapping[str, int], usual: Mapping[str, int]) -> int | None:
    """The size of a symbolic dimension: as asked for, as in an input before, or as our own file says."""
    if wanted is not None or name is None:
        return wanted
    return dims.get(name, usual.get(name))


def _check_spec(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    for dim, size in zip(spec.shape, shape, strict=True):
        if isinstance(dim, Dim) and not dim.accepts(size):
            raise RequestError(
                f"{dim.name} of {spec.name!r} is {size}; the network takes multiples of {dim.multiple} "
                f"from {max(dim.least, dim.multiple)}."
            )


def how_filled(file: OnnxFile, request: InputRequest) -> dict[str, str]:
    """For each input where its content is from: `file`, `described` by the model, or the rule that it is made up by."""
    described = {spec.name for spec in file.input_specs or ()}
    found = {}
    for tensor in file.inputs:
        if tensor.name in request.files:
            found[tensor.name] = "file"
        elif tensor.name in request.fills:
            check_fill(tensor, request.fills[tensor.name])
            found[tensor.name] = request.fills[tensor.name]
        else:
            found[tensor.name] = "described" if tensor.name in described else usual_fill(file, tensor)
    return found


def make_feed(
    file: OnnxFile,
    shapes: Mapping[str, tuple[int, ...]],
    files: Mapping[str, Path],
    fills: Mapping[str, str] | None = None,
    *,
    number: int = 0,
) -> dict[str, NDArray[Any]]:
    """The arrays of one case, the same ones in every process. number: of one of several that differ.

    Ours are drawn by seed as for sampling, but for what `fills` states; see `fills.usual_fill` for others. Raises
    BenchError for a file that does not fit, or a type that cannot be made up.
    """
    import numpy as np

    specs = {spec.name: spec for spec in file.input_specs or ()}
    feed = {}
    for place, tensor in enumerate(file.inputs):
        shape, fill = shapes[tensor.name], (fills or {}).get(tensor.name)
        if tensor.name in files:
            array = load_array(files[tensor.name])
            if array.dtype != _dtype(tensor) or array.shape != shape:
                raise BenchError(
                    f"{files[tensor.name].name} holds {array.dtype} {list(array.shape)}; "
                    f"{tensor.name!r} wants {tensor.dtype} {list(shape)}."
                )
        elif fill is None and tensor.name in specs:
            spec = specs[tensor.name]
            dims = {dim.name: size for dim, size in zip(spec.shape, shape, strict=True) if isinstance(dim, Dim)}
            array = spec.sample(list(range(number * shape[0], (number + 1) * shape[0])), dims)
        else:
            array = made_up(
                fill or usual_fill(file, tensor), shape, _dtype(tensor), seed=place + len(file.inputs) * number
            )
        feed[tensor.name] = np.ascontiguousarray(array).reshape(shape)  # which makes a scalar a row of one
    return feed


def _dtype(tensor: Tensor) -> np.dtype[Any]:
    """Raises BenchError for what is no tensor of numbers or texts."""
    import numpy as np

    try:
        return np.dtype(tensor.dtype)
    except TypeError:
        raise BenchError(f"Input {tensor.name!r} has {tensor.dtype}, which ganzoo cannot make up.") from None
