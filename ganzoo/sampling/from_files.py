"""ONNX files as functions of arrays. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, distinct_names, shell_word
from ganzoo.roles import Signature, inferred_role
from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.session import open_checked, run_session
from ganzoo.sampling.graphs import GraphFunction, GraphSet

if TYPE_CHECKING:
    from numpy.typing import NDArray


def open_files(paths: Sequence[Path], *, as_declared: bool = False, provider: str = "cpu") -> GraphSet:
    """Files that belong together: a generator, a mapping with its synthesis, one direction with the other.

    as_declared: in the order that their architecture has them, the main one first, and not that of the paths.
    provider: of ONNX Runtime, that paints.
    Raises ExportError for a file that cannot be read, RequestError for one that does not say how its inputs are drawn,
    for two of one graph, and for files of different architectures, or of different models of one.
    """
    files = [OnnxFile(path) for path in paths]
    if as_declared:
        files.sort(key=_position)
    _check_company(files)
    signatures = {graph_name(file): _signature(file) for file in files}
    identity = files[0].metadata.get(f"{PREFIX}model_sha256", "")
    graphs = [_function(file, signatures, provider) for file in files]
    return GraphSet(path=paths[0], graphs=graphs, identity=lambda: identity)


def _position(file: OnnxFile) -> int:
    text = file.metadata.get(f"{PREFIX}position", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def files_in(folder: Path) -> list[Path]:
    """The ONNX files of a folder, by name; hidden ones are those that are being written."""
    return sorted(path for path in folder.glob("*.onnx") if not path.name.startswith("."))


def graph_name(file: OnnxFile) -> str:
    """What the file calls its graph, or else its own name."""
    return str(file.metadata.get(f"{PREFIX}graph", file.path.stem))


def _check_company(files: Sequence[OnnxFile]) -> None:
    names = distinct_names(file.path for file in files)
    by_graph: dict[str, list[Path]] = {}
    for file in files:
        by_graph.setdefault(graph_name(file), []).append(file.path)
    for name, paths in by_graph.items():
        if len(paths) > 1:
            raise RequestError(
                f"{len(paths)} of the files hold the graph {name!r}: {', '.join(map(str, paths))}.",
                hint=f"Name the one that shall paint, for example {paths[0]}.",
            )
    makers = {file.metadata.get(f"{PREFIX}architecture", ""): names[file.path] for file in files}
    if len(makers) > 1:
        named = ", ".join(f"{name} ({architecture or 'unknown'})" for architecture, name in makers.items())
        raise RequestError(f"The files are of different architectures: {named}.", hint="Name those of one.")
    models: dict[str, str] = {}
    for file in files:
        if tie := file.metadata.get(f"{PREFIX}model_sha256"):
            models.setdefault(tie, names[file.path])
    if len(models) > 1:
        named = ", ".join(f"{name} ({tie[:12]})" for tie, name in models.items())
        raise RequestError(
            f"The files are of different models, whose weights do not belong together: {named}.",
            hint="Name those of one export; `ganzoo inspect` shows ganzoo.model_sha256 of each.",
        )


def _signature(file: OnnxFile) -> Signature:
    if file.input_specs is None or file.output_specs is None:
        raise RequestError(
            f"{file.path} does not say how its inputs are drawn; only files exported by ganzoo do.",
            hint=f"ganzoo inspect {shell_word(file.path)} shows what it holds.",
        )
    return file.input_specs, file.output_specs


def _function(file: OnnxFile, signatures: Mapping[str, Signature], provider: str) -> GraphFunction:
    name, path = graph_name(file), file.path
    inputs, outputs = signatures[name]
    declared = file.role or inferred_role(name, signatures)
    session = open_checked(path, provider).session

    def run(arrays: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        return run_session(session, {spec.name: array for spec, array in zip(inputs, arrays, strict=True)}, path)

    return GraphFunction(
        name=name,
        inputs=inputs,
        outputs=outputs,
        run=run,
        role=declared.role,
        after=declared.after,
        back=declared.back,
        reach=file.reach,
    )
