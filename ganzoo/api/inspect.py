"""What an ONNX file holds and says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_path

if TYPE_CHECKING:
    from ganzoo.exporting.exporter import ExportedGraph


def inspect(file: ExportedGraph | Path | str) -> dict[str, Any]:
    """Inputs, outputs, operators, hashes and metadata of any ONNX file, ours or not, as plain values. Needs no torch.

    Raises ExportError for a file that cannot be read.
    """
    from ganzoo.runtime.file import OnnxFile, summarize

    return summarize(OnnxFile(to_path(file, "file")))
