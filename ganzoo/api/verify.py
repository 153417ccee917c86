"""The proof of an exported file, repeated here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.api.arguments import to_path

if TYPE_CHECKING:
    from ganzoo.exporting.exporter import ExportedGraph
    from ganzoo.exporting.proof_file import Proof


def verify(file: ExportedGraph | Path | str, *, provider: str = "cpu") -> Proof:
    """Compare what a file paints on this machine with the sample of torch's pixels in MODEL.proof.json. Needs no torch.

    provider: of ONNX Runtime. Raises ExportError when the proof is missing or damaged, GateError when the file is not
    the proved one or does not paint the same, RequestError or BenchError for a provider that is not there.
    """
    from ganzoo.exporting.proof import verify as verify_file

    return verify_file(to_path(file, "file"), provider)
