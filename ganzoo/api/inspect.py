"""What an ONNX file holds and says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_path, to_run
from ganzoo.api.open_run import open_run

if TYPE_CHECKING:
    from ganzoo.exporting.exporter import ExportedGraph
    from ganzoo.runs.run import Run


def inspect(file: ExportedGraph | Path | str) -> dict[str, Any]:
    """Inputs, outputs, operators, hashes and metadata of any ONNX file, ours or not, as plain values. Needs no torch.

    Raises ExportError for a file that cannot be read.
    """
    from ganzoo.runtime.file import OnnxFile, summarize

    return summarize(OnnxFile(to_path(file, "file")))


def inspect_run(run: Run | Path | str) -> dict[str, Any]:
    """What a run was trained on and what it has left behind, as plain values. Needs no torch.

    Raises CheckpointError for a directory that is no run, RequestError where its architecture is not installed.
    """
    opened = open_run(to_run(run))
    condition = opened.data.condition
    return {
        "run": str(opened.path),
        "architecture": opened.architecture,
        "trained by": opened.trained_by,
        "data": opened.data_description,
        "pictures": str(opened.data),
        "classes": list(condition.names) if condition is not None else [],
        "steps": opened.steps,
        "checkpoints": [checkpoint.path.name for checkpoint in opened.checkpoints],
        "exports": [str(path) for path in opened.exports],
    }
