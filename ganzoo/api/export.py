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
from ganzoo.runs.snapshot import SUFFIX, check_snapshot_place, is_snapshot

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

    run: a run, or weights that `export_weights` wrote.
    out: MODEL.onnx for one graph, or a directory; RUN/exports if None. graph: the one to export; "" for all.
    precision: of the weights inside. output: pixels in [-1, 1], or 0..255 as uint8.
    checkpoint: "best", "last", or a number of steps. blend: other runs of the same networks by their shares, as of
    `load`.

    Raises RequestError for a graph or checkpoint that is not there, CheckpointError, ExportError when torch cannot
    export it, GateError when the file does not paint the same pictures; then nothing is left under the final name.
    """
    from ganzoo.exporting.exporter import Origin, export_graphs
    from ganzoo.runs.trained import load_trained

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
    usual = path.with_suffix("") if is_snapshot(path) else path / "exports"
    return export_graphs(
        trained.architecture,
        Origin(offer=trained.run.offer, training_data=trained.run.data_description, kimg=trained.kimg),
        destination=place if place is not None else usual,
        graph=graph,
        precision=precision,
        output=output,
        progress=told,
        facts=facts,
        within=path if place is None and not is_snapshot(path) else None,
    )


def export_weights(
    run: Run | Model | Path | str,
    *,
    out: Path | str | None = None,
    checkpoint: str | int = "best",
    blend: Mapping[Any, Any] | None = None,
    progress: ProgressListener | None = None,
) -> Path:
    """Write the averaged networks that paint, with the settings to build them, to one small safetensors file.

    It has no optimiser, no discriminator, and nothing of where the pictures lay. `load`, `export`, `evaluate`,
    `project` take it as they take a run, and `train` begins from it (init_from).
    out: FILE.safetensors; RUN/exports/RUN.safetensors if None. checkpoint, blend: as for `export`.

    Raises RequestError for a name that does not end so, CheckpointError for what cannot be read or written.
    """
    from ganzoo.runs.trained import load_trained, save_snapshot

    path, place = to_run(run), to_optional_path(out, "out")
    if place is not None and place.suffix != SUFFIX:
        raise RequestError(f"{place.name} does not end with {SUFFIX}.", hint=f"For example {path.name}{SUFFIX}")
    target = place if place is not None else path / "exports" / f"{path.resolve().name}{SUFFIX}"
    check_snapshot_place(target)
    told = listener(progress)
    trained = load_trained(path, installed(told), say=say_warning(told), which=str(checkpoint), blend=to_shares(blend))
    save_snapshot(trained, target)
    return target


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
