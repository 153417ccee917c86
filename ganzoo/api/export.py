"""ONNX files that are proved to paint the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.api.arguments import to_choice, to_optional_path, to_run, to_shares
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings
from ganzoo.errors import RequestError, shell_word
from ganzoo.progress import ProgressListener, listener, say_warning
from ganzoo.runs.run import Run

if TYPE_CHECKING:
    from ganzoo.exporting.exporter import ExportedGraph
    from ganzoo.sampling.model import Model


def export(
    run: Run | Model | Path | str,
    *,
    out: Path | str | None = None,
    graph: str = "",
    precision: Literal["fp32", "fp16"] = "fp32",
    output: Literal["float", "uint8"] = "float",
    checkpoint: str | int = "best",
    blend: Mapping[Any, Any] | None = None,
    progress: ProgressListener | None = None,
) -> list[ExportedGraph]:
    """Export a run's graphs to ONNX; a file is kept only when ONNX Runtime agrees with torch at several batch sizes.

    out: MODEL.onnx for one graph, or a directory; RUN/exports if None. graph: the one to export; "" for all.
    precision: of the weights inside. output: pixels in [-1, 1], or 0..255 as uint8.
    checkpoint: "best", "last", or a number of steps. blend: other runs of the same networks by their shares, as of
    `load`.

    Raises RequestError for a graph or checkpoint that is not there, CheckpointError, ExportError when torch cannot
    export it, GateError when the file does not paint the same pictures; then nothing is left under the final name.
    """
    from ganzoo.exporting.exporter import Origin, export_graphs
    from ganzoo.runs.weights import load_trained

    path, place = to_run(run), to_optional_path(out, "out")
    _check(precision, output)
    told = listener(progress)
    registry = installed(told)
    if not path.exists() and str(path) in [offer.name for offer in registry.architectures]:
        raise RequestError(
            f"{path} is an architecture, not a run.",
            hint=f"ganzoo export {shell_word(path)} --untrained -o {shell_word(Path(f'{path}.onnx'))}",
        )
    shares = to_shares(blend)
    trained = load_trained(path, registry, say=say_warning(told), which=str(checkpoint), blend=shares)
    facts = {"run": str(path), "checkpoint": trained.step, "score": trained.score}
    return export_graphs(
        trained.architecture,
        Origin(offer=trained.run.offer, training_data=trained.run.data_description, kimg=trained.kimg),
        destination=place if place is not None else path / "exports",
        graph=graph,
        precision=precision,
        output=output,
        progress=told,
        facts=facts,
        within=path if place is None else None,
    )


def _check(precision: str, output: str) -> None:
    to_choice(precision, "precision", ("fp32", "fp16"))
    to_choice(output, "output", ("float", "uint8"))


def export_untrained(
    architecture: str,
    *,
    out: Path | str,
    graph: str = "",
    precision: Literal["fp32", "fp16"] = "fp32",
    output: Literal["float", "uint8"] = "float",
    preset: str | None = None,
    settings: Settings = None,
    seed: int = 0,
) -> Sequence[ExportedGraph]:
    """Export an architecture with its initial weights, for measuring. Raises what `export` does."""
    from ganzoo.api.build import build
    from ganzoo.architecture.evaluation import evaluation_copy
    from ganzoo.exporting.exporter import Origin, export_graphs

    _check(precision, output)
    network = build(architecture, preset=preset, settings=settings, seed=seed)
    return export_graphs(
        evaluation_copy(network, None),
        Origin(offer=installed().architecture(architecture)),
        destination=Path(out),
        graph=graph,
        precision=precision,
        output=output,
    )
