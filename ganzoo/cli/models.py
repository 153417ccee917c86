"""What `sample` paints with: the graphs of a run, or an ONNX file; both are functions of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.common import load_registry, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.architecture import Graph
    from ganzoo.tensors import TensorSpec
    from ganzoo.training.start import Trained

BATCH = 16
"""Pictures painted at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Painter:
    """One graph. run: arrays in the order of `inputs` -> arrays in the order of `outputs`."""

    name: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    run: Callable[[Sequence[NDArray[Any]]], Sequence[NDArray[Any]]]

    @property
    def translates(self) -> bool:
        """Whether it takes pictures; otherwise it paints from noise."""
        return any(spec.draw == "image" for spec in self.inputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Where the painters are from. trained: of a run; None for a file."""

    path: Path
    painters: Sequence[Painter]
    trained: Trained | None = None

    @property
    def origin(self) -> str:
        """In words, behind `64 pictures`."""
        return f" of step {self.trained.step:,}" if self.trained is not None else ""


def open_model(paths: Sequence[Path], checkpoint: str | None = None) -> Model:
    """A run's checkpoint (the best if not stated), or ONNX files that belong together, which need no torch.

    Raises CheckpointError, ExportError or RequestError.
    """
    from ganzoo.errors import RequestError

    files = [path for path in paths if path.suffix == ".onnx"]
    if not files and len(paths) == 1:
        return _open_run(paths[0], checkpoint or "best")
    if len(files) < len(paths):
        raise RequestError("One run, or ONNX files that belong together, can be sampled at once.")
    if checkpoint is not None:
        raise RequestError("--checkpoint goes with a run; an ONNX file holds one.")
    return Model(path=paths[0], painters=[_open_file(path) for path in files])


def _open_file(path: Path) -> Painter:
    from ganzoo.errors import RequestError
    from ganzoo.runtime.file import PREFIX, OnnxFile
    from ganzoo.runtime.session import open_checked, run_session

    file = OnnxFile(path)
    inputs, outputs = file.input_specs, file.output_specs
    if inputs is None or outputs is None:
        raise RequestError(
            f"{path} does not say how its inputs are drawn; only files exported by ganzoo do.",
            hint=f"ganzoo inspect {path} shows what it holds.",
        )
    session = open_checked(path, "cpu").session

    def run(arrays: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        return run_session(session, {spec.name: array for spec, array in zip(inputs, arrays, strict=True)}, path)

    name = file.metadata.get(f"{PREFIX}graph", path.stem)
    return Painter(name=name, inputs=inputs, outputs=outputs, run=run)


def _open_run(path: Path, checkpoint: str) -> Model:
    from ganzoo.training.start import load_trained

    trained = load_trained(path, load_registry(), say=warn, which=checkpoint)
    return Model(path=path, painters=[_painter(graph) for graph in trained.architecture.graphs()], trained=trained)


def _painter(graph: Graph) -> Painter:
    import torch

    from ganzoo.errors import GanzooError
    from ganzoo.training.device import is_out_of_memory

    def run(arrays: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        try:
            return [tensor.numpy() for tensor in graph.run(*[torch.from_numpy(array) for array in arrays])]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shapes = ", ".join("x".join(map(str, array.shape)) for array in arrays)
            raise GanzooError(
                f"Out of memory for {graph.name} of {shapes}.",
                hint="A smaller --size, or the exported file, takes less.",
            ) from error

    return Painter(name=graph.name, inputs=graph.inputs, outputs=graph.outputs, run=run)
