"""Content of inputs from files: numpy's arrays, and ONNX's own tensors and folders of test data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, one_line, short
from ganzoo.files import open_regular, read_bytes
from ganzoo.runtime.file import OnnxFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_BYTES = 2**31  # of a tensor's message: protobuf has no larger ones


def files_of_data(file: OnnxFile, data: Path) -> dict[str, Path]:
    """For each input its file in a folder of ONNX test data: `input_0.pb` and so on, or the first `test_data_set_*`.

    Raises RequestError where they are not as many as the inputs.
    """
    folder = data
    if not list(folder.glob("input_*.pb")):
        inside = sorted(folder.glob("test_data_set_*"))
        folder = inside[0] if inside else folder
    found = {int(path.stem[6:]): path for path in folder.glob("input_*.pb") if path.stem[6:].isdecimal()}
    if not found:
        raise RequestError(
            f"--data {short(str(data))}: there is no input_0.pb in it, nor in a test_data_set_0 inside.",
            hint="--input NAME=FILE.npy gives the content of one input.",
        )
    names = [tensor.name for tensor in file.inputs]
    if sorted(found) != list(range(len(names))):
        raise RequestError(
            f"--data {short(str(data))} has {len(found)} inputs, and {file.path.name} has {len(names)}: "
            f"{', '.join(names) or 'none'}."
        )
    return {name: found[place] for place, name in enumerate(names)}


def load_array(path: Path) -> NDArray[Any]:
    """A .npy file, without pickles, or a tensor of ONNX in a .pb file. Raises RequestError."""
    import numpy as np

    if path.suffix == ".pb":
        return _load_tensor(path)
    try:
        with open_regular(path) as file:
            array = np.load(file, allow_pickle=False)
    except Exception as error:  # zipfile has errors of its own
        raise RequestError(f"--input: {path} cannot be read as a .npy file: {one_line(error)}") from None
    if not isinstance(array, np.ndarray):
        raise RequestError(f"--input: {path} holds several arrays; expected a .npy file with one.")
    return array


def _load_tensor(path: Path) -> NDArray[Any]:
    import onnx

    try:
        tensor = onnx.TensorProto.FromString(read_bytes(path, most=2**31))
        if not tensor.data_type or tensor.external_data:
            raise ValueError("it holds no numbers of its own")
        return onnx.numpy_helper.to_array(tensor)
    except Exception as error:  # protobuf has errors of its own
        raise RequestError(f"{path} cannot be read as a tensor of ONNX: {one_line(error)}") from None
