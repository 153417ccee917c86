"""What was trained, ready to paint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_paths, to_shares
from ganzoo.api.registry import installed
from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, listener, say_warning
from ganzoo.sampling.model import Model

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place


def load(
    source: Place | Iterable[Place],
    *,
    checkpoint: str | int | None = None,
    device: str = "cpu",
    provider: str = "cpu",
    blend: Mapping[Any, Any] | None = None,
    progress: ProgressListener | None = None,
) -> Model:
    """A model from a run, from an ONNX file, from several that belong together, or from a folder of such.

    source: paths, a `Run`, or what `export` gave.

    checkpoint: of a run: "best" (the default), "last", or a number of steps. Files need no torch.
    blend: of a run, others of the same networks by their shares, {"runs/psnr": 0.3}: each weight is so much of theirs.
    device: on which a run paints, as torch names it. provider: of ONNX Runtime, with which files paint.

    Raises RequestError for what is neither, for two files of one graph, or a checkpoint that was not kept;
    CheckpointError, ExportError for what cannot be read.
    """
    paths = to_paths(source, "source")
    if not paths:
        raise RequestError("Nothing is named to load.", hint='ganzoo.load("RUN") or ganzoo.load("generator.onnx")')
    if len(paths) == 1 and paths[0].is_dir() and not (paths[0] / "config.toml").exists():
        from ganzoo.sampling.from_files import files_in

        if found := files_in(paths[0]):
            return _of_files(found, checkpoint, progress, provider, as_declared=True)
    files = [path for path in paths if path.suffix == ".onnx"]
    if not files and len(paths) == 1:
        return _of_run(paths[0], checkpoint, progress, device, to_shares(blend))
    if blend:
        raise RequestError("blend goes with a run; an ONNX file has its weights.")
    if len(files) < len(paths):
        raise RequestError("One run, or ONNX files that belong together, can be sampled at once.")
    return _of_files(files, checkpoint, progress, provider)


def _of_files(
    files: Sequence[Path],
    checkpoint: str | int | None,
    progress: ProgressListener | None,
    provider: str,
    *,
    as_declared: bool = False,
) -> Model:
    from ganzoo.sampling.from_files import open_files

    if checkpoint is not None:
        raise RequestError("--checkpoint goes with a run; an ONNX file holds one.")
    return Model(open_files(files, as_declared=as_declared, provider=provider), say=say_warning(listener(progress)))


def _of_run(
    path: Path,
    checkpoint: str | int | None,
    progress: ProgressListener | None,
    device: str,
    blend: Mapping[Path, float],
) -> Model:
    from ganzoo.sampling.from_run import first_pictures, open_run_graphs

    say = say_warning(listener(progress))
    registry = installed(progress)
    which = "best" if checkpoint is None else str(checkpoint)
    source, trained = open_run_graphs(path, registry, checkpoint=which, say=say, device=device, blend=blend)
    return Model(
        source,
        run=trained.run,
        step=trained.step,
        say=say,
        learnt=lambda run, count: first_pictures(run, registry, count, notify=say),
    )
